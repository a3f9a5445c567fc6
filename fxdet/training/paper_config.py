"""What the configuration of a paper's row says: a classifier's training, and under which protocols it is repeated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Literal

from fxdet.core.errors import ConfigError, did_you_mean
from fxdet.data.filters import FILTERS
from fxdet.evaluation.papers import PAPERS
from fxdet.training.classifier_config import ClassifierConfig
from fxdet.training.config import load_config
from fxdet.training.options import check

BASE = "base"
"""File name, without ending, of what a paper's rows share; it is no row."""


@dataclass(frozen=True, slots=True)
class ProtocolOptions:
    """Which pictures are trained on, chosen with and tested.

    Attributes:
        split: Split list: its name or file; None takes the parts as the set was published.
        allow_leak: Take a list whose parts share pictures; every result is stamped with it.
        folds: Folds that are each tested once by a network trained on the others; empty takes the list's parts.
        shuffled_folds: Number of folds that are drawn over single file names, whatever these share; 0 takes those of
            the list. It is what most papers call k-fold.
    """

    split: str | None
    allow_leak: bool = False
    folds: tuple[int, ...] = ()
    shuffled_folds: int = 0

    def __post_init__(self) -> None:
        good = self.shuffled_folds == 0 or self.shuffled_folds >= 3
        check("shuffled_folds", good, self.shuffled_folds, "0, or at least 3")
        known = not self.shuffled_folds or set(self.folds) <= set(range(self.shuffled_folds))
        check("folds", known, list(self.folds), f"numbers below {self.shuffled_folds}")
        check("shuffled_folds", not self.shuffled_folds or self.allow_leak, "folds over file names", "allow_leak: true")
        folded = bool(self.folds or self.shuffled_folds)
        check("split", self.split is not None or not folded, "none", "a list for the folds")


@dataclass(frozen=True, slots=True)
class PaperRow(ClassifierConfig):
    """One row of a paper's table: everything of :class:`ClassifierConfig`, and how it is repeated.

    Attributes:
        paper: Paper, a key of :data:`fxdet.evaluation.papers.PAPERS`.
        row: Name of the row; the file's name.
        label: What the tables call it.
        head: Head that is judged.
        protocols: Protocol → split; ``as-published`` and ``grouped`` are the columns of the page.
        seeds: Seeds of the repetitions.
        filters: Filters with which the row is repeated; ``none`` is the row itself.
        judged: Weights that are tested: of the ``best`` validation epoch, or of the ``last`` one as the paper did.
        chain: Filters of a chain of trainings, each of which goes on from the last weights of the one before and is
            tested on the same test part, as a published script does it.
        reduced: Overrides ``KEY=VALUE`` with which the row runs on a small machine; see :func:`read_row`.
    """

    paper: str = ""
    row: str = ""
    label: str = ""
    head: Literal["fracture", "region"] = "fracture"
    protocols: Mapping[str, ProtocolOptions] = field(default_factory=dict)
    seeds: tuple[int, ...] = (7,)
    filters: tuple[str, ...] = ("none",)
    judged: Literal["best", "last"] = "best"
    chain: tuple[str, ...] = ()
    reduced: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        ClassifierConfig.__post_init__(self)
        if self.paper not in PAPERS:
            raise ValueError(f"paper: got '{self.paper}'{did_you_mean(self.paper, PAPERS)}")
        check("row", bool(self.row), "none", "the name of the row")
        check("head", self.head in self.heads, self.head, f"one of the heads {list(self.heads)}")
        check("sources", len(self.sources) == 1, f"{len(self.sources)} data sets", "one, which the protocols split")
        check("protocols", bool(self.protocols), "none", "at least one")
        check("seeds", bool(self.seeds), "none", "at least one")
        for name, filters in (("filters", self.filters), ("chain", self.chain)):
            if unknown := set(filters) - {"none", *FILTERS}:
                raise ValueError(f"{name}: got '{min(unknown)}'{did_you_mean(min(unknown), ['none', *FILTERS])}")
        check("filter", self.filter is None, self.filter, "nothing here – use 'filters'")


def read_row(path: Path, overrides: Iterable[str] = (), reduced: bool = False) -> PaperRow:
    """Read one row's configuration.

    Args:
        path: The file.
        overrides: Changes, ``KEY=VALUE``.
        reduced: Make the row's own changes for small machines first.

    Raises:
        ConfigError: The file, a key or a value is wrong, or the file's name is not the row's.
    """
    changes = tuple(overrides)
    row = load_config(path, changes, PaperRow)
    if reduced:
        row = load_config(path, (*row.reduced, *changes), PaperRow)
    if row.row != path.stem:
        raise ConfigError(f"{path}: row – got '{row.row}', expected the file's name '{path.stem}'")
    return row


def row_files(folder: Path, paper: str, rows: Iterable[str] = ()) -> list[Path]:
    """Return the configuration files of a paper's rows, in the order of the names given, else of the alphabet.

    Raises:
        ConfigError: The paper or a row has no configuration.
    """
    if not folder.is_dir():
        raise ConfigError(f"can't find {folder} – it lies in fxdet's repository – start there, or set --configs")
    if not (folder / paper).is_dir():
        papers = sorted(place.name for place in folder.iterdir() if place.is_dir())
        raise ConfigError(f"paper '{paper}' has no configurations in {folder}{did_you_mean(paper, papers)}")
    known = {path.stem: path for path in sorted((folder / paper).glob("*.yaml")) if path.stem != BASE}
    for name in rows:
        if name not in known:
            raise ConfigError(f"--row – {paper} has no row '{name}'{did_you_mean(name, known)}")
    return [known[name] for name in rows] or list(known.values())


def training_config(row: PaperRow, protocol: ProtocolOptions, seed: int, filter_name: str) -> ClassifierConfig:
    """Return the training of a row under a protocol; its run folder is still the row's.

    Args:
        row: The row.
        protocol: The protocol; its folds are not looked at.
        seed: Seed of the repetition.
        filter_name: Filter, or ``none``.
    """
    plain = ClassifierConfig(**{item.name: getattr(row, item.name) for item in fields(ClassifierConfig)})
    source = replace(row.sources[0], split=protocol.split, allow_leak=protocol.allow_leak)
    chosen = None if filter_name == "none" else filter_name
    return replace(plain, sources=(source,), loop=replace(row.loop, seed=seed), filter=chosen)
