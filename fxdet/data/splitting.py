"""Making split lists: groups stay together, labels and regions are spread evenly, nothing is lost without a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fxdet.core.errors import ConfigError, DataError, did_you_mean
from fxdet.data.formats.multiregion import published_files
from fxdet.data.samples import Sample, SampleSet
from fxdet.data.split_balance import allocate
from fxdet.data.split_groups import Grouping, short_names
from fxdet.data.splits import SplitRow

STRATA = ("label", "region")
"""What is spread evenly by default."""

SEVERAL = "opposite labels in its group"
UNREADABLE = "unreadable"
MISSING = "the file is missing"
UNPUBLISHED = "in no published part"


@dataclass(frozen=True, slots=True)
class SplitOptions:
    """How a set is split.

    Attributes:
        parts: Name of each part → its share of the pictures; the shares sum to 1. Empty for folds alone.
        folds: Number of folds; 0 for none. They are drawn over all pictures, whatever their part.
        seed: Seed of the draw.
        stratify: What is spread evenly: ``label``, ``region``, or names of the samples' attributes.
        keep: Part → published parts whose pictures, with their groups, go there.
    """

    parts: Mapping[str, float] = field(default_factory=dict)
    folds: int = 0
    seed: int = 0
    stratify: tuple[str, ...] = STRATA
    keep: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.parts and not self.folds:
            raise ConfigError("nothing to split into – pass --parts train=.7,val=.1,test=.2 or --folds 5")
        if self.folds and self.folds < 2:
            raise ConfigError(f"--folds: got {self.folds}, expected at least 2")
        for name, share in self.parts.items():
            if not 0 < share <= 1:
                raise ConfigError(f"--parts: got {name}={share:g}, expected a share above 0, at most 1")
        if self.parts and abs(sum(self.parts.values()) - 1) > 1e-6:
            raise ConfigError(f"--parts: the shares sum to {sum(self.parts.values()):g}, expected 1")
        for name in self.keep:
            if name not in self.parts:
                raise ConfigError(f"--keep: part '{name}' is unknown{did_you_mean(name, self.parts or ['none'])}")


@dataclass(frozen=True, slots=True)
class SplitPlan:
    """A split list before it is written.

    Attributes:
        set_name: Name of the set.
        seed: Seed, or None where nothing was drawn.
        rule: How the list was made.
        rows: One row per picture, those left out with the column ``reason``.
    """

    set_name: str
    seed: int | None
    rule: str
    rows: tuple[SplitRow, ...]

    def counts(self, by: Callable[[SplitRow], str | None] = lambda row: row.part) -> dict[str, int]:
        """Return how many pictures each part (or whatever ``by`` returns) has; left-out ones don't count."""
        return dict(sorted(Counter(str(by(row)) for row in self.rows if row.part is not None).items()))

    def left_out(self) -> dict[str, int]:
        """Return reason → number of pictures that are in no part."""
        return dict(Counter(row.columns.get("reason", "") for row in self.rows if row.part is None))


def make_split(samples: SampleSet, grouping: Grouping, options: SplitOptions) -> SplitPlan:
    """Split a set.

    The same pictures, groups, options and seed give the same list, in whatever order the pictures come.

    Args:
        samples: The set.
        grouping: Which pictures belong together.
        options: Parts or folds, seed, strata.

    Returns:
        The list; without ``options.parts``, the parts are ``fold0``, ``fold1``, …

    Raises:
        DataError: There are fewer groups than folds or parts, a part gets no picture, a published part or a stratum
            is unknown, nothing is labelled, or a group would have to lie in two kept parts.
    """
    reasons = _reasons(samples, grouping)
    used = sorted((sample for sample in samples if sample.name not in reasons), key=lambda sample: sample.name)
    if not used:
        raise DataError(f"can't split {samples.root} – all {len(samples)} pictures are left out – look at the audit")
    tables = _Tables(used, grouping, options.stratify, str(samples.root))
    draws = np.random.default_rng(options.seed).spawn(2)
    parts, folds = {}, {}
    if options.parts:
        fixed = _kept(used, tables, options, str(samples.root))
        names = list(options.parts)
        place = _allocate(tables, np.array(list(options.parts.values())), draws[0], names, fixed)
        parts = {sample.name: names[part] for sample, part in zip(used, place, strict=True)}
    if options.folds:
        names = [f"fold{fold}" for fold in range(options.folds)]
        place = _allocate(tables, np.full(options.folds, 1 / options.folds), draws[1], names, None)
        folds = {sample.name: int(fold) for sample, fold in zip(used, place, strict=True)}
        parts = parts or {name: f"fold{fold}" for name, fold in folds.items()}
    short = short_names(sample.name for sample in samples)
    rows = tuple(
        SplitRow(
            short[sample.name],
            grouping.group[sample.name],
            parts.get(sample.name),
            folds.get(sample.name),
            _columns(sample, grouping, reasons.get(sample.name)),
        )
        for sample in sorted(samples, key=lambda sample: sample.name)
    )
    return SplitPlan(samples.name, options.seed, _rule(grouping, options, reasons), rows)


