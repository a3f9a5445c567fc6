"""What is written after every epoch."""

from __future__ import annotations

from pathlib import Path

import pytest

from fxdet.training import callbacks
from fxdet.training.callbacks import Curves
from fxdet.training.epochs import EpochRecord, record_of_row


def history(count: int) -> list[EpochRecord]:
    names = ("epoch", "loss", "learning_rate", "seconds", "images_per_second", "val_loss")
    return [record_of_row({name: float(number + 1) for name in names}) for number in range(count)]


def test_short_epochs_are_drawn_together_and_the_last_one_always(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, drawn = [100.0], []
    monkeypatch.setattr(callbacks, "monotonic", lambda: clock[0])
    monkeypatch.setattr(callbacks, "draw_curves", lambda rows, monitor, path: drawn.append(len(rows)))
    curves = Curves(tmp_path / "curves.png", "val_loss")
    for epoch, seconds in enumerate((1.0, 1.0, Curves.pause, 1.0), 1):
        curves.epoch_ended(history(epoch))
        clock[0] += seconds
    assert drawn == [1, 4]
    curves.epoch_ended(history(5))
    curves.close()
    curves.close()
    assert drawn == [1, 4, 5]
