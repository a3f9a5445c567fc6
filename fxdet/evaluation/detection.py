"""Average precision of boxes, as COCO defines it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fxdet.core.boxes import box_iou

Floats = NDArray[np.floating]

COCO_IOUS = np.linspace(0.5, 0.95, 10)
"""The thresholds that AP50:95 averages over."""

RECALL_POINTS = np.linspace(0, 1, 101)


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


def average_precision(
    images: Sequence[ImageBoxes], iou_threshold: float = 0.5, maximum: int = 100, weights: Floats | None = None
) -> float:
    """Return COCO's average precision at one IoU threshold.

    Detections are taken best first; each is matched to the free reference box that it overlaps most, and is true if
    that overlap reaches the threshold. Precision is made monotone and averaged over 101 recall points (pycocotools).

    Args:
        images: Boxes per image; images without reference boxes count through their false alarms.
        iou_threshold: Least overlap of a true detection, 0–1.
        maximum: Most detections per image.
        weights: How often each image counts, shape (len(images),), for a bootstrap; None counts each once.

    Returns:
        Average precision, 0–1; NaN without any reference box.

    Example:
        >>> box = np.array([[0.0, 0, 10, 10]])
        >>> average_precision([ImageBoxes(box, np.array([0.9]), box)])
        1.0
    """
    count = np.ones(len(images)) if weights is None else np.asarray(weights, dtype=np.float64)
    references = sum(weight * len(image.reference) for weight, image in zip(count, images, strict=True))
    if references == 0:
        return float("nan")
    matched = [match_boxes(image, iou_threshold, maximum) for image in images]
    score = np.concatenate([part[0] for part in matched])
    true = np.concatenate([part[1] for part in matched])
    weight = np.repeat(count, [len(part[0]) for part in matched])
    order = np.argsort(-score, kind="mergesort")
    hits = np.cumsum(weight[order] * true[order])
    alarms = np.cumsum(weight[order] * ~true[order])
    return _area(hits / references, hits / np.maximum(hits + alarms, np.finfo(float).eps))


def mean_average_precision(images: Sequence[ImageBoxes], maximum: int = 100) -> float:
    """Return AP50:95, the mean over :data:`COCO_IOUS`."""
    return float(np.mean([average_precision(images, threshold, maximum) for threshold in COCO_IOUS]))


def match_boxes(image: ImageBoxes, iou_threshold: float, maximum: int = 100) -> tuple[Floats, NDArray[np.bool_]]:
    """Return scores, descending, and whether each detection hits a reference box of its own."""
    order = np.argsort(-image.score, kind="mergesort")[:maximum]
    overlap = box_iou(image.xyxy[order].astype(np.float64), image.reference.reshape(-1, 4).astype(np.float64))
    free = np.ones(len(image.reference), dtype=bool)
    true = np.zeros(len(order), dtype=bool)
    for row in range(len(order)):
        # The tolerance is pycocotools': an overlap that equals the threshold counts.
        candidates = np.where(free, overlap[row], -1.0)
        if len(candidates) and candidates.max() >= min(iou_threshold, 1 - 1e-10):
            # Of equal overlaps the last wins, as in pycocotools.
            best = len(candidates) - 1 - int(np.argmax(candidates[::-1]))
            free[best] = False
            true[row] = True
    return image.score[order], true


def sensitivity_at_false_positives(images: Sequence[ImageBoxes], per_image: float, iou_threshold: float = 0.3) -> float:
    """Return the FROC's sensitivity at a mean number of false positives per image.

    Args:
        images: Boxes per image, normals among them.
        per_image: Allowed mean number of false positives per image.
        iou_threshold: Least overlap of a hit.

    Returns:
        Share of reference boxes that are hit, 0–1; NaN without any.
    """
    references = sum(len(image.reference) for image in images)
    if references == 0:
        return float("nan")
    matched = [match_boxes(image, iou_threshold) for image in images]
    score = np.concatenate([part[0] for part in matched])
    true = np.concatenate([part[1] for part in matched])
    order = np.argsort(-score, kind="mergesort")
    alarms, hits = np.cumsum(~true[order]), np.cumsum(true[order])
    allowed = np.flatnonzero(alarms <= per_image * len(images))
    return float(hits[allowed[-1]] / references) if allowed.size else 0.0


def _area(recall: Floats, precision: Floats) -> float:
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    place = np.searchsorted(recall, RECALL_POINTS, side="left")
    padded = np.append(envelope, 0.0)
    return float(padded[np.minimum(place, len(envelope))].mean())
