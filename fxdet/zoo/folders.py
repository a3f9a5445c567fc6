"""Folders of models and pipelines in the layout of a hub repository: one folder for each, named like its row.

::

    yolov8n.fracatlas/
        card.json            what the weights are, with their hash
        model.safetensors    the weights, under the name that the card gives
        README.md            the card in words
        config.yaml          resolved configuration of the training, if known
        log.csv              figures of each epoch, if known
        results.json         measured figures, if there are any
    mine/
        pipeline.json        what turns scores into decisions
        NAME.json            card of each of its models
        NAME.safetensors     weights of each
        README.md

``fxdet predict --pipeline`` takes both kinds as they are.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fxdet.core.errors import ModelError, OutputError
from fxdet.core.files import atomic_write, sha256_file, write_text
from fxdet.zoo.cards import (
    CARD_NAME,
    PIPELINE_NAME,
    ModelCard,
    PipelineCard,
    read_card,
    read_pipeline_card,
    verified_weights,
)
from fxdet.zoo.catalogue import PIPELINE, ZooRow, known_row
from fxdet.zoo.hub import find_pipeline, is_pipeline_card
from fxdet.zoo.readme import model_readme, pipeline_readme

WEIGHTS_NAME = "model.safetensors"
"""Name of the weights in a model's folder."""

README_NAME = "README.md"
"""Name of the card in words; the hub shows it."""

CONFIG_NAME, LOG_NAME, RESULTS_NAME = "config.yaml", "log.csv", "results.json"
EXTRAS = (README_NAME, CONFIG_NAME, LOG_NAME, RESULTS_NAME)
"""Files that a folder may have besides its card and weights."""


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model's or a pipeline's folder, read but not verified.

    Attributes:
        path: The folder.
        card: Its model or pipeline card.
        models: Card file → model card, of the model itself or of each of the pipeline's.
    """

    path: Path
    card: ModelCard | PipelineCard
    models: dict[str, ModelCard]

    @property
    def name(self) -> str:
        """Name that the folder should have."""
        return self.card.full_name if isinstance(self.card, ModelCard) else self.card.name

    @property
    def kind(self) -> str:
        """``pipeline``, ``localizer`` or ``classifier``."""
        return self.card.kind if isinstance(self.card, ModelCard) else PIPELINE

    @property
    def needed(self) -> tuple[str, ...]:
        """Names of the files without which it does not work: card, cards of models, weights."""
        own = () if isinstance(self.card, ModelCard) else (PIPELINE_NAME,)
        return (*own, *self.models, *(card.weights for card in self.models.values()))

    @property
    def extras(self) -> tuple[str, ...]:
        """Names of the further files that it has."""
        return tuple(name for name in EXTRAS if (self.path / name).is_file())

    @property
    def size(self) -> int:
        """Bytes of all weights."""
        return sum((self.path / card.weights).stat().st_size for card in self.models.values())


def read_folder(path: Path) -> ModelFolder:
    """Read the cards of a model's or a pipeline's folder.

    Raises:
        ModelError: There is no card, a card is wrong, or a pipeline names files outside the folder.
    """
    if (path / PIPELINE_NAME).is_file():
        cards = {name: read_card(path / name) for name in model_cards_of(path / PIPELINE_NAME)}
        return ModelFolder(path, read_pipeline_card(path), cards)
    if (path / CARD_NAME).is_file():
        card = read_card(path)
        return ModelFolder(path, card, {CARD_NAME: card})
    raise ModelError(
        f"can't find a model in {path} – expected {CARD_NAME} or {PIPELINE_NAME} – name a folder of 'fxdet zoo fetch'"
        " or 'fxdet zoo add'"
    )


def model_cards_of(pipeline: Path) -> tuple[str, ...]:
    """Return the names of the model cards that a pipeline's card file names, each once.

    Raises:
        ModelError: The card is wrong, or a name leads out of its folder.
    """
    paths = [path for _, path in find_pipeline(pipeline).models]
    for path in paths:
        if path.parent != pipeline.parent or path.suffix != ".json":
            raise ModelError(f"pipeline {pipeline} – got the card '{path}', expected a .json file in the same folder")
    return tuple(dict.fromkeys(path.name for path in paths))


def check_folder(found: ModelFolder, row: ZooRow | None) -> None:
    """Check every hash of a folder: weights against cards, and cards against the catalogue where a row is given.

    Raises:
        ModelError: Something is missing or differs; the message says what was expected.
    """
    for name, card in found.models.items():
        verified_weights(card, found.path)
        own = row if name == CARD_NAME else row and known_row(card.full_name)
        if own is not None and own.sha256 not in (None, card.sha256):
            raise ModelError(_differs(own, card.sha256, found.path / card.weights))
        weights = found.path / card.weights
        if own is not None and own.size not in (None, weights.stat().st_size):
            raise ModelError(f"{weights} – got {weights.stat().st_size} bytes, expected {own.size} – fetch it again")
    if row is not None and row.kind == PIPELINE and row.sha256 is not None:
        digest = sha256_file(found.path / PIPELINE_NAME)
        if digest != row.sha256:
            raise ModelError(_differs(row, digest, found.path / PIPELINE_NAME))


def _differs(row: ZooRow, digest: str, path: Path) -> str:
    return (
        f"{path} – got SHA-256 {digest[:12]}…, expected {str(row.sha256)[:12]}… as the catalogue says of {row.name} –"
        " it is another version or was changed; take another source"
    )


def lay_out(card: Path, folder: Path) -> ModelFolder:
    """Copy a model or a pipeline from wherever its card file lies into a folder of its own, with a README.

    Cards and weights keep their bytes.

    Raises:
        ModelError: A card is wrong, or weights differ from it.
        OutputError: The folder can't be written.
    """
    if is_pipeline_card(card):
        copy_file(card, folder / PIPELINE_NAME)
        for name in model_cards_of(card):
            copy_file(card.parent / name, folder / name)
    else:
        copy_file(card, folder / CARD_NAME)
    found = read_folder(folder)
    for model in found.models.values():
        copy_file(verified_weights(model, card.parent), folder / model.weights)
    write_readme(found)
    return found


def write_readme(found: ModelFolder) -> None:
    """Write a folder's README.md from its cards and its result file."""
    result = read_result(path) if (path := found.path / RESULTS_NAME).is_file() else None
    if isinstance(found.card, ModelCard):
        text = model_readme(found.card, found.size, found.extras, result)
    else:
        text = pipeline_readme(found.card, tuple(found.models.values()), result)
    write_text(found.path / README_NAME, text)


