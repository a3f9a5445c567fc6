"""The table of all that was tried, from the log ``docs/results/experiments.csv``."""

from __future__ import annotations

from fxdet.evaluation.estimate import Estimate
from fxdet.pages.sources import NOT_MEASURED, Repository, table
from fxdet.training.experiments import Experiment, read_experiments

LOG = "experiments.csv"


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
    source = item.source if item.source == NOT_MEASURED else f"`{item.source}`"
    texts = (item.part, shipped, item.data, item.amount, item.hardware, source, item.note)
    return (item.experiment, item.metric, estimate.short, f"{item.n:,}", *texts)


def _estimate(item: Experiment) -> Estimate:
    return Estimate(item.value, item.low, item.high, item.n)
