"""From a training's run folder to a model's folder that can be shipped or uploaded, and to a row of the catalogue."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import yaml

from fxdet.core.errors import ModelError
from fxdet.core.files import sha256_file, write_text
from fxdet.zoo.cards import CARD_NAME, ModelCard, read_card, refuse_shown_faults, verified_weights, write_card
from fxdet.zoo.catalogue import ZooRow, catalogue, write_catalogue
from fxdet.zoo.folders import (
    CONFIG_NAME,
    LOG_NAME,
    RESULTS_NAME,
    WEIGHTS_NAME,
    ModelFolder,
    copy_file,
    new_folder,
    read_folder,
    write_readme,
)

CARDS_FOLDER = "cards"
"""Folder beside the catalogue with the cards of models whose weights lie elsewhere."""


@dataclass(frozen=True, slots=True)
class AddOptions:
    """What is changed on the way; empty means as in the run.

    Attributes:
        name, tag: Name of the network, and what it was trained on or for.
        licence: Licence of the weights, as SPDX writes it.
        description: One line on what it is for.
        half: Whether the weights are stored at half width.
        result: JSON file with measured figures.
    """

    name: str = ""
    tag: str = ""
    licence: str = ""
    description: str = ""
    half: bool = False
    result: Path | None = None


def add_run(run: Path, parent: Path, options: AddOptions | None = None) -> ModelFolder:
    """Write a run's model into ``parent/name.tag``: card, weights, README, configuration and log.

    The weights keep their bytes unless they are halved. No path of this machine gets into the folder.

    Raises:
        ModelError: The run has not finished, its weights differ from its card, or it shows a fault on purpose.
        OutputError: The folder exists or can't be written.
    """
    options = options or AddOptions()
    card = _renamed(_card_of(run), options)
    refuse_shown_faults(card)
    weights = verified_weights(card, run)
    with new_folder(parent / card.full_name) as stage:
        digest = _copy_weights(weights, stage / WEIGHTS_NAME, card.full_name, options.half)
        training = {**card.training, **_hardware(run), **({"stored_width": "half"} if options.half else {})}
        write_card(stage / CARD_NAME, replace(card, weights=WEIGHTS_NAME, sha256=digest, training=training))
        _copy_extras(run, stage, options.result)
        write_readme(read_folder(stage))
    return read_folder(parent / card.full_name)


def _card_of(run: Path) -> ModelCard:
    if not (run / CARD_NAME).is_file():
        raise ModelError(
            f"can't add {run} – it has no {CARD_NAME}, which a training writes at its end – name a finished run folder,"
            " or finish it with --resume"
        )
    return read_card(run)


def _renamed(card: ModelCard, options: AddOptions) -> ModelCard:
    return replace(
        card,
        name=options.name or card.name,
        tag=options.tag or card.tag,
        licence=options.licence or card.licence,
        description=options.description or card.description,
    )


def _copy_weights(source: Path, target: Path, name: str, half: bool) -> str:
    if half:
        from fxdet.zoo.weights import write_half

        write_half(source, target, name)
    else:
        copy_file(source, target)
    return sha256_file(target)


def _copy_extras(run: Path, stage: Path, result: Path | None) -> None:
    if (run / CONFIG_NAME).is_file():
        write_text(stage / CONFIG_NAME, without_places((run / CONFIG_NAME).read_text(encoding="utf-8")))
    if (run / LOG_NAME).is_file():
        copy_file(run / LOG_NAME, stage / LOG_NAME)
    if result is not None:
        copy_file(result, stage / RESULTS_NAME)


def _hardware(run: Path) -> dict[str, str]:
    """Return what the run was made on, from its ``environment.json``; nothing where it has none."""
    try:
        found: dict[str, Any] = json.loads((run / "environment.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    device = str(found.get("device") or "")
    name = str(found.get("processor") or "processor") if device == "cpu" else device
    return {"hardware": name} if name else {}


def without_places(text: str) -> str:
    r"""Return a YAML text whose absolute paths are cut to their last part.

    Example:
        >>> without_places("run: /home/me/runs/a\nsplit: fracatlas/grouped\n")
        'run: a\nsplit: fracatlas/grouped\n'
    """
    return yaml.safe_dump(_placeless(yaml.safe_load(text)), sort_keys=False, allow_unicode=True)


def _placeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _placeless(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_placeless(item) for item in value]
    if isinstance(value, str) and (value.startswith("~") or PurePosixPath(value).is_absolute()):
        return PurePosixPath(value).name
    if isinstance(value, str) and PureWindowsPath(value).is_absolute():
        return PureWindowsPath(value).name
    return value


def add_row(found: ModelFolder, file: Path, config: str, commands: Sequence[str], result: str | None) -> ZooRow:
    """Add a model's row to a catalogue, or replace it, and copy its card to the ``cards`` folder beside it.

    Args:
        found: The model's folder.
        file: The catalogue.
        config: Configuration of the last training stage, relative to the repository.
        commands: Commands that make it, in order.
        result: File with its measured figures, relative to the repository, or None.

    Raises:
        ModelError: The catalogue or the row is wrong.
        OutputError: A file can't be written.
    """
    if not isinstance(found.card, ModelCard):
        raise ModelError(f"can't add a row for {found.name} – got a pipeline, expected a model – write its row by hand")
    place = file.parent / CARDS_FOLDER / f"{found.name}.json"
    try:
        row = ZooRow(
            name=found.name,
            kind=found.kind,
            description=found.card.description,
            licence=found.card.licence,
            commands=tuple(commands),
            architecture=found.card.architecture,
            card=place,
            config=config,
            result=result,
            size=found.size,
            sha256=found.card.sha256,
        )
    except ValueError as error:
        raise ModelError(f"can't add a row for {found.name} – {error}") from error
    rows = catalogue(file)
    copy_file(found.path / CARD_NAME, place)
    names = [other.name for other in rows]
    write_catalogue(
        [row if name == row.name else other for name, other in zip(names, rows, strict=True)]
        + ([] if row.name in names else [row]),
        file,
    )
    return row
