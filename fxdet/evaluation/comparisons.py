"""Paired tests: DeLong for areas under the ROC curve, McNemar for decisions, Holm for families of tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import comb, erfc, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxdet.core.shares import Z95
from fxdet.evaluation.estimate import Estimate
from fxdet.evaluation.ranking import checked_scores
from fxdet.evaluation.resampling import Figure, Resampling
from fxdet.evaluation.shares import paired_difference_interval

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two scores on the same rows.

    Attributes:
        figure: What is compared, e.g. ``AUROC``.
        first, second: Names of the two.
        difference: First minus second, with interval.
        p: Two-sided p-value, or None where the test is undefined.
        test: Name of the test.
        p_holm: The p-value after Holm's correction within its family; set by :func:`holm_corrected`.
        note: What else stands beside it, e.g. the discordant counts.
    """

    figure: str
    first: str
    second: str
    difference: Estimate
    p: float | None
    test: str
    p_holm: float | None = None
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "figure": self.figure, "first": self.first, "second": self.second,
            "difference": self.difference.to_json(), "p": self.p, "p_holm": self.p_holm, "test": self.test,
            "note": self.note,
        }  # fmt: skip


def delong_covariance(truth: Any, scores: Any, groups: Sequence[Any] | None = None) -> tuple[Floats, Floats]:
    """Return AUROCs, shape (K,), and their covariance, shape (K, K), of K scores on the same rows.

    DeLong, DeLong and Clarke-Pearson 1988, by the mid-ranks of Sun and Xu 2014; with groups, Obuchowski's extension
    for clustered data (Biometrics 1997), which equals DeLong where each row is its own group.

    Args:
        truth: bool or 0/1, shape (N,).
        scores: Shape (K, N).
        groups: Patient or near-duplicate cluster of each row.

    Returns:
        NaN where fewer than two positives or two negatives (or their groups) exist.
    """
    rows = [checked_scores(truth, row) for row in np.atleast_2d(np.asarray(scores, dtype=np.float64))]
    positive = rows[0][0]
    count, rest = int(positive.sum()), int((~positive).sum())
    if not count or not rest:
        return np.full(len(rows), np.nan), np.full((len(rows), len(rows)), np.nan)
    placements = np.stack([_placements(positive, values) for _, values in rows])
    areas = placements[:, positive].mean(axis=1)
    names = np.arange(len(positive)) if groups is None else np.asarray(groups)
    _, member = np.unique(names, return_inverse=True)
    residual = placements - areas[:, None]
    ten, one = (_group_sums(residual, member, mask) for mask in (positive, ~positive))
    covariance = (
        _scaled(ten, ten, _groups_with(member, positive)) / count**2
        + _scaled(one, one, _groups_with(member, ~positive)) / rest**2
    )
    both = _scaled(ten, one, ten.shape[1]) / (count * rest)
    mixed = np.zeros_like(both) if not _mixed(member, positive) else both + both.T
    return areas, covariance + mixed


def delong_estimate(truth: Any, score: Any, groups: Sequence[Any] | None = None) -> Estimate:
    """Return the AUROC with DeLong's interval, made on the logit scale so that it stays within 0–1.

    Example:
        >>> delong_estimate([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).value
        0.75
    """
    areas, covariance = delong_covariance(truth, [score], groups)
    area, variance = float(areas[0]), float(covariance[0, 0])
    count = len(np.asarray(truth).reshape(-1))
    if not np.isfinite(area) or not np.isfinite(variance) or not 0 < area < 1:
        return Estimate(area, n=count)
    centre, half = np.log(area / (1 - area)), Z95 * sqrt(variance) / (area * (1 - area))
    low, high = (float(1 / (1 + np.exp(-limit))) for limit in (centre - half, centre + half))
    return Estimate(area, low, high, count, "DeLong, logit scale")


def compare_auroc(
    names: tuple[str, str], truth: Any, first: Any, second: Any, groups: Sequence[Any] | None = None
) -> Comparison:
    """Compare two AUROCs on the same rows by DeLong's paired test.

    Identical rankings give p = 1; a difference without any variance has no p-value.
    """
    areas, covariance = delong_covariance(truth, [first, second], groups)
    difference = float(areas[0] - areas[1])
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    count = len(np.asarray(truth).reshape(-1))
    test = "DeLong" if groups is None else "DeLong, groups after Obuchowski"
    if not np.isfinite(variance):
        return Comparison("AUROC", *names, Estimate(difference, n=count), None, test)
    spread = sqrt(max(variance, 0.0))
    if spread < 1e-12:
        return Comparison(
            "AUROC", *names, Estimate(difference, n=count), 1.0 if abs(difference) < 1e-12 else None, test
        )
    low, high = difference - Z95 * spread, difference + Z95 * spread
    return Comparison(
        "AUROC", *names, Estimate(difference, low, high, count, test), two_sided(difference / spread), test
    )


