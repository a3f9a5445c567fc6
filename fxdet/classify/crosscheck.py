"""Where the classifier looked, against the localizer's box: pure arithmetic on an attention map.

The share of attention inside the box alone says little, because a large box holds a large share of any map.
It is therefore judged against the share that an even map would put there::

    area_share = area of the box inside the crop / area of the crop
    mass       = attention inside the box / attention of the whole crop
    lift       = mass / area_share        (1 = no better than an even map, 1 / area_share = all of it inside)

* *agrees*: ``lift`` reaches ``agree_lift`` and the strongest pixel lies in the box (or at most
  ``peak_margin`` × the crop's side beside it: the map has only a few cells per side);
* *disagrees*: ``lift`` is below ``disagree_lift`` and the strongest pixel lies outside;
* *unsure*: anything else, and a map without any positive attention.

A box that fills most of its crop can't reach a large lift, so ``agree_lift`` is capped halfway between an even
map (1) and the largest possible lift (1 / area_share).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fxdet.core.findings import AttentionGrid, Box, CrossCheck
from fxdet.core.labels import Verdict

Floats = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class CrossCheckLimits:
    """Limits of the verdict.

    Attributes:
        agree_lift: Lift from which the attention speaks for the box, >= 1.
        disagree_lift: Lift below which it speaks against it, unitless.
        peak_margin: How far outside the box the peak may lie and still count, share of the crop's side.
    """

    agree_lift: float = 1.5
    disagree_lift: float = 1.0
    peak_margin: float = 0.07

    def __post_init__(self) -> None:
        if not self.agree_lift >= max(self.disagree_lift, 1.0):
            raise ValueError(
                f"CrossCheckLimits.agree_lift: got {self.agree_lift}, expected at least 1 and disagree_lift"
            )
        if not self.disagree_lift >= 0:
            raise ValueError(f"CrossCheckLimits.disagree_lift: got {self.disagree_lift}, expected >= 0")
        if not 0 <= self.peak_margin <= 0.5:
            raise ValueError(f"CrossCheckLimits.peak_margin: got {self.peak_margin}, expected 0 to 0.5")


def box_in_crop(to_image: Floats, finding_box: Box, side: int) -> NDArray[np.float64]:
    """Return the finding's box in crop pixels, clipped to the crop, shape (4,).

    Args:
        to_image: Affine matrix from crop px to radiograph px, shape (2, 3), without rotation.
        finding_box: x1, y1, x2, y2, px of the radiograph.
        side: Side of the crop, px.

    Example:
        >>> box_in_crop(np.array([[2.0, 0, 10], [0, 2.0, 10]]), (14.0, 14.0, 20.0, 30.0), 8).tolist()
        [2.0, 2.0, 5.0, 8.0]
    """
    inverse = np.linalg.inv(to_image[:, :2])
    corners = (np.array(finding_box, dtype=np.float64).reshape(2, 2) - to_image[:, 2]) @ inverse.T
    return np.asarray(np.clip(np.concatenate([corners.min(axis=0), corners.max(axis=0)]), 0, side))


def coverage(low: float, high: float, side: int) -> NDArray[np.float64]:
    """Return how much of each pixel [i, i + 1) the interval covers, shape (side,), 0–1.

    Example:
        >>> coverage(0.5, 2.25, 4).tolist()
        [0.5, 1.0, 0.25, 0.0]
    """
    edges = np.arange(side, dtype=np.float64)
    return np.asarray(np.clip(np.minimum(high, edges + 1) - np.maximum(low, edges), 0, 1))


def cross_check(
    attention: Floats, to_image: Floats, finding_box: Box, limits: CrossCheckLimits | None = None
) -> CrossCheck:
    """Compare one attention map with the box that it should explain.

    Args:
        attention: Non-negative map of the crop, shape (S, S).
        to_image: Affine matrix from crop px to radiograph px, shape (2, 3).
        finding_box: x1, y1, x2, y2, px of the radiograph.
        limits: Limits of the verdict.

    Returns:
        Mass, peak in radiograph px, and the verdict.
    """
    limits = limits or CrossCheckLimits()
    attention = np.asarray(attention, dtype=np.float64)
    side = attention.shape[0]
    x1, y1, x2, y2 = box_in_crop(np.asarray(to_image, dtype=np.float64), finding_box, side)
    total = float(attention.sum())
    area_share = (x2 - x1) * (y2 - y1) / side**2
    inside = float(coverage(y1, y2, side) @ attention @ coverage(x1, x2, side))
    mass = float(np.clip(inside / total, 0, 1)) if total > 0 else 0.0
    row, column = np.unravel_index(int(np.argmax(attention)), attention.shape)
    peak = np.array([column + 0.5, row + 0.5])
    place = np.asarray(to_image)[:, :2] @ peak + np.asarray(to_image)[:, 2]
    slack = limits.peak_margin * side
    near = bool(x1 - slack <= peak[0] <= x2 + slack and y1 - slack <= peak[1] <= y2 + slack)
    in_box = bool(total > 0 and x1 <= peak[0] < x2 and y1 <= peak[1] < y2)
    verdict = Verdict.UNSURE
    if total > 0 and area_share > 0:
        verdict = judge(mass / area_share, 1 / area_share, near, limits)
    return CrossCheck(mass, (float(place[0]), float(place[1])), in_box, verdict)


GRID_CELLS = 24
"""Cells along each side of an :class:`AttentionGrid`: finer than any network's own map."""


