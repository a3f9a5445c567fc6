"""Tables of what was tried, from the log ``docs/results/experiments.csv``."""

from __future__ import annotations

from fxdet.evaluation.estimate import Estimate
from fxdet.pages.sources import NOT_MEASURED, Repository, table
from fxdet.training.experiments import Experiment, read_experiments

LOG = "experiments.csv"

_MARKER = "AUROC of the best score"
"""Figure that every trial of localizers has, and nothing else."""

_TRIALS = (
    ("AP50, FracAtlas", "fracatlas/grouped val", "AP50"),
    ("AP50:95, FracAtlas", "fracatlas/grouped val", "AP50:95"),
    (_MARKER, "fracatlas/grouped val", _MARKER),
    ("AP50, BoneFractureYolo8", "BoneFractureYolo8 val, fractured", "AP50"),
)
"""Columns of the trials of localizers: head, part, metric."""


def log_table(repository: Repository) -> str:
    """Return the whole log, one line per figure.

    Raises:
        DataError: The log is missing or wrong.
    """
    rows = [_line(item) for item in read_experiments(repository.results / LOG)]
    head = (
        "experiment",
        "figure",
        "value (95 %)",
        "n",
        "part",
        "shipped",
        "data",
        "amount",
        "hardware",
        "from",
        "note",
    )
    return table(head, rows, sortable=True)


def _line(item: Experiment) -> tuple[str, ...]:
    estimate = _estimate(item)
    shipped = "yes" if item.chosen else "no"
    texts = (item.part, shipped, item.data, item.amount, item.hardware, f"`{item.source}`", item.note)
    return (item.experiment, item.metric, estimate.short, f"{item.n:,}", *texts)


def trials_table(repository: Repository) -> str:
    """Return the trials of localizers side by side, one line per trial, on the validation parts that chose among them.

    Raises:
        DataError: The log is missing or wrong.
    """
    found = read_experiments(repository.results / LOG)
    trials = dict.fromkeys(item.experiment for item in found if item.metric == _MARKER)
    rows = []
    for name in trials:
        own = {(item.part, item.metric): item for item in found if item.experiment == name}
        shipped = any(item.chosen for item in own.values())
        cells = [_cell(own.get((part, metric))) for _, part, metric in _TRIALS]
        rows.append((f"**{name}** (shipped)" if shipped else name, *cells))
    return table(("localizer", *(_head(found, *column) for column in _TRIALS)), rows)


def _head(found: tuple[Experiment, ...], words: str, part: str, metric: str) -> str:
    numbers = {item.n for item in found if (item.part, item.metric) == (part, metric)}
    return f"{words}, n = {numbers.pop():,}" if len(numbers) == 1 else words


def _cell(item: Experiment | None) -> str:
    return NOT_MEASURED if item is None else _estimate(item).short


def _estimate(item: Experiment) -> Estimate:
    return Estimate(item.value, item.low, item.high, item.n)
