"""The worst misses and false alarms of an evaluation, by what was said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from fxdet.core.findings import Report
from fxdet.core.labels import Decision
from fxdet.data.samples import Sample
from fxdet.evaluation.cohort import Cohort
from fxdet.evaluation.estimate import plain_number
from fxdet.evaluation.strata import reference_hits
from fxdet.pipeline.cohorts import region_name
from fxdet.pipeline.pairing import Pair


@dataclass(frozen=True, slots=True)
class WorstCases:
    """Pairs, the worst first.

    Attributes:
        missed: Fractured radiographs that were not called fractured, the lowest scores first.
        alarms: Normal radiographs that were called fractured or in doubt, the highest scores first.
        missed_boxes: Radiographs with reference boxes that no finding overlaps, the most confident first: called
            fractured for another place.
    """

    missed: tuple[Pair, ...]
    alarms: tuple[Pair, ...]
    missed_boxes: tuple[Pair, ...] = ()


def worst_cases(pairs: Sequence[Pair], cohort: Cohort, count: int) -> WorstCases:
    """Return up to ``count`` of each kind, by the main score; unlabelled radiographs are left out.

    Args:
        pairs: The pairs that the cohort was built from, in order.
        cohort: Their arrays.
        count: Most of each kind.
    """
    if cohort.main_score is None:
        return WorstCases((), ())
    score = cohort.scores[cohort.main_score]
    sure, doubtful = (cohort.called(least) for least in (Decision.FRACTURE, Decision.DOUBT))
    half = score >= 0.5
    low, high = ~(half if sure is None else sure), half if doubtful is None else doubtful
    order = np.argsort(score, kind="stable")
    missed = [int(row) for row in order if cohort.fractured[row] == 1 and low[row]][:count]
    alarms = [int(row) for row in order[::-1] if cohort.fractured[row] == 0 and high[row]][:count]
    unseen = [row for row in _with_missed_boxes(cohort) if cohort.fractured[row] == 1]
    unseen.sort(key=lambda row: -score[row])
    return WorstCases(*(tuple(pairs[row] for row in rows) for rows in (missed, alarms, unseen[:count])))


def _with_missed_boxes(cohort: Cohort) -> list[int]:
    ranking = next(iter(cohort.boxes.values()), None)
    if ranking is None:
        return []
    return [
        int(cohort.boxed[place]) for place, image in enumerate(ranking.images)
        if len(image.reference) and not reference_hits([image]).any()
    ]  # fmt: skip


def said_of(report: Report, sample: Sample, score: float, decided: bool) -> tuple[str, ...]:
    """Return what a caption says: score and decision, regions, group.

    Example:
        >>> from pathlib import Path
        >>> said_of(Report("a.png", region="leg"), Sample(Path("a.png"), "a.png", group="p7"), 0.25, False)
        ('score .250', 'region unknown; said leg', 'group p7')
    """
    region = region_name(sample.regions) or "region unknown"
    said = f"score {plain_number(score)}" + (f", {report.decision.value}" if decided else "")
    alone = sample.group in (sample.name, PurePosixPath(sample.name).stem)
    group = () if alone else (f"group {sample.group}",)
    return said, f"{region}; said {report.region}" if report.region else region, *group
