"""Candidates for near-duplicates: pictures whose 64-bit hashes differ in few bits, found without comparing all pairs.

A hash is cut into bands. Two hashes that differ in few bits agree in at least one band but for one bit, so that a table
of band values finds them: with 4 bands everything up to 7 bits, and most of what differs in a few more.
(Norouzi, Punjani and Fleet, "Fast search in Hamming space with multi-index hashing", CVPR 2012.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Indices = NDArray[np.int64]

_BITS = 64
_WIDE_FROM = 1 << 18
"""Pictures from which 3 bands of 21 bits replace 4 of 16: their tables have room for a million pictures."""
_BLOCK = 1 << 22
"""Candidates held at a time."""


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How far and how long candidates are looked for.

    Attributes:
        radius: Bits of 64 in which the hashes of two candidates may differ.
        crowd: Pictures of one band value that are looked at; where more share it (black pictures, say), the nearest
            in the order of their hashes are taken.
        nearest: Candidates kept per picture, the nearest.
    """

    radius: int = 12
    crowd: int = 256
    nearest: int = 32

    def __post_init__(self) -> None:
        if not 0 <= self.radius < _BITS // 2:
            raise ValueError(f"SearchOptions.radius: got {self.radius}, expected 0 to {_BITS // 2 - 1}")
        if self.crowd < 2 or self.nearest < 1:
            raise ValueError(f"SearchOptions: got crowd {self.crowd}, nearest {self.nearest}, expected at least 2, 1")


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Pairs to be looked at more closely; sorted by first and second.

    Attributes:
        first, second: Indices, first < second, int64, shape (P,).
        turn: Index into :data:`~fxdet.data.audit.fingerprints.TURNS`: what brings the second onto the first.
        distance: Bits that differ, int64, shape (P,).
    """

    first: Indices
    second: Indices
    turn: Indices
    distance: Indices

    def __len__(self) -> int:
        return len(self.first)

    def where(self, keep: NDArray[np.bool_]) -> Candidates:
        """Return the pairs for which ``keep``, shape (P,), is true."""
        return Candidates(self.first[keep], self.second[keep], self.turn[keep], self.distance[keep])


def find_candidates(turned: Hashes, options: SearchOptions | None = None) -> Candidates:
    """Return the pairs of pictures whose hashes nearly agree in one of the orientations.

    Args:
        turned: Hashes of N pictures in all T orientations, uint64, shape (T, N); row 0 is as stored.
        options: How far and how long to look.
    """
    options = options or SearchOptions()
    bands = 4 if turned.shape[1] < _WIDE_FROM else 3
    tables = [_BandTable(turned[0], band, bands, options.crowd) for band in range(bands)]
    found = [
        _nearest(_search(tables, turned[turn], turned[0], options.radius), turn, options.nearest)
        for turn in range(len(turned))
    ]
    stacked = np.concatenate(found, axis=1) if found else np.zeros((4, 0), np.int64)
    order = np.lexsort((stacked[2], stacked[1], stacked[0]))
    return Candidates(*stacked[:, order])


def _search(tables: list[_BandTable], queries: Hashes, stored: Hashes, radius: int) -> NDArray[np.int64]:
    """Return stored index, query index and distance of near pairs with stored < query, shape (3, P), each pair once."""
    codes = [np.zeros(0, np.int64)]
    count = len(stored)
    for table in tables:
        for query, met in table.look_up(queries):
            before = met < query
            query, met = query[before], met[before]
            near = np.bitwise_count(queries[query] ^ stored[met]) <= radius
            codes.append(met[near] * count + query[near])
    found = np.sort(np.concatenate(codes))  # np.unique hashes, which is slower on so many that repeat
    found = found[np.diff(found, prepend=-1) > 0]
    first, second = np.divmod(found, max(count, 1))
    distance = np.bitwise_count(queries[second] ^ stored[first]).astype(np.int64)
    return np.stack([first, second, distance])


def _nearest(pairs: NDArray[np.int64], turn: int, limit: int) -> NDArray[np.int64]:
    """Return first, second, turn and distance of the ``limit`` nearest pairs per second picture, shape (4, P)."""
    first, second, distance = pairs[:, np.lexsort((pairs[0], pairs[2], pairs[1]))]
    starts = np.flatnonzero(np.r_[True, second[1:] != second[:-1]]) if len(second) else np.zeros(0, np.int64)
    rank = np.arange(len(second)) - np.repeat(starts, np.diff(np.r_[starts, len(second)]))
    kept = rank < limit
    return np.stack([first[kept], second[kept], np.full(int(kept.sum()), turn), distance[kept]])


class _BandTable:
    """One band of all stored hashes: sorted, so that the pictures of one band value stand side by side."""

    def __init__(self, stored: Hashes, band: int, bands: int, crowd: int) -> None:
        self._width, self._crowd = _BITS // bands, crowd
        self._shift = band * self._width
        rotated = self._rotated(stored)
        self._order = np.argsort(rotated, kind="stable")
        self._sorted = rotated[self._order]
        # Equal hashes are one run; within it the pictures stand in their own order.
        self._runs = np.cumsum(np.diff(self._sorted, prepend=self._sorted[:1]) != 0)
        self._places = self._runs * len(stored) + self._order
        counts = np.bincount(self._value(self._sorted), minlength=1 << self._width)
        self._starts = np.concatenate([[0], np.cumsum(counts)])

    def _rotated(self, hashes: Hashes) -> Hashes:
        """Return the hashes turned so that this band leads: their order then goes by the band first."""
        if not self._shift:
            return hashes
        return np.asarray((hashes << np.uint64(self._shift)) | (hashes >> np.uint64(_BITS - self._shift)))

    def _value(self, rotated: Hashes) -> Indices:
        return np.asarray(rotated >> np.uint64(_BITS - self._width), dtype=np.int64)

    def look_up(self, queries: Hashes) -> Iterator[tuple[Indices, Indices]]:
        """Yield blocks of query indices and stored indices that agree in the band but for one bit."""
        rotated = self._rotated(queries)
        flips = [np.uint64(0), *(np.uint64(1) << np.uint64(_BITS - 1 - bit) for bit in range(self._width))]
        for flip in flips:
            yield from self._hits(rotated ^ flip)

    def _hits(self, rotated: Hashes) -> Iterator[tuple[Indices, Indices]]:
        value = self._value(rotated)
        starts, ends = self._starts[value], self._starts[value + 1]
        crowded = np.flatnonzero(ends - starts > self._crowd)
        if len(crowded):
            low, high = self._window(rotated[crowded], crowded)
            starts[crowded] = np.maximum(starts[crowded], low)
            ends[crowded] = np.minimum(ends[crowded], high)
        lengths = ends - starts
        if not lengths.any():
            return
        edges = np.searchsorted(np.cumsum(lengths), np.arange(_BLOCK, lengths.sum() + _BLOCK, _BLOCK))
        for low, high in zip(np.r_[0, edges[:-1] + 1], edges + 1, strict=True):
            block = lengths[low:high]
            before = np.repeat(np.cumsum(block) - block, block)
            places = np.repeat(starts[low:high], block) + np.arange(len(before)) - before
            yield np.repeat(np.arange(low, low + len(block)), block), self._order[places]

    def _window(self, rotated: Hashes, query: Indices) -> tuple[Indices, Indices]:
        """Return where the nearest in the order of the hashes stand; among equal hashes, of the pictures."""
        count = len(self._sorted)
        place = np.searchsorted(self._sorted, rotated)
        equal = self._sorted[np.minimum(place, count - 1)] == rotated
        own = np.searchsorted(self._places, self._runs[place[equal]] * count + query[equal])
        place[equal] = own
        return place - self._crowd // 2, place + self._crowd // 2
