"""Everything that is evaluated, as arrays: scores, decisions, boxes and labels of the same radiographs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from fxdet.core.labels import Decision
from fxdet.evaluation.attention import AttentionRows, FindingRows
from fxdet.evaluation.boxes import BoxRows
from fxdet.evaluation.multiclass import ClassRows

Floats = NDArray[np.float64]

SCORE_TITLES = {
    "pipeline": "both stages and the whole radiograph, fused",
    "classifier": "classifier on the whole radiograph alone",
    "localizer": "best box of the localizer alone",
}
"""Score → what it is; the order is that of the tables."""

BOX_TITLES = {"pipeline": "findings, ranked by both stages", "localizer": "findings, ranked by the localizer alone"}
"""Ranking of boxes → what it is."""


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """N radiographs with what was predicted and what is true.

    Attributes:
        names: Name of each radiograph within its set.
        group: Patient, study or near-duplicate cluster, shape (N,).
        fractured: 1, 0, or −1 where the label is unknown, shape (N,).
        scores: Score → probability or score of a fracture, shape (N,), 0–1; the first is the main one.
        decision: :class:`~fxdet.core.labels.Decision` as text, shape (N,), or None where none was recorded.
        box_decision: The same of each radiograph's strongest finding, ``none`` without findings, or None.
        regions: Probabilities and allowed names of the region head, or None.
        boxes: Ranking → boxes of the radiographs in ``boxed``; empty where none were predicted or are known.
        boxed: Indices of the radiographs whose reference boxes are known.
        findings: Findings on these, or None.
        attention: Attention on whole radiographs, or None.
        strata: Kind of subgroup → name of each radiograph's subgroup; empty where unknown.
    """

    names: tuple[str, ...]
    group: NDArray[np.generic]
    fractured: NDArray[np.int8]
    scores: Mapping[str, Floats] = field(default_factory=dict)
    decision: NDArray[np.str_] | None = None
    box_decision: NDArray[np.str_] | None = None
    regions: ClassRows | None = None
    boxes: Mapping[str, BoxRows] = field(default_factory=dict)
    boxed: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    findings: FindingRows | None = None
    attention: AttentionRows | None = None
    strata: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.names)
        lengths = {"group": len(self.group), "fractured": len(self.fractured)}
        lengths |= {f"scores[{name!r}]": len(values) for name, values in self.scores.items()}
        lengths |= {f"strata[{kind!r}]": len(values) for kind, values in self.strata.items()}
        for name, length in lengths.items():
            if length != count:
                raise ValueError(f"Cohort.{name}: got {length} rows, expected {count}")
        for name, values in self.scores.items():
            if not np.isfinite(values).all() or (count and (values.min() < 0 or values.max() > 1)):
                raise ValueError(f"Cohort.scores[{name!r}]: expected numbers in [0, 1]")

    def __len__(self) -> int:
        return len(self.names)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Radiographs that are known to be fractured or not, shape (N,)."""
        return np.asarray(self.fractured >= 0)

    @property
    def main_score(self) -> str | None:
        """Name of the score that decides, or None without any."""
        return next(iter(self.scores), None)

    def called(self, least: Decision, boxes: bool = False) -> NDArray[np.bool_] | None:
        """Return which radiographs (or their findings) were decided as fracture, or at least as doubt, shape (N,)."""
        decided = self.box_decision if boxes else self.decision
        if decided is None:
            return None
        if least is Decision.FRACTURE:
            return np.asarray(decided == Decision.FRACTURE.value)
        return np.asarray(decided != Decision.NONE.value)

    def of_rows(self, keep: NDArray[np.bool_]) -> Cohort:
        """Return names, groups, truth, scores and decisions of some rows; boxes, regions and the rest are left out."""
        rows = np.flatnonzero(keep)
        return replace(
            self,
            names=tuple(self.names[row] for row in rows),
            group=self.group[rows],
            fractured=self.fractured[rows],
            scores={name: values[rows] for name, values in self.scores.items()},
            decision=None if self.decision is None else self.decision[rows],
            box_decision=None if self.box_decision is None else self.box_decision[rows],
            regions=None,
            boxes={},
            boxed=np.zeros(0, dtype=np.int64),
            findings=None,
            attention=None,
            strata={},
        )
