"""Letterbox, square cut-outs and the affine maps between radiograph and crop.

Coordinates are pixel corners: (0, 0) is the outer corner of the top-left pixel, boxes are half-open, and the pixel in
column c covers c to c + 1. A matrix, float64 (2, 3), maps points of the radiograph to points of the crop; its inverse
is what :class:`fxdet.core.objects.Crops` carries as ``to_image``.
"""

from __future__ import annotations

from math import ceil, floor
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Floats = NDArray[np.floating]
Pixels = NDArray[Any]

_ALIGNED = 1e-3
"""Shift, px, below which a map counts as a pure copy: OpenCV itself resolves 1/32 px."""


def letterbox_matrix(image_size_hw: tuple[int, int], side: int) -> Matrix:
    """Return the map that fits a whole radiograph into the middle of a square.

    The scaled picture takes a whole number of pixels and starts on one, so that it is resampled once and not shifted;
    the two scales differ by less than one pixel over the picture, and the matrix states them exactly.

    Args:
        image_size_hw: Height and width of the radiograph, px.
        side: Side of the square, px.

    Returns:
        Matrix radiograph → square, shape (2, 3).

    Example:
        >>> letterbox_matrix((100, 50), 20)
        array([[0.2, 0. , 5. ],
               [0. , 0.2, 0. ]])
    """
    height, width = image_size_hw
    if height < 1 or width < 1 or side < 1:
        raise ValueError(f"letterbox_matrix: got size {image_size_hw} and side {side}, expected at least 1 px")
    scale = side / max(height, width)
    inner_height, inner_width = (min(side, max(1, round(length * scale))) for length in (height, width))
    left, top = (side - inner_width) // 2, (side - inner_height) // 2
    return np.array([[inner_width / width, 0, left], [0, inner_height / height, top]], dtype=np.float64)


def square_matrix(box: Floats | tuple[float, float, float, float], side: int) -> Matrix:
    """Return the map that takes ``box`` (x1, y1, x2, y2, px) to the whole square of ``side`` px.

    Example:
        >>> square_matrix((10.0, 20.0, 30.0, 40.0), 10)
        array([[  0.5,   0. ,  -5. ],
               [  0. ,   0.5, -10. ]])
    """
    x1, y1, x2, y2 = (float(value) for value in box)
    if not (x2 > x1 and y2 > y1):
        raise ValueError(f"square_matrix: got box {(x1, y1, x2, y2)}, expected x1 < x2 and y1 < y2")
    scale_x, scale_y = side / (x2 - x1), side / (y2 - y1)
    return np.array([[scale_x, 0, -x1 * scale_x], [0, scale_y, -y1 * scale_y]], dtype=np.float64)


def invert_affine(matrix: Matrix) -> Matrix:
    """Return the inverse map, shape (2, 3).

    Example:
        >>> invert_affine(np.array([[2.0, 0, 6], [0, 4, 8]])).tolist()
        [[0.5, 0.0, -3.0], [0.0, 0.25, -2.0]]
    """
    linear = np.linalg.inv(matrix[:, :2])
    return np.hstack([linear, -linear @ matrix[:, 2:]]) + 0.0  # + 0.0 turns -0.0 into 0.0


def compose_affine(outer: Matrix, inner: Matrix) -> Matrix:
    """Return the map that applies ``inner`` first and ``outer`` second, shape (2, 3)."""
    return np.hstack([outer[:, :2] @ inner[:, :2], outer[:, :2] @ inner[:, 2:] + outer[:, 2:]])


def apply_affine(matrix: Matrix, xyxy: Floats) -> NDArray[np.float64]:
    """Return the boxes around the mapped boxes, shape (N, 4); exact for maps without rotation.

    Example:
        >>> apply_affine(np.array([[2.0, 0, 6], [0, 4, 8]]), np.array([[0.0, 0, 1, 1]]))
        array([[ 6.,  8.,  8., 12.]])
    """
    boxes = np.asarray(xyxy, dtype=np.float64).reshape(-1, 4)
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
    mapped = corners @ matrix[:, :2].T + matrix[:, 2]
    return np.concatenate([mapped.min(axis=1), mapped.max(axis=1)], axis=1)


