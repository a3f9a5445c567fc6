"""Whether cards, weights, logs and result files tell the same; what pages say follows from them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from fxdet.core.errors import DataError
from fxdet.pages.sources import Repository, read_record_file
from fxdet.pages.zoo_tables import catalogue_of, models_of
from fxdet.zoo.card_facts import log_of
from fxdet.zoo.cards import ModelCard, verified_weights
from fxdet.zoo.catalogue import PIPELINE, ZooRow
from fxdet.zoo.hub import card_hash, find_pipeline
from fxdet.zoo.parameters import parameter_count
from fxdet.zoo.pipeline_figures import hash_of_measured, refresh_figures

TOLERANCE = 6e-5
"""Figures of cards are rounded to four digits."""


def disagreements(repository: Repository) -> list[str]:
    """Return one line for each place where cards, weights, logs and result files contradict each other.

    Raises:
        FxdetError: A file is missing or wrong.
    """
    return [*_weights(repository), *_costs(repository), *_logs(repository), *_pipelines(repository)]


def _weights(repository: Repository) -> Iterator[str]:
    """Compare catalogue, card and weight file."""
    for model in models_of(repository):
        row, card = model.row, model.card
        if card is None or row.card is None:
            continue
        for name in ("sha256", "kind", "architecture", "licence"):
            if getattr(row, name) != getattr(card, name):
                yield f"{row.name}: {name} – catalogue {getattr(row, name)}, card {getattr(card, name)}"
        if (row.card.parent / card.weights).is_file():
            size = verified_weights(card, row.card.parent).stat().st_size
            if size != row.size:
                yield f"{row.name}: size – catalogue {row.size}, weights {size}"


def _costs(repository: Repository) -> Iterator[str]:
    """Compare what was measured of a network with its card and its weights."""
    known = {model.row.name: model for model in models_of(repository)}
    rows = {row.name: row for row in catalogue_of(repository)}
    for path, cost in repository.records("zoo/*.json").items():
        name = cost.get("model", "")
        if name != path.stem or name not in rows:
            yield f"zoo/{path.name}: model '{name}' – not in the catalogue, or not the file's name"
        elif cost["sha256"] != hash_of_measured(rows[name]):
            yield f"zoo/{path.name}: measured with other weights ({cost['sha256'][:12]}) than the catalogue's"
        elif name in known:
            yield from _cost_of(path, cost, known[name].row, known[name].card)


def _cost_of(path: Path, cost: dict[str, Any], row: ZooRow, card: ModelCard | None) -> Iterator[str]:
    if card is None or row.card is None:
        return
    if cost["input_size"] != card.input_size:
        yield f"zoo/{path.name}: input of {cost['input_size']} px, card {card.input_size} px"
    weights = row.card.parent / card.weights
    if weights.is_file() and cost["parameters"] != parameter_count(weights):
        yield f"zoo/{path.name}: {cost['parameters']} parameters, weights {parameter_count(weights)}"


def _logs(repository: Repository) -> Iterator[str]:
    """Compare the figures of a card's epoch with the log of the training."""
    for model in models_of(repository):
        log = None if model.card is None else log_of(model.card)
        if log is None or model.card is None:
            continue
        line = _epochs(repository.root / log).get(model.card.training["best_epoch"], {})
        for name, value in model.card.figures["validation"]["epoch_figures"].items():
            if name not in line or abs(float(line[name]) - value) > TOLERANCE:
                yield f"{model.row.name}: {name} – card {value}, {log} {line.get(name, 'nothing')}"


def _epochs(log: Path) -> dict[int, dict[str, str]]:
    """Return the lines of a training's log by epoch, counted from 1; remarks are left out."""
    try:
        lines = log.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(
            f"can't read log {log} – {error.strerror} – correct figures.validation.log of the card"
        ) from error
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return {int(row["epoch"]) + 1: row for row in rows}


def _pipelines(repository: Repository) -> Iterator[str]:
    """Compare a pipeline's result file with its cards: same weights, fusion, operating points and figures."""
    for row in catalogue_of(repository):
        if row.kind == PIPELINE and refresh_figures(row, repository.root, write=False):
            yield f"{row.name}: figures – card and {row.result or 'no result file'} differ – tools/update_catalogue.py"
        if row.kind != PIPELINE or row.card is None or row.result is None:
            continue
        record, parts = read_record_file(repository.root / row.result), find_pipeline(row.card)
        measured = {(model["name"], model["sha256"]) for model in record["models"]}
        if measured != {(stamp.name, stamp.sha256) for stamp in parts.stamps}:
            yield f"{row.name}: {row.result} was measured with other weights than the card names"
        # What fxdet predict may choose without another threshold; see load_pipeline.
        chosen = product((True, False), ("bf16", "fp32"))
        options = [{"threshold": None, "crosscheck": check, "precision": precision} for check, precision in chosen]
        card = read_record_file(row.card)
        if record["config_hash"] not in {card_hash(card, parts.stamps, option) for option in options}:
            yield f"{row.name}: {row.result} was measured with another card – measure it again"
