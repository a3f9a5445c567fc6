"""Which detection hits which reference box: COCO's greedy matching, and the simpler one of the FROC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fxdet.core.boxes import box_area, box_iou

Floats = NDArray[np.floating]
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ImageBoxes:
    """Detections and reference boxes of one image and class.

    Attributes:
        xyxy: Detected boxes, shape (N, 4), px.
        score: Their scores, shape (N,).
        reference: Reference boxes, shape (G, 4), px.
    """

    xyxy: Floats
    score: Floats
    reference: Floats


@dataclass(frozen=True, slots=True)
class SizeRange:
    """Reference boxes that count, by area; others are neither hit nor missed.

    Attributes:
        name: E.g. ``small``.
        low, high: Limits of the area, both included.
        relative: Areas are shares of the image instead of px².
    """

    name: str
    low: float = 0.0
    high: float = 1e10
    relative: bool = False


ALL_SIZES = SizeRange("all")

COCO_SIZES = (SizeRange("small", 0, 32**2), SizeRange("medium", 32**2, 96**2), SizeRange("large", 96**2, 1e10))
"""COCO's areas, px²."""

RELATIVE_SIZES = (
    SizeRange("small", 0, 1 / 300, relative=True),
    SizeRange("medium", 1 / 300, 0.03, relative=True),
    SizeRange("large", 0.03, 1.0, relative=True),
)
"""Shares of the image's area: what COCO's limits are on its usual 640 × 480 px."""


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Detections of all images, best score first, with their matches at T thresholds.

    Attributes:
        score: Shape (D,), descending.
        image: Index of the image, shape (D,).
        rank: Place among the image's own detections, shape (D,), from 0.
        true: Whether the detection hits, shape (T, D).
        ignored: Whether it counts as neither true nor false, shape (T, D).
        references: Reference boxes that count, per image, shape (I,).
    """

    score: Matrix
    image: NDArray[np.int64]
    rank: NDArray[np.int64]
    true: NDArray[np.bool_]
    ignored: NDArray[np.bool_]
    references: NDArray[np.int64]

    @property
    def total(self) -> int:
        """Number of reference boxes that count."""
        return int(self.references.sum())


def match_images(
    images: Sequence[ImageBoxes],
    thresholds: Sequence[float] | Floats,
    size: SizeRange = ALL_SIZES,
    image_sizes: Sequence[tuple[int, int]] | None = None,
    maximum: int = 100,
) -> Matches:
    """Match the detections of all images as pycocotools does.

    Detections are taken best first; each takes the free reference box that it overlaps most, if that overlap reaches
    the threshold; of equal overlaps the last wins. Boxes outside ``size`` are taken only where no counting one is left,
    and then the detection is ignored, as is an unmatched detection whose own area lies outside.

    Args:
        images: Boxes per image; images without reference boxes count through their false alarms.
        thresholds: IoU thresholds, shape (T,), 0–1.
        size: Reference boxes that count.
        image_sizes: Height and width per image, px; needed for a relative size.
        maximum: Most detections per image.
    """
    if size.relative and image_sizes is None:
        raise ValueError("match_images.image_sizes: got None, expected the images' sizes for relative areas")
    limits = np.minimum(np.asarray(thresholds, dtype=np.float64), 1 - 1e-10)
    rows = []
    for index, image in enumerate(images):
        scale = float(np.prod(image_sizes[index])) if size.relative and image_sizes is not None else 1.0
        rows.append(_match_one(image, limits, size, scale, maximum))
    return _joined(rows, len(limits), [int((~row[4]).sum()) for row in rows])


def match_affinity(images: Sequence[ImageBoxes], criterion: str, iou: float = 0.3, maximum: int = 100) -> Matches:
    """Match for the FROC: a hit is an overlap of at least ``iou``, or a centre inside the reference box.

    A second detection on the same reference box is a false one.

    Args:
        images: Boxes per image.
        criterion: ``iou`` or ``centre``.
        iou: Least overlap of a hit for the first.
        maximum: Most detections per image.
    """
    if criterion not in ("iou", "centre"):
        raise ValueError(f"match_affinity.criterion: got {criterion!r}, expected 'iou' or 'centre'")
    limit = np.array([min(iou, 1 - 1e-10) if criterion == "iou" else 0.5])
    affinity = _iou if criterion == "iou" else centre_affinity
    rows = []
    for image in images:
        order, found, reference = _ordered(image, maximum)
        true, _ = _greedy(affinity(found, reference), limit, np.zeros(len(reference), dtype=bool))
        nothing = np.zeros((1, len(order)), dtype=bool)
        rows.append((image.score[order], order, true, nothing, np.zeros(len(reference), dtype=bool)))
    return _joined(rows, 1, [len(image.reference) for image in images])


def centre_affinity(xyxy: Matrix, reference: Matrix) -> Matrix:
    """Return 0 where a box's centre lies outside the reference box, else 0.5 + IoU / 2; shape (N, G)."""
    centre = (xyxy[:, None, :2] + xyxy[:, None, 2:]) / 2
    inside = ((centre >= reference[None, :, :2]) & (centre < reference[None, :, 2:])).all(axis=-1)
    return np.where(inside, 0.5 + _iou(xyxy, reference) / 2, 0.0)


