"""Which part each group goes to, so that every part gets its share of every stratum.

The measure is Pearson's chi-square of the table part × stratum against the wanted shares: the sum of
(number - expected)² / expected. Groups are placed one by one, large ones first, where they raise it least; then groups
are moved and exchanged between parts as long as that lowers it. Groups with the same numbers are one *kind*: moving one
of them or another makes no difference, so the search runs over kinds. The best of some starts in random order counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]

EXCHANGE_KINDS = 200
"""Exchanges, and more than one start, are tried up to this number of kinds; the table of exchanges has kinds² cells."""

_STARTS = 4
_STEPS = 5000
_SMALLEST_GAIN = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """What the parts should hold.

    Attributes:
        expected: float64, shape (P, S): the share of the part × the stratum's total, > 0.
        base: float64, shape (P, S): what fixed groups put there already.
    """

    expected: NDArray[np.float64]
    base: NDArray[np.float64]


def allocate(
    counts: Counts, shares: NDArray[np.float64], generator: np.random.Generator, fixed: Counts | None = None
) -> Counts:
    """Return the part of each group, int64, shape (G,).

    Args:
        counts: Pictures of each group in each stratum, shape (G, S); no stratum is empty.
        shares: Wanted share of each part, shape (P,), sum 1.
        generator: Source of randomness: which of equal groups goes where.
        fixed: Part of each group that has its place already, -1 for all others, shape (G,).

    Example:
        >>> counts = np.array([[4, 4], [2, 0], [2, 2], [2, 2], [2, 0]])  # all pictures, fractured ones
        >>> allocate(counts, np.array([0.5, 0.5]), np.random.default_rng(0)).tolist()
        [0, 1, 1, 1, 0]
    """
    place = np.full(len(counts), -1, dtype=np.int64) if fixed is None else fixed.astype(np.int64)
    expected = shares[:, None] * counts.sum(axis=0)[None, :].astype(np.float64)
    base = np.stack([counts[place == part].sum(axis=0) for part in range(len(shares))]).astype(np.float64)
    free = np.flatnonzero(place < 0)
    if not free.size:
        return place
    kinds, kind_of = np.unique(counts[free], axis=0, return_inverse=True)
    tally = _best_tally(kinds, np.bincount(kind_of), Wanted(expected, base), generator)
    order = generator.permutation(len(free))
    for kind in range(len(kinds)):
        members = free[order[kind_of[order] == kind]]
        place[members] = np.repeat(np.arange(len(shares)), tally[kind])
    return place


def chi_square(counts: Counts, shares: NDArray[np.float64], place: Counts) -> float:
    """Return Pearson's chi-square of an allocation; 0 is perfect. Arguments as of :func:`allocate`."""
    expected = shares[:, None] * counts.sum(axis=0)[None, :]
    got = np.stack([counts[place == part].sum(axis=0) for part in range(len(shares))])
    return float(((got - expected) ** 2 / expected).sum())


def _best_tally(kinds: Counts, numbers: Counts, wanted: Wanted, generator: np.random.Generator) -> Counts:
    """Return how many groups of each kind each part gets, shape (K, P)."""
    found = []
    for _ in range(_STARTS if len(kinds) <= EXCHANGE_KINDS else 1):
        order = np.argsort(-kinds.max(axis=1) * generator.uniform(0.5, 1, len(kinds)))
        tally = _improved(kinds, _placed(kinds, numbers, wanted, order), wanted)
        surplus = wanted.base + tally.T @ kinds - wanted.expected
        found.append((float((surplus**2 / wanted.expected).sum()), tally))
    return min(found, key=lambda entry: entry[0])[1]


def _placed(kinds: Counts, numbers: Counts, wanted: Wanted, order: NDArray[np.int64]) -> Counts:
    """Place group by group, kinds in this order; return how many of each kind each part got, shape (K, P)."""
    tally = np.zeros((len(kinds), len(wanted.expected)), dtype=np.int64)
    surplus = wanted.base - wanted.expected
    for kind in order:
        row = kinds[kind].astype(np.float64)
        for _ in range(numbers[kind]):
            part = int(np.argmin(((2 * row * surplus + row**2) / wanted.expected).sum(axis=1)))
            tally[kind, part] += 1
            surplus[part] += row
    return tally


def _improved(kinds: Counts, tally: Counts, wanted: Wanted) -> Counts:
    """Move and exchange groups as long as that helps; return the new table of kinds and parts."""
    rows, weight = kinds.astype(np.float64), 1 / wanted.expected
    square = rows**2 @ weight.T
    for _ in range(_STEPS):
        surplus = wanted.base + tally.T @ rows - wanted.expected
        slope = 2 * rows @ (weight * surplus).T
        # Taking one group of kind k out of part p changes the measure by leave[k, p]; bringing it, by enter[k, p].
        leave = np.where(tally > 0, square - slope, np.inf)
        enter = square + slope
        gain, step = _best_move(leave, enter)
        if gain > -_SMALLEST_GAIN and len(kinds) <= EXCHANGE_KINDS:
            gain, step = _best_exchange(rows, weight, leave, enter)
        if gain > -_SMALLEST_GAIN:
            break
        for kind, start, end in step:
            tally[kind, start] -= 1
            tally[kind, end] += 1
    return tally


Step = tuple[tuple[int, int, int], ...]
"""Moves: kind, from part, to part."""


def _best_move(leave: NDArray[np.float64], enter: NDArray[np.float64]) -> tuple[float, Step]:
    change = leave[:, :, None] + enter[:, None, :]
    parts = np.arange(leave.shape[1])
    change[:, parts, parts] = np.inf
    kind, start, end = np.unravel_index(int(np.argmin(change)), change.shape)
    return float(change[kind, start, end]), ((int(kind), int(start), int(end)),)


def _best_exchange(
    rows: NDArray[np.float64], weight: NDArray[np.float64], leave: NDArray[np.float64], enter: NDArray[np.float64]
) -> tuple[float, Step]:
    best = 0.0
    step: Step = ()
    for one in range(len(weight)):
        for other in range(one + 1, len(weight)):
            cross = 2 * (rows * (weight[one] + weight[other])) @ rows.T
            away, back = leave[:, one] + enter[:, other], leave[:, other] + enter[:, one]
            change = away[:, None] + back[None, :] - cross
            first, second = np.unravel_index(int(np.argmin(change)), change.shape)
            if change[first, second] < best:
                best = float(change[first, second])
                step = ((int(first), one, other), (int(second), other, one))
    return best, step
