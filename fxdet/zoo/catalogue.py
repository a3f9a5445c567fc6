"""The catalogue: one row for each pipeline and each model of the zoo, with or without weights.

The rows are data, ``catalogue.json`` beside this module, and are read strictly. A row says what a model is, which
configuration and commands make it, where its figures are written, and how its weights are recognised. A row without a
hash has not been trained yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fxdet.core.errors import ModelError, did_you_mean
from fxdet.core.files import sha256_file, write_json
from fxdet.zoo.cards import read_card
from fxdet.zoo.hub import find_pipeline
from fxdet.zoo.records import read_record, record_to_json

CATALOGUE_FILE = Path(__file__).parent / "catalogue.json"
"""Where the rows lie."""

WEIGHTS_FOLDER = Path(__file__).resolve().parents[2] / "weights"
"""Folder of the repository, beside the package, with models that the package doesn't ship: one folder for each."""

PIPELINE = "pipeline"
"""Kind of a row that names a pipeline; the others are a card's kinds, ``localizer`` and ``classifier``."""

KINDS = (PIPELINE, "localizer", "classifier")
"""Kinds of rows."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""Form of a row's name, which is also a folder's."""

_ALWAYS = ("name", "kind", "description", "licence", "commands")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ZooRow:
    """One pipeline or model of the zoo.

    Attributes:
        name: ``network.tag`` of a model, the name of a pipeline.
        kind: ``pipeline``, ``localizer`` or ``classifier``.
        description: One line on what it is for.
        licence: Licence of the weights, as SPDX writes it.
        commands: Commands that make it, in order, in a clone of the repository with the data beside it.
        architecture: Name that the builder knows; empty for a pipeline.
        card: Card file; relative to the catalogue in the file, whole once it is read. None before the first training.
        config: Configuration of the last training stage, relative to the repository; None for a pipeline.
        result: File with the measured figures, relative to the repository; None where nothing was measured.
        models: Rows that a pipeline is made of.
        bundled: Whether the weights come with the package.
        in_repository: Whether the repository has them in its folder ``weights``; not with :attr:`bundled`.
        revision: Commit of the hub repository that holds the weights, or None where it holds none.
        size: Bytes of the weights; of a pipeline, of all its models' weights; None before the first training.
        sha256: Hash of the weights; of a pipeline, of its card; None before the first training.
    """

    name: str
    kind: str
    description: str
    licence: str
    commands: tuple[str, ...]
    architecture: str = ""
    card: Path | None = None
    config: str | None = None
    result: str | None = None
    models: tuple[str, ...] = ()
    bundled: bool = False
    in_repository: bool = False
    revision: str | None = None
    size: int | None = None
    sha256: str | None = None

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(f"ZooRow.name: got {self.name!r}, expected letters, digits, '.', '_' and '-'")
        if self.kind not in KINDS:
            raise ValueError(f"ZooRow.kind of {self.name}: got {self.kind!r}, expected one of {', '.join(KINDS)}")
        if not self.commands:
            raise ValueError(f"ZooRow.commands of {self.name}: got none, expected the commands that make it")
        if self.sha256 is not None and not _SHA256.fullmatch(self.sha256):
            raise ValueError(f"ZooRow.sha256 of {self.name}: got {self.sha256!r}, expected 64 hexadecimal digits")
        if len({self.card is None, self.size is None, self.sha256 is None}) > 1:
            raise ValueError(f"ZooRow of {self.name}: 'card', 'size' and 'sha256' – expected all three or none")
        if (self.bundled or self.in_repository or self.revision) and self.sha256 is None:
            raise ValueError(f"ZooRow of {self.name}: weights without 'sha256' – expected the hash of the weights")
        if self.bundled and self.in_repository:
            raise ValueError(f"ZooRow of {self.name}: 'bundled' and 'in_repository' – expected one copy of the weights")
        if (self.kind == PIPELINE) != bool(self.models) or (self.kind == PIPELINE) == bool(self.architecture):
            raise ValueError(f"ZooRow of {self.name}: expected 'models' for a pipeline, 'architecture' for a model")

    @property
    def command(self) -> str:
        """All commands, one per line."""
        return "\n".join(self.commands)

    @property
    def trained(self) -> bool:
        """Whether there have been weights; what has none is a configuration and a command."""
        return self.sha256 is not None

    @property
    def state(self) -> str:
        """Where weights are to be had.

        One of ``shipped``, ``in the repository``, ``on the hub``, ``by command``, ``not trained yet``.
        """
        if self.bundled:
            return "shipped"
        if self.in_repository:
            return "in the repository"
        if self.revision:
            return "on the hub"
        return "by command" if self.trained else "not trained yet"

    @property
    def beside_the_package(self) -> Path | None:
        """Folder that has the model, or None where it is in no such folder, or fxdet is not run from a checkout."""
        folder = WEIGHTS_FOLDER / self.name
        return folder if self.in_repository and folder.is_dir() else None


