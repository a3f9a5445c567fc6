"""The pictures of an evaluation: plots, and the page of the worst misses and false alarms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fxdet.core.labels import Decision

if TYPE_CHECKING:
    from fxdet.core.findings import Box, Report
    from fxdet.evaluation.calibration import ReliabilityBin
    from fxdet.evaluation.results import Evaluation
    from fxdet.pipeline.evaluating import Judged
    from fxdet.pipeline.pairing import Pair
    from fxdet.report.cases import Case
    from fxdet.report.plots import Axes, Bars

SHOWN_FINDINGS = 5
"""Most findings that are drawn on a picture of the page."""


def draw_plots(folder: Path, evaluation: Evaluation) -> None:
    """Draw all curves, reliability diagrams and confusion matrices."""
    from fxdet.report.plots import Line, draw_confusion, draw_curves, draw_reliability

    for kind, axes in _axes().items():
        curves = [curve for curve in evaluation.curves if curve.kind == kind]
        lines = [
            Line(curve.name if curve.figure is None else f"{curve.name}  {curve.figure.short}", curve.x, curve.y)
            for curve in curves
        ]
        if lines:
            draw_curves(folder / kind, lines, axes, steps=kind == "froc")
    for item in evaluation.calibrations:
        bars = [_bars("as predicted", item.before)]
        if item.after:
            bars.append(_bars(f"temperature {item.temperature:.2f}, from validation", item.after))
        draw_reliability(folder / f"reliability_{item.head}", bars, f"Calibration: {item.head}")
    for table in evaluation.confusions:
        key, _, title = table.title.partition(": ")
        if key.startswith(("recorded/", "pipeline/d", "classifier/half", "region")):  # all others are in the tables
            stem = "confusion_" + key.replace(", ", "_").replace("/", "_").replace(" ", "_")
            draw_confusion(folder / stem, table.labels, table.rows, title or key)


def _axes() -> dict[str, Axes]:
    from fxdet.evaluation.froc import HIT_IOU, RATES
    from fxdet.report.plots import Axes

    hit = f"share of fractures found (IoU ≥ {HIT_IOU:g})"
    return {
        "roc": Axes("ROC, fractured or not (AUROC)", "1 − specificity", "sensitivity", diagonal=True),
        "precision_recall": Axes("Precision–recall, fractured or not (AUPRC)", "sensitivity", "PPV"),
        "box_precision_recall": Axes("Precision–recall of boxes, IoU ≥ .5 (AP50)", "recall", "precision"),
        "froc": Axes("FROC (mean over 1/8 … 8)", "false boxes per image", hit, x_ticks=RATES),
    }


def _bars(name: str, bins: Sequence[ReliabilityBin]) -> Bars:
    from fxdet.report.plots import Bars

    full = [row for row in bins if row.stated is not None and row.came is not None]
    return Bars(name, [row.stated or 0.0 for row in full], [row.came or 0.0 for row in full], [row.n for row in full])


def write_worst(path: Path, judged: Judged, count: int, notes: Sequence[str] = ()) -> None:
    """Write the page of the worst misses and false alarms; ``notes`` say what was evaluated on what."""
    from fxdet.pipeline.worst import worst_cases
    from fxdet.report.cases import Chapter, write_cases

    found = worst_cases(judged.paired.pairs, judged.cohort, count)
    main = judged.cohort.main_score or ""
    chapters = [
        Chapter(
            "Worst misses", f"Fractured and not called so, lowest {main} score first.", _cases(found.missed, judged)
        ),
        Chapter(
            "Worst false alarms",
            f"Not fractured and called so or in doubt, highest {main} score first.",
            _cases(found.alarms, judged),
        ),
    ]
    if found.missed_boxes:
        note = "Fractured, and no finding overlaps a reference box by IoU ≥ .3; highest score first."
        chapters.append(Chapter("Right for another place", note, _cases(found.missed_boxes, judged)))
    write_cases(path, "Worst misses and false alarms", chapters, notes)


def _cases(pairs: Sequence[Pair], judged: Judged) -> list[Case]:
    from fxdet.pipeline.worst import said_of
    from fxdet.report.cases import Case

    cases, main, decided = [], judged.cohort.main_score, judged.cohort.decision is not None
    for report, sample in pairs:
        score = report.image_probability
        if score is None or main == "classifier":
            score = report.class_probability["fracture"]["fractured"]
        reference = tuple(box.xyxy for box in sample.fracture_boxes)
        said = said_of(report, sample, score, decided)
        cases.append(Case(sample.path, sample.name, said, reference, _drawn(report, True), _drawn(report, False)))
    return cases


def _drawn(report: Report, called: bool) -> tuple[tuple[Box, str], ...]:
    """Return the strongest findings that are called fracture or doubt, or those that are neither."""
    return tuple(
        (finding.box, f"{finding.probability:.2f}")
        for finding in report.findings[:SHOWN_FINDINGS]
        if (finding.decision is not Decision.NONE) == called
    )
