"""Whether two thumbnails show the same radiograph: laid onto each other, their fine structure must agree everywhere.

The plain correlation of two high-passed pictures is ruled by what is brightest – the edge of the table, a ring, the
grey rest of a truncated file. It calls different hands on one table alike, and two copies of one picture different.
Here the correlation is taken in small windows, each weighted by the structure that *both* pictures have there.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

BLUR = 4.0
"""Spread of the low-pass that is taken away, px of a thumbnail of 72 px."""

WINDOW = 13
"""Side of a window, px of the thumbnail."""

STRONG = 1.5
"""Structure, in units of the picture's mean, above which a window weighs no more: an edge of metal is one edge."""

COVERAGE = 0.5
"""Share of the structure of either picture that the other one must have as well."""

SHIFT = 6.0
"""Largest shift, px of the thumbnail: a twelfth of the picture."""

_FLAT = 0.25
"""Mean fine structure, of 255 greys, below which a thumbnail has nothing to compare."""


def thumbnail_similarity(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Return how well two thumbnails agree, -1–1; the second one turned already, and shifted where that helps.

    What lies below the end of a truncated file is left out of both.

    Args:
        first: uint8, shape (T, T).
        second: uint8, shape (T, T).

    Example:
        >>> picture = np.random.default_rng(0).integers(0, 255, (72, 72), dtype=np.uint8)
        >>> round(thumbnail_similarity(picture, picture // 2 + 9), 2)
        1.0
    """
    one, other = common_area(first, second)
    if min(one.shape) <= 2 * WINDOW:
        return 0.0
    fine, twin = fine_structure(one), fine_structure(other)
    found = local_agreement(fine, twin)
    x, y = _shift(fine, twin)
    if max(abs(x), abs(y)) > SHIFT:
        return found
    matrix = np.array([[1, 0, x], [0, 1, y]], dtype=np.float32)
    moved = cv2.warpAffine(twin, matrix, twin.shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    left, top = int(np.ceil(max(-x, 0))), int(np.ceil(max(-y, 0)))
    right, bottom = twin.shape[1] - int(np.ceil(max(x, 0))), twin.shape[0] - int(np.ceil(max(y, 0)))
    return max(found, local_agreement(fine[top:bottom, left:right], moved[top:bottom, left:right]))


def common_area(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> tuple[Plane, Plane]:
    """Return both thumbnails without the uniform rows and columns at any edge of either, float32."""
    tops, bottoms, lefts, rights = zip(_busy_area(first), _busy_area(second), strict=True)
    area = (slice(max(tops), min(bottoms)), slice(max(lefts), min(rights)))
    return first[area].astype(np.float32), second[area].astype(np.float32)


def _busy_area(thumbnail: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Return first and last + 1 of the rows, then of the columns, that are not of one grey."""
    sides = []
    for axis in (1, 0):
        busy = np.flatnonzero(np.ptp(thumbnail, axis=axis) > 2)
        sides += [int(busy[0]), int(busy[-1]) + 1] if len(busy) else [0, 0]
    return sides[0], sides[1], sides[2], sides[3]


def fine_structure(grey: Plane) -> Plane:
    """Return a picture without its low waves, in units of its mean structure; 0 where it has none."""
    fine = grey - cv2.GaussianBlur(grey, (0, 0), BLUR)
    strength = float(np.abs(fine).mean())
    return np.asarray(fine / strength if strength > _FLAT else np.zeros_like(fine), dtype=np.float32)


def local_agreement(fine: Plane, twin: Plane, inside: Plane | None = None) -> float:
    """Return the mean correlation in windows, -1–1, weighted by the structure that both pictures have there.

    With s and t the standard deviations of both in a window and r their correlation, it is Σ w r / Σ w with
    w = min(s, t, :data:`STRONG`); 0 where Σ w is less than :data:`COVERAGE` of Σ min(max(s, t), STRONG).

    Args:
        fine: From :func:`fine_structure`, float32, shape (H, W).
        twin: The same of the other picture.
        inside: Weight of each place, 0–1, shape (H, W): 0 outside one of the pictures; None is 1 everywhere.
    """
    s_squared, t_squared = _window_mean(fine, fine), _window_mean(twin, twin)
    s, t = np.sqrt(np.maximum(s_squared, 0)), np.sqrt(np.maximum(t_squared, 0))
    weight, most = np.minimum(np.minimum(s, t), STRONG), np.minimum(np.maximum(s, t), STRONG)
    if inside is not None:
        weight, most = weight * inside, most * inside
    total = float(weight.sum())
    if total <= COVERAGE * float(most.sum()):
        return 0.0
    correlation = _window_mean(fine, twin) / (s * t + 1e-3)
    return float((weight * correlation).sum() / total)


def _window_mean(one: Plane, other: Plane) -> Plane:
    """Return the covariance in each window."""
    side = (WINDOW, WINDOW)
    product = cv2.blur(one * other, side, borderType=cv2.BORDER_REFLECT)
    means = cv2.blur(one, side, borderType=cv2.BORDER_REFLECT), cv2.blur(other, side, borderType=cv2.BORDER_REFLECT)
    return np.asarray(product - means[0] * means[1])


def _shift(fine: Plane, twin: Plane) -> tuple[float, float]:
    """Return how far the second picture lies right of and below the first, px (phase correlation)."""
    window = cv2.createHanningWindow(fine.shape[::-1], cv2.CV_32F)
    (x, y), _ = cv2.phaseCorrelate(fine, twin, window)
    return float(x), float(y)
