"""Weak bone-region boxes from the exposed anatomy.

No public set states where a region lies. What every radiograph shows is bright anatomy before a dark background:
collimation borders and background are cut away, and what remains falls into one box per view on the sheet. The boxes
are weak labels: their error rate was read off contact sheets and stands in ``docs/regions.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class RegionOptions:
    """Limits of the search, as shares of the picture unless said otherwise.

    Attributes:
        side: Longest side on which the search works, px.
        level: Place of the threshold between background and anatomy brightness, 0–1.
        minimum_area: Smaller parts are dropped (markers, letters).
        merge_gap: Parts nearer than this are one view (fingers of a hand).
        minimum_fill: Share of a part's box that its mask must cover (frames and thin lines have less).
        minimum_bright: Brightness that a tenth of a part must reach; uneven background stays below it.
        margin: Added on each side of a box.
    """

    side: int = 256
    level: float = 0.17
    minimum_area: float = 0.03
    merge_gap: float = 0.02
    minimum_fill: float = 0.25
    minimum_bright: float = 0.5
    margin: float = 0.01


def find_regions(pixels: NDArray[np.floating], options: RegionOptions | None = None) -> NDArray[np.float32]:
    """Return one box per view of the exposed anatomy, largest first.

    Args:
        pixels: Grey picture, bone bright, 0–1, shape (H, W).
        options: Limits of the search.

    Returns:
        float32, shape (N, 4), px of ``pixels``; the whole picture when nothing stands out.

    Example:
        >>> sheet = np.zeros((100, 200)); sheet[20:90, 10:70] = 0.7; sheet[15:95, 120:190] = 0.6
        >>> find_regions(sheet).round(-1).astype(int).tolist()
        [[120, 10, 190, 100], [10, 20, 70, 90]]
    """
    options = options or RegionOptions()
    height, width = pixels.shape
    scale = min(1.0, options.side / max(height, width))
    small_size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(np.ascontiguousarray(pixels, dtype=np.float32), small_size, interpolation=cv2.INTER_AREA)
    boxes = _component_boxes(*anatomy_mask(small, options), options)
    if not boxes:
        return np.array([[0, 0, width, height]], dtype=np.float32)
    factor = np.array([width / small_size[0], height / small_size[1]] * 2)
    margin = options.margin * max(height, width)
    xyxy = np.array(boxes, dtype=np.float64) * factor + np.array([-margin, -margin, margin, margin])
    xyxy = np.clip(xyxy, 0, [width, height, width, height])
    areas = (xyxy[:, 2] - xyxy[:, 0]) * (xyxy[:, 3] - xyxy[:, 1])
    return np.asarray(xyxy[np.argsort(-areas, kind="stable")], dtype=np.float32)


def anatomy_mask(small: NDArray[np.float32], options: RegionOptions) -> tuple[Mask, Mask]:
    """Return two masks, shape (H, W), uint8: 1 where anatomy is exposed, and 1 where it is as bright as bone.

    The background level is the 2nd percentile of the picture without its outermost frame, the anatomy level its 95th;
    frames of film or scanner that touch the border and are as bright as bone are removed by ``_peel_strip``.
    """
    smooth = cv2.GaussianBlur(small, (0, 0), 1.5)
    inner = smooth[_inner(smooth.shape[0]), _inner(smooth.shape[1])]
    low, high = np.percentile(inner, (2, 95))
    threshold = low + options.level * max(high - low, 1e-6)
    mask = (smooth > threshold).astype(np.uint8)
    bright = smooth > low + 0.7 * max(high - low, 1e-6)
    for turns in range(4):
        _peel_strip(np.rot90(mask, turns), np.rot90(bright, turns))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, kernel)
    closed = np.asarray(cv2.morphologyEx(opened, cv2.MORPH_CLOSE, kernel), dtype=np.uint8)
    bone = (smooth > low + options.minimum_bright * (high - low)).astype(np.uint8)
    return closed, bone


def _inner(length: int) -> slice:
    edge = length // 20
    return slice(edge, max(edge + 1, length - edge))


def _peel_strip(mask: Mask, bright: NDArray[np.bool_]) -> None:
    """Clear a bright straight strip along the top side (paper, film frame, scanner edge) in place, up to 12 % deep.

    A strip covers at least 35 % of a line near the side; anatomy that is cut by the side covers less or is darker.
    """
    depth = max(1, mask.shape[0] * 12 // 100)
    share = bright[:depth].mean(axis=1)
    rows = np.flatnonzero(share >= 0.35)
    if rows.size and rows[0] <= 2 and share[-1] < 0.35:
        mask[: rows[-1] + 3][bright[: rows[-1] + 3]] = 0
        mask[: rows[-1] + 1] &= share[: rows[-1] + 1, None] < 0.9


def _component_boxes(mask: Mask, bone: Mask, options: RegionOptions) -> list[tuple[int, int, int, int]]:
    """Return boxes of the mask's parts, near ones merged, small and thin ones dropped."""
    area = mask.size
    gap = max(1, round(options.merge_gap * max(mask.shape)))
    joined = cv2.dilate(mask, np.ones((gap, gap), np.uint8))
    count, labels = cv2.connectedComponents(joined)
    boxes = []
    for index in range(1, count):
        part = mask.astype(bool) & (labels == index)
        covered = int(part.sum())
        if covered < options.minimum_area * area or bone[part].mean() < 0.1:
            continue
        rows, columns = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
        box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
        if covered >= options.minimum_fill * (box[2] - box[0]) * (box[3] - box[1]) and not _is_strip(box, mask.shape):
            boxes.append(box)
    return boxes


def _is_strip(box: tuple[int, int, int, int], shape: tuple[int, ...]) -> bool:
    """Tell whether a box is a long thin band: the edge of a film or a lead strip between two views."""
    across, along = sorted((box[2] - box[0], box[3] - box[1]))
    return across < 0.12 * min(shape) and along > 0.4 * max(shape)
