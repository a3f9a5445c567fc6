"""Figures of a classifier from scores and labels: ROC, precision–recall, shares with intervals. NumPy only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Figure = Callable[[NDArray[np.bool_], NDArray[np.float64]], float]


def _checked(truth: Any, score: Any) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    positive = np.asarray(truth).astype(bool).reshape(-1)
    values = np.asarray(score, dtype=np.float64).reshape(-1)
    if positive.shape != values.shape:
        raise ValueError(f"truth and score: got {len(positive)} and {len(values)} rows, expected the same number")
    if np.isnan(values).any():
        raise ValueError("score: got NaN, expected numbers")
    return positive, values


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
    positive, values = _checked(truth, score)
    count, rest = int(positive.sum()), int((~positive).sum())
    if not count or not rest:
        return float("nan")
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(sizes)
    ranks = (ends - (sizes - 1) / 2)[group]
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * rest))


def average_precision(truth: Any, score: Any) -> float:
    """Return the area under the precision–recall steps, without interpolation; equal scores count as one step.

    Args:
        truth: bool or 0/1, shape (N,).
        score: Any order-preserving score, shape (N,).

    Returns:
        0–1; NaN without positives.

    Example:
        >>> round(average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
        0.8333
    """
    positive, values = _checked(truth, score)
    total = int(positive.sum())
    if not total:
        return float("nan")
    order = np.argsort(-values, kind="stable")
    hits = np.cumsum(positive[order])
    last = np.append(np.diff(values[order]) != 0, True)
    precision = hits[last] / (np.flatnonzero(last) + 1)
    return float((precision * np.diff(hits[last], prepend=0)).sum() / total)


def wilson_interval(successes: int, total: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Return the Wilson score interval of a share.

    Args:
        successes: How many.
        total: Of how many; 0 gives (0, 1).
        z: Quantile of the normal distribution; the default is 95 %.

    Example:
        >>> [round(limit, 3) for limit in wilson_interval(9, 10)]
        [0.596, 0.982]
    """
    if not 0 <= successes <= total:
        raise ValueError(f"wilson_interval: got {successes} of {total}, expected 0 <= successes <= total")
    if total == 0:
        return 0.0, 1.0
    share, scale = successes / total, 1 + z * z / total
    middle = (share + z * z / (2 * total)) / scale
    half = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / scale
    # At 0 and n of n the limit is exactly 0 or 1; rounding would miss it.
    low = 0.0 if successes == 0 else middle - half
    high = 1.0 if successes == total else middle + half
    return low, high


def bootstrap_interval(
    figure: Figure,
    truth: Any,
    score: Any,
    groups: Sequence[str] | None,
    generator: np.random.Generator,
    draws: int = 1000,
) -> tuple[float, float]:
    """Return the 95 % percentile interval of a figure, drawing whole groups with replacement.

    Args:
        figure: Function of (truth, score), e.g. :func:`auroc`.
        truth: bool or 0/1, shape (N,).
        score: Shape (N,).
        groups: Patient or near-duplicate cluster of each row; None makes each row its own.
        generator: Source of randomness.
        draws: Resamplings; those without a value (one class alone) are left out.

    Returns:
        Low and high limit; NaN where no draw gave a value.
    """
    positive, values = _checked(truth, score)
    names = np.arange(len(positive)) if groups is None else np.asarray(groups)
    if len(names) != len(positive):
        raise ValueError(f"groups: got {len(names)} rows, expected {len(positive)}")
    _, index = np.unique(names, return_inverse=True)
    members = np.split(np.argsort(index, kind="stable"), np.cumsum(np.bincount(index))[:-1]) if len(names) else []
    found = []
    for _ in range(draws if members else 0):
        rows = np.concatenate([members[pick] for pick in generator.integers(0, len(members), len(members))])
        found.append(figure(positive[rows], values[rows]))
    valid = np.array(found)[~np.isnan(found)] if found else np.zeros(0)
    if not valid.size:
        return float("nan"), float("nan")
    low, high = np.quantile(valid, [0.025, 0.975])
    return float(low), float(high)


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
