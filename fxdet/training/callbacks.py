"""What is written after every epoch: CSV, learning curves, TensorBoard."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from torch.utils.tensorboard import SummaryWriter

from fxdet.core.files import write_text
from fxdet.training.curves import draw_curves
from fxdet.training.epochs import EpochRecord
from fxdet.training.loop import Callback


class CsvLog:
    """Keeps ``log.csv``: one row per epoch. It is written whole each time, so a resumed run leaves no double rows.

    Args:
        path: The file.
        note: What stands above the table behind ``#``, e.g. that the split is leaky; empty for nothing.
    """

    def __init__(self, path: Path, note: str = "") -> None:
        self._path = path
        self._note = f"# {note}\n" if note else ""

    def epoch_ended(self, history: Sequence[EpochRecord]) -> None:
        """Write all rows."""
        rows = [record.row() for record in history]
        columns = list(dict.fromkeys(key for row in rows for key in row))
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: f"{value:.6g}" for key, value in row.items()} for row in rows)
        write_text(self._path, self._note + text.getvalue())

    def close(self) -> None:
        """Do nothing: no file stays open."""


class Curves:
    """Keeps ``curves.png``: the learning curves. Of short epochs not each is drawn: a drawing takes half a second."""

    pause = 20.0
    """Least seconds between two drawings; the last epoch is always drawn."""

    def __init__(self, path: Path, monitor: str) -> None:
        self._path = path
        self._monitor = monitor
        self._drawn_at = -math.inf
        self._waiting: list[dict[str, float]] = []

    def epoch_ended(self, history: Sequence[EpochRecord]) -> None:
        """Draw the curves anew, unless they were just drawn."""
        self._waiting = [dict(record.row()) for record in history]
        if monotonic() - self._drawn_at >= self.pause:
            self._draw()

    def close(self) -> None:
        """Draw what was not drawn yet."""
        if self._waiting:
            self._draw()

    def _draw(self) -> None:
        draw_curves(self._waiting, self._monitor, self._path)
        self._drawn_at, self._waiting = monotonic(), []


class TensorBoardLog:
    """Writes the same figures for TensorBoard; epochs that a killed run wrote after its last state are purged."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: SummaryWriter | None = None
        self._written = 0

    def epoch_ended(self, history: Sequence[EpochRecord]) -> None:
        """Write the epochs that were not written yet."""
        if self._writer is None:
            self._written = len(history) - 1
            self._writer = SummaryWriter(str(self._folder), purge_step=self._written)
        for record in history[self._written :]:
            for name, value in record.row().items():
                if name != "epoch":
                    self._writer.add_scalar(name, value, record.epoch)
        self._written = len(history)
        self._writer.flush()

    def close(self) -> None:
        """Close the event file."""
        if self._writer is not None:
            self._writer.close()


@contextmanager
def folder_callbacks(folder: Path, monitor: str, note: str, is_first: bool) -> Iterator[list[Callback]]:
    """Give what keeps a run folder's ``log.csv``, ``curves.png`` and TensorBoard log, and close it at the end.

    Args:
        folder: The run folder.
        monitor: Figure that chooses the best epoch.
        note: What heads the CSV; empty for nothing.
        is_first: Whether this is the first process; the others keep nothing.
    """
    callbacks: list[Callback] = []
    if is_first:
        callbacks = [
            CsvLog(folder / "log.csv", note),
            Curves(folder / "curves.png", monitor),
            TensorBoardLog(folder / "tensorboard"),
        ]
    try:
        yield callbacks
    finally:
        for callback in callbacks:
            callback.close()