def published_split(samples: SampleSet, grouping: Grouping) -> SplitPlan:
    """Return the parts as the set was published, whatever they share: the groups show it.

    The multi-region set, each of whose pictures was published under several names, gets a row per name with the
    picture's file beside it.

    Raises:
        DataError: The set was published without parts.
    """
    rule = f"the parts as published; {grouping.rule}"
    if samples.layout == "multiregion":
        rows = tuple(_published_rows(samples, grouping))
        return SplitPlan(samples.name, None, rule, rows)
    if not any(sample.part for sample in samples):
        raise DataError(f"{samples.root} was published without parts – pass --parts train=.7,val=.1,test=.2")
    short = short_names(sample.name for sample in samples)
    rows = tuple(
        SplitRow(
            short[sample.name],
            grouping.group[sample.name],
            sample.part,
            None,
            _columns(sample, grouping, None if sample.part else UNPUBLISHED),
        )
        for sample in sorted(samples, key=lambda sample: sample.name)
    )
    return SplitPlan(samples.name, None, rule, rows)


def _published_rows(samples: SampleSet, grouping: Grouping) -> Iterator[SplitRow]:
    known = {sample.path.name: sample for sample in samples}
    for name, file in published_files(samples.root):
        sample = known[file]
        columns = {"fractured": _columns(sample, grouping, None).get("fractured", "")}
        yield SplitRow(name, grouping.group[sample.name], name.partition("/")[0], None, columns, sample.path.stem)


def conflicting_groups(samples: SampleSet, grouping: Grouping) -> set[str]:
    """Return the groups that hold fractured and normal pictures."""
    met: dict[str, set[bool]] = {}
    for sample in samples:
        if sample.fractured is not None:
            met.setdefault(grouping.group[sample.name], set()).add(sample.fractured)
    return {group for group, labels in met.items() if len(labels) > 1}


def _reasons(samples: SampleSet, grouping: Grouping) -> dict[str, str]:
    """Return picture → why it is left out."""
    conflicts = conflicting_groups(samples, grouping)
    reasons = {}
    for sample in samples:
        if grouping.group[sample.name] in conflicts:
            reasons[sample.name] = SEVERAL
        elif not sample.path.is_file():
            reasons[sample.name] = MISSING
        elif sample.name in grouping.unreadable:
            reasons[sample.name] = UNREADABLE
    return reasons


def _columns(sample: Sample, grouping: Grouping, reason: str | None) -> dict[str, str]:
    columns = {"fractured": "" if sample.fractured is None else str(int(sample.fractured))}
    columns["region"] = "+".join(sorted(sample.regions))
    columns["published"] = sample.attributes.get("published") or sample.part or ""
    columns["same_as"] = grouping.elsewhere.get(sample.name, "")
    columns["reason"] = reason or ""
    return {name: value for name, value in columns.items() if value}


class _Tables:
    """Groups of the pictures that are split, and how many pictures each has in each stratum.

    Attributes:
        groups: Names of the groups, sorted.
        of_sample: Index into the groups, one per picture.
        counts: Shape (G, S); the first column counts all pictures.
    """

    def __init__(self, used: Sequence[Sample], grouping: Grouping, stratify: Sequence[str], where: str) -> None:
        self.where = where
        self.groups, self.of_sample = np.unique([grouping.group[sample.name] for sample in used], return_inverse=True)
        columns = _strata(used, stratify, where)
        counts = np.zeros((len(self.groups), columns.shape[1]), dtype=np.int64)
        np.add.at(counts, self.of_sample, columns)
        self.counts = counts


