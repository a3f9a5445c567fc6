"""Free-response ROC: share of reference boxes that are hit, against false positives per image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fxdet.evaluation.matching import ImageBoxes, Matches, match_affinity
from fxdet.evaluation.ranking import divided

Floats = NDArray[np.float64]

RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""False positives per image at which the sensitivity is read, as LUNA16 does."""

HIT_IOU = 0.3
"""Least overlap of a hit."""


def froc_sensitivity(matches: Matches, rates: Sequence[float] = RATES, weights: Floats | None = None) -> Floats:
    """Return the sensitivity at each rate per weighting, shape (B, R); NaN without reference boxes.

    It is the largest sensitivity of a threshold whose mean number of false positives per image, normals included, is at
    most the rate; nothing is interpolated.

    Args:
        matches: From :func:`~fxdet.evaluation.matching.match_affinity`.
        rates: False positives per image, shape (R,).
        weights: How often each image counts, shape (B, I); None counts each once (B = 1).
    """
    hits, alarms, images, total = _steps(matches, weights)
    found = []
    for rate in rates:
        allowed = alarms <= rate * images[:, None] + 1e-9
        found.append(divided(np.where(allowed, hits, 0.0).max(axis=1), total))
    return np.stack(found, axis=1) if found else np.zeros((len(hits), 0))


def froc_curve(matches: Matches) -> tuple[Floats, Floats]:
    """Return false positives per image and sensitivity at each threshold, from (0, 0), shape (T + 1,) each."""
    hits, alarms, images, total = _steps(matches, None)
    return divided(alarms[0], images[0]), divided(hits[0], total[0])


def sensitivity_at_false_positives(
    images: Sequence[ImageBoxes], per_image: float, iou_threshold: float = HIT_IOU
) -> float:
    """Return the FROC's sensitivity at a mean number of false positives per image; NaN without reference boxes.

    Example:
        >>> box = np.array([[0.0, 0, 10, 10]])
        >>> sensitivity_at_false_positives([ImageBoxes(box, np.array([0.9]), box)], 0.5)
        1.0
    """
    matches = match_affinity(images, "iou", iou_threshold)
    return float(froc_sensitivity(matches, (per_image,))[0, 0])


def _steps(matches: Matches, weights: Floats | None) -> tuple[Floats, Floats, Floats, Floats]:
    """Return hits and false alarms at each distinct score (B, T + 1), images (B,) and reference boxes (B,)."""
    weight = np.ones((1, len(matches.references))) if weights is None else weights
    score, true = matches.score, matches.true[0]
    last = np.flatnonzero(np.append(score[1:] != score[:-1], np.ones(min(1, len(score)), dtype=bool)))
    drawn = weight[:, matches.image]
    everything = np.cumsum(drawn, axis=1)[:, last]
    hits = np.cumsum(drawn * true, axis=1)[:, last]
    start = np.zeros((len(weight), 1))
    return (
        np.concatenate([start, hits], axis=1),
        np.concatenate([start, everything - hits], axis=1),
        weight.sum(axis=1),
        np.asarray(weight @ matches.references, dtype=np.float64),
    )