_Row = tuple[Floats, NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]


def _iou(xyxy: Matrix, reference: Matrix) -> Matrix:
    return np.asarray(box_iou(xyxy, reference), dtype=np.float64)


def _ordered(image: ImageBoxes, maximum: int) -> tuple[NDArray[np.int64], Matrix, Matrix]:
    order = np.argsort(-np.asarray(image.score), kind="stable")[:maximum]
    found = np.asarray(image.xyxy, dtype=np.float64).reshape(-1, 4)[order]
    return order, found, np.asarray(image.reference, dtype=np.float64).reshape(-1, 4)


def _match_one(image: ImageBoxes, limits: Matrix, size: SizeRange, scale: float, maximum: int) -> _Row:
    """Return scores, own order, true and ignored (T, D), and which reference boxes do not count."""
    order, found, reference = _ordered(image, maximum)
    outside = _outside(reference, size, scale)
    true, on_ignored = _greedy(_iou(found, reference), limits, outside)
    ignored = on_ignored | (~true & _outside(found, size, scale)[None])
    return np.asarray(image.score)[order], order, true, ignored, outside


def _outside(xyxy: Matrix, size: SizeRange, scale: float) -> NDArray[np.bool_]:
    area = box_area(xyxy) / scale
    return np.asarray((area < size.low) | (area > size.high))


def _greedy(affinity: Matrix, limits: Matrix, ignore: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return per threshold and detection whether it takes a counting, or an ignored, reference box; shape (T, D)."""
    detections, references = affinity.shape
    true = np.zeros((len(limits), detections), dtype=bool)
    on_ignored = np.zeros_like(true)
    if not references:
        return true, on_ignored
    free = np.ones((len(limits), references), dtype=bool)
    for row in range(detections):
        if affinity[row].max() < limits.min():
            continue
        for kind, target in ((~ignore, true), (ignore, on_ignored)):
            candidates = np.where(free & kind, affinity[row], -1.0)
            # Of equal overlaps the last wins, as in pycocotools.
            best = references - 1 - candidates[:, ::-1].argmax(axis=1)
            takes = (candidates.max(axis=1) >= limits) & ~true[:, row]
            free[takes, best[takes]] = False
            target[takes, row] = True
    return true, on_ignored


def _joined(rows: Sequence[_Row], thresholds: int, references: Sequence[int]) -> Matches:
    counts = [len(row[0]) for row in rows]
    score = np.concatenate([row[0] for row in rows]).astype(np.float64) if rows else np.zeros(0)
    order = np.argsort(-score, kind="stable")
    empty = np.zeros((thresholds, 0), dtype=bool)
    true, ignored = (np.concatenate([empty, *(row[part] for row in rows)], axis=1)[:, order] for part in (2, 3))
    rank = np.concatenate([np.arange(count) for count in counts]) if rows else np.zeros(0, dtype=np.int64)
    image = np.repeat(np.arange(len(rows)), counts)
    return Matches(score[order], image[order], rank[order], true, ignored, np.asarray(references, dtype=np.int64))