@dataclass(frozen=True, slots=True)
class _CatalogueFile:
    rows: tuple[ZooRow, ...]
    schema: int = 1

    def __post_init__(self) -> None:
        if self.schema != 1:
            raise ValueError(f"catalogue: schema {self.schema}, expected 1 – update fxdet")
        names = [row.name for row in self.rows]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"catalogue: {', '.join(twice)} named twice, expected one row for each name")
        for row in self.rows:
            for model in row.models:
                if model not in names:
                    raise ValueError(f"catalogue: {row.name} is made of '{model}'{did_you_mean(model, names)}")


def catalogue(path: Path = CATALOGUE_FILE) -> tuple[ZooRow, ...]:
    """Return all rows, pipelines first, in the order of the file.

    Raises:
        ModelError: The file is missing or a row is wrong; the message names the row.

    Example:
        >>> [row.name for row in catalogue() if row.kind == "pipeline"]
        ['builtin', 'fast']
    """
    rows = read_record(path, _CatalogueFile).rows
    return tuple(row if row.card is None else replace(row, card=path.parent / row.card) for row in rows)


def find_row(name: str, rows: Sequence[ZooRow] | None = None) -> ZooRow:
    """Return the row of a name.

    Raises:
        ModelError: There is no such row; the message names the nearest.
    """
    rows = catalogue() if rows is None else rows
    for row in rows:
        if row.name == name:
            return row
    raise ModelError(f"the zoo has no '{name}'{did_you_mean(name, [row.name for row in rows])}")


def known_row(name: str) -> ZooRow | None:
    """Return the row of a name, or None where the catalogue has none."""
    return next((row for row in catalogue() if row.name == name), None)


def write_catalogue(rows: Iterable[ZooRow], path: Path) -> None:
    """Write a catalogue, pipelines first, whole or not at all; what a row leaves out is left out of the file."""
    ordered = sorted(rows, key=lambda row: KINDS.index(row.kind))
    relative = [row if row.card is None else replace(row, card=row.card.relative_to(path.parent)) for row in ordered]
    data = [{key: value for key, value in record_to_json(row).items() if value or key in _ALWAYS} for row in relative]
    write_json(path, {"schema": 1, "rows": data})


def refreshed_row(row: ZooRow) -> ZooRow:
    """Return a row with size, hash, licence and description as its card says.

    The card's word is taken for weights that are not beside it; their size stays as it was.

    Raises:
        ModelError: The card can't be read.
    """
    if row.card is None:
        return row
    if row.kind == PIPELINE:
        parts = find_pipeline(row.card)
        cards = {path: read_card(path) for _, path in parts.models}
        size = sum((path.parent / card.weights).stat().st_size for path, card in cards.items())
        return replace(
            row,
            description=parts.card.description,
            models=tuple(card.full_name for card in cards.values()),
            sha256=sha256_file(row.card),
            size=size,
        )
    card = read_card(row.card)
    weights = row.card.parent / card.weights
    return replace(
        row,
        name=card.full_name,
        kind=card.kind,
        architecture=card.architecture,
        licence=card.licence,
        description=card.description,
        sha256=card.sha256,
        size=weights.stat().st_size if weights.is_file() else row.size,
    )
