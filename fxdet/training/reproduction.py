"""Running the rows of a paper: which result files there are to be, which are done, and the trainings of the others."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from logging import getLogger
from pathlib import Path
from typing import Any

import numpy as np

from fxdet.core.errors import ConfigError, did_you_mean
from fxdet.core.files import sha256_file, write_json
from fxdet.data.filters import FILTERS
from fxdet.data.split_writing import write_split
from fxdet.data.splits import SplitRow, named_split
from fxdet.data.splitting import SplitPlan
from fxdet.training.classification import radiograph_store
from fxdet.training.classifier_config import ClassifierConfig
from fxdet.training.config_hash import config_hash, decisive
from fxdet.training.fits import LAST, SCORES, FitResult, run_fit
from fxdet.training.paper_config import PaperRow, ProtocolOptions, training_config
from fxdet.training.paper_results import ResultKey, build_result, read_result, replaced
from fxdet.training.pictures import RadiographStore
from fxdet.training.processes import Processes
from fxdet.training.scores import Judged

logger = getLogger(__name__)

Say = Callable[[str], None]

EARLIER = "earlier.json"
"""What of replaced results a run folder remembers until its own result is written."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a paper is asked for; empty takes what the configurations say.

    Attributes:
        protocols, filters, seeds: As in the rows' configurations.
        folds: Folds of the protocols that have some.
    """

    protocols: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    folds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RunPlaces:
    """Where results go, and what happens to what lies there.

    Attributes:
        results: Folder of the result files.
        restart: Throw earlier results and runs of the rows away.
        keep_weights: Keep the weights of every fold and seed; otherwise those of the first fold and seed.
    """

    results: Path
    restart: bool = False
    keep_weights: bool = False


@dataclass(slots=True)
class DecodedOnce:
    """Decoded radiographs of the present preprocess and filter; one set at a time, for the memory's sake."""

    key: tuple[object, ...] = ()
    store: RadiographStore | None = None

    def of(self, config: ClassifierConfig) -> RadiographStore:
        """Return the store for a training."""
        preprocess = config.preprocess
        window = (preprocess.low_percentile, preprocess.high_percentile)
        key = (str(config.sources[0].path), config.cache_side, config.filter, window)
        if self.store is None or key != self.key:
            self.key, self.store = key, radiograph_store(config)
        return self.store


@dataclass(frozen=True, slots=True)
class Reproduction:
    """Runs result keys of rows.

    Attributes:
        places: Where results go.
        processes: This process.
        say: Takes one line on each step.
        decoded: Shared radiographs.
    """

    places: RunPlaces
    processes: Processes
    say: Say
    decoded: DecodedOnce = field(default_factory=DecodedOnce)

    def run(self, row: PaperRow, key: ResultKey, folds: Sequence[int] = ()) -> Path:
        """Train what is missing of a key, write its result file and return it.

        A finished key is left as it is. A killed one goes on from its last whole epoch.

        Raises:
            ConfigError, DataError, ModelError, TrainingError, OutputError: See the message.
        """
        path, folder = key.path(self.places.results), run_folder(row, key)
        if self.places.restart:
            _throw_away(path, folder)
        protocol = protocol_of(row, key.protocol)
        if folds:
            protocol = replace(protocol, folds=tuple(folds))
        if path.exists() and _is_of(path, row, key, protocol):
            self.say(f"{key.paper} {key.name}: done")
            return path
        chosen = shuffled(protocol, row, folder, key.seed) if protocol.shuffled_folds else protocol
        links: list[list[FitResult]] = []
        for number, filter_name in enumerate(row.chain or (key.filter,)):
            config = training_config(row, chosen, key.seed, filter_name)
            links.append([self._fold(row, key, config, number, fold) for fold in chosen.folds or (None,)])
        write_json(path, build_result(key, about_row(row, key, protocol), links, _remembered(folder)))
        self._clean(row, key, folder)
        self.say(f"{key.paper} {key.name}: written to {path}")
        return path

    def _fold(
        self, row: PaperRow, key: ResultKey, config: ClassifierConfig, number: int, fold: int | None
    ) -> FitResult:
        """Run one training of a key: a link of its chain, and a fold of its protocol."""
        folder = run_folder(row, key)
        place = "all" if fold is None else f"fold{fold}"
        source = config.sources[0]
        if fold is not None:
            source = replace(source, split=f"{source.split}@{fold}")
        here = folder / (f"{place}-{number}" if row.chain else place)
        config = replace(config, sources=(source,), run=here)
        if number:
            config = replace(config, initial_weights=str(folder / f"{place}-{number - 1}" / LAST))
        if not (here / SCORES).exists():
            self.say(f"{key.paper} {key.name}: {here.name}, filter {config.filter or 'none'}, {row.loop.epochs} epochs")
        judged = Judged(row.head, row.judged)
        return run_fit(config, judged, self.processes, self.decoded.of(config), chained=bool(row.chain))

    def _clean(self, row: PaperRow, key: ResultKey, folder: Path) -> None:
        """Remove weights of repetitions: half a gigabyte each for VGG-16."""
        for number, place in enumerate(sorted(place for place in folder.iterdir() if place.is_dir())):
            first = key.seed == row.seeds[0] and (number == 0 or bool(row.chain))
            for weights in place.glob("*.safetensors") if not (self.places.keep_weights or first) else ():
                weights.unlink()


