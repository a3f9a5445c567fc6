"""Shares with Wilson intervals, for rows that may come in groups."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxdet.evaluation.estimate import Estimate

Z95 = 1.959963984540054
"""Quantile of the normal distribution that leaves 2.5 % above."""


def wilson_interval(successes: float, total: float, z: float = Z95) -> tuple[float, float]:
    """Return the Wilson score interval of a share (Wilson 1927).

    Args:
        successes: How many; a fraction is allowed for an effective number.
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
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    high = 1.0 if successes == total else min(1.0, middle + half)
    return low, high


def effective_count(right: NDArray[np.bool_], groups: Sequence[Any] | NDArray[Any]) -> float:
    """Return how many independent rows the grouped rows are worth for their share (Rao and Scott 1992).

    n / deff, where deff is the between-group variance of the share over its binomial variance, at least 1. Where all
    rows are alike, nothing tells how much a group's rows have in common, and each group counts once.

    Args:
        right: Shape (N,).
        groups: Group of each row, shape (N,).

    Example:
        >>> effective_count(np.array([True, True, False, False]), ["a", "a", "b", "b"])
        1.0
    """
    _, member = np.unique(np.asarray(groups), return_inverse=True)
    size = np.bincount(member).astype(np.float64)
    if len(size) == len(right):
        return float(len(right))
    share = right.mean()
    if share in (0.0, 1.0) or len(size) < 2:
        return float(len(size))
    residual = np.bincount(member, weights=right) - share * size
    variance = len(size) / (len(size) - 1) * float((residual**2).sum()) / len(right) ** 2
    return float(min(len(right), share * (1 - share) / max(variance, 1e-300)))


def share_estimate(right: Any, groups: Sequence[Any] | NDArray[Any] | None = None) -> Estimate:
    """Return the share of true rows with its Wilson interval; groups widen it.

    Args:
        right: bool, shape (N,).
        groups: Group of each row; None makes each row its own.

    Returns:
        The share; undefined without rows.

    Example:
        >>> print(share_estimate([True, True, True, False]))
        .750 (.301–.954), n = 4
    """
    rows = np.asarray(right, dtype=bool).reshape(-1)
    total = len(rows)
    if not total:
        return Estimate(None, n=0)
    if groups is not None and len(groups) != total:
        raise ValueError(f"share_estimate.groups: got {len(groups)} rows, expected {total}")
    count = float(total) if groups is None else effective_count(rows, groups)
    share = float(rows.mean())
    low, high = wilson_interval(share * count if 0 < share < 1 else round(share) * count, count)
    method = "Wilson" if count == total else f"Wilson, {count:.0f} effective rows (groups)"
    return Estimate(share, low, high, total, method)
