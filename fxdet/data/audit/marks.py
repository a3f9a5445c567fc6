"""Burned-in marks: characters and rings, found as thin and bright strokes that are no bone.

A mark is told by its shape alone, so letters of lead on the plate count as text, and a bangle that was worn counts as
a ring like one that was drawn. Arrows are not told: by shape, on real pictures, three of four candidates were letters
or screws. Nor is the share of all thin, bright strokes a mark: cortical bone makes most of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 512
"""Longer side, px, to which larger pictures are shrunk: strokes of text are then 1–8 px wide."""

STROKE = 9
"""Widest stroke, px, that counts as thin."""

CONTRAST, BRIGHT = 60, 140
"""A stroke is brighter than its surroundings by this much, and at least this bright, of 255."""

FLAT = 6
"""Largest standard deviation of the grey values around a character."""

CHARACTER_CONTRAST = 130
"""A character is brighter than its ground by this much, of 255."""

CHARACTER_HEIGHTS, CHARACTER_WIDTHS = (5, 32), (2, 32)
"""Heights and widths of characters, px."""

RING_SIDE = 18
"""Shortest long side of a ring, px."""

RING_SHARE = 0.5
"""Largest share of the picture's width or height that a ring takes; more is a frame."""

CONTOURS = 150
"""Most strokes looked at, the longest first; more are noise, and cost time."""

Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark: ``text`` or ``ring``, and its box x, y, width, height, px of the shrunk picture."""

    kind: str
    box: tuple[int, int, int, int]


def mark_properties(grey: Grey) -> dict[str, float]:
    """Return the measures of drawn marks of a grey picture, uint8, shape (H, W).

    ``text`` counts characters, ``rings`` closed ellipses (drawn, or a bangle that was worn).
    """
    kinds = [mark.kind for mark in find_marks(grey)]
    return {"text": float(kinds.count("text")), "rings": float(kinds.count("ring"))}


def find_marks(grey: Grey) -> list[Mark]:
    """Return the characters and rings of a grey picture, uint8, shape (H, W)."""
    small = shrink(grey)
    return list(_marks(small, stroke_mask(small)))


def shrink(grey: Grey) -> Grey:
    """Return a picture whose longer side is at most :data:`SIDE`."""
    height, width = grey.shape
    scale = SIDE / max(height, width)
    if scale >= 1:
        return grey
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def stroke_mask(grey: Grey) -> Grey:
    """Return 255 where thin structures stand out brightly, else 0."""
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (STROKE, STROKE))
    thin = cv2.threshold(cv2.morphologyEx(grey, cv2.MORPH_TOPHAT, kernel), CONTRAST - 1, 255, cv2.THRESH_BINARY)[1]
    bright = cv2.threshold(grey, BRIGHT - 1, 255, cv2.THRESH_BINARY)[1]
    return np.asarray(cv2.bitwise_and(thin, bright), dtype=np.uint8)


def _marks(grey: Grey, mask: Grey) -> Iterator[Mark]:
    contours, tree = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    if tree is None:
        return
    tree = np.asarray(tree).reshape(-1, 4)
    outer = [index for index in range(len(contours)) if tree[index, 3] < 0 and len(contours[index]) >= 6]
    for index in sorted(outer, key=lambda index: -len(contours[index]))[:CONTOURS]:
        box = cv2.boundingRect(contours[index])
        if _is_character(grey, mask, box):
            yield Mark("text", box)
        elif (hole := tree[index, 2]) >= 0 and _is_ring(contours[index], contours[hole], grey.shape[:2]):
            yield Mark("ring", box)


def _is_character(grey: Grey, mask: Grey, box: tuple[int, int, int, int]) -> bool:
    """Tell whether a stroke has a character's size and stands on a flat, dark ground."""
    x, y, width, height = box
    if not (CHARACTER_HEIGHTS[0] <= height <= CHARACTER_HEIGHTS[1]):
        return False
    if not (CHARACTER_WIDTHS[0] <= width <= CHARACTER_WIDTHS[1]):
        return False
    top, left = y - 2, x - 2
    bottom, right = y + height + 2, x + width + 2
    if top < 0 or left < 0 or bottom > grey.shape[0] or right > grey.shape[1]:
        return False
    around = grey[top:bottom, left:right]
    frame = np.concatenate([around[0], around[-1], around[1:-1, 0], around[1:-1, -1]])
    ground = frame[frame < BRIGHT]  # a neighbouring character may reach in
    if ground.size < 0.6 * frame.size or float(ground.std()) > FLAT:
        return False
    return float(around.max()) - float(ground.mean()) >= CHARACTER_CONTRAST


def _is_ring(outer: NDArray[np.int32], hole: NDArray[np.int32], size: tuple[int, int]) -> bool:
    """Tell whether an outline is an ellipse around a hole, in a picture of this height and width."""
    _, _, width, height = cv2.boundingRect(outer)
    if max(width, height) < RING_SIDE or max(width / size[1], height / size[0]) > RING_SHARE or len(hole) < 8:
        return False
    (_, _), axes, _ = cv2.fitEllipse(outer)
    ellipse = np.pi * axes[0] * axes[1] / 4
    area = cv2.contourArea(outer)
    return bool(ellipse > 0 and 0.88 <= area / ellipse <= 1.08 and cv2.contourArea(hole) >= 0.25 * area)
