"""Bring a model or a pipeline from a hub repository, a local folder, the package or what lies beside it into a folder.

Nothing is put in place before every hash was checked, and nothing that is there is overwritten.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fxdet.core.errors import ModelError, OutputError
from fxdet.zoo.cards import CARD_NAME, PIPELINE_NAME, read_card
from fxdet.zoo.catalogue import PIPELINE, ZooRow, known_row
from fxdet.zoo.folders import (
    EXTRAS,
    README_NAME,
    ModelFolder,
    check_folder,
    copy_file,
    lay_out,
    model_cards_of,
    new_folder,
    put_in_place,
    read_folder,
    write_readme,
)


class ModelSource(Protocol):
    """Where models come from: one folder each, named like the model."""

    @property
    def place(self) -> str:
        """Name for messages."""

    def get(self, name: str, file: str, root: Path) -> bool:
        """Bring ``name/file`` to the same place below ``root``; tell whether the source has it.

        Raises:
            ModelError: The source can't be reached.
        """


@dataclass(frozen=True, slots=True)
class FolderSource:
    """Models in a local folder: it holds a folder for each, or is itself the folder of one."""

    path: Path

    @property
    def place(self) -> str:
        """Name for messages."""
        return f"folder {self.path}"

    def get(self, name: str, file: str, root: Path) -> bool:
        """Copy a file; see :class:`ModelSource`."""
        inner = self.path / name
        # What a person names may also be the model's own folder, whatever it is called.
        folder = inner if inner.is_dir() else self.path
        if not (folder / file).is_file():
            return False
        copy_file(folder / file, root / name / file)
        return True


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a call of :func:`fetch` left.

    Attributes:
        folder: The model's or the pipeline's folder, verified.
        is_new: Whether it was fetched now; else it was there before.
    """

    folder: ModelFolder
    is_new: bool


def fetch(name: str, source: ModelSource | None, parent: Path) -> Fetched:
    """Bring a model or a pipeline into ``parent/name``.

    Args:
        name: Name of a row of the catalogue, or of any other model that the source has.
        source: Where it comes from; None takes it out of the package, or out of the folder ``weights`` beside it.
        parent: Folder that gets the new folder.

    Raises:
        ModelError: The source has no such model or can't be reached, or a hash differs from card or catalogue.
        OutputError: The folder is there and differs, or can't be written.
    """
    if not name or Path(name).name != name or name.startswith("."):
        raise ModelError(f"can't fetch '{name}' – expected the name of a model, as 'fxdet zoo list' shows it")
    row, target = known_row(name), parent / name
    if target.exists():
        return Fetched(_already_there(target, name, row), is_new=False)
    if source is None and row is not None and row.beside_the_package is not None:
        source = FolderSource(row.beside_the_package)
    if source is None:
        _from_package(name, row, target)
    else:
        _from_source(name, row, source, target)
    return Fetched(read_folder(target), is_new=True)


def _already_there(target: Path, name: str, row: ZooRow | None) -> ModelFolder:
    try:
        found = read_folder(target)
        _check(found, name, row, str(target))
    except ModelError as error:
        raise OutputError(
            f"{target} exists and is not {name} as expected: {error} – nothing was overwritten"
        ) from error
    return found


def _from_package(name: str, row: ZooRow | None, target: Path) -> None:
    if row is None or row.card is None or not row.bundled:
        raise ModelError(_nowhere(name, row))
    with new_folder(target) as stage:
        check_folder(lay_out(row.card, stage), row)


def _nowhere(name: str, row: ZooRow | None) -> str:
    remedy = "pass --from with a hub repository or a folder, or set FXDET_ZOO"
    if row is None:
        return f"can't fetch {name} – the catalogue has no such row, and no source was named – {remedy}"
    made = f"; it is made by: {' && '.join(row.commands)}"
    if not row.trained:
        return f"can't fetch {name} – it has not been trained yet, so there are no weights – {remedy}{made}"
    if row.in_repository:
        place = "the repository's folder weights – run fxdet from a clone"
        return f"can't fetch {name} – it is in {place}, or {remedy}{made}"
    return f"can't fetch {name} – it is not in the package – {remedy}{made}"


def _from_source(name: str, row: ZooRow | None, source: ModelSource, target: Path) -> None:
    # The same for each attempt: a source may go on with what an earlier one left.
    root = target.parent / f".{name}.part"
    try:
        root.mkdir(parents=True, exist_ok=True)
        _gather(name, row, source, root)
    except OSError as error:
        raise OutputError(f"can't write {root} – {error.strerror or error} – choose another folder") from error
    finally:
        if not any((root / name).glob("*")):
            shutil.rmtree(root, ignore_errors=True)
    try:
        found = read_folder(root / name)
        _check(found, name, row, source.place)
        if README_NAME not in found.extras:
            write_readme(found)
        put_in_place(root / name, target)
    finally:
        shutil.rmtree(root, ignore_errors=True)  # what is wrong is not gone on with


def _gather(name: str, row: ZooRow | None, source: ModelSource, root: Path) -> None:
    """Bring the card first: it tells which other files there must be."""
    folder = root / name
    kinds = (PIPELINE_NAME, CARD_NAME) if row is not None and row.kind == PIPELINE else (CARD_NAME, PIPELINE_NAME)
    first = next((file for file in kinds if source.get(name, file, root)), None)
    if first is None:
        raise ModelError(f"can't find {name} in {source.place} – expected {name}/{CARD_NAME} or {name}/{PIPELINE_NAME}")
    cards = [CARD_NAME]
    if first == PIPELINE_NAME:
        cards = list(model_cards_of(folder / PIPELINE_NAME))
        for file in cards:
            _get(source, name, file, root)
    for file in dict.fromkeys(read_card(folder / card).weights for card in cards):
        _get(source, name, file, root)
    for file in EXTRAS:
        source.get(name, file, root)


def _get(source: ModelSource, name: str, file: str, root: Path) -> None:
    if not source.get(name, file, root):
        raise ModelError(f"can't fetch {name} – {source.place} has no {name}/{file}, which its card names")


def _check(found: ModelFolder, name: str, row: ZooRow | None, place: str) -> None:
    if found.name != name:
        raise ModelError(f"can't fetch {name} from {place} – got the card of {found.name}, expected {name}'s")
    check_folder(found, row)