def attention_grid(
    attention: Floats, to_image: Floats, image_size: tuple[int, int], cells: int = GRID_CELLS
) -> AttentionGrid:
    """Return how a map of the whole radiograph spreads over a grid; attention beside the radiograph is left out.

    Args:
        attention: Non-negative map of the padded square, shape (S, S).
        to_image: Affine matrix from map px to radiograph px, shape (2, 3), without rotation.
        image_size: Height and width of the radiograph, px.
        cells: Rows and columns of the grid.

    Example:
        >>> unit = np.array([[1.0, 0, 0], [0, 1.0, 0]])
        >>> attention_grid(np.array([[0.0, 3], [0, 1]]), unit, (2, 2), 2)
        AttentionGrid(cells=((0.0, 0.75), (0.0, 0.25)), peak_xy=(1.5, 0.5))
    """
    attention, matrix = np.asarray(attention, dtype=np.float64), np.asarray(to_image, dtype=np.float64)
    centre = np.arange(attention.shape[0]) + 0.5
    x, y = matrix[0, 0] * centre + matrix[0, 2], matrix[1, 1] * centre + matrix[1, 2]
    (height, width), shares = image_size, np.zeros((cells, cells))
    inside = attention * ((y >= 0) & (y < height))[:, None] * ((x >= 0) & (x < width))[None]
    row, column = (
        np.clip((place * cells / side).astype(np.int64), 0, cells - 1) for place, side in ((y, height), (x, width))
    )
    np.add.at(shares, (row[:, None], column[None]), inside)
    total = float(shares.sum())
    best = np.unravel_index(int(np.argmax(inside)), inside.shape)
    rounded = np.round(shares / total if total > 0 else shares, 6)
    return AttentionGrid(tuple(tuple(line) for line in rounded.tolist()), (float(x[best[1]]), float(y[best[0]])))


def judge(lift: float, largest_lift: float, peak_near: bool, limits: CrossCheckLimits) -> Verdict:
    """Return the verdict for a lift and a pointing hit; see the head of this module.

    Example:
        >>> judge(3.0, 8.0, True, CrossCheckLimits()).value, judge(0.2, 8.0, False, CrossCheckLimits()).value
        ('agrees', 'disagrees')
    """
    needed = min(limits.agree_lift, (1 + largest_lift) / 2)
    if lift >= needed and peak_near:
        return Verdict.AGREES
    if lift < limits.disagree_lift and not peak_near:
        return Verdict.DISAGREES
    return Verdict.UNSURE
