"""The log of experiments, ``docs/results/experiments.csv``: what was tried, with its validation figure.

One row is one figure of one experiment. Test parts choose nothing, so none of their figures belongs here.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from fxdet.core.errors import DataError
from fxdet.core.files import write_text

NOTHING = "–"
"""What stands in a column that does not apply."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TEST = re.compile(r"\btest\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Experiment:
    """One row of the log.

    Attributes:
        date: Day, as ``2026-11-21``.
        experiment: What was tried, in a few words; rows of one experiment share it.
        command: Configuration or command, or ``–`` where it was not kept.
        data: Sets and split lists of the training, or ``–`` where nothing was trained.
        amount: Epochs, or presentations, or ``–``.
        hardware: What it ran on, and for how long if that was kept.
        part: Part that the figure was measured on; never a test part.
        n: Radiographs or boxes that the figure rests on.
        metric: Name of the figure.
        value: The figure.
        low, high: 95 % interval, or None.
        chosen: Whether it went into what was shipped.
        source: File of the repository that the figure was taken from, or ``–`` where it was read off a terminal.
        note: Anything else, or empty.
    """

    date: str
    experiment: str
    command: str
    data: str
    amount: str
    hardware: str
    part: str
    n: int
    metric: str
    value: float
    low: float | None
    high: float | None
    chosen: bool
    source: str
    note: str = ""

    def __post_init__(self) -> None:
        if not _DATE.fullmatch(self.date):
            raise ValueError(f"date: got '{self.date}', expected YYYY-MM-DD")
        for name in ("experiment", "command", "data", "amount", "hardware", "part", "metric", "source"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name}: got nothing, expected a text, or '{NOTHING}' where it does not apply")
        if _TEST.search(self.part):
            raise ValueError(f"part: got '{self.part}', expected a validation part – test parts choose nothing")
        if self.n < 1:
            raise ValueError(f"n: got {self.n}, expected at least 1")
        if (self.low is None) != (self.high is None):
            raise ValueError("interval: got one limit, expected both or none")
        if self.low is not None and self.high is not None and not self.low <= self.value <= self.high:
            raise ValueError(f"interval: got {self.low} to {self.high}, expected it to hold the value {self.value}")


COLUMNS = tuple(field.name for field in fields(Experiment))
"""Columns of the file, in order."""


def read_experiments(path: Path) -> tuple[Experiment, ...]:
    """Read the log, strictly.

    Raises:
        DataError: The file is missing, its head differs, or a row is wrong; the message names the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"can't read {path} – {error}") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        head = tuple(next(reader, ()))
        if head != COLUMNS:
            raise DataError(f"{path}:1 – got columns {', '.join(head)}, expected {', '.join(COLUMNS)}")
        return tuple(_experiment(row, f"{path}:{reader.line_num}") for row in reader)
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num} – {error} – expected comma-separated values") from error


def write_experiments(rows: Iterable[Experiment], path: Path) -> None:
    """Write the log, whole or not at all."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(getattr(row, name)) for name in COLUMNS] for row in rows)
    write_text(path, text.getvalue())


def append_experiment(row: Experiment, path: Path) -> None:
    """Add a row at the end of the log; a log that is wrong is not touched.

    Raises:
        DataError: The log can't be read, or has that very row.
    """
    rows = read_experiments(path) if path.exists() else ()
    if row in rows:
        raise DataError(f"{path} – has this row already: {row.experiment}, {row.part}, {row.metric}")
    write_experiments((*rows, row), path)


def _experiment(row: list[str], where: str) -> Experiment:
    if len(row) != len(COLUMNS):
        raise DataError(f"{where} – got {len(row)} columns, expected {len(COLUMNS)}")
    cells = dict(zip(COLUMNS, row, strict=True))
    texts = {name: cells[name] for name in ("date", "experiment", "command", "data", "amount", "hardware", "part")}
    try:
        return Experiment(
            **texts,
            n=int(cells["n"]),
            metric=cells["metric"],
            value=float(cells["value"]),
            low=_limit(cells["low"]),
            high=_limit(cells["high"]),
            chosen=_yes(cells["chosen"]),
            source=cells["source"],
            note=cells["note"],
        )
    except ValueError as error:
        raise DataError(f"{where} – {error}") from error


def _limit(text: str) -> float | None:
    return None if text == NOTHING else float(text)


def _yes(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError(f"chosen: got '{text}', expected yes or no")
    return text == "yes"


def _cell(value: str | float | bool | None) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return NOTHING if value is None else str(value)
