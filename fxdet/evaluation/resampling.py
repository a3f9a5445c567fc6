"""Bootstrap over groups: how often each row counts in each draw, and intervals of any figure of such weights.

A group (patient, study, near-duplicate cluster) is drawn as a whole, with replacement. A figure is a function of
weights, shape (B, N), that returns B values, so that 2,000 draws are a few array operations instead of 2,000 calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxdet.evaluation.estimate import Estimate

Floats = NDArray[np.float64]
Figure = Callable[[Floats], Floats]
"""Weights, shape (B, N) → values, shape (B,); NaN where undefined."""

BLOCK = 1 << 21
"""Weights that are held at once (16 MiB)."""


@dataclass(frozen=True, slots=True)
class IntervalOptions:
    """How intervals are drawn.

    Attributes:
        draws: Resamplings.
        seed: Seed of the draws; the same seed gives the same intervals.
        level: Coverage, 0–1.
    """

    draws: int = 2000
    seed: int = 0
    level: float = 0.95

    def __post_init__(self) -> None:
        if self.draws < 1 or not 0 < self.level < 1:
            raise ValueError(f"IntervalOptions: got {self.draws} draws, level {self.level}, expected >= 1 and 0 to 1")


@dataclass(frozen=True, slots=True, eq=False)
class Resampling:
    """Draws of groups; the same object used for two figures pairs them.

    Attributes:
        groups: Group of each row, shape (N,), any hashable values.
        options: Draws, seed and level.
        member: Group index of each row, shape (N,).
        counts: How often each group is drawn, shape (draws, groups).
    """

    groups: Sequence[Any] | NDArray[Any]
    options: IntervalOptions = field(default_factory=IntervalOptions)
    member: NDArray[np.int64] = field(init=False)
    counts: NDArray[np.uint16] = field(init=False)

    def __post_init__(self) -> None:
        names, member = np.unique(np.asarray(self.groups), return_inverse=True)
        object.__setattr__(self, "member", member.reshape(-1).astype(np.int64))
        object.__setattr__(self, "counts", _group_counts(len(names), self.options))

    def __len__(self) -> int:
        return len(self.member)

    @property
    def is_single(self) -> bool:
        """Whether each row is its own group."""
        return bool(self.counts.shape[1] == len(self))

    def draws(self, figure: Figure) -> Floats:
        """Return the figure of every draw, shape (draws,)."""
        rows = max(1, BLOCK // max(1, len(self)))
        blocks = [self.counts[start : start + rows] for start in range(0, self.options.draws, rows)]
        return np.concatenate([figure(block[:, self.member].astype(np.float64)) for block in blocks])

    def value(self, figure: Figure) -> float:
        """Return the figure of the rows as they are."""
        return float(figure(np.ones((1, len(self))))[0])

    def estimate(self, figure: Figure, n: int | None = None, unit: str = "") -> Estimate:
        """Return the figure with its percentile interval over the draws.

        Args:
            figure: Function of the weights.
            n: Rows that the figure is made from; all where left out.
            unit: See :class:`Estimate`.
        """
        count = len(self) if n is None else n
        value = self.value(figure) if len(self) else float("nan")
        if np.isnan(value):
            return Estimate(None, n=count, unit=unit)
        return self.estimate_of(value, self.draws(figure), count, unit)

    def mean(self, values: Floats, unit: str = "") -> Estimate:
        """Return the mean of one value per row, shape (N,)."""
        column = np.asarray(values, dtype=np.float64)
        return self.estimate(lambda weights: np.asarray(weights @ column / weights.sum(axis=1)), unit=unit)

    def estimate_of(self, value: float, drawn: Floats, n: int, unit: str = "") -> Estimate:
        """Return a figure that is known, with the interval of its draws, shape (draws,)."""
        if np.isnan(value):
            return Estimate(None, n=n, unit=unit)
        low, high, method = percentile_interval(drawn, self.options.level)
        return Estimate(value, low, high, n, method, unit)

    def centred_estimate(self, value: float, drawn: Floats, n: int) -> Estimate:
        """Return a figure whose draws are biased, with their interval moved by the bias, and not below 0.

        Distances from a perfect value (an ECE) grow with every resampling: the percentiles as they are may lie above
        the figure itself.
        """
        if np.isnan(value) or np.isnan(drawn).all():
            return Estimate(None if np.isnan(value) else value, n=n)
        shifted = np.maximum(drawn - (np.nanmean(drawn) - value), 0.0)
        low, high, method = percentile_interval(shifted, self.options.level)
        return Estimate(value, low, high, n, f"{method}, centred" if method else "")

    def estimates(self, figures: Mapping[str, int], stacked: Figure) -> dict[str, Estimate]:
        """Return several figures that are computed together.

        Args:
            figures: Name → n, in the order of the last axis of what ``stacked`` returns.
            stacked: Weights, shape (B, N) → values, shape (B, figures).
        """
        if not len(self):
            return {name: Estimate(None, n=n) for name, n in figures.items()}
        values = stacked(np.ones((1, len(self))))[0]
        drawn = self.draws(stacked)
        return {
            name: self.estimate_of(float(values[place]), drawn[:, place], n)
            for place, (name, n) in enumerate(figures.items())
        }


def percentile_interval(drawn: Floats, level: float) -> tuple[float | None, float | None, str]:
    """Return both limits and what to call them; draws without a value are left out and counted.

    Where more than half of the draws have no value, or all have the same, there is no interval.

    Example:
        >>> percentile_interval(np.arange(101.0), 0.5)
        (25.0, 75.0, 'bootstrap over groups, 101 draws')
    """
    defined = drawn[~np.isnan(drawn)]
    missing = len(drawn) - len(defined)
    if missing * 2 > len(drawn) or not len(defined):
        return None, None, ""
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    if defined.max() - defined.min() < 1e-12:
        return None, None, ""
    name = f"bootstrap over groups, {len(drawn):,} draws"
    return float(low), float(high), name + (f", {missing:,} undefined" if missing else "")


def _group_counts(groups: int, options: IntervalOptions) -> NDArray[np.uint16]:
    """Return how often each group is drawn, shape (draws, groups); a few draws at a time."""
    generator = np.random.default_rng(options.seed)
    counts = np.zeros((options.draws, groups), dtype=np.uint16)
    rows = max(1, BLOCK // max(1, groups))
    for start in range(0, options.draws if groups else 0, rows):
        block = counts[start : start + rows]
        picks = generator.integers(0, groups, size=(len(block), groups))
        flat = picks + np.arange(len(block))[:, None] * groups
        block[:] = np.bincount(flat.reshape(-1), minlength=block.size).reshape(block.shape)
    return counts
