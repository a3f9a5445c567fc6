"""The whole evaluation of a cohort: what each section needs, is there, or is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fxdet.core.labels import Decision
from fxdet.evaluation import calibration as cal
from fxdet.evaluation import confusion as cm
from fxdet.evaluation.attention import attention_figures, finding_figures
from fxdet.evaluation.binary import decision_figures, probability_figures, ranking_figures
from fxdet.evaluation.boxes import box_figures
from fxdet.evaluation.cohort import BOX_TITLES, SCORE_TITLES, Cohort
from fxdet.evaluation.confusion import ConfusionTable
from fxdet.evaluation.curves import box_curves, score_curves
from fxdet.evaluation.multiclass import ClassRows, class_figures
from fxdet.evaluation.operating import ChosenPoints, choose_points
from fxdet.evaluation.resampling import IntervalOptions, Resampling
from fxdet.evaluation.results import Calibration, Evaluation, Section
from fxdet.evaluation.stages import stage_comparisons
from fxdet.evaluation.strata import subgroup_figures
from fxdet.evaluation.temperature import fit_temperature

Floats = NDArray[np.float64]

PROBABILITIES = ("pipeline", "classifier")
"""Scores that are meant as probabilities; a localizer's is not, and gets no Brier score."""


@dataclass(frozen=True, slots=True)
class EvaluationOptions:
    """What is chosen beforehand.

    Attributes:
        intervals: Bootstrap draws, seed and level.
        specificity: Aim of the definite point on the validation rows, 0–1.
        sensitivity: Aim of the point of doubt, 0–1.
    """

    intervals: IntervalOptions = field(default_factory=IntervalOptions)
    specificity: float = 0.95
    sensitivity: float = 0.95


def evaluate(
    cohort: Cohort,
    validation: Cohort | None = None,
    random_weights: Cohort | None = None,
    options: EvaluationOptions | None = None,
) -> Evaluation:
    """Return every figure that the cohort allows; what is missing is left out, what is undefined is None.

    Args:
        cohort: The radiographs to be judged.
        validation: Other radiographs, on which operating points and temperatures are chosen; None chooses none.
        random_weights: The same radiographs through a pipeline of random weights, for the Grad-CAM figures.
        options: Draws, seed and aims.
    """
    options = options or EvaluationOptions()
    points = {} if validation is None else _points(validation, options)
    labelled = cohort.of_rows(cohort.labelled)
    sections = [
        *_decision_sections(labelled, points, options),
        *_ranking_sections(labelled, options),
        *_box_sections(cohort, options),
        *_region_sections(cohort, options),
        *_attention_sections(cohort, random_weights, options),
    ]
    return Evaluation(
        tuple(sections),
        stage_comparisons(cohort, points, options.intervals),
        subgroup_figures(cohort, options.intervals),
        _calibrations(labelled, cohort.regions, validation, options),
        points,
        _confusions(labelled, cohort, points),
        (*score_curves(labelled, sections), *box_curves(cohort, sections)),
        counts_of(cohort),
    )


def counts_of(cohort: Cohort) -> dict[str, int]:
    """Return how many radiographs, fractured, normal, unlabelled, groups and boxes there are."""
    boxes = next(iter(cohort.boxes.values()), None)
    return {
        "radiographs": len(cohort),
        "fractured": int((cohort.fractured == 1).sum()),
        "normal": int((cohort.fractured == 0).sum()),
        "fracture_unknown": int((cohort.fractured < 0).sum()),
        "groups": len(np.unique(cohort.group)),
        "radiographs_with_known_boxes": len(cohort.boxed),
        "reference_boxes": 0 if boxes is None else boxes.references,
    }


def _points(validation: Cohort, options: EvaluationOptions) -> dict[str, ChosenPoints]:
    rows = validation.of_rows(validation.labelled)
    truth = rows.fractured == 1
    return {
        name: choose_points(truth, score, options.specificity, options.sensitivity)
        for name, score in rows.scores.items()
    }


def decisions(rows: Cohort, points: Mapping[str, ChosenPoints]) -> dict[str, tuple[str, NDArray[np.bool_]]]:
    """Return key → (title, who is called fractured): as recorded, as chosen on validation, and from one half on."""
    found: dict[str, tuple[str, NDArray[np.bool_]]] = {}
    for decision, name in ((Decision.FRACTURE, "definite"), (Decision.DOUBT, "doubt")):
        for key, boxes, title in (("recorded", False, "of the radiograph"), ("boxes", True, "of the findings' boxes")):
            called = rows.called(decision, boxes)
            if called is not None:
                found[f"{key}/{name}"] = (f"{name} point {title}, as the reports have it", called)
    for score, both in points.items():
        if score not in rows.scores:
            continue
        for name, point in (("definite", both.definite), ("doubt", both.doubt)):
            if point.threshold is not None:
                title = f"{name} point of {score}, chosen on validation ({point.aim}, from {point.threshold:.3f})"
                found[f"{score}/{name}"] = (title, rows.scores[score] >= point.threshold)
    for score in PROBABILITIES:
        if score in rows.scores:
            found[f"{score}/half"] = (f"{score}, from a probability of one half on", rows.scores[score] >= 0.5)
    return found


