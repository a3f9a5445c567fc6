"""Average precision and recall of boxes, as COCO defines them, and their bootstrap from matches made once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fxdet.evaluation.matching import ALL_SIZES, ImageBoxes, Matches, SizeRange, match_images
from fxdet.evaluation.ranking import divided

Floats = NDArray[np.float64]

COCO_IOUS = np.linspace(0.5, 0.95, 10)
"""The thresholds that AP50:95 averages over."""

RECALL_POINTS = np.linspace(0, 1, 101)

__all__ = [
    "COCO_IOUS",
    "ImageBoxes",
    "average_precision",
    "average_precisions",
    "average_recall",
    "mean_average_precision",
    "precision_by_threshold",
    "precision_recall",
]


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
        weights: How often each image counts, shape (len(images),); None counts each once.

    Returns:
        Average precision, 0–1; NaN without any reference box.

    Example:
        >>> box = np.array([[0.0, 0, 10, 10]])
        >>> average_precision([ImageBoxes(box, np.array([0.9]), box)])
        1.0
    """
    matches = match_images(images, [iou_threshold], maximum=maximum)
    weight = None if weights is None else np.asarray(weights, dtype=np.float64)[None]
    return float(average_precisions(matches, weight)[0])


def mean_average_precision(images: Sequence[ImageBoxes], maximum: int = 100, size: SizeRange = ALL_SIZES) -> float:
    """Return AP50:95, the mean over :data:`COCO_IOUS`; NaN without any reference box."""
    return float(average_precisions(match_images(images, COCO_IOUS, size, maximum=maximum))[0])


def average_precisions(matches: Matches, weights: Floats | None = None) -> Floats:
    """Return average precision per weighting, shape (B,), as the mean over all thresholds."""
    return np.asarray(precision_by_threshold(matches, weights).mean(axis=1))


def precision_by_threshold(matches: Matches, weights: Floats | None = None) -> Floats:
    """Return average precision per weighting and threshold, shape (B, T); NaN without reference boxes.

    Matching does not depend on how often an image counts, so a bootstrap re-weights the matches.

    Args:
        matches: Of all images.
        weights: How often each image counts, shape (B, I); None counts each once (B = 1).
    """
    weight = np.ones((1, len(matches.references))) if weights is None else weights
    total = np.asarray(weight @ matches.references, dtype=np.float64)
    areas = [_areas(matches, threshold, weight, total) for threshold in range(len(matches.true))]
    return np.where(total[:, None] > 0, np.stack(areas, axis=1), np.nan)


def average_recall(matches: Matches, maximum: int = 100, weights: Floats | None = None) -> Floats:
    """Return COCO's AR per weighting, shape (B,): recall of ``maximum`` boxes an image, mean over thresholds."""
    weight = np.ones((1, len(matches.references))) if weights is None else weights
    hits = (matches.true & (matches.rank < maximum)).mean(axis=0)
    per_image = np.bincount(matches.image, weights=hits, minlength=len(matches.references))
    return divided(weight @ per_image, weight @ matches.references)


def precision_recall(matches: Matches, threshold: int = 0) -> tuple[Floats, Floats, Floats]:
    """Return recall, precision and score at each counting detection of one threshold, shape (D',) each."""
    counts = ~matches.ignored[threshold]
    hits = np.cumsum(matches.true[threshold, counts])
    precision = divided(hits, np.arange(1, len(hits) + 1))
    return divided(hits, float(matches.total)), precision, matches.score[counts]


def _areas(matches: Matches, threshold: int, weight: Floats, total: Floats) -> Floats:
    """Return the area under the monotone precision–recall curve at one threshold, shape (B,)."""
    counts = ~matches.ignored[threshold]
    true = matches.true[threshold, counts]
    drawn = weight[:, matches.image[counts]]
    # Only true detections move recall, so precision need be known at these alone.
    places = np.flatnonzero(true)
    if not places.size:
        return np.zeros(len(weight))
    before = np.cumsum(drawn, axis=1)[:, places]
    hits = np.cumsum(drawn[:, places], axis=1)
    precision = hits / np.maximum(before, np.finfo(float).eps)
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    recall = hits / np.maximum(total, 1e-300)[:, None]
    # A recall point takes the precision of the first detection that reaches it: count the points that each one adds.
    reached = np.searchsorted(RECALL_POINTS, recall.reshape(-1), side="right").reshape(recall.shape)
    added = np.diff(reached, axis=1, prepend=0)
    return np.asarray((envelope * added).sum(axis=1) / len(RECALL_POINTS))
