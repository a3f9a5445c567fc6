"""Kinds of target, and how each judges the figure that was reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from fxdet.core.errors import DataError
from fxdet.evaluation.estimate import Estimate, plain_number
from fxdet.pages.limits import SUBGROUPS, part_record
from fxdet.pages.sources import NOT_MEASURED, Record, Repository, estimate_of

Reading = Callable[[Repository], Estimate]
Cells = tuple[str, str, str, str, str]
"""What, part, target, what was reached, verdict."""

LEVEL = 0.05
"""A p-value below this counts as a difference."""


class Line(Protocol):
    """A line of the table of targets."""

    def cells(self, repository: Repository) -> Cells:
        """Return the line's cells from the result files."""


@dataclass(frozen=True, slots=True)
class Target:
    """One figure that was to be reached, or, without a bound, stands beside one for comparison.

    Attributes:
        what: Words.
        part: Where it is measured.
        bound: The target, or None.
        reading: Takes the measured figure from the result files.
        at_most: The figure was to stay at or below the bound.
        note: What else must be known of the verdict, from the result files; empty where nothing is.
    """

    what: str
    part: str
    bound: float | None
    reading: Reading
    at_most: bool = False
    note: Callable[[Repository], str] = lambda _: ""

    def cells(self, repository: Repository) -> Cells:
        """Return the line's cells from the result files."""
        found = self.reading(repository)
        reached = NOT_MEASURED if found.value is None else f"{found}"
        return self.what, self.part, self.bound_text, reached, self.verdict(found) + self.note(repository)

    def verdict(self, found: Estimate) -> str:
        """Return whether a measured figure meets the target, by its value; nothing without a bound.

        Example:
            >>> Target("AUROC", "test", 0.9, lambda _: Estimate(None)).verdict(Estimate(0.91, 0.88, 0.94))
            'met, but not beyond chance'
        """
        if found.value is None:
            return "not measured"
        if self.bound is None:
            return ""
        gap = self._sign * (found.value - self.bound)
        nearest = found.high if self.at_most else found.low
        certain = nearest is not None and self._sign * (nearest - self.bound) >= 0
        if gap >= 0:
            return "**met**" if certain else "met, but not beyond chance"
        return f"missed by {plain_number(-gap)}"

    @property
    def _sign(self) -> int:
        return -1 if self.at_most else 1

    @property
    def bound_text(self) -> str:
        """The bound with its direction."""
        return NOT_MEASURED if self.bound is None else f"{'≤' if self.at_most else '≥'} {plain_number(self.bound)}"


@dataclass(frozen=True, slots=True)
class Gain:
    """What both stages together were to gain over one of them, by DeLong's test.

    Attributes:
        what: Words.
        part: Where it is measured, in words.
        second: The stage alone: ``classifier`` or ``localizer``.
        place: Set and part of the result file.
    """

    what: str
    part: str
    second: str
    place: tuple[str, str] = ("fracatlas", "test")

    def cells(self, repository: Repository) -> Cells:
        """Return the line's cells from the result files."""
        gain = self.test(repository)
        told = f"{estimate_of(gain['difference'])}; {p_words(gain)}"
        return self.what, self.part, f"> 0, p < {plain_number(LEVEL)[:-1]}", told, gain_verdict(gain)

    def test(self, repository: Repository) -> Record:
        """Return the paired test.

        Raises:
            DataError: The result file has none.
        """
        found: list[Record] = part_record(repository, *self.place)["gains"]
        for gain in found:
            if gain["second"] == self.second:
                return gain
        raise DataError(f"result {SUBGROUPS} – test against '{self.second}' is missing – evaluate anew")


@dataclass(frozen=True, slots=True)
class Rescaled:
    """A calibration error with the temperature that ``fxdet evaluate`` fitted on val; the models are shipped without.

    Attributes:
        head: ``pipeline``, ``classifier`` or ``region``.
        part: Where it is measured.
        bound: The target.
    """

    head: str
    part: str
    bound: float

    def cells(self, repository: Repository) -> Cells:
        """Return the line's cells from the result files."""
        fit = part_record(repository)["calibrated"][self.head]
        what = f"– with a further temperature, T = {plain_number(fit['temperature'])}, fitted on val"
        target = Target(what, self.part, self.bound, lambda _: estimate_of(fit["ece"]), True)
        *cells, verdict = target.cells(repository)
        return cells[0], cells[1], cells[2], cells[3], f"{verdict.replace('**', '')}; not shipped"


@dataclass(frozen=True, slots=True)
class Ratio:
    """A share that was to be several times another one.

    Attributes:
        what: Words.
        part: Where it is measured.
        times: How many times.
        shares: Takes the larger and the smaller share from the result files.
    """

    what: str
    part: str
    times: float
    shares: tuple[Reading, Reading]

    def cells(self, repository: Repository) -> Cells:
        """Return the line's cells from the result files."""
        large, small = (reading(repository) for reading in self.shares)
        return self.what, self.part, f"≥ {self.times:g} times", f"{large}, against {small}", self.verdict(large, small)

    def verdict(self, large: Estimate, small: Estimate) -> str:
        """Return whether one share is so many times the other: also with both intervals' unfavourable ends.

        Example:
            >>> ratio = Ratio("", "", 2, (lambda _: Estimate(None),) * 2)
            >>> ratio.verdict(Estimate(0.5, 0.4, 0.6), Estimate(0.2, 0.1, 0.3))
            'met, but not beyond chance'
        """
        if large.value is None or small.value is None:
            return "not measured"
        if large.value < self.times * small.value:
            return f"missed: {large.value / small.value:.1f} times"
        certain = large.low is not None and small.high is not None and large.low >= self.times * small.high
        return "**met**" if certain else "met, but not beyond chance"


def gain_verdict(gain: Record) -> str:
    """Return what a paired test says of a gain, before and after Holm's correction."""
    if gain["difference"]["value"] <= 0:
        worse = "worse" if gain["p_holm"] < LEVEL else "worse, but for Holm's correction"
        return f"missed: {worse if gain['p'] < LEVEL else 'no gain'}"
    if gain["p"] >= LEVEL:
        return "missed: not beyond chance"
    return "**met**" if gain["p_holm"] < LEVEL else "met, but for Holm's correction"


def difference_words(gain: Record) -> str:
    """Return what a paired test says of a difference that nobody aimed at."""
    if gain["p"] >= LEVEL:
        return "no difference beyond chance"
    word = "worse" if gain["difference"]["value"] < 0 else "better"
    return f"{word}, beyond chance" if gain["p_holm"] < LEVEL else f"{word}, beyond chance but for Holm's correction"


def p_words(gain: Record) -> str:
    """Return a test's p-value, bare and after Holm's correction.

    Example:
        >>> p_words({"p": 3.43e-06, "p_holm": 0.0262})
        'p = 3.4e-6, Holm .026'
    """
    return f"p = {_p(gain['p'])}, Holm {_p(gain['p_holm'])}"


def _p(value: float) -> str:
    if value >= 0.001:
        return plain_number(value)
    digits, _, power = f"{value:.1e}".partition("e")
    return f"{digits}e{int(power)}"