def _decision_sections(rows: Cohort, points: Mapping[str, ChosenPoints], options: EvaluationOptions) -> list[Section]:
    if not len(rows):
        return []
    truth, resampling = rows.fractured == 1, Resampling(rows.group, options.intervals)
    return [
        Section(f"decision/{key}", f"Fractured or not: {title}", decision_figures(truth, called, resampling))
        for key, (title, called) in decisions(rows, points).items()
    ]


def _ranking_sections(rows: Cohort, options: EvaluationOptions) -> list[Section]:
    if not len(rows):
        return []
    truth, resampling = rows.fractured == 1, Resampling(rows.group, options.intervals)
    sections = []
    for name, score in rows.scores.items():
        figures = ranking_figures(truth, score, resampling)
        if name in PROBABILITIES:
            figures |= probability_figures(truth, score, resampling)
        sections.append(Section(f"ranking/{name}", f"Fractured or not: {SCORE_TITLES.get(name, name)}", figures))
    return sections


def _box_sections(cohort: Cohort, options: EvaluationOptions) -> list[Section]:
    note = "findings above the pipeline's candidate floor alone; compare detectors by all their boxes"
    return [
        Section(f"boxes/{name}", f"Fracture boxes: {BOX_TITLES.get(name, name)}",
                box_figures(rows, options.intervals), note)
        for name, rows in cohort.boxes.items()
    ]  # fmt: skip


def _region_sections(cohort: Cohort, options: EvaluationOptions) -> list[Section]:
    if cohort.regions is None:
        return []
    figures, _ = class_figures(cohort.regions, options.intervals)
    note = "labels that name one region; those that allow several count in top1_within_allowed alone"
    return [Section("region", "Region", figures, note)]


def _attention_sections(cohort: Cohort, random: Cohort | None, options: EvaluationOptions) -> list[Section]:
    sections = []
    for suffix, title, rows in (("", "", cohort), ("/random_weights", ", random weights", random)):
        if rows is not None and rows.attention is not None and len(rows.attention.grids):
            figures = attention_figures(rows.attention, options.intervals)
            heading = f"Grad-CAM on the whole radiograph against reference boxes{title}"
            sections.append(Section(f"attention{suffix}", heading, figures))
        if rows is not None and rows.findings is not None and rows.findings.checked.any():
            boxes = next(iter(rows.boxes.values()), None)
            references = None if boxes is None else [np.asarray(i.reference, np.float64) for i in boxes.images]
            figures = finding_figures(rows.findings, options.intervals, references)
            sections.append(Section(f"crosscheck{suffix}", f"Cross-check of findings{title}", figures))
    return sections


def _confusions(rows: Cohort, cohort: Cohort, points: Mapping[str, ChosenPoints]) -> tuple[ConfusionTable, ...]:
    truth, tables = (rows.fractured == 1).astype(np.int64), []
    for key, (title, called) in decisions(rows, points).items():
        matrix = cm.confusion(truth, called.astype(np.int64), 2)[0]
        tables.append(ConfusionTable.of(matrix, ("normal", "fractured"), f"{key}: {title}"))
    if cohort.regions is not None:
        tables.append(class_figures(cohort.regions, IntervalOptions(draws=1))[1])
    return tuple(tables)


def _calibrations(
    rows: Cohort, regions: ClassRows | None, validation: Cohort | None, options: EvaluationOptions
) -> tuple[Calibration, ...]:
    found = []
    aside = None if validation is None else validation.of_rows(validation.labelled)
    for name in PROBABILITIES:
        if name not in rows.scores or not len(rows):
            continue
        fit = None
        if aside is not None and name in aside.scores and 0 < (aside.fractured == 1).sum() < len(aside):
            fit = _binary_temperature(aside.fractured == 1, aside.scores[name]), len(aside)
        truth = rows.fractured == 1
        found.append(_calibration(name, truth, rows.scores[name], fit, Resampling(rows.group, options.intervals)))
    if regions is not None and regions.certain.any():
        fit = None
        if validation is not None and validation.regions is not None and validation.regions.certain.any():
            other = validation.regions
            logits = cal.log_odds(other.probability)
            fit = fit_temperature(logits, other.allowed), int((~other.allowed.all(axis=1)).sum())
        keep = regions.certain
        truth = regions.allowed[keep].argmax(axis=1)
        resampling = Resampling(regions.group[keep], options.intervals)
        found.append(_calibration("region", truth, regions.probability[keep], fit, resampling))
    return tuple(found)


def _binary_temperature(truth: NDArray[np.bool_], probability: Floats) -> float:
    return fit_temperature(cal.log_odds(probability), np.stack([~truth, truth], axis=1))


def _calibration(
    head: str, truth: NDArray[np.generic], probability: Floats, fit: tuple[float, int] | None, resampling: Resampling
) -> Calibration:
    before = cal.reliability(*cal.confidence(truth, probability))
    figures = {f"{k}_before": e for k, e in probability_figures(truth, probability, resampling).items()}
    if fit is None:
        return Calibration(head, before, figures=figures)
    scaled = cal.rescaled(probability, fit[0])
    figures |= {f"{k}_after": e for k, e in probability_figures(truth, scaled, resampling).items()}
    return Calibration(head, before, cal.reliability(*cal.confidence(truth, scaled)), fit[0], figures, fit[1])