def read_result(path: Path) -> dict[str, Any]:
    """Return a result file's content.

    Raises:
        ModelError: The file is no JSON object.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"can't read result file {path} – {error} – expected JSON – name another file") from error
    if not isinstance(found, dict):
        got = type(found).__name__
        raise ModelError(f"result file {path} – got {got}, expected an object with keys – name another file")
    return found


def copy_file(source: Path, target: Path) -> None:
    """Copy a file, whole or not at all.

    Raises:
        ModelError: ``source`` can't be read.
        OutputError: ``target`` can't be written.
    """
    try:
        reading = open(source, "rb")  # noqa: SIM115 - closed below; only a source that can't be read is named here
    except OSError as error:
        raise ModelError(f"can't read {source} – {error.strerror or error} – name another folder") from error
    with reading, atomic_write(target, "wb") as writing:
        shutil.copyfileobj(reading, writing)


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Give a folder that becomes ``target`` when the block ends well, and vanishes when it does not.

    Raises:
        OutputError: ``target`` exists, or can't be written.
    """
    refuse_existing(target)
    stage = target.parent / f".{target.name}.{os.getpid()}.part"
    shutil.rmtree(stage, ignore_errors=True)
    try:
        stage.mkdir(parents=True)
        yield stage
        put_in_place(stage, target)
    except OSError as error:
        raise OutputError(f"can't write {target} – {error.strerror or error} – choose another folder") from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def refuse_existing(target: Path) -> None:
    """Raise where something would be overwritten.

    Raises:
        OutputError: ``target`` exists.
    """
    if target.exists() or target.is_symlink():
        raise OutputError(f"{target} exists – nothing is overwritten – remove it or choose another folder")


def put_in_place(stage: Path, target: Path) -> None:
    """Give a whole folder its name.

    Raises:
        OutputError: ``target`` exists, or can't be written.
    """
    refuse_existing(target)
    try:
        stage.rename(target)
    except OSError as error:
        raise OutputError(f"can't write {target} – {error.strerror or error} – choose another folder") from error