def compare_figures(
    what: str, names: tuple[str, str], resampling: Resampling, first: Figure, second: Figure, n: int | None = None
) -> Comparison:
    """Compare two figures of the same rows by a paired bootstrap.

    The p-value is twice the smaller share of draws on either side of 0 (ties count half), with one added above and
    below, so that it is never 0 (Davison and Hinkley 1997, 4.2).
    """
    test = "paired bootstrap over groups"
    count = len(resampling) if n is None else n
    value = resampling.value(first) - resampling.value(second) if len(resampling) else float("nan")
    if np.isnan(value):
        return Comparison(what, *names, Estimate(None, n=count), None, test)
    drawn = resampling.draws(lambda weights: first(weights) - second(weights))
    difference = resampling.estimate_of(value, drawn, count)
    drawn = drawn[~np.isnan(drawn)]
    below = float((drawn < 0).sum() + (drawn == 0).sum() / 2)
    smaller = min(below, len(drawn) - below)
    return Comparison(what, *names, difference, min(1.0, 2 * (smaller + 1) / (len(drawn) + 1)), test)


def mcnemar(names: tuple[str, str], first_right: Any, second_right: Any, what: str = "accuracy") -> Comparison:
    """Compare two decisions on the same rows by McNemar's exact test (binomial on the discordant rows).

    Args:
        names: Names of the two.
        first_right: Whether the first is right, shape (N,).
        second_right: Whether the second is right, shape (N,).
        what: Figure that the share of right rows is called.

    Returns:
        Difference of the shares with Newcombe's interval for paired shares; p = 1 without discordant rows. Where the
        two disagree about 0, near p = .05, p decides.

    Example:
        >>> mcnemar(("a", "b"), [True] * 5 + [False], [False] * 5 + [True]).p
        0.21875
    """
    one, two = (np.asarray(part, dtype=bool).reshape(-1) for part in (first_right, second_right))
    if one.shape != two.shape:
        raise ValueError(f"mcnemar: got {len(one)} and {len(two)} rows, expected the same number")
    total, only_first, only_second = len(one), int((one & ~two).sum()), int((~one & two).sum())
    test = "McNemar, exact"
    if not total:
        return Comparison(what, *names, Estimate(None, n=0), None, test)
    discordant, fewer = only_first + only_second, min(only_first, only_second)
    tail = sum(comb(discordant, count) for count in range(fewer + 1))
    p = min(1.0, 2 * tail / 2**discordant)
    both = int((one & two).sum())
    low, high = paired_difference_interval(both, only_first, only_second, total - discordant - both)
    estimate = Estimate((only_first - only_second) / total, low, high, total, "Newcombe, paired")
    note = f"only {names[0]} right: {only_first}, only {names[1]} right: {only_second}"
    return Comparison(what, *names, estimate, p, test, note=note)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return p-values after Holm's step-down correction (1979); None stays None and is not counted.

    Example:
        >>> holm([0.01, None, 0.04, 0.03])
        [0.03, None, 0.06, 0.06]
    """
    known = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for place, (p, index) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - place) * p))
        corrected[index] = largest
    return corrected


def holm_corrected(family: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """Return a family of comparisons with :attr:`Comparison.p_holm` set."""
    corrected = holm([item.p for item in family])
    return tuple(replace(item, p_holm=p) for item, p in zip(family, corrected, strict=True))


def two_sided(z: float) -> float:
    """Return the two-sided p-value of a standard normal deviate.

    Example:
        >>> round(two_sided(1.959964), 4)
        0.05
    """
    return erfc(abs(z) / sqrt(2))


def _placements(positive: NDArray[np.bool_], values: Floats) -> Floats:
    """Return, per row, the share of rows of the other class that lie on the right side of it, ties half."""
    everything, own = _midranks(values), np.empty(len(values))
    for mask in (positive, ~positive):
        own[mask] = _midranks(values[mask])
    other = np.where(positive, (~positive).sum(), positive.sum())
    below = (everything - own) / other
    return np.asarray(np.where(positive, below, 1 - below))


def _midranks(values: Floats) -> Floats:
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(sizes) - (sizes - 1) / 2)[group])


def _group_sums(residual: Floats, member: NDArray[np.int64], mask: NDArray[np.bool_]) -> Floats:
    """Return the sum of residuals of the masked rows in each group, shape (K, groups)."""
    size = int(member.max()) + 1
    return np.stack([np.bincount(member[mask], weights=row[mask], minlength=size) for row in residual])


def _groups_with(member: NDArray[np.int64], mask: NDArray[np.bool_]) -> int:
    return len(np.unique(member[mask]))


def _mixed(member: NDArray[np.int64], positive: NDArray[np.bool_]) -> bool:
    """Return whether some group holds both classes."""
    return bool(np.intersect1d(member[positive], member[~positive]).size)


def _scaled(first: Floats, second: Floats, groups: int) -> Floats:
    if groups < 2:
        return np.full((len(first), len(second)), np.nan)
    return np.asarray(groups / (groups - 1) * (first @ second.T))
