"""Tables of what the shipped pipeline reaches, from ``docs/results/builtin*.json``."""

from __future__ import annotations

from dataclasses import dataclass

from fxdet.evaluation.estimate import Estimate, plain_number
from fxdet.pages.sources import NOT_MEASURED, Record, Repository, figure, interval_text, joined, table

RESULT = "builtin.json"
"""Figures of the shipped pipeline."""

MAIN_ROWS = (
    ("fractured / normal, AUROC", "fracatlas/grouped test", "auroc"),
    ("– without copies of training pictures", "fracatlas/grouped test, unseen", "auroc"),
    ("– whole-radiograph classifier alone", "fracatlas/grouped test", "auroc_whole_radiograph_classifier"),
    ("– localizer alone", "fracatlas/grouped test", "auroc_localizer"),
    ("sensitivity at the point of doubt", "fracatlas/grouped test", "sensitivity_doubt"),
    ("specificity at the point of doubt", "fracatlas/grouped test", "specificity_doubt"),
    ("sensitivity at the definite point", "fracatlas/grouped test", "sensitivity_definite"),
    ("specificity at the definite point", "fracatlas/grouped test", "specificity_definite"),
    ("fracture boxes, AP50 of the localizer", "fracatlas official valid", "detector_ap50"),
    ("fracture boxes, AP50 of the localizer", "fracatlas official test", "detector_ap50"),
    ("the same among normals", "fracatlas/grouped test", "detector_ap50"),
    ("region, top-1 of six", "bonefracture test", "region_top1_of_6"),
)
"""What the README shows: what, part, figure."""


@dataclass(frozen=True, slots=True)
class Opening:
    """One opening of the test parts.

    Attributes:
        words: Which pipeline was measured.
        result: Its result file.
    """

    words: str
    result: str


OPENINGS = (
    Opening("first stages, localizer at 512 px", "builtin_stage1.json"),
    Opening("classifier's second stage, 576 px", "builtin_stage2.json"),
    Opening("two localizers, mirrored views, third stage", "builtin_stage3.json"),
    Opening("the same, with a classifier of its own for regions", "builtin_stage4.json"),
    Opening("shipped: a localizer of both sets at 640 px, weighted; fusion of both sets", RESULT),
)
"""Every opening of the test parts so far, in order: their number is the number of looks at them."""

_OPENED = (
    ("AUROC, grouped test", "fracatlas/grouped test", ("auroc",)),
    ("AP50, official valid", "fracatlas official valid", ("detector_ap50", "ap50_localizer")),
    ("AP50, official test", "fracatlas official test", ("detector_ap50", "ap50_localizer")),
    ("six regions", "bonefracture test", ("region_top1_of_6",)),
    ("AUROC, val", "fracatlas/grouped val", ("auroc",)),
)
"""Columns of the table of openings: what, part, and the figures of which the first that is there counts."""


def looks(result: str) -> int | None:
    """Return how often the test parts had been opened once a file was measured; None for a file that is not listed.

    Example:
        >>> looks("builtin_stage2.json"), looks("my.json")
        (2, None)
    """
    names = [opening.result for opening in OPENINGS]
    return names.index(result) + 1 if result in names else None


def main_table(repository: Repository) -> str:
    """Return the README's table."""
    record = repository.record(RESULT)
    rows = [(what, part, *_cells(figure(record, part, name, RESULT))) for what, part, name in MAIN_ROWS]
    return table(("what", "part", "n", "figure", "95 % interval"), rows)


def _cells(estimate: Estimate) -> tuple[str, str, str]:
    return f"{estimate.n:,}", plain_number(estimate.value), interval_text(estimate)


def openings_table(repository: Repository) -> str:
    """Return one line for each opening of the test parts, the main figures with their intervals."""
    rows = []
    for number, opening in enumerate(OPENINGS, 1):
        record = repository.record(opening.result)
        words = f"{opening.words} ([figures](results/{opening.result}))"
        rows.append((str(number), words, *(_first(record, part, names) for _, part, names in _OPENED)))
    last = repository.record(RESULT)
    head = [f"{what}, n = {figure(last, part, names[0], RESULT).n:,}" for what, part, names in _OPENED]
    return table(("look", "pipeline", *head), rows)


def _first(record: Record, part: str, names: tuple[str, ...]) -> str:
    found = record["parts"].get(part, {})
    name = next((name for name in names if name in found), None)
    return NOT_MEASURED if name is None else figure(record, part, name, "").short


_PARTS = (
    ("n (fractured)", ()),
    ("AUROC", ("auroc",)),
    ("AP50, all boxes of the localizers", ("detector_ap50",)),
    ("AP50 of the findings, ranked by the localizers", ("ap50_localizer",)),
    ("AP50 of the findings, ranked by both stages", ("ap50",)),
    ("sensitivity, specificity in doubt", ("sensitivity_doubt", "specificity_doubt")),
    ("sensitivity, specificity, definite", ("sensitivity_definite", "specificity_definite")),
    ("region, top-1 of six", ("region_top1_of_6",)),
)
"""Lines of the table of all parts: what, figures."""


_WITH_N = {"region_top1_of_6"}
"""Figures of fewer radiographs than those that head the column."""


def parts_table(repository: Repository) -> str:
    """Return the shipped pipeline's main figures on every part that it was measured on, one column per part."""
    parts = repository.record(RESULT)["parts"]
    rows = []
    for what, names in _PARTS:
        cells = [_part_cell(found, names) for found in parts.values()]
        rows.append((what, *cells))
    return table(("", *parts), rows)


def _part_cell(found: Record, names: tuple[str, ...]) -> str:
    if not names:
        return f"{found['n']:,} ({found['fractured']:,})"
    there = {name: figure({"parts": {"": found}}, "", name, RESULT) for name in names if name in found}
    shown = {name: estimate for name, estimate in there.items() if estimate.value is not None}
    return joined([f"{estimate}" if name in _WITH_N else estimate.short for name, estimate in shown.items()])
