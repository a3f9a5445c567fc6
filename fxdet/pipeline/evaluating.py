"""Evaluation of predictions against samples: choose the part, pair, build the arrays, evaluate."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from fxdet.core.errors import DataError, did_you_mean
from fxdet.data.samples import Sample, SampleSet
from fxdet.evaluation.cohort import Cohort
from fxdet.evaluation.multiclass import class_figures
from fxdet.evaluation.results import Evaluation, Section
from fxdet.evaluation.whole import EvaluationOptions, evaluate
from fxdet.pipeline.cohorts import build_cohort, paper_rows
from fxdet.pipeline.pairing import Matched, Paired, PairingOptions, match_predictions
from fxdet.pipeline.predictions import Predictions

PUBLISHED = "published:"
"""Put before a part's name for the part as the set itself publishes it."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """An evaluation with what it was made from.

    Attributes:
        evaluation: The figures.
        cohort: The arrays.
        paired: Pairs, and what was missing, failed or unknown.
        validation: The validation part's pairs, or None.
    """

    evaluation: Evaluation
    cohort: Cohort
    paired: Paired
    validation: Paired | None = None


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """What is evaluated, and how.

    Attributes:
        part: Part of the split, ``published:PART``, or None for all.
        validation_part: Part that operating points and temperatures are chosen on, or None.
        pairing: What may be incomplete.
        evaluation: Draws, seed and aims.
    """

    part: str | None = None
    validation_part: str | None = None
    pairing: PairingOptions = field(default_factory=PairingOptions)
    evaluation: EvaluationOptions = field(default_factory=EvaluationOptions)


def evaluate_predictions(
    predictions: Predictions,
    samples: SampleSet,
    published: SampleSet | None = None,
    random_weights: Predictions | None = None,
    options: JudgeOptions | None = None,
) -> Judged:
    """Compare predictions with the labels of a set.

    Args:
        predictions: From :func:`~fxdet.pipeline.predictions.read_predictions`.
        samples: The set with its parts and groups.
        published: The set as published, where a split list was applied: says which pictures are known at all, and
            what ``published:PART`` means.
        random_weights: Predictions of a pipeline with random weights on the same radiographs.
        options: Part, validation part, draws.

    Raises:
        DataError: A part is unknown, both parts overlap, or predictions and samples do not fit; see
            :func:`~fxdet.pipeline.pairing.match_predictions`.
    """
    options, everything = options or JudgeOptions(), published or samples
    matched = _matched(predictions, samples, everything, options.pairing.allow_unknown)
    paired = matched.pairs_of(members_of(samples, everything, options.part), options.pairing.allow_missing)
    if not paired.pairs:
        raise DataError(
            f"predictions {predictions.path}: none is of part {options.part or 'all'} – choose another part"
        )
    cohort = build_cohort(paired.pairs, predictions.full)
    aside = None
    if options.validation_part is not None:
        chosen_on = members_of(samples, everything, options.validation_part)
        aside = matched.pairs_of(chosen_on, options.pairing.allow_missing)
        _refuse_overlap(paired, aside, options)
    random = None
    if random_weights is not None:
        loose = _matched(random_weights, samples, everything, allow_unknown=True)
        rows = loose.pairs_of(members_of(samples, everything, options.part), allow_missing=True)
        random = build_cohort(rows.pairs, random_weights.full)
    validation = None if aside is None else build_cohort(aside.pairs, predictions.full)
    evaluation = evaluate(cohort, validation, random, options.evaluation)
    return Judged(_with_six_regions(evaluation, paired, options), cohort, paired, aside)


def members_of(samples: SampleSet, published: SampleSet, part: str | None) -> list[Sample]:
    """Return the samples of a part.

    Raises:
        DataError: The part is unknown; the known ones are listed.
    """
    if part is None:
        return list(samples)
    wanted, source = part.removeprefix(PUBLISHED), published if part.startswith(PUBLISHED) else samples
    known = {sample.part for sample in source if sample.part is not None}
    if wanted not in known:
        raise DataError(
            f"part {part!r} is unknown{did_you_mean(wanted, sorted(known) or ['none, the set has no parts'])}"
        )
    if source is samples:
        return [sample for sample in samples if sample.part == wanted]
    paths = {sample.path for sample in published if sample.part == wanted}
    return [sample for sample in samples if sample.path in paths]


def _matched(predictions: Predictions, samples: SampleSet, everything: SampleSet, allow_unknown: bool) -> Matched:
    known = everything.samples if everything is samples else (*everything.samples, *samples.samples)
    return match_predictions(predictions.reports, known, allow_unknown)


def _refuse_overlap(paired: Paired, aside: Paired, options: JudgeOptions) -> None:
    groups = {sample.group for _, sample in paired.pairs} & {sample.group for _, sample in aside.pairs}
    if groups and not options.part == options.validation_part:
        raise DataError(
            f"parts {options.part or 'all'} and {options.validation_part}: {len(groups):,} groups are in both, the "
            f"first is {min(groups)} – choose points on radiographs that are not evaluated"
        )
    if options.part == options.validation_part:
        raise DataError(f"part {options.part!r} is evaluated and chosen on – name another --validation-part")


def _with_six_regions(evaluation: Evaluation, paired: Paired, options: JudgeOptions) -> Evaluation:
    """Add the regions among the six of the published comparison, where such labels occur."""
    rows = paper_rows(paired.pairs)
    if rows is None or not rows.certain.any():
        return evaluation
    figures, table = class_figures(rows, options.evaluation.intervals)
    section = Section("region_of_six", "Region, among the six of the published comparison", figures)
    table = replace(table, title="region, among six")
    return replace(evaluation, sections=(*evaluation.sections, section), confusions=(*evaluation.confusions, table))


def count_problems(paired: Paired) -> dict[str, int]:
    """Return how many predictions were missing, failed, unknown or of other parts."""
    return {
        "missing_predictions": len(paired.missing),
        "unreadable_files": len(paired.failed),
        "unknown_predictions": len(paired.unknown),
        "predictions_of_other_parts": paired.elsewhere,
    }
