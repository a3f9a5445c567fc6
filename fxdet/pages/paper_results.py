"""Result files of a paper's rows, gathered: several seeds as one figure, with what must stand beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from fxdet.evaluation.estimate import Estimate, plain_number
from fxdet.evaluation.paper_checks import printed_text as as_printed
from fxdet.evaluation.papers import PRINTED_TWICE, PUBLISHED_ROWS, PublishedRow, published_row
from fxdet.pages.sources import NOT_MEASURED, Record, Repository
from fxdet.training.config_hash import decisive
from fxdet.training.paper_config import PaperRow, read_row, row_files, training_config
from fxdet.training.paper_tables import NOT_RUN

RELEASED_PARTS = "as-published"
"""Protocol of the parts as a set was released."""

FOLDS_OVER_NAMES = "shuffled-folds"
"""Protocol of a paper that reports k-fold cross-validation."""

_NO_CHANGE = ("initial_weights", "sources")

AS_SCRIPT = "_as_script"
"""Ending of a row that shows what the published script does."""


@dataclass(frozen=True, slots=True)
class Seeds:
    """The result files of one row, filter and protocol, one per seed.

    Attributes:
        row: The row's configuration.
        results: Contents of the files; empty where nothing was run.
    """

    row: PaperRow
    results: tuple[Record, ...]

    def figure(self, name: str) -> Estimate | None:
        """Return a figure: of several seeds the mean of values and of limits; None where no file has it."""
        found = [Estimate.from_json(result["figures"][name]) for result in self.results if name in result["figures"]]
        defined = [item for item in found if item.value is not None]
        if len(defined) < 2:
            return next(iter(defined or found), None)
        value, low, high = (_mean([getattr(item, part) for item in defined]) for part in ("value", "low", "high"))
        return Estimate(value, low, high, defined[0].n, "mean of seeds")

    def cell(self, name: str) -> str:
        """Return what a table shows of a figure: interval, n, seeds with their range, folds, stamp."""
        estimate = self.figure(name)
        if not self.results:
            return NOT_RUN
        if estimate is None:
            return NOT_MEASURED
        stamps = [*(["**leaky**"] if self.leaky else []), *(["reduced"] if self.reduced else [])]
        return "; ".join([f"{estimate}", *self._range(name), *self._folds(), *stamps])

    @property
    def leaky(self) -> bool:
        """Whether parts of the split share pictures."""
        return any(result["split"]["leaky"] for result in self.results)

    @property
    def reduced(self) -> tuple[str, ...]:
        """What of the row's training was changed in any of the runs, e.g. ``preprocess.size 112 (row: 224)``."""
        return tuple(dict.fromkeys(change for result in self.results for change in changes_of(result, self.row)))

    def _range(self, name: str) -> list[str]:
        values = [result["figures"].get(name, {}).get("value") for result in self.results]
        known = [value for value in values if value is not None]
        if len(known) < 2:
            return []
        return [f"mean of {len(known)} seeds, {plain_number(min(known))}–{plain_number(max(known))}"]

    def _folds(self) -> list[str]:
        if not self.results:
            return []
        tested, wanted = self.results[0]["tested_folds"], self.row.protocols.get(self.results[0]["protocol"])
        planned = list(wanted.folds or range(wanted.shuffled_folds)) if wanted else []
        if not planned or len(tested or planned) == len(planned) > 1:
            return []
        return [f"fold {tested[0]} alone" if len(tested) == 1 else f"{len(tested)} of {len(planned)} folds"]


@dataclass(frozen=True, slots=True)
class PaperTable:
    """All rows of a paper with their result files.

    Attributes:
        paper: Key of :data:`~fxdet.evaluation.papers.PAPERS`.
        rows: Configurations, in the paper's order.
        results: Contents of all result files.
    """

    paper: str
    rows: tuple[PaperRow, ...]
    results: tuple[Record, ...]

    @property
    def protocols(self) -> tuple[str, ...]:
        """Protocols of the rows, in the order of the configurations."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row.protocols))

    @property
    def published_protocol(self) -> str:
        """The protocol that is the paper's own: whether a row is reproduced is judged by it."""
        return FOLDS_OVER_NAMES if FOLDS_OVER_NAMES in self.protocols else RELEASED_PARTS

    def of(self, row: PaperRow, protocol: str, filter_name: str | None = None) -> Seeds:
        """Return the results of a row under a protocol; without a filter's name, of its first filter."""
        wanted = (row.row, protocol, filter_name or ("none" if row.chain else row.filters[0]))
        found = [item for item in self.results if (item["row"], item["protocol"], item["filter"]) == wanted]
        return Seeds(row, tuple(sorted(found, key=lambda item: item["seed"])))


