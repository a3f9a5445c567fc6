"""One figure with its interval, its number and how the interval was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

UNDEFINED = "–"
"""How a figure without a value is printed: never 0.5, never −1."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure as it is published.

    Attributes:
        value: The figure; None where it is undefined (no positives, nothing predicted, …).
        low, high: Limits of the 95 % interval, or None.
        n: How many rows (images, boxes, findings) it is made from.
        method: How the interval was made, e.g. ``Wilson``; empty without one.
        unit: What the value counts in; ``count`` prints a whole number, empty is a share or an index.

    Example:
        >>> print(Estimate(0.888, 0.854, 0.921, 816, "bootstrap"))
        .888 (.854–.921), n = 816
        >>> print(Estimate(None, n=12))
        –, n = 12
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    method: str = ""
    unit: str = ""

    def __post_init__(self) -> None:
        for name in ("value", "low", "high"):
            given = getattr(self, name)
            defined = given is not None and isfinite(given)
            object.__setattr__(self, name, float(given) if defined else None)
        if self.low is None or self.high is None or self.value is None:
            object.__setattr__(self, "low", None)
            object.__setattr__(self, "high", None)
        elif self.low > self.high:
            raise ValueError(f"Estimate.low: got {self.low} above high {self.high}, expected low <= high")

    def __str__(self) -> str:
        return f"{self.short}, n = {self.n:,}"

    @property
    def short(self) -> str:
        """Value and interval without n."""
        text = plain_number(self.value, self.unit)
        if self.low is None or self.high is None:
            return text
        dash = " to " if self.low < 0 else "–"
        return f"{text} ({plain_number(self.low, self.unit)}{dash}{plain_number(self.high, self.unit)})"

    def to_json(self) -> dict[str, Any]:
        """Return plain values, rounded to six digits; None stays null."""
        return {key: round(value, 6) if isinstance(value, float) else value for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Estimate:
        """Build an estimate from :meth:`to_json`'s form."""
        return cls(**{key: data[key] for key in ("value", "low", "high", "n", "method", "unit") if key in data})


def plain_number(value: float | None, unit: str = "") -> str:
    """Return a value as tables show it: three digits, no zero in front, a true minus sign.

    Example:
        >>> plain_number(0.5), plain_number(-0.0312), plain_number(1.0), plain_number(None)
        ('.500', '−.031', '1.000', '–')
        >>> plain_number(1234.0, "count")
        '1,234'
    """
    if value is None:
        return UNDEFINED
    if unit == "count":
        return f"{value:,.0f}"
    text = f"{abs(value):.3f}"
    if text.startswith("0."):
        text = text[1:]
    return f"−{text}" if value < 0 and text.strip(".0") else text
