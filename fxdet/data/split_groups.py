"""Which pictures of a set belong together: patients and studies as the set states them, duplicates by the audit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fxdet.core.errors import DataError
from fxdet.data.audit.fingerprints import Fingerprint
from fxdet.data.audit.grouping import GroupingOptions, find_groups
from fxdet.data.audit.results import AuditedFile, DuplicateGroup
from fxdet.data.audit.scan import ScanOptions, scan
from fxdet.data.samples import SampleSet
from fxdet.data.split_copies import copy_links

LONGEST_GROUP = 24
"""Characters up to which a group is called after its first picture; beyond, groups are numbered."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """Groups of a set.

    Attributes:
        group: Name of each picture → its group. A group is called after its first picture, or numbered.
        rule: How the groups were found, for the header of a list.
        elsewhere: Name of a picture → the picture of another set that it is a near-duplicate of, as ``set/name``.
        unreadable: Pictures that can't be decoded.
    """

    group: Mapping[str, str]
    rule: str
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Duplicates:
    """What of an audit says which pictures are the same.

    Attributes:
        files: All pictures of all sets.
        groups: Groups of duplicates, by index into the files.
        rule: How they were found.
        fingerprints: One per file where the files were scanned, else empty.
    """

    files: Sequence[AuditedFile]
    groups: Sequence[DuplicateGroup]
    rule: str
    fingerprints: Sequence[Fingerprint] = ()


def group_samples(samples: SampleSet, duplicates: Duplicates | None = None, own: bool = True) -> Grouping:
    """Join the set's own groups and the audit's: pictures that share either belong together.

    Args:
        samples: The set.
        duplicates: Groups of duplicates, which may reach into other sets; None for none.
        own: Whether patients and studies of the set count.

    Raises:
        DataError: The duplicates are of other pictures.
    """
    rules = []
    joined = _Joined()
    for sample in samples:
        joined.join([_key("picture", sample.name), *([_key("own", sample.group)] if own else [])])
    if own and has_groups(samples):
        rules.append("patients, studies or sources as the set states them")
    elsewhere: dict[str, str] = {}
    unreadable: frozenset[str] = frozenset()
    if duplicates is not None:
        elsewhere = _join_duplicates(samples, duplicates, joined)
        unreadable = frozenset(
            file.name for file in duplicates.files if file.set_name == samples.name and not file.readable
        )
        rules.append(duplicates.rule)
    keys = {sample.name: joined.lead(_key("picture", sample.name)) for sample in samples}
    rule = "groups are " + " joined with ".join(rules) if rules else "each picture is its own group"
    return Grouping(_called_after_first(keys), rule, elsewhere, unreadable)


def has_groups(samples: SampleSet) -> bool:
    """Return whether the set states patients, studies or sources."""
    return any(sample.group != sample.name for sample in samples)


def find_duplicates(sets: Sequence[SampleSet], options: ScanOptions | None = None) -> Duplicates:
    """Look for near-duplicates in and between sets, as the audit does.

    Args:
        sets: The set that is split first, then others that it may share pictures with.
        options: How the files are scanned.
    """
    samples = [(found.name, sample) for found in sets for sample in found]
    fingerprints = scan([sample.path for _, sample in samples], options)
    files = tuple(
        AuditedFile(
            name, sample.name, str(sample.path), sample.part, sample.fractured, sample.label, scanned.error is None
        )
        for (name, sample), scanned in zip(samples, fingerprints, strict=True)
    )
    copies = copy_links(files, fingerprints)
    similarity = GroupingOptions().similarity
    rule = f"near-duplicate clusters (similarity >= {similarity:g} of registered thumbnails over 8 orientations)"
    if copies:
        rule += " and copies of one source (one stem before .rf., and the same picture after a rotation)"
    return Duplicates(files, find_groups(fingerprints, files, None, copies), rule, tuple(fingerprints))


def read_duplicates(path: Path) -> Duplicates:
    """Return the groups of an audit's JSON file.

    Raises:
        DataError: The file can't be read or is no audit.
    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        files = tuple(_file(row) for row in data["files"])
        groups = tuple(_group(row, len(files)) for row in data["groups"])
    except OSError as error:
        raise DataError(f"can't read audit {path}: {error.strerror} – check the path") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        reason = f"{type(error).__name__} {error}"
        raise DataError(f"can't read audit {path}: {reason:.120} – pass the JSON file of 'fxdet data audit'") from error
    return Duplicates(files, groups, "near-duplicate clusters of an audit")