def _strata(used: Sequence[Sample], stratify: Sequence[str], where: str) -> NDArray[np.int64]:
    """Return which strata each picture is in, 0 or 1: all, each value of each name, and each combination of values."""
    rows = [tuple(_value(sample, name) for name in stratify) for sample in used]
    for index, name in enumerate(stratify):
        if not any(row[index] for row in rows):
            _refuse_stratum(name, used, where)
    keys = [
        {("all",), *((name, value) for name, value in zip(stratify, row, strict=True)), ("together", *row)}
        for row in rows
    ]
    names = {key: index for index, key in enumerate(sorted({key for met in keys for key in met}))}
    table = np.zeros((len(used), len(names)), dtype=np.int64)
    for index, met in enumerate(keys):
        table[index, [names[key] for key in met]] = 1
    return np.unique(table, axis=1)


def _refuse_stratum(name: str, used: Sequence[Sample], where: str) -> None:
    known = sorted({*STRATA, *(key for sample in used for key in sample.attributes)})
    if name not in known:
        raise DataError(f"--stratify: '{name}' is unknown{did_you_mean(name, known)}")
    if name == "label":
        raise DataError(f"can't split {where} by label – none of its pictures has one – pass --stratify none")


def _value(sample: Sample, name: str) -> str:
    if name == "label":
        return (sample.label or "") if sample.fractured is None else ("fractured" if sample.fractured else "normal")
    if name == "region":
        return "+".join(sorted(sample.regions))
    return sample.attributes.get(name, "")


def _kept(used: Sequence[Sample], tables: _Tables, options: SplitOptions, where: str) -> NDArray[np.int64]:
    """Return the part of each group that is kept, -1 for the others."""
    fixed = np.full(len(tables.groups), -1, dtype=np.int64)
    published = {sample.part for sample in used if sample.part}
    for index, (part, wanted) in enumerate((name, options.keep.get(name, ())) for name in options.parts):
        for name in wanted:
            if name not in published:
                raise DataError(
                    f"--keep: {where} has no published part '{name}'{did_you_mean(name, sorted(published))}"
                )
        for sample, group in zip(used, tables.of_sample, strict=True):
            if sample.part in wanted:
                if fixed[group] not in (-1, index):
                    other = list(options.parts)[fixed[group]]
                    raise DataError(
                        f"--keep: group {tables.groups[group]} has pictures for both {other} and {part} – keep fewer"
                    )
                fixed[group] = index
    return fixed


def _allocate(
    tables: _Tables,
    shares: NDArray[np.float64],
    generator: np.random.Generator,
    names: Sequence[str],
    fixed: NDArray[np.int64] | None,
) -> NDArray[np.int64]:
    """Return the part of each picture; every part gets some."""
    if len(tables.groups) < len(shares):
        kind = "folds" if names[0] == "fold0" else "parts"
        raise DataError(f"can't split {tables.where} into {len(shares)} {kind} – it has {len(tables.groups)} groups")
    place = allocate(tables.counts, shares, generator, fixed)
    for index, name in enumerate(names):
        if not (place == index).any():
            share = f"a share of {shares[index]:.3g} of {len(tables.of_sample)} pictures in {len(tables.groups)} groups"
            raise DataError(f"can't split {tables.where} – part '{name}' gets no picture: {share} – give it more")
    return np.asarray(place[tables.of_sample])


def _rule(grouping: Grouping, options: SplitOptions, reasons: Mapping[str, str]) -> str:
    kept = (f"{part} holds the published {' and '.join(names)}" for part, names in options.keep.items() if names)
    spread = " x ".join(options.stratify)
    said = [
        grouping.rule,
        *kept,
        "groups with opposite labels are left out" if SEVERAL in reasons.values() else "",
        f"stratified by {spread}" if spread else "not stratified",
    ]
    return "; ".join(text for text in said if text)
