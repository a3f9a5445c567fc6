"""What the second stage gains over the localizer alone and over a whole-image classifier alone."""

from __future__ import annotations

from collections.abc import Mapping

from fxdet.evaluation.cohort import Cohort
from fxdet.evaluation.comparisons import (
    Comparison,
    compare_auroc,
    compare_figures,
    holm_corrected,
    mcnemar,
)
from fxdet.evaluation.detection import average_precisions
from fxdet.evaluation.matching import match_images
from fxdet.evaluation.operating import ChosenPoints
from fxdet.evaluation.ranking import Ranking
from fxdet.evaluation.resampling import IntervalOptions, Resampling


def stage_comparisons(
    cohort: Cohort, points: Mapping[str, ChosenPoints], options: IntervalOptions
) -> tuple[Comparison, ...]:
    """Compare the main score with each other score on the same radiographs.

    Families for Holm's correction: the differences of AUROC and AUPRC, those of AP50, and McNemar's tests at the
    operating points that were chosen on validation (without them there are none: the stages alone have no points).
    """
    rows = cohort.of_rows(cohort.labelled)
    main = rows.main_score
    others = [name for name in rows.scores if name != main]
    if main is None or not len(rows):
        return ()
    return (
        *holm_corrected(_score_differences(rows, main, others, options)),
        *holm_corrected(_box_differences(cohort, options)),
        *holm_corrected(_decision_differences(rows, main, others, points)),
    )


def _score_differences(rows: Cohort, main: str, others: list[str], options: IntervalOptions) -> list[Comparison]:
    truth, resampling = rows.fractured == 1, Resampling(rows.group, options)
    groups = None if resampling.is_single else resampling.member.tolist()
    found = []
    for other in others:
        first, second = rows.scores[main], rows.scores[other]
        found.append(compare_auroc((main, other), truth, first, second, groups))
        one, two = Ranking.of(truth, first), Ranking.of(truth, second)
        names = (main, other)
        found.append(compare_figures("AUPRC", names, resampling, one.average_precision, two.average_precision))
    return found


def _box_differences(cohort: Cohort, options: IntervalOptions) -> list[Comparison]:
    names = list(cohort.boxes)
    if len(names) < 2:
        return []
    main = cohort.boxes[names[0]]
    resampling, first = Resampling(main.group, options), match_images(main.images, (0.5,))
    found = []
    for name in names[1:]:
        second = match_images(cohort.boxes[name].images, (0.5,))
        found.append(
            compare_figures(
                "AP50",
                (names[0], name),
                resampling,
                lambda weights: average_precisions(first, weights),
                lambda weights, second=second: average_precisions(second, weights),  # type: ignore[misc]
                first.total,
            )
        )
    return found


def _decision_differences(
    rows: Cohort, main: str, others: list[str], points: Mapping[str, ChosenPoints]
) -> list[Comparison]:
    truth, found = rows.fractured == 1, []
    for point in ("definite", "doubt"):
        limits = {name: getattr(both, point).threshold for name, both in points.items()}
        for other in others:
            if limits.get(main) is None or limits.get(other) is None:
                continue
            one, two = (rows.scores[name] >= limits[name] for name in (main, other))
            for what, mask, right in (("sensitivity", truth, True), ("specificity", ~truth, False)):
                name = f"{what}, {point} point"
                found.append(mcnemar((main, other), one[mask] == right, two[mask] == right, name))
    return found