def _file(row: Mapping[str, Any]) -> AuditedFile:
    readable = row.get("readable", True) is True
    return AuditedFile(
        str(row["set_name"]), str(row["name"]), str(row["path"]), fractured=row["fractured"], readable=readable
    )


def _group(row: Mapping[str, Any], files: int) -> DuplicateGroup:
    members = tuple(int(index) for index in row["members"])
    if not all(0 <= index < files for index in members):
        raise ValueError(f"group {members} names files beyond {files}")
    return DuplicateGroup(members, row["tie"], (), (), bool(row["conflict"]))


def _join_duplicates(samples: SampleSet, duplicates: Duplicates, joined: _Joined) -> dict[str, str]:
    names = {sample.name for sample in samples}
    mine = {index for index, file in enumerate(duplicates.files) if file.set_name == samples.name}
    met = {duplicates.files[index].name for index in mine}
    missing = names - met
    if missing:
        sets = ", ".join(sorted({file.set_name for file in duplicates.files})) or "nothing"
        raise DataError(
            f"the audit is of {sets} and lacks {len(missing)} of {len(names)} pictures of {samples.name}, the first is "
            f"{min(missing)} – audit this set anew"
        )
    elsewhere: dict[str, str] = {}
    for group in duplicates.groups:
        own = [duplicates.files[index].name for index in group.members if index in mine]
        joined.join([_key("picture", name) for name in own if name in names])
        others = [duplicates.files[index] for index in group.members if index not in mine]
        if others:
            first = min(f"{file.set_name}/{file.name}" for file in others)
            elsewhere.update({name: first for name in own})
    return elsewhere


def _key(kind: str, name: str) -> tuple[str, str]:
    return kind, name


class _Joined:
    """Sets of keys that grow together (union–find)."""

    def __init__(self) -> None:
        self._leader: dict[tuple[str, str], tuple[str, str]] = {}

    def lead(self, key: tuple[str, str]) -> tuple[str, str]:
        leader = self._leader
        while leader.setdefault(key, key) != key:
            leader[key] = leader[leader[key]]
            key = leader[key]
        return key

    def join(self, keys: Iterable[tuple[str, str]]) -> None:
        first, *others = [self.lead(key) for key in keys] or [("", "")]
        for other in others:
            self._leader[other] = first


def _called_after_first(leaders: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Return name → its group's first name in the alphabet, without folder and ending; long ones are numbered."""
    first: dict[tuple[str, str], str] = {}
    for name in sorted(leaders):
        first.setdefault(leaders[name], name)
    short = short_names(first.values(), endings=False)
    if max(map(len, short.values()), default=0) > LONGEST_GROUP:
        short = {name: f"g{number:04}" for number, name in enumerate(short)}
    return {name: short[first[leader]] for name, leader in leaders.items()}


def short_names(names: Iterable[str], endings: bool = True) -> dict[str, str]:
    """Return name → file name (without ending where ``endings`` is false), or all as they are where two would be equal.

    Example:
        >>> short_names(["train/a.jpg", "val/b.jpg"], endings=False)
        {'train/a.jpg': 'a', 'val/b.jpg': 'b'}
        >>> short_names(["p1/image1.png", "p2/image1.png"])
        {'p1/image1.png': 'p1/image1.png', 'p2/image1.png': 'p2/image1.png'}
    """
    names = list(names)
    files = [name.rpartition("/")[2] for name in names]
    if not endings:
        files = [file.rpartition(".")[0] or file for file in files]
    return dict(zip(names, files if len(set(files) - {""}) == len(names) else names, strict=True))
