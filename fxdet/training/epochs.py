"""What an epoch gave, and what a whole run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """What one epoch gave; one row of ``log.csv``."""

    epoch: int
    loss: float
    learning_rate: float
    images_per_second: float
    figures: Mapping[str, float] = field(default_factory=dict)

    def row(self) -> dict[str, float]:
        """Return all values by column."""
        first = {"epoch": self.epoch, "loss": self.loss, "learning_rate": self.learning_rate}
        return {**first, "images_per_second": self.images_per_second, **self.figures}


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended."""

    best_epoch: int
    best: float
    history: tuple[EpochRecord, ...]


def describe_epoch(record: EpochRecord) -> str:
    """Return one line on an epoch.

    Example:
        >>> describe_epoch(EpochRecord(0, 0.5, 1e-3, 27.2, {"auroc": 0.9}))
        'epoch 1: loss 0.5000, 27 img/s, auroc 0.9000'
    """
    figures = "".join(f", {name} {value:.4f}" for name, value in record.figures.items() if "@" not in name)
    return f"epoch {record.epoch + 1}: loss {record.loss:.4f}, {record.images_per_second:.0f} img/s{figures}"


def record_of_row(row: Mapping[str, float]) -> EpochRecord:
    """Return the record that :meth:`EpochRecord.row` was made of."""
    named = {key: row[key] for key in ("loss", "learning_rate", "images_per_second")}
    figures = {key: value for key, value in row.items() if key not in (*named, "epoch")}
    return EpochRecord(int(row["epoch"]), figures=figures, **named)