def read_paper(repository: Repository, paper: str) -> PaperTable:
    """Return a paper's rows and results.

    Raises:
        ConfigError: A configuration is wrong.
        DataError: A result file is no JSON object.
    """
    rows = read_rows(repository, paper)
    order = [row.row for row in _published_rows(paper)]

    def place(row: PaperRow) -> tuple[int, str]:
        name = row.row.removesuffix(AS_SCRIPT)
        return (order.index(name) if name in order else len(order), row.row)

    results = repository.records(f"papers/{paper}/*.*.*.json")
    return PaperTable(paper, tuple(sorted(rows, key=place)), tuple(results.values()))


def read_rows(repository: Repository, paper: str) -> list[PaperRow]:
    """Return the configurations of a paper's rows, in the order of their names.

    Raises:
        ConfigError: A configuration is wrong.
    """
    return [read_row(path) for path in row_files(repository.root / "configs" / "papers", paper)]


def published_of(row: PaperRow) -> PublishedRow | None:
    """Return what the paper prints of a row; a row that shows the script stands beside the figure of the network."""
    return published_row(row.paper, row.row.removesuffix(AS_SCRIPT))


def printed_text(row: PaperRow, name: str) -> str:
    """Return a published figure as it was printed, with all places that print it."""
    known = published_of(row)
    if known is None:
        return NOT_MEASURED
    wanted = (row.paper, known.row, name)
    for paper, printed_row, figure, places in PRINTED_TWICE:
        if (paper, printed_row, figure) == wanted:
            return ", ".join(f"{as_printed(value)} ({place})" for place, value in places)
    if name in known.figures:
        return as_printed(known.figures[name])
    return known.label.partition("(")[2].removesuffix(")") or NOT_MEASURED


def changes_of(result: Record, row: PaperRow) -> tuple[str, ...]:
    """Return what of a run's training differs from its row, but for the first weights, which have their own column.

    Example of a change: ``loop.epochs 5 (row: 20)``.
    """
    made = _leaves(result.get("configuration", {}))
    protocol = row.protocols.get(result["protocol"])
    if not made or protocol is None:
        return ()
    asked = _leaves(decisive(training_config(row, protocol, result["seed"], result["filter"])))
    keys = sorted(key for key in made.keys() | asked.keys() if not key.startswith(_NO_CHANGE))
    return tuple(
        f"`{key}` {made.get(key, 'none')} (row: {asked.get(key, 'none')})"
        for key in keys
        if made.get(key) != asked.get(key)
    )


def _leaves(tree: Any, place: str = "") -> dict[str, str]:
    """Return the leaves of a configuration by their dotted place; a list of several parts by its length."""
    if isinstance(tree, dict):
        return {name: text for key, value in tree.items() for name, text in _leaves(value, f"{place}.{key}").items()}
    text = f"{len(tree)} parts" if isinstance(tree, list) and place == ".freeze" else str(tree)
    return {place.lstrip("."): text}


def first_weights(row: PaperRow, results: Sequence[Record]) -> str:
    """Return what the networks of a row started from, and whether that is not what the row asks for."""
    used = list(dict.fromkeys(result["initial_weights"] for result in results)) or [row.initial_weights]
    return ", ".join(_weights_words(name, row) for name in used)


def _weights_words(name: str, row: PaperRow) -> str:
    if name == "none":
        return "none, as described" if row.initial_weights == "none" else "**from scratch**, not ImageNet"
    if name == "hub" or "imagenet" in name.lower():
        return "ImageNet"
    return f"`{name}`, not ImageNet"


def _published_rows(paper: str) -> list[PublishedRow]:
    return [row for row in PUBLISHED_ROWS if row.paper == paper]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known and len(known) == len(values) else None
