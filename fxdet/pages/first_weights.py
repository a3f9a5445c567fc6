"""First weights that were made without a hub: how much of the teacher each network learned to give."""

from __future__ import annotations

import csv
from pathlib import Path

from fxdet.core.errors import DataError
from fxdet.evaluation.estimate import plain_number
from fxdet.pages.sources import Repository, joined, table

FOLDER = "first_weights"
"""Logs of ``fxdet train distil``, one for each configuration of ``configs/first_weights``."""

_STRIDES = (8, 16, 32)
_HEAD = ("network", "unexplained, val", *(f"{stride} px" for stride in _STRIDES), "epochs", "taken by", "weights",
         "configuration")  # fmt: skip


def first_weights_table(repository: Repository) -> str:
    """Return one line for each log: shares of the teacher's variance that the best epoch misses on the val part."""
    logs = sorted((repository.results / FOLDER).glob("*.csv"))
    return table(_HEAD, [_line(repository, path) for path in logs])


def _line(repository: Repository, path: Path) -> tuple[str, ...]:
    name = path.stem
    if not (repository.root / "configs" / FOLDER / f"{name}.yaml").is_file():
        raise DataError(f"log {path} – no configs/{FOLDER}/{name}.yaml – name the log after its configuration")
    epochs = _read(path)
    best = min(epochs, key=lambda row: float(row["unexplained"]))
    shares = (plain_number(float(best[key])) for key in ("unexplained", *(f"unexplained@{side}" for side in _STRIDES)))
    return (
        f"[{name}.distilled](results/{FOLDER}/{path.name})", *shares, str(len(epochs)),
        joined(_taken_by(repository, f"{name}.distilled.safetensors"), "no row yet"), "by command",
        f"[{name}](../configs/{FOLDER}/{name}.yaml)",
    )  # fmt: skip


def _read(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            float(row["unexplained"])
    except (KeyError, ValueError) as error:
        raise DataError(f"log {path} – {error} – expected log.csv of fxdet train distil") from error
    if not rows:
        raise DataError(f"log {path} – got no epochs, expected log.csv of fxdet train distil")
    return rows


def _taken_by(repository: Repository, weights: str) -> list[str]:
    """Return the papers whose rows started from a file."""
    papers = {path.parent.name for path, record in repository.records("papers/*/*.json").items()
              if record.get("initial_weights") == weights}  # fmt: skip
    return [f"[{paper}](papers/{paper}.md)" for paper in sorted(papers)]
