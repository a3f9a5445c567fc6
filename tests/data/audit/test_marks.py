"""Marks drawn onto drawn radiographs are found, and bones are not taken for marks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fxdet.data.audit.marks import find_marks, mark_properties, shrink
from fxdet.imaging.synthetic import DrawingOptions, draw_radiograph


def forearm(seed, marker_share):
    options = DrawingOptions(size=(454, 373), region="forearm", marker_share=marker_share)
    return draw_radiograph(np.random.default_rng(seed), options).pixels


def flat(height=454, width=373, level=30):
    noise = np.random.default_rng(0).normal(level, 2, (height, width))
    return np.clip(noise, 0, 255).astype(np.uint8)


def test_characters_are_counted_and_placed():
    grey = flat()
    cv2.putText(grey, "L", (300, 60), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 250, 2)
    cv2.putText(grey, "7", (40, 400), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 250, 2)
    marks = find_marks(grey)
    assert [mark.kind for mark in marks] == ["text", "text"]
    assert sorted(mark.box[0] // 100 for mark in marks) == [0, 3]
    assert mark_properties(grey) == {"text": 2.0, "rings": 0.0}


@pytest.mark.parametrize("axes", [(40, 25), (35, 8), (30, 30)])
@pytest.mark.parametrize("angle", [0, 35])
def test_ring_is_found_on_a_radiograph(axes, angle):
    grey = flat(level=60)
    cv2.ellipse(grey, (180, 200), axes, angle, 0, 360, 255, 2)
    assert mark_properties(grey)["rings"] == 1.0


@pytest.mark.parametrize("seed", range(6))
def test_bones_are_no_marks_and_side_markers_are(seed):
    assert mark_properties(forearm(seed, marker_share=0.0)) == {"text": 0.0, "rings": 0.0}
    assert mark_properties(forearm(seed, marker_share=1.0))["text"] == 1.0


def test_frames_open_curves_and_dim_letters_are_no_marks():
    grey = flat()
    cv2.ellipse(grey, (180, 227), (170, 215), 0, 0, 360, 255, 2)  # a frame
    cv2.ellipse(grey, (180, 200), (40, 25), 0, 0, 200, 255, 2)  # open
    cv2.putText(grey, "L", (300, 60), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 90, 2)  # dim
    assert mark_properties(grey) == {"text": 0.0, "rings": 0.0}


def test_large_pictures_are_shrunk_first():
    grey = flat(1400, 1000)
    cv2.putText(grey, "R", (700, 200), cv2.FONT_HERSHEY_SIMPLEX, 2.4, 250, 7)
    assert shrink(grey).shape == (512, 366)
    assert mark_properties(grey)["text"] == 1.0


@pytest.mark.parametrize("size", [(1, 1), (3, 700), (700, 2), (12, 12)])
def test_tiny_and_thin_pictures(size):
    assert mark_properties(np.full(size, 200, np.uint8)) == {"text": 0.0, "rings": 0.0}


@pytest.mark.data
def test_fracatlas_rings_are_the_bangles_that_were_seen(data_root):
    # Each of the 55 was looked at: a bangle around a wrist, none drawn; 6 of them on fractured pictures.
    from fxdet.data.formats import open_samples
    from fxdet.imaging.reading import open_radiograph

    samples = [s for s in open_samples(data_root / "FracAtlas") if s.fractured]
    found = [s for s in samples if mark_properties(np.asarray(open_radiograph(s.path).pixels))["rings"]]
    assert len(found) == 6