def _throw_away(path: Path, folder: Path) -> None:
    """Begin a key anew; what the old result showed of the test part is remembered in the run folder."""
    earlier = replaced(read_result(path)) if path.exists() else _remembered(folder)
    shutil.rmtree(folder, ignore_errors=True)
    if earlier:
        folder.mkdir(parents=True)
        write_json(folder / EARLIER, earlier)
    path.unlink(missing_ok=True)


def _remembered(folder: Path) -> list[dict[str, Any]]:
    path = folder / EARLIER
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return found


def result_keys(row: PaperRow, selection: Selection) -> list[ResultKey]:
    """Return what a row's result files are to be.

    Raises:
        ConfigError: The row has no such protocol, or there is no such filter.
    """
    for name in selection.protocols:
        protocol_of(row, name)
    for name in selection.filters:
        if name not in ("none", *FILTERS):
            raise ConfigError(f"--filter – got '{name}'{did_you_mean(name, ('none', *FILTERS))}")
    filters = ("none",) if row.chain else selection.filters or row.filters
    return [
        ResultKey(row.paper, row.row, filter_name, protocol, seed)
        for protocol in selection.protocols or tuple(row.protocols)
        for seed in selection.seeds or row.seeds
        for filter_name in filters
    ]


def protocol_of(row: PaperRow, name: str) -> ProtocolOptions:
    """Return a row's protocol.

    Raises:
        ConfigError: The row has no such protocol.
    """
    if name not in row.protocols:
        raise ConfigError(f"--protocol – {row.row} has no '{name}'{did_you_mean(name, row.protocols)}")
    return row.protocols[name]


def run_folder(row: PaperRow, key: ResultKey) -> Path:
    """Return the folder of a key's trainings."""
    return row.run / key.paper / key.name


def state_of(row: PaperRow, key: ResultKey, results: Path) -> str:
    """Return ``done``, ``started`` or ``not run yet``."""
    if key.path(results).exists():
        return "done"
    return "started" if run_folder(row, key).exists() else "not run yet"


def about_row(row: PaperRow, key: ResultKey, protocol: ProtocolOptions) -> dict[str, object]:
    """Return what a result file says of the row: label, head, first weights, configuration and its hash."""
    config = training_config(row, protocol, key.seed, key.filter)
    first = Path(row.initial_weights)
    weights = row.initial_weights if row.initial_weights in ("hub", "none") else first.name
    return {
        "label": row.label,
        "description": row.description,
        "head": row.head,
        "classes": list(row.heads[row.head]),
        "architecture": row.architecture,
        "initial_weights": weights,
        "initial_weights_sha256": sha256_file(first) if first.is_file() else "",
        "judged": row.judged,
        "fault": row.fault,
        "chain": list(row.chain),
        "tested_folds": list(protocol.folds),
        "allow_leak": protocol.allow_leak,
        "shuffled_folds": protocol.shuffled_folds,
        "config_hash": config_hash(config),
        "configuration": decisive(config),
    }


def _is_of(path: Path, row: PaperRow, key: ResultKey, protocol: ProtocolOptions) -> bool:
    """Return whether a result is of these folds; tell where it is of another configuration."""
    stored, now = read_result(path), about_row(row, key, protocol)
    if any(stored[name] != now[name] for name in ("config_hash", "judged", "chain")):
        logger.warning("%s was made with another configuration – --restart makes it anew", path)
        return True
    return set(protocol.folds) <= set(stored["tested_folds"])


def shuffled(protocol: ProtocolOptions, row: PaperRow, folder: Path, seed: int) -> ProtocolOptions:
    """Write a list of folds drawn over single names, whatever they share, and return the protocol that uses it.

    Names of every part of the protocol's list are dealt out label by label, so that folds have the same shares.
    """
    path = folder / "shuffled_folds.csv"
    listed = named_split(str(protocol.split))
    known = [item for item in listed.rows if item.part is not None]
    rows = [known[place] for place in np.random.default_rng(seed).permutation(len(known))]
    rows.sort(key=lambda item: item.columns.get("fractured", ""))
    count = protocol.shuffled_folds
    dealt = tuple(
        SplitRow(item.name, item.group, "train", number % count, item.columns, item.file)
        for number, item in enumerate(rows)
    )
    rule = f"{count} folds drawn over single names of {protocol.split} ({listed.sha256[:12]}), whatever they share"
    if not path.exists():
        write_split(path, SplitPlan(listed.set_name, seed, rule, dealt), {})
    folds = protocol.folds or tuple(range(count))
    return replace(protocol, split=str(path), folds=folds)


def run_all(
    reproduction: Reproduction, rows: Sequence[PaperRow], selection: Selection
) -> Iterator[tuple[ResultKey, Path]]:
    """Run every key of some rows, and yield each with its result file.

    First seeds, rows without a filter and published protocols come first, so that a stopped run leaves whole columns.
    """
    for row, key in in_order(rows, selection):
        yield key, reproduction.run(row, key, selection.folds)


def in_order(rows: Sequence[PaperRow], selection: Selection) -> list[tuple[PaperRow, ResultKey]]:
    """Return all keys of some rows in the order in which they are run."""
    pairs = [(row, key) for row in rows for key in result_keys(row, selection)]

    def place(pair: tuple[PaperRow, ResultKey]) -> tuple[int, int, int]:
        row, key = pair
        seeds, filters = selection.seeds or row.seeds, selection.filters or row.filters
        filtered = 0 if row.chain else filters.index(key.filter)
        return seeds.index(key.seed), min(filtered, 1), list(row.protocols).index(key.protocol)

    return sorted(pairs, key=place)
