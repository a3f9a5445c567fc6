from __future__ import annotations

from collections import Counter
from dataclasses import replace

import cv2
import numpy as np
import pytest

from fxdet.core.labels import REGIONS
from fxdet.imaging.synthetic import DrawingOptions, draw_radiograph, draw_set


def test_same_state_same_picture():
    first, second = (draw_radiograph(np.random.default_rng(7)) for _ in range(2))
    assert (first.pixels == second.pixels).all() and first.region == second.region
    assert (first.fracture_boxes == second.fracture_boxes).all()
    assert (first.pixels != draw_radiograph(np.random.default_rng(8)).pixels).any()


@pytest.mark.parametrize("size", [(64, 64), (16, 40), (300, 1000), (512, 448), (1500, 1200)])
def test_sizes_and_boxes(size, generator):
    for region in REGIONS:
        drawn = draw_radiograph(generator, DrawingOptions(size=size, region=region, fractured=True))
        assert drawn.pixels.shape == size and drawn.pixels.dtype == np.uint8
        assert drawn.region == region and drawn.fractured and drawn.fracture_boxes.shape == (1, 4)
        for box in (*drawn.fracture_boxes, *drawn.region_boxes):
            assert 0 <= box[0] < box[2] <= size[1] and 0 <= box[1] < box[3] <= size[0]
        x, y = drawn.fracture_boxes[0, [0, 2]].mean(), drawn.fracture_boxes[0, [1, 3]].mean()
        left, top, right, bottom = drawn.region_boxes[0]
        assert left <= x <= right and top <= y <= bottom


def test_sound_pictures_have_no_fracture_box(generator):
    drawn = draw_radiograph(generator, DrawingOptions(size=(64, 64), fractured=False))
    assert not drawn.fractured and drawn.fracture_boxes.shape == (0, 4)


def test_the_box_holds_the_change_that_the_fracture_makes():
    """The same random state without displacement is the sound bone; displaced bones differ beyond the box, too."""
    for seed in range(12):
        options = DrawingOptions(size=(512, 448), fractured=True, noise=0, region=REGIONS[seed % 8])
        broken = draw_radiograph(np.random.default_rng(seed), options)
        sound = draw_radiograph(np.random.default_rng(seed), replace(options, displacement=0.0))
        x1, y1, x2, y2 = np.rint(broken.fracture_boxes[0]).astype(int)
        change = np.abs(broken.pixels.astype(int) - sound.pixels)
        assert change[y1:y2, x1:x2].max() > 25  # grey levels: plainly visible
        assert change[y1:y2, x1:x2].mean() > 2 * change.mean()


def test_bone_is_brighter_than_what_surrounds_it(generator):
    for drawn in draw_set(generator, 16, DrawingOptions(size=(256, 256), marker_share=0)):
        bright = drawn.pixels > np.percentile(drawn.pixels, 95)
        rows, columns = np.nonzero(bright)
        left, top, right, bottom = drawn.region_boxes[0]
        inside = (columns >= left - 2) & (columns < right + 2) & (rows >= top - 2) & (rows < bottom + 2)
        assert inside.mean() > 0.98


def test_sets_are_balanced_and_region_tells_nothing_of_the_fracture(generator):
    drawn = draw_set(generator, 32, DrawingOptions(size=(32, 32)))
    assert Counter((picture.region, picture.fractured) for picture in drawn) == {
        (region, fractured): 2 for region in REGIONS for fractured in (False, True)
    }


def test_set_of_one_region_and_kind(generator):
    drawn = draw_set(generator, 3, DrawingOptions(size=(32, 32), region="hip", fractured=True))
    assert [(picture.region, picture.fractured) for picture in drawn] == [("hip", True)] * 3
    assert draw_set(generator, 0) == []


def test_regions_look_different(generator):
    """Nearest mean picture, no learning, names the region far more often than chance (1 in 8)."""
    options = DrawingOptions(size=(64, 64), collimation_share=0, marker_share=0)

    def thumbnails() -> tuple[np.ndarray, np.ndarray]:
        drawn = draw_set(generator, 96, options)
        rows = np.array([cv2.GaussianBlur(picture.pixels, (9, 9), 0).ravel() for picture in drawn], dtype=np.float64)
        rows -= rows.mean(axis=1, keepdims=True)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True), np.array([REGIONS.index(p.region) for p in drawn])

    known, labels = thumbnails()
    fresh, truth = thumbnails()
    guess = labels[np.argmax(fresh @ known.T, axis=1)]
    assert (guess == truth).mean() > 0.6


@pytest.mark.parametrize("options", [{"size": (8, 512)}, {"size": (512, 5000)}, {"region": "wirst"}])
def test_wrong_options_are_named(options):
    with pytest.raises(ValueError, match="DrawingOptions"):
        DrawingOptions(**options)
