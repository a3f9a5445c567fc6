"""Evaluated runs side by side: their figures, and paired tests on the same radiographs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxdet.core.errors import DataError
from fxdet.data.csv_rows import numbered_rows
from fxdet.evaluation.comparisons import Comparison, compare_auroc, compare_figures, holm_corrected, mcnemar
from fxdet.evaluation.detection import average_precisions
from fxdet.evaluation.matching import Matches
from fxdet.evaluation.ranking import Ranking
from fxdet.evaluation.resampling import IntervalOptions, Resampling
from fxdet.evaluation.results import Section, sections_from_json

Floats = NDArray[np.float64]

SCORES = ("pipeline", "classifier", "localizer")
"""Columns of ``images.csv`` that may be the main score; the first that is filled counts."""


@dataclass(frozen=True, slots=True, eq=False)
class EvaluatedRun:
    """What ``fxdet evaluate`` wrote of one run.

    Attributes:
        name: Name of its folder.
        data: ``evaluation.json``.
        names: Radiographs, shape (N,).
        group: Their groups, shape (N,).
        truth: 1, 0, or −1 where unknown, shape (N,).
        score: Main score, shape (N,).
        called: Whether each was called fractured at the definite point (from one half on for plain scores).
        region, said_region: Stated and predicted region; empty where unknown.
        references: Reference boxes per radiograph; 0 where they are not known.
        boxes: Rows of ``boxes.csv`` of the first ranking: index of the radiograph, score, hit at IoU .5.
    """

    name: str
    data: dict[str, Any]
    names: tuple[str, ...]
    group: NDArray[np.str_]
    truth: NDArray[np.int8]
    score: Floats
    called: NDArray[np.bool_]
    region: NDArray[np.str_]
    said_region: NDArray[np.str_]
    references: NDArray[np.int64]
    boxes: tuple[NDArray[np.int64], Floats, NDArray[np.bool_]]

    @property
    def sections(self) -> tuple[Section, ...]:
        """Sections of figures."""
        return sections_from_json(self.data)

    def matches(self) -> Matches:
        """Return the findings with their hits at IoU .5, ready for average precision."""
        image, score, hit = self.boxes
        order = np.argsort(-score, kind="stable")
        nothing = np.zeros((1, len(order)), dtype=bool)
        rank = np.zeros(len(order), dtype=np.int64)
        return Matches(score[order], image[order], rank, hit[order][None], nothing, self.references)

    def of_rows(self, rows: NDArray[np.int64]) -> EvaluatedRun:
        """Return the run with some radiographs alone, in this order."""
        place = np.full(len(self.names), -1)
        place[rows] = np.arange(len(rows))
        image, score, hit = self.boxes
        kept = place[image] >= 0
        return replace(
            self,
            names=tuple(self.names[row] for row in rows),
            group=self.group[rows],
            truth=self.truth[rows],
            score=self.score[rows],
            called=self.called[rows],
            region=self.region[rows],
            said_region=self.said_region[rows],
            references=self.references[rows],
            boxes=(place[image[kept]], score[kept], hit[kept]),
        )


def read_run(folder: Path) -> EvaluatedRun:
    """Read the folder that ``fxdet evaluate`` wrote.

    Raises:
        DataError: A file is missing or was changed.
    """
    texts = {}
    for name in ("evaluation.json", "images.csv", "boxes.csv"):
        try:
            texts[name] = (folder / name).read_text(encoding="utf-8")
        except OSError as error:
            raise DataError(
                f"can't read {folder / name}: {error.strerror} – name a folder of fxdet evaluate"
            ) from error
    try:
        rows = [cells for _, cells in numbered_rows(texts["images.csv"], str(folder / "images.csv"))]
        boxes = [cells for _, cells in numbered_rows(texts["boxes.csv"], str(folder / "boxes.csv"))]
        return _run(folder, json.loads(texts["evaluation.json"]), rows, boxes)
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder}: not as fxdet evaluate wrote it ({error!r}) – evaluate anew") from error


def _run(folder: Path, data: dict[str, Any], rows: list[dict[str, str]], boxes: list[dict[str, str]]) -> EvaluatedRun:
    names = tuple(row["name"] for row in rows)
    place = {name: index for index, name in enumerate(names)}
    main = next((name for name in SCORES if rows and all(row[name] for row in rows)), None)
    score = np.array([float(row[main]) for row in rows]) if main else np.full(len(rows), np.nan)
    decided = all(row["decision"] for row in rows)
    called = np.array([row["decision"] == "fracture" for row in rows]) if decided else score >= 0.5
    ranking = boxes[0]["ranking"] if boxes else ""
    kept = [row for row in boxes if row["ranking"] == ranking]
    return EvaluatedRun(
        folder.resolve().name,
        data,
        names,
        np.array([row["group"] for row in rows], dtype=str),
        np.array([int(row["fractured"]) if row["fractured"] else -1 for row in rows], dtype=np.int8),
        score,
        called,
        np.array([row["region"] for row in rows], dtype=str),
        np.array([row["said_region"] for row in rows], dtype=str),
        np.array([int(row["boxes"] or 0) for row in rows], dtype=np.int64),
        (
            np.array([place[row["name"]] for row in kept], dtype=np.int64),
            np.array([float(row["score"]) for row in kept]),
            np.array([row["hit_50"] == "1" for row in kept], dtype=bool),
        ),
    )


def aligned_runs(runs: Sequence[EvaluatedRun], shared: bool = False) -> tuple[EvaluatedRun, ...]:
    """Return the runs with the same radiographs in the same order.

    Args:
        runs: Two or more.
        shared: Keep those that all runs have, instead of an error where they differ.

    Raises:
        DataError: Radiographs or labels differ, or none is in all runs.
    """
    common = set(runs[0].names).intersection(*(run.names for run in runs[1:]))
    for run in runs:
        if len(run.names) != len(common) and not shared:
            what = (
                f"{len(set(run.names) - common):,} of {len(run.names):,} radiographs of {run.name} are not in all runs"
            )
            raise DataError(f"can't compare: {what} – evaluate the same part, or pass --shared")
    if not common:
        raise DataError("can't compare: no radiograph is in all runs – evaluate the same part")
    order = [name for name in runs[0].names if name in common]
    found = []
    for run in runs:
        place = {name: index for index, name in enumerate(run.names)}
        found.append(run.of_rows(np.array([place[name] for name in order], dtype=np.int64)))
    for run in found[1:]:
        both_boxed = run.references.any() and found[0].references.any()
        differs = np.flatnonzero((run.truth != found[0].truth) | (both_boxed & (run.references != found[0].references)))
        if differs.size:
            what = f"{order[int(differs[0])]} is labelled otherwise in {run.name} than in {found[0].name}"
            raise DataError(f"can't compare: {what} – evaluate both with the same set")
    return tuple(found)


def compare_runs(runs: Sequence[EvaluatedRun], options: IntervalOptions | None = None) -> tuple[Comparison, ...]:
    """Compare each pair of aligned runs; Holm's families are the pairs of runs for one figure."""
    options = options or IntervalOptions()
    families: dict[str, list[Comparison]] = {}
    for first, second in combinations(runs, 2):
        for item in (*_score_tests(first, second, options), *_box_tests(first, second, options)):
            families.setdefault(item.figure, []).append(item)
    return tuple(item for family in families.values() for item in holm_corrected(family))


