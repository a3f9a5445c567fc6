"""Shares with Wilson intervals, for rows that may come in groups."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxdet.core.shares import wilson_interval
from fxdet.evaluation.estimate import Estimate


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


def paired_difference_interval(both: int, only_first: int, only_second: int, neither: int) -> tuple[float, float]:
    """Return the 95 % interval of the difference of two shares of the same rows (Newcombe 1998, method 10).

    Made from the Wilson intervals of both shares and their correlation: unlike Wald's it has a width where the two
    never differ. McNemar's exact test is another method: near the edge the interval may leave out 0 where p is above
    .05, as with 5 to 0 of 83 rows. The p decides.

    Args:
        both: Rows where both are right.
        only_first: Rows where the first alone is.
        only_second: Rows where the second alone is.
        neither: The other rows.

    Raises:
        ValueError: There is no row.

    Example:
        >>> [round(limit, 3) for limit in paired_difference_interval(1, 1, 7, 12)]
        [-0.507, -0.026]
    """
    total = both + only_first + only_second + neither
    if not total:
        raise ValueError("paired_difference_interval: got no rows, expected at least one")
    counts = both + only_first, both + only_second
    first, second = (count / total for count in counts)
    (low_first, high_first), (low_second, high_second) = (wilson_interval(count, total) for count in counts)
    correlation = _paired_correlation(both, only_first, only_second, neither)

    def reach(one: float, other: float) -> float:
        return sqrt(max(0.0, one**2 - 2 * correlation * one * other + other**2))

    difference = first - second
    low = difference - reach(first - low_first, high_second - second)
    high = difference + reach(high_first - first, second - low_second)
    return max(-1.0, low), min(1.0, high)


def _paired_correlation(both: int, only_first: int, only_second: int, neither: int) -> float:
    """Return phi of the fourfold table, corrected for continuity where it is positive; 0 where a margin is empty."""
    margins = (both + only_first) * (only_second + neither) * (both + only_second) * (only_first + neither)
    if not margins:
        return 0.0
    product = float(both * neither - only_first * only_second)
    half = (both + only_first + only_second + neither) / 2
    return (max(product - half, 0.0) if product > 0 else product) / sqrt(margins)
