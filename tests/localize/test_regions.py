"""Weak region boxes on drawn sheets whose anatomy is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fxdet.core.boxes import box_iou
from fxdet.imaging.synthetic import DrawingOptions, draw_radiograph
from fxdet.localize.regions import find_regions


def sheet(height: int = 300, width: int = 400) -> np.ndarray:
    generator = np.random.default_rng(0)
    return np.clip(generator.normal(0.05, 0.01, (height, width)), 0, 1)


def test_one_limb_is_boxed() -> None:
    pixels = sheet()
    pixels[40:280, 150:230] = 0.6
    boxes = find_regions(pixels)
    assert box_iou(boxes, np.array([[150.0, 40, 230, 280]])).max() > 0.75
    assert len(boxes) == 1


def test_two_views_on_one_sheet_are_separated() -> None:
    pixels = sheet()
    pixels[20:280, 40:140] = 0.7
    pixels[40:290, 240:330] = 0.6
    boxes = find_regions(pixels)
    truth = np.array([[40.0, 20, 140, 280], [240, 40, 330, 290]])
    assert len(boxes) == 2
    assert (box_iou(truth, boxes).max(axis=1) > 0.75).all()


def test_letters_and_film_edges_are_no_regions() -> None:
    pixels = sheet()
    pixels[30:280, 150:250] = 0.5
    pixels[10:25, 10:30] = 1.0
    pixels[:, -8:] = 1.0
    boxes = find_regions(pixels)
    assert len(boxes) == 1
    assert box_iou(boxes, np.array([[150.0, 30, 250, 280]])).max() > 0.7


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_an_even_picture_is_one_region(value: float) -> None:
    assert find_regions(np.full((60, 40), value)).tolist() == [[0, 0, 40, 60]]


def test_boxes_follow_the_scale_of_the_picture() -> None:
    pixels = sheet()
    pixels[40:280, 150:230] = 0.6
    large = np.kron(pixels, np.ones((4, 4)))
    np.testing.assert_allclose(find_regions(large) / 4, find_regions(pixels), atol=4)


def test_most_drawn_anatomies_are_found() -> None:
    generator = np.random.default_rng(3)
    overlaps = []
    for _ in range(24):
        drawn = draw_radiograph(generator, DrawingOptions(size=(256, 224)))
        found = find_regions(drawn.pixels / 255.0)
        overlaps += (
            box_iou(np.asarray(drawn.region_boxes, dtype=np.float64), found.astype(np.float64)).max(axis=1).tolist()
        )
    assert np.mean(np.array(overlaps) > 0.5) >= 0.8


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 2**32 - 1))
def test_any_picture_gives_boxes_inside_it(height: int, width: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).random((height, width))
    boxes = find_regions(pixels)
    assert len(boxes) >= 1
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2] <= width).all() and (boxes[:, 3] <= height).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()
