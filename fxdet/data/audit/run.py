"""The audit as a whole: open sets in, everything that was found out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from tqdm import tqdm

from fxdet._version import __version__
from fxdet.data.audit.embedding import Embedding, embedding_links
from fxdet.data.audit.faults import class_counts, find_faults, several_classes
from fxdet.data.audit.fingerprints import Fingerprint
from fxdet.data.audit.grouping import Forest, GroupingOptions, find_groups
from fxdet.data.audit.leakage import baselines, find_collisions, find_leaks
from fxdet.data.audit.properties import named_properties
from fxdet.data.audit.results import AuditedFile, AuditResult, DuplicateGroup, SetFacts, Shortcuts
from fxdet.data.audit.scan import Engine, ScanOptions, scan
from fxdet.data.audit.shortcuts import find_shortcuts
from fxdet.data.samples import SampleSet


@dataclass(frozen=True, slots=True, eq=False)
class AuditOptions:
    """How an audit is made.

    Attributes:
        grouping: When two pictures count as the same.
        engine: Who decodes the files: ``local`` or ``ray``.
        workers: Files decoded at a time; None takes the number of processors.
        embeddings: Features of all files of all sets, in order, shape (N, D), for the search for copies rotated by any
            angle; rows of files that can't be read are NaN. None leaves this search out.
        splits: Split list of each set, in order; for the report only.
        settings: Further settings to be written into the result, as JSON data.
    """

    grouping: GroupingOptions = field(default_factory=GroupingOptions)
    engine: Engine = "local"
    workers: int | None = None
    embeddings: Embedding | None = None
    splits: tuple[str | None, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


def audit(
    sets: Sequence[SampleSet], against: Sequence[SampleSet] = (), options: AuditOptions | None = None
) -> AuditResult:
    """Audit sets, alone and against each other and against further sets.

    Args:
        sets: The sets.
        against: Sets to compare with; their duplicates and leaks are told, not their shortcuts, faults and classes.
        options: How to.
    """
    options = options or AuditOptions()
    start = time.monotonic()
    named = _distinct_names([*sets, *against])
    own = named[: len(sets)]
    paths = [sample.path for samples in named for sample in samples]
    prints = scan(paths, ScanOptions(engine=options.engine, workers=options.workers))
    files = _audited(named, prints)
    own_prints = _with_prints(own, prints)
    with tqdm(total=4, desc="duplicates", unit=" steps", disable=None, leave=False) as bar:
        further = () if options.embeddings is None else embedding_links(prints, options.embeddings)
        groups = find_groups(prints, files, options.grouping, further)
        _next(bar, "leakage")
        shared = find_leaks(prints, files, groups), find_collisions(files, groups), baselines(prints, files)
        _next(bar, "shortcuts")
        shortcuts = _shortcuts(own_prints, groups)
        _next(bar, "faults")
        faults = tuple(fault for samples, found in own_prints for fault in find_faults(samples, found))
        bar.update()
    return AuditResult(
        _facts(named, options.splits),
        files,
        groups,
        *shared,
        shortcuts=shortcuts,
        faults=faults,
        classes=tuple(count for samples in own for count in class_counts(samples)),
        settings={"threshold": options.grouping.similarity, "engine": options.engine, **options.settings},
        seconds=round(time.monotonic() - start, 3),
        version=__version__,
    )


def _next(bar: tqdm[NoReturn], name: str) -> None:
    """Finish a step and name the next one."""
    bar.update()
    bar.set_description(name)


def _distinct_names(sets: Sequence[SampleSet]) -> list[SampleSet]:
    """Return the sets under names that differ: a second ``train`` becomes ``train (2)``."""
    met: set[str] = set()
    named = []
    for samples in sets:
        name, number = samples.name, 1
        while name in met:
            number += 1
            name = f"{samples.name} ({number})"
        met.add(name)
        named.append(replace(samples, name=name))
    return named


def _facts(sets: Sequence[SampleSet], splits: Sequence[str | None]) -> tuple[SetFacts, ...]:
    lists = [*splits, *[None] * (len(sets) - len(splits))]
    return tuple(
        SetFacts(
            name=samples.name,
            layout=samples.layout,
            root=str(samples.root),
            split=split,
            files=len(samples),
            parts=dict(sorted(samples.counts().items(), key=lambda part: _part_order(part[0]))),
            several_classes=several_classes(samples),
        )
        for samples, split in zip(sets, lists, strict=True)
    )


def _part_order(part: str) -> tuple[int, str]:
    order = ("train", "val", "test")
    return (order.index(part) if part in order else len(order) + (part == "-"), part)


def _audited(sets: Sequence[SampleSet], prints: Sequence[Fingerprint]) -> tuple[AuditedFile, ...]:
    rows = [(samples.name, sample) for samples in sets for sample in samples]
    return tuple(
        AuditedFile(
            set_name=name,
            name=sample.name,
            path=str(sample.path),
            part=sample.part,
            fractured=sample.fractured,
            label=sample.label,
            readable=found.error is None,
        )
        for (name, sample), found in zip(rows, prints, strict=True)
    )


def _with_prints(
    sets: Sequence[SampleSet], prints: Sequence[Fingerprint]
) -> list[tuple[SampleSet, Sequence[Fingerprint]]]:
    """Return each set with its fingerprints."""
    rows, start = [], 0
    for samples in sets:
        rows.append((samples, prints[start : start + len(samples)]))
        start += len(samples)
    return rows


def _shortcuts(
    sets: Sequence[tuple[SampleSet, Sequence[Fingerprint]]], groups: Sequence[DuplicateGroup]
) -> tuple[Shortcuts, ...]:
    """Return the shortcuts of each set that has both labels."""
    rows, start = [], 0
    for samples, prints in sets:
        labels = [sample.fractured for sample in samples]
        if {True, False} <= set(labels):
            pairs = zip(samples, prints, strict=True)
            properties = [named_properties(sample.path.name, found.properties) for sample, found in pairs]
            rows.append(find_shortcuts(samples.name, properties, labels, _clusters(samples, start, groups)))
        start += len(samples)
    return tuple(rows)


def _clusters(samples: SampleSet, start: int, groups: Sequence[DuplicateGroup]) -> list[str]:
    """Return one name for all pictures that a patient or a group of duplicates ties together.

    Args:
        samples: The set.
        start: Index of its first picture among the files of all sets.
        groups: Groups of duplicates.
    """
    forest = Forest()
    first: dict[str, int] = {}
    for index, sample in enumerate(samples, start):
        forest.join(first.setdefault(sample.group, index), index)
    for group in groups:
        inside = [index for index in group.members if start <= index < start + len(samples)]
        for index in inside[1:]:
            forest.join(inside[0], index)
    return [str(forest.root(index)) for index in range(start, start + len(samples))]
