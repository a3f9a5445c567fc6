"""A model's row in a catalogue: a new one, or one whose weights are replaced."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from fxdet.core.errors import ModelError
from fxdet.zoo.adding import AddOptions, card_to_add
from fxdet.zoo.cards import CARD_NAME, ModelCard
from fxdet.zoo.catalogue import ZooRow, catalogue, write_catalogue
from fxdet.zoo.folders import ModelFolder, copy_file

CARDS_FOLDER = "by_command"
"""Folder beside the catalogue with the cards of models whose weights lie elsewhere; the package ships it."""


@dataclass(frozen=True, slots=True)
class RowOptions:
    """What a row says besides its model; empty means as the row that is there.

    Attributes:
        config: Configuration of the last training stage, relative to the repository.
        commands: Commands that make it, in order.
        result: File with its measured figures, relative to the repository.
    """

    config: str = ""
    commands: tuple[str, ...] = ()
    result: str = ""


def check_row(run: Path, options: AddOptions, file: Path, row: RowOptions) -> None:
    """Refuse what :func:`add_row` could not add, before a folder is made.

    Raises:
        ModelError: The row is new and lacks configuration or command, the package ships the model, a file is not named
            relative to the repository, or the run can't be added.
    """
    name = card_to_add(run, options).full_name
    old = _row_of(name, file)
    if old is None and not (row.config and row.commands):
        raise ModelError(f"--catalogue – {file} has no row of {name}, expected --config and --command for a new one")
    if old is not None and old.bundled:
        raise ModelError(
            f"can't replace the row of {name} in {file} – the package ships it – put card and weights where its card"
            " lies, then run tools/update_catalogue.py"
        )
    for option, place in (("--config", row.config), ("--result", row.result)):
        if _leads_out(place):
            raise ModelError(f"{option} – got '{place}', expected a file named relative to the repository")


def _row_of(name: str, file: Path) -> ZooRow | None:
    return next((row for row in catalogue(file) if row.name == name), None)


def _leads_out(place: str) -> bool:
    absolute = PurePosixPath(place).is_absolute() or PureWindowsPath(place).is_absolute() or place.startswith("~")
    return absolute or ".." in PurePosixPath(place).parts


def add_row(found: ModelFolder, file: Path, options: RowOptions | None = None) -> ZooRow:
    """Add a model's row to a catalogue and its card to the folder ``by_command`` beside it, or replace a row's weights.

    A row that is there keeps what is not said anew: its place in the list, its card's place, configuration, commands,
    result, and whether the repository has it. A commit of the hub stays only with the weights that it holds.

    Args:
        found: The model's folder.
        file: The catalogue.
        options: What the row says besides the model.

    Raises:
        ModelError: The catalogue or the row is wrong.
        OutputError: A file can't be written.
    """
    options, rows = options or RowOptions(), catalogue(file)
    if not isinstance(found.card, ModelCard):
        raise ModelError(f"can't add a row for {found.name} – got a pipeline, expected a model – write its row by hand")
    old = next((row for row in rows if row.name == found.name), None)
    try:
        row = _row(found, found.card, old, options, file.parent / CARDS_FOLDER / f"{found.name}.json")
    except ValueError as error:
        raise ModelError(f"can't add a row for {found.name} – {error}") from error
    assert row.card is not None
    copy_file(found.path / CARD_NAME, row.card)
    write_catalogue([row if other is old else other for other in rows] + ([] if old else [row]), file)
    return row


def _row(found: ModelFolder, card: ModelCard, old: ZooRow | None, options: RowOptions, place: Path) -> ZooRow:
    """Return the row; what neither the model nor the options say is as in the old one."""
    return ZooRow(
        name=found.name,
        kind=found.kind,
        description=card.description,
        licence=card.licence,
        commands=options.commands or (old.commands if old else ()),
        architecture=card.architecture,
        card=(old.card if old else None) or place,
        config=options.config or (old.config if old else None),
        result=options.result or (old.result if old else None),
        in_repository=old is not None and old.in_repository,
        revision=old.revision if old and old.sha256 == card.sha256 else None,
        size=found.size,
        sha256=card.sha256,
    )


def stale_of(old: ZooRow | None, row: ZooRow) -> tuple[str, ...]:
    """Return in words what still belongs to a row's weights before."""
    if old is None or old.sha256 in (None, row.sha256):
        return ()
    notes = []
    if row.result is not None and row.result == old.result:
        notes.append(f"{row.result} is of other weights: measure anew and pass --result")
    if row.in_repository:
        notes.append(f"weights/{row.name} holds other weights: put the new folder there")
    return tuple(notes)