def _score_tests(first: EvaluatedRun, second: EvaluatedRun, options: IntervalOptions) -> list[Comparison]:
    known = (first.truth >= 0) & ~np.isnan(first.score) & ~np.isnan(second.score)
    truth, names, found = first.truth[known] == 1, (first.name, second.name), []
    if truth.any() and not truth.all():
        resampling = Resampling(first.group[known], options)
        groups = None if resampling.is_single else resampling.member.tolist()
        one, two = first.score[known], second.score[known]
        found.append(compare_auroc(names, truth, one, two, groups))
        ranks = Ranking.of(truth, one), Ranking.of(truth, two)
        average = ranks[0].average_precision, ranks[1].average_precision
        found.append(compare_figures("AUPRC", names, resampling, *average))
    for what, mask, right in (("sensitivity", truth, True), ("specificity", ~truth, False)):
        if mask.any():
            calls = [run.called[known][mask] == right for run in (first, second)]
            found.append(mcnemar(names, calls[0], calls[1], what))
    return [*found, *_region_tests(first, second)]


def _region_tests(first: EvaluatedRun, second: EvaluatedRun) -> list[Comparison]:
    certain = np.array([bool(name) and "/" not in name and name != "hand" for name in first.region], dtype=bool)
    certain &= (first.said_region != "") & (second.said_region != "")
    if not certain.any():
        return []
    right = [run.said_region[certain] == first.region[certain] for run in (first, second)]
    return [mcnemar((first.name, second.name), right[0], right[1], "region accuracy")]


def _box_tests(first: EvaluatedRun, second: EvaluatedRun, options: IntervalOptions) -> list[Comparison]:
    one, two = first.matches(), second.matches()
    if not one.total or not (len(one.score) and len(two.score)):
        return []

    def figure(matches: Matches) -> Any:
        return lambda weights: average_precisions(matches, weights)

    names, resampling = (first.name, second.name), Resampling(first.group, options)
    return [compare_figures("AP50", names, resampling, figure(one), figure(two), one.total)]