def warp(pixels: Pixels, matrix: Matrix, side: int) -> Pixels:
    """Return the square that ``matrix`` cuts out of a picture, at the picture's own dtype; outside it is 0.

    When the map shrinks, every result pixel is the mean of the area it covers: the part of the picture in question is
    first scaled by area, then moved by the remaining fraction of a pixel. Bilinear sampling alone would skip pixels and
    lose fracture lines of one pixel.

    Args:
        pixels: Picture, shape (H, W), uint8, uint16 or float32.
        matrix: Map radiograph → square, shape (2, 3).
        side: Side of the square, px.

    Returns:
        Shape (side, side).
    """
    result = np.zeros((side, side), dtype=pixels.dtype)
    cut, matrix = _cut_source(pixels, matrix, side)
    if cut is None:
        return result
    cut, matrix = _shrink_by_area(cut, matrix)
    if _is_whole_shift(matrix):
        return _paste(cut, round(matrix[0, 2]), round(matrix[1, 2]), result)
    return _move(cut, matrix, side)


def _cut_source(pixels: Pixels, matrix: Matrix, side: int) -> tuple[Pixels | None, Matrix]:
    """Return the part of the picture that the square sees, with a margin for the filter, and the map from it."""
    inverse = invert_affine(matrix)
    x1, y1, x2, y2 = apply_affine(inverse, np.array([[0, 0, side, side]]))[0]
    margin_x, margin_y = 2 * np.maximum(1, np.abs(inverse[:, :2]).sum(axis=1))
    height, width = pixels.shape
    left, right = max(0, floor(x1 - margin_x)), min(width, ceil(x2 + margin_x))
    top, bottom = max(0, floor(y1 - margin_y)), min(height, ceil(y2 + margin_y))
    if left >= right or top >= bottom:
        return None, matrix
    shift = np.array([[1.0, 0, left], [0, 1, top]])
    return pixels[top:bottom, left:right], compose_affine(matrix, shift)


def _shrink_by_area(cut: Pixels, matrix: Matrix) -> tuple[Pixels, Matrix]:
    """Scale each axis that ``matrix`` shrinks by area to about its final size; return what is left of the map."""
    scale = np.linalg.norm(matrix[:, :2], axis=0)
    height, width = cut.shape
    new_width, new_height = (
        max(1, round(length * min(1.0, float(factor)))) for length, factor in ((width, scale[0]), (height, scale[1]))
    )
    if (new_height, new_width) == (height, width):
        return cut, matrix
    shrunk = cv2.resize(np.ascontiguousarray(cut), (new_width, new_height), interpolation=cv2.INTER_AREA)
    back = np.array([[width / new_width, 0.0, 0], [0, height / new_height, 0]])
    return np.asarray(shrunk), compose_affine(matrix, back)


def _is_whole_shift(matrix: Matrix) -> bool:
    """Tell whether the map only moves the picture by whole pixels."""
    shift = matrix[:, 2]
    unscaled = np.abs(matrix[:, :2] - np.eye(2)).max() < 1e-9
    return bool(unscaled and np.abs(shift - np.rint(shift)).max() < _ALIGNED)


def _move(cut: Pixels, matrix: Matrix, side: int) -> Pixels:
    """Sample bilinearly; a result pixel whose centre lies outside ``cut`` is 0."""
    # OpenCV counts from pixel centres; corners and centres are half a pixel apart on both sides.
    centred = matrix.copy()
    centred[:, 2] += centred[:, :2].sum(axis=1) * 0.5 - 0.5
    # With a border of 0 instead, the filter would fade the picture's outermost pixels.
    moved = cv2.warpAffine(cut, centred, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inverse = invert_affine(matrix)
    seen = apply_affine(inverse, np.array([[0, 0, side, side]]))[0]
    if seen.min() >= 0 and seen[2] <= cut.shape[1] and seen[3] <= cut.shape[0]:
        return np.asarray(moved)
    middle = np.arange(side) + 0.5
    x = inverse[0, 0] * middle[None, :] + inverse[0, 1] * middle[:, None] + inverse[0, 2]
    y = inverse[1, 0] * middle[None, :] + inverse[1, 1] * middle[:, None] + inverse[1, 2]
    outside = (x < 0) | (x > cut.shape[1]) | (y < 0) | (y > cut.shape[0])
    moved[outside] = 0
    return np.asarray(moved)


def _paste(cut: Pixels, left: int, top: int, result: Pixels) -> Pixels:
    """Copy ``cut`` to (left, top) of ``result``, which may cut it off on any side."""
    height, width = result.shape
    x1, y1 = max(0, left), max(0, top)
    x2, y2 = min(width, left + cut.shape[1]), min(height, top + cut.shape[0])
    if x1 < x2 and y1 < y2:
        result[y1:y2, x1:x2] = cut[y1 - top : y2 - top, x1 - left : x2 - left]
    return result
