from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fxdet.imaging.geometry import (
    apply_affine,
    compose_affine,
    invert_affine,
    letterbox_matrix,
    square_matrix,
    warp,
)

SIDES = st.integers(1, 5000)


@given(SIDES, SIDES, st.integers(1, 1024))
def test_letterbox_holds_the_whole_picture_in_the_middle(height, width, side):
    inner = apply_affine(letterbox_matrix((height, width), side), np.array([[0, 0, width, height]]))[0]
    assert inner.min() >= -1e-9 and inner.max() <= side + 1e-9
    assert np.allclose(inner, np.rint(inner), atol=1e-9)  # whole pixels: one resampling, no shift
    assert max(inner[2] - inner[0], inner[3] - inner[1]) == pytest.approx(side)
    assert abs(inner[0] - (side - inner[2])) <= 1 + 1e-9 and abs(inner[1] - (side - inner[3])) <= 1 + 1e-9


@pytest.mark.parametrize("size", [(0, 5), (5, 0)])
def test_letterbox_of_nothing_is_an_error(size):
    with pytest.raises(ValueError, match="expected at least 1 px"):
        letterbox_matrix(size, 10)


def test_square_of_an_inverted_box_is_an_error():
    with pytest.raises(ValueError, match="x1 < x2"):
        square_matrix((5.0, 0.0, 5.0, 9.0), 10)


@given(
    st.tuples(st.floats(-500, 3000), st.floats(-500, 3000), st.floats(1, 3000), st.floats(1, 3000)),
    st.integers(1, 640),
    st.tuples(st.floats(0, 3000), st.floats(0, 3000), st.floats(0, 500), st.floats(0, 500)),
)
def test_box_into_the_crop_and_back_is_exact(square, side, box):
    matrix = square_matrix((square[0], square[1], square[0] + square[2], square[1] + square[3]), side)
    boxes = np.array([[box[0], box[1], box[0] + box[2], box[1] + box[3]]])
    assert np.allclose(apply_affine(invert_affine(matrix), apply_affine(matrix, boxes)), boxes, atol=1e-6)
    corners = apply_affine(invert_affine(matrix), np.array([[0, 0, side, side]]))[0]
    assert np.allclose(corners, [square[0], square[1], square[0] + square[2], square[1] + square[3]], atol=1e-6)


def test_empty_boxes_stay_empty():
    assert apply_affine(np.eye(2, 3), np.zeros((0, 4))).shape == (0, 4)


def test_rotation_gives_the_box_around_the_turned_box():
    quarter = np.array([[0.0, -1, 0], [1, 0, 0]])
    assert apply_affine(quarter, np.array([[1.0, 2, 3, 5]])).tolist() == [[-5, 1, -2, 3]]


def test_compose_applies_the_inner_map_first():
    scale, shift = np.array([[2.0, 0, 0], [0, 2, 0]]), np.array([[1.0, 0, 5], [0, 1, 7]])
    assert apply_affine(compose_affine(scale, shift), np.array([[1.0, 1, 2, 2]])).tolist() == [[12, 16, 14, 18]]


def bright_box(pixels: np.ndarray) -> np.ndarray:
    """Bounds of a bright rectangle, from its centre of mass and its width in fractions of pixels."""
    values = pixels.astype(np.float64) / pixels.max()
    sides = []
    for profile in (values.max(axis=0), values.max(axis=1)):
        centre, length = np.average(np.arange(len(profile)) + 0.5, weights=profile), profile.sum()
        sides.append((centre - length / 2, centre + length / 2))
    return np.array(sides).T.ravel()


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["uint8", "uint16", "float32"]),
    st.integers(64, 900),
    st.integers(64, 900),
    st.integers(48, 320),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_a_bright_square_lands_where_its_box_says(dtype, height, width, side, whole, random):
    # Not at the very border, where half a result pixel fades into the black outside.
    x1, y1 = random.randrange(1, width - 40), random.randrange(1, height - 40)
    box = np.array([[x1, y1, x1 + 32, y1 + 36]])
    pixels = np.zeros((height, width), dtype=dtype)
    pixels[y1 : y1 + 36, x1 : x1 + 32] = 200
    if whole:
        matrix = letterbox_matrix((height, width), side)
    else:
        reach = random.uniform(5, 200)
        matrix = square_matrix((x1 - reach, y1 - reach, x1 + 36 + reach, y1 + 36 + reach), side)
    result = warp(pixels, matrix, side)
    assert result.dtype == pixels.dtype and result.shape == (side, side)
    expected = apply_affine(matrix, box)[0]
    # Below eight pixels the partly covered edge rows make the measured bounds, not the mapping, uncertain.
    if min(expected[2:] - expected[:2]) >= 8:
        assert np.abs(bright_box(result) - expected).max() <= 0.5


def test_shrinking_takes_the_mean_of_the_area(generator):
    pixels = generator.integers(0, 65536, (300, 300)).astype(np.uint16)
    result = warp(pixels, letterbox_matrix((300, 300), 30), 30)
    expected = pixels.reshape(30, 10, 30, 10).mean(axis=(1, 3))
    assert np.abs(result - expected).max() <= 0.51


def test_shrinking_keeps_a_line_of_one_pixel():
    pixels = np.zeros((1000, 1000), dtype=np.float32)
    pixels[:, 503] = 1  # bilinear sampling at a tenth of the size would read columns 4.5, 14.5, … and miss it
    result = warp(pixels, square_matrix((7.3, 5.1, 987.3, 985.1), 98), 98)
    assert result[10:90].sum(axis=1) == pytest.approx(np.full(80, 0.1), rel=0.02)


def test_copy_without_scaling_is_exact(generator):
    pixels = generator.integers(0, 256, (50, 70)).astype(np.uint8)
    result = warp(pixels, square_matrix((60.0, -10.0, 100.0, 30.0), 40), 40)
    expected = np.zeros((40, 40), np.uint8)
    expected[10:, :10] = pixels[:30, 60:]
    assert (result == expected).all()


def test_growing_agrees_with_resize(generator):
    pixels = generator.integers(0, 256, (20, 20)).astype(np.float32)
    result = warp(pixels, letterbox_matrix((20, 20), 80), 80)
    expected = cv2.resize(pixels, (80, 80), interpolation=cv2.INTER_LINEAR)
    assert np.abs(result - expected)[4:-4, 4:-4].max() < 4.0  # OpenCV warps on a grid of 1/32 px


def test_crop_beyond_the_picture_is_black():
    pixels = np.full((20, 20), 9, np.uint8)
    assert not warp(pixels, square_matrix((100.0, 100.0, 140.0, 140.0), 16), 16).any()


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1), (40, 40000)])
def test_extreme_sizes(size):
    result = warp(np.full(size, 200, np.uint8), letterbox_matrix(size, 64), 64)
    assert result.max() == 200 and result.shape == (64, 64)


def test_rotation_moves_pixels_as_it_moves_boxes(generator):
    pixels = generator.integers(1, 256, (30, 40)).astype(np.uint8)
    quarter = np.array([[0.0, -1, 30], [1, 0, 0]])  # clockwise, then back into the square
    result = warp(pixels, quarter, 40)
    assert (result[:, :30] == np.rot90(pixels, -1)).all() and not result[:, 30:].any()
