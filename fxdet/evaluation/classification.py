"""Figures of a classifier for whom no interval is needed: AUROC, average precision, top-1 with sets of labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxdet.evaluation.ranking import Ranking

Floats = NDArray[np.floating]


def auroc(truth: Any, score: Any) -> float:
    """Return the area under the ROC curve: the chance that a positive scores above a negative, ties count half.

    Args:
        truth: bool or 0/1, shape (N,).
        score: Any order-preserving score, shape (N,).

    Returns:
        0–1; NaN where one class is missing.

    Example:
        >>> auroc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
        0.75
    """
    return float(Ranking.of(truth, score).auroc()[0])


def average_precision(truth: Any, score: Any) -> float:
    """Return the area under the precision–recall steps, without interpolation; equal scores count as one step.

    Args:
        truth: bool or 0/1, shape (N,).
        score: Any order-preserving score, shape (N,).

    Returns:
        0–1; NaN where one class is missing: positives alone give 1 to every score.

    Example:
        >>> round(average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
        0.8333
    """
    return float(Ranking.of(truth, score).average_precision()[0])


def allowed_top1(logits: Floats, allowed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return whether the most probable class of each labelled row is allowed; unlabelled rows are left out.

    Args:
        logits: Shape (N, K).
        allowed: Shape (N, K); all True is a missing label.

    Example:
        >>> allowed_top1(np.array([[2.0, 1, 0], [0, 1, 2]]), np.array([[True, True, False], [True, True, True]]))
        array([ True])
    """
    labelled = ~allowed.all(axis=1)
    best = logits.argmax(axis=1)
    return np.asarray(allowed[np.arange(len(allowed)), best][labelled])


def macro_accuracy(logits: Floats, allowed: NDArray[np.bool_], classes: Sequence[int]) -> float:
    """Return the mean over classes of the share of their certain rows that are named right.

    Args:
        logits: Shape (N, K).
        allowed: Shape (N, K); only rows with exactly one True count.
        classes: Indices of the classes to average over; those without a row are left out.

    Returns:
        0–1; NaN without rows.
    """
    certain = allowed.sum(axis=1) == 1
    truth, best = allowed[certain].argmax(axis=1), logits[certain].argmax(axis=1)
    shares = [float((best[truth == k] == k).mean()) for k in classes if (truth == k).any()]
    return float(np.mean(shares)) if shares else float("nan")
