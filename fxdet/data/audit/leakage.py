"""Shared pictures of evaluation parts, shared names of different pictures, and the look-up that needs no learning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from fxdet.core.shares import wilson_interval
from fxdet.data.audit.fingerprints import Fingerprint
from fxdet.data.audit.grouping import part_name
from fxdet.data.audit.likeness import fewest_differing_bits, most_alike
from fxdet.data.audit.results import AuditedFile, Baseline, DuplicateGroup, Leak, NameCollision

WHOLE = "*"
"""Stands for all parts of a set: ``set/*``."""

TRAINING = frozenset({"train", "-"})
"""Parts that are no evaluation part."""


def find_leaks(
    fingerprints: Sequence[Fingerprint], files: Sequence[AuditedFile], groups: Sequence[DuplicateGroup]
) -> tuple[Leak, ...]:
    """Return how much of each evaluation part is known from another part or set.

    Within a set, each part other than ``train`` (and other than the pictures without a part) is compared with every
    earlier part (train, none, val, test), also where nothing is shared. Between two sets, ``set/*`` stands for all
    their parts, both ways; evaluation parts follow where they share something with a part of the other set.

    Args:
        fingerprints: One per file.
        files: The files, in the same order.
        groups: Groups of :func:`~fxdet.data.audit.grouping.find_groups`.
    """
    pools = _pools(files)
    group_of = {index: number for number, group in enumerate(groups) for index in group.members}
    known = {name: _Known.of(members, fingerprints, group_of) for name, members in pools.items()}
    found = []
    for part, source, always in _comparisons(list(pools)):
        leak = _leak(part, source, pools[part], known[source], (fingerprints, group_of))
        if leak.near or always:
            found.append(leak)
    return tuple(found)


def _pools(files: Sequence[AuditedFile]) -> dict[str, list[int]]:
    """Return indices per ``set/part``, and per ``set/*``."""
    pools: dict[str, list[int]] = {}
    for index, file in enumerate(files):
        pools.setdefault(part_name(file), []).append(index)
        pools.setdefault(f"{file.set_name}/{WHOLE}", []).append(index)
    return pools


def _comparisons(pools: Sequence[str]) -> Iterator[tuple[str, str, bool]]:
    """Yield evaluation part, source, and whether it is worth a line when nothing is shared."""
    split = [(name, *name.rsplit("/", 1)) for name in pools]
    for part, part_set, part_kind in split:
        for source, source_set, source_kind in split:
            whole = (part_kind == WHOLE, source_kind == WHOLE)
            if part_set == source_set:
                if not any(whole) and part_kind not in TRAINING and _rank(source_kind) < _rank(part_kind):
                    yield part, source, True
            elif all(whole):
                yield part, source, True
            elif not any(whole) and part_kind not in TRAINING:
                yield part, source, False


def _rank(part: str) -> tuple[int, str]:
    order = {"train": 0, "-": 1, "val": 2, "test": 4}
    return order.get(part, 3), part


@dataclass(frozen=True, slots=True)
class _Known:
    """Bytes, pixels and groups that a source holds."""

    bytes: frozenset[str]
    pixels: frozenset[str]
    groups: frozenset[int]

    @classmethod
    def of(cls, members: Sequence[int], fingerprints: Sequence[Fingerprint], group_of: Mapping[int, int]) -> _Known:
        return cls(
            frozenset(fingerprints[index].sha256 for index in members) - {""},
            frozenset(fingerprints[index].pixels for index in members) - {""},
            frozenset(group_of[index] for index in members if index in group_of),
        )


def _leak(
    part: str,
    source: str,
    members: Sequence[int],
    known: _Known,
    found: tuple[Sequence[Fingerprint], Mapping[int, int]],
) -> Leak:
    fingerprints, group_of = found
    same_bytes = {index for index in members if fingerprints[index].sha256 in known.bytes}
    same_pixels = same_bytes | {index for index in members if fingerprints[index].pixels in known.pixels}
    near = same_pixels | {index for index in members if group_of.get(index) in known.groups}
    interval = wilson_interval(len(near), len(members))
    return Leak(part, source, len(members), len(same_bytes), len(same_pixels), len(near), interval)


def find_collisions(files: Sequence[AuditedFile], groups: Sequence[DuplicateGroup]) -> tuple[NameCollision, ...]:
    """Return names that different pictures of different parts or sets share: no leak, whatever the names say.

    Args:
        files: All files.
        groups: Groups of :func:`~fxdet.data.audit.grouping.find_groups`.

    Returns:
        One entry per stem whose files lie in more than one part or set and where none of them shows the same
        radiograph as one of another part.
    """
    group_of = {index: number for number, group in enumerate(groups) for index in group.members}
    by_stem: dict[str, list[int]] = {}
    for index, file in enumerate(files):
        by_stem.setdefault(name_stem(file.name), []).append(index)
    found = [
        NameCollision(stem, tuple(members))
        for stem, members in by_stem.items()
        if _collides([(part_name(files[index]), group_of.get(index, -1 - index)) for index in members])
    ]
    return tuple(sorted(found, key=lambda collision: collision.stem))


def name_stem(name: str) -> str:
    """Return what a file's name says of its source: without folders, ending, and Roboflow's ``.rf.`` hash.

    Example:
        >>> name_stem("train/images/hand_1_jpg.rf.0a1b.jpg"), name_stem("a/IMG0001.png")
        ('hand_1_jpg', 'IMG0001')
    """
    stem = PurePosixPath(name).stem
    return stem.split(".rf.", 1)[0]


def _collides(members: Sequence[tuple[str, int]]) -> bool:
    """Tell whether parts differ and no radiograph lies in two of them."""
    if len({part for part, _ in members}) < 2:
        return False
    met: dict[int, str] = {}
    return all(met.setdefault(picture, part) == part for part, picture in members)


@dataclass(frozen=True, slots=True)
class BaselineOptions:
    """How labels are looked up.

    Attributes:
        comparisons: Thumbnail comparisons per pair of parts; beyond, only as many pictures of the evaluation part are
            looked up, evenly spread over it.
    """

    comparisons: int = 400_000_000


def baselines(
    fingerprints: Sequence[Fingerprint], files: Sequence[AuditedFile], options: BaselineOptions | None = None
) -> tuple[Baseline, ...]:
    """Return the accuracy of copying the label of the most similar picture of another part: no learning at all.

    Similar by thumbnail and, apart from that, by the 64-bit perceptual hash of the picture as stored.

    Every evaluation part is looked up in the ``train`` part of its set; where that has none, in the training pictures
    of each other set. A source of one label only is left out: copying it tells nothing.

    Args:
        fingerprints: One per file.
        files: The files, in the same order.
        options: How much is compared.
    """
    options = options or BaselineOptions()
    labelled = [index for index, file in enumerate(files) if file.fractured is not None and fingerprints[index].pixels]
    pools: dict[str, list[int]] = {}
    for index in labelled:
        pools.setdefault(part_name(files[index]), []).append(index)
    return tuple(
        _baseline(part, source, (pools[part], pools[source]), (fingerprints, files), options)
        for part, source in _look_ups(list(pools))
        if len({files[index].fractured for index in pools[source]}) > 1
    )


def _look_ups(pools: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield evaluation part and source."""
    split = [(name, *name.rsplit("/", 1)) for name in pools]
    for part, part_set, part_kind in split:
        own = f"{part_set}/train"
        others = [name for name, set_name, kind in split if set_name != part_set and kind in TRAINING]
        if part_kind not in TRAINING:
            yield from ((part, source) for source in ([own] if own in pools else others))


def _baseline(
    part: str,
    source: str,
    pools: tuple[Sequence[int], Sequence[int]],
    found: tuple[Sequence[Fingerprint], Sequence[AuditedFile]],
    options: BaselineOptions,
) -> Baseline:
    fingerprints, files = found
    queries, known = pools
    most = max(1, options.comparisons // len(known))
    if len(queries) > most:
        queries = [queries[place] for place in np.linspace(0, len(queries) - 1, most).astype(int)]
    truth = [files[index].fractured for index in queries]
    thumbnails = [[fingerprints[index].thumbnail for index in pool] for pool in (queries, known)]
    hashes = [np.array([fingerprints[index].hash for index in pool], dtype=np.uint64) for pool in (queries, known)]
    right, by_hash = (
        sum(files[known[place]].fractured == label for place, label in zip(nearest, truth, strict=True))
        for nearest in (most_alike(*thumbnails), fewest_differing_bits(*hashes))
    )
    frequent = Counter(files[index].fractured for index in known).most_common(1)[0][0]
    majority = sum(label == frequent for label in truth)
    return Baseline(part, source, len(queries), right, by_hash, majority, wilson_interval(right, len(queries)))
