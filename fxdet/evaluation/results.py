"""What an evaluation holds: sections of figures, comparisons, subgroups, curves and counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from fxdet.evaluation.calibration import ReliabilityBin
from fxdet.evaluation.comparisons import Comparison
from fxdet.evaluation.confusion import ConfusionTable
from fxdet.evaluation.estimate import Estimate
from fxdet.evaluation.operating import ChosenPoints

CURVE_POINTS = 400
"""Most points of a curve in the result file."""


@dataclass(frozen=True, slots=True)
class Section:
    """Figures that belong together.

    Attributes:
        key: Name in the result file, e.g. ``ranking/pipeline``.
        title: Heading of the table.
        figures: Name → estimate, the most important first.
        note: What a reader must know.
    """

    key: str
    title: str
    figures: Mapping[str, Estimate]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve to be drawn.

    Attributes:
        kind: ``roc``, ``precision_recall``, ``box_precision_recall`` or ``froc``.
        name: What it belongs to.
        x, y: Its points.
        figure: The one figure that stands in the legend.
    """

    kind: str
    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    figure: Estimate | None = None

    @classmethod
    def of(cls, kind: str, name: str, points: tuple[Any, Any], figure: Estimate | None = None) -> Curve:
        """Build a curve from arrays; undefined points are dropped and long curves thinned."""
        x, y = (np.asarray(part, dtype=np.float64) for part in points)
        keep = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        if len(keep) > CURVE_POINTS:
            keep = keep[np.unique(np.linspace(0, len(keep) - 1, CURVE_POINTS).round().astype(int))]
        return cls(kind, name, tuple(x[keep].round(6).tolist()), tuple(y[keep].round(6).tolist()), figure)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        figure = None if self.figure is None else self.figure.to_json()
        return {"kind": self.kind, "name": self.name, "x": list(self.x), "y": list(self.y), "figure": figure}


@dataclass(frozen=True, slots=True)
class Calibration:
    """Reliability of one head before and after a temperature that was fitted on the validation rows.

    Attributes:
        head: Name of the score or head.
        before, after: Bins of the reliability diagram; ``after`` is empty without validation rows.
        temperature: Divisor of the logits, or None.
        figures: Brier score, log loss and ECE, ``…_before`` and ``…_after``.
        fitted_on: Rows that the temperature was fitted on.
    """

    head: str
    before: tuple[ReliabilityBin, ...]
    after: tuple[ReliabilityBin, ...] = ()
    temperature: float | None = None
    figures: Mapping[str, Estimate] = field(default_factory=dict)
    fitted_on: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "head": self.head,
            "temperature": self.temperature,
            "fitted_on": self.fitted_on,
            "figures": {name: estimate.to_json() for name, estimate in self.figures.items()},
            "before": [asdict(row) for row in self.before],
            "after": [asdict(row) for row in self.after],
        }


@dataclass(frozen=True, slots=True)
class Subgroup:
    """One subgroup of the radiographs or of the reference boxes.

    Attributes:
        kind: E.g. ``region``, ``view``, ``box size``.
        name: E.g. ``leg``.
        figures: Name → estimate.
        n: Radiographs (or boxes).
        positives: Fractured ones among them.
        too_small: Fewer than ten of a class that a figure needs: shown, but not to be read.
    """

    kind: str
    name: str
    figures: Mapping[str, Estimate]
    n: int
    positives: int
    too_small: bool

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        figures = {name: estimate.to_json() for name, estimate in self.figures.items()}
        return {
            "kind": self.kind, "name": self.name, "n": self.n, "positives": self.positives,
            "too_small": self.too_small, "figures": figures,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All figures of one run on one part.

    Attributes:
        sections: Tables of figures, the most important first.
        comparisons: Paired tests between the stages, corrected by Holm within each family.
        subgroups: Figures of parts of the radiographs.
        calibrations: Reliability before and after temperature scaling.
        points: Score → operating points chosen on the validation rows.
        confusions: Confusion matrices.
        curves: ROC, precision–recall and FROC curves.
        counts: Radiographs, fractured, normal, boxes, …
    """

    sections: tuple[Section, ...]
    comparisons: tuple[Comparison, ...] = ()
    subgroups: tuple[Subgroup, ...] = ()
    calibrations: tuple[Calibration, ...] = ()
    points: Mapping[str, ChosenPoints] = field(default_factory=dict)
    confusions: tuple[ConfusionTable, ...] = ()
    curves: tuple[Curve, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    def section(self, key: str) -> Section | None:
        """Return a section by its key, or None where the predictions did not allow it."""
        return next((section for section in self.sections if section.key == key), None)

    def to_json(self) -> dict[str, Any]:
        """Return plain dicts, lists and numbers; what is undefined is null."""
        return {
            "counts": dict(self.counts),
            "figures": {s.key: {name: e.to_json() for name, e in s.figures.items()} for s in self.sections},
            "titles": {section.key: section.title for section in self.sections},
            "notes": {section.key: section.note for section in self.sections if section.note},
            "comparisons": [item.to_json() for item in self.comparisons],
            "points": {
                score: {"definite": both.definite.to_json(), "doubt": both.doubt.to_json()}
                for score, both in self.points.items()
            },
            "calibration": [item.to_json() for item in self.calibrations],
            "subgroups": [item.to_json() for item in self.subgroups],
            "confusions": [item.to_json() for item in self.confusions],
            "curves": [item.to_json() for item in self.curves],
        }


def sections_from_json(data: Mapping[str, Any]) -> tuple[Section, ...]:
    """Return the sections of a result file."""
    titles, notes = data.get("titles", {}), data.get("notes", {})
    return tuple(
        Section(key, titles.get(key, key), _estimates(figures), notes.get(key, ""))
        for key, figures in data["figures"].items()
    )


def _estimates(figures: Mapping[str, Mapping[str, Any]]) -> dict[str, Estimate]:
    return {name: Estimate.from_json(item) for name, item in figures.items()}
