"""Benchmark pages: what others published on a public set beside what the shipped pipeline reaches there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fxdet.evaluation.estimate import Estimate
from fxdet.pages.folds import FRACTURES, REGIONS, Folded, pooled, spread_text
from fxdet.pages.measured import RESULT, looks
from fxdet.pages.published import Published, read_published
from fxdet.pages.sources import NOT_MEASURED, Record, Repository, estimate_of, table

OURS = "**fxdet, built-in**"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a public set that ours was measured on.

    Attributes:
        key: Its name in the result file.
        words: What the page calls it.
        role: What it was used for.
    """

    key: str
    words: str
    role: str


_TEST = "test part, opened {looks} times"
_CHOSE = "validation part, which chose epochs"

PARTS = {
    "fracatlas": (
        Part("fracatlas official valid", "official valid", _TEST),
        Part("fracatlas official test", "official test", _TEST),
        Part("fracatlas/grouped test", "`fracatlas/grouped` test", _TEST),
        Part("fracatlas/grouped test, unseen", "– without near-duplicates of other parts", _TEST),
        Part("fracatlas/grouped val", "`fracatlas/grouped` val", f"{_CHOSE}, fusion and thresholds"),
    ),
    "bonefracture": (
        Part("bonefracture val", "official valid", _CHOSE),
        Part("bonefracture test", "official test", _TEST),
    ),
}
"""Set → its parts, in the order of the page."""

_BOXES = (("AP50", "ap50", "detector_ap50"), ("AP50:95", "ap50_95", "detector_ap50_95"))
_RADIOGRAPHS = (
    ("AUROC", "auroc", "auroc"),
    ("sensitivity in doubt", "sensitivity", "sensitivity_doubt"),
    ("specificity in doubt", "specificity", "specificity_doubt"),
    ("sensitivity, definite", "", "sensitivity_definite"),
    ("specificity, definite", "", "specificity_definite"),
)
_REGIONS = (("top-1 of six", "accuracy", "region_top1_of_6"),)
TASKS = {"boxes": _BOXES, "radiographs": _RADIOGRAPHS, "regions": _REGIONS}
"""Task → columns: what, the published figure's name, the name of ours."""

_FOLDED = {("fracatlas", "radiographs"): FRACTURES, ("bonefracture", "regions"): REGIONS}
"""Set and task → training by cross-validation; its figure stands in the first column."""

_WORDS = {"ap": "AP", "ap50": "AP50", "ap50_95": "AP50:95", "auroc": "AUROC"}

_FROC = (
    ("found at ½ false box per image", "sensitivity_at_0.5_false_positives"),
    ("found at 1 false box per image", "sensitivity_at_1_false_positives"),
)


def task_table(repository: Repository, name: str, task: str) -> str:
    """Return what others published of a task on a set, and below it ours on each part.

    Args:
        repository: The checkout.
        name: Set, a key of :data:`PARTS`.
        task: Key of :data:`TASKS`.
    """
    columns = TASKS[task]
    others = [row for row in read_published(repository.results) if (row.set, row.task) == (name, task)]
    rows = [_published(row, columns) for row in others]
    measured = repository.record(RESULT)["parts"]
    for part in PARTS[name]:
        found = measured.get(part.key, {})
        if any(found.get(ours, {}).get("value") is not None for _, _, ours in columns):
            rows.append(_ours(part, found, columns))
    if (name, task) in _FOLDED:
        rows.extend(_by_folds(repository, _FOLDED[name, task], len(columns)))
    head = ("", "part", "n", *(f"{what} (95 %)" for what, _, _ in columns), "source and protocol")
    return table(head, rows)


def _by_folds(repository: Repository, folded: Folded, columns: int) -> list[tuple[str, ...]]:
    """Return the line of the classifier that was trained once a fold, where somebody did."""
    record = folded.record(repository)
    if record is None:
        return []
    found, split = pooled(record, folded.figure), record["split"]["split"]
    cells = (found.short, *[NOT_MEASURED] * (columns - 1))
    source = f"{folded.about}; {spread_text(record, folded.figure)}; [figures](results/{folded.file})"
    return [(f"fxdet, {record['name']}", f"`{split}`, {len(record['folds'])} folds", f"{found.n:,}", *cells, source)]


def _published(row: Published, columns: Sequence[tuple[str, str, str]]) -> tuple[str, ...]:
    cells = [row.printed(theirs) for _, theirs, _ in columns]
    shown = {theirs for _, theirs, _ in columns}
    about = "; ".join([row.cited, row.protocol, *(_named(row, name) for name in row.figures if name not in shown)])
    return (row.model, row.part, _count(row.n, row.boxes), *cells, about)


def _ours(part: Part, found: Record, columns: Sequence[tuple[str, str, str]]) -> tuple[str, ...]:
    estimates = [estimate_of(found[ours]) if ours in found else Estimate(None) for _, _, ours in columns]
    first = next(found[ours] for _, _, ours in columns if ours in found)
    n = found["n"] if "fractured" in first or "boxes" in first else first["n"]
    role = part.role.format(looks=looks(RESULT))
    about = f"{role}; [figures](results/{RESULT})"
    return (OURS, part.words, _count(n, first.get("boxes")), *(estimate.short for estimate in estimates), about)


def _named(row: Published, name: str) -> str:
    return f"{_WORDS.get(name, name)} {row.printed(name)}"


def _count(n: int | None, boxes: int | None) -> str:
    if n is None:
        return NOT_MEASURED
    return f"{n:,}" if boxes is None else f"{n:,} ({boxes:,} boxes)"


def froc_table(repository: Repository, name: str) -> str:
    """Return the share of reference boxes that ours finds at fixed rates of false boxes, on each part of a set."""
    measured = repository.record(RESULT)["parts"]
    rows = []
    for part in PARTS[name]:
        found = measured.get(part.key, {})
        if not all(f"{key}{suffix}" in found for _, key in _FROC for suffix in ("", "_localizer")):
            continue
        cells = [estimate_of(found[f"{key}{suffix}"]).short for _, key in _FROC for suffix in ("", "_localizer")]
        boxes = found[_FROC[0][1]]["boxes"]
        rows.append((part.words, _count(found["n"], boxes), f"{found['fractured']:,}", *cells))
    ranked = ("ranked by both stages", "by the localizers")
    head = ("part", "n", "fractured", *(f"{what}, {by}" for what, _ in _FROC for by in ranked))
    return table(head, rows)


def context_table(repository: Repository) -> str:
    """Return what others published on data that we do not measure on."""
    rows = []
    for row in read_published(repository.results):
        if row.set == "other":
            figures = ", ".join(_named(row, name) for name in row.figures)
            rows.append((row.model, figures, _count(row.n, row.boxes), f"{row.part}; {row.protocol}", row.cited))
    return table(("", "figures", "n", "data and protocol", "source"), rows)
