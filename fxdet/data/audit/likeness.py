"""Small thumbnails as vectors: which candidates are alike, and the most alike picture of another part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from fxdet.data.audit.fingerprints import THUMBNAIL_SIDE, TURNS, Thumbnail, turned_hashes
from fxdet.data.audit.neighbours import Candidates, SearchOptions, find_candidates
from fxdet.data.audit.turns import apply_turn

SIDE = 24
"""Side of a small thumbnail, px."""

PROMISING = 0.7
"""Likeness from which a candidate is looked at more closely; copies on the published sets start at 0.76."""

CUTS = (27, 36, 45, 54, 63)
"""Rows of a thumbnail, of 72, at which whole pictures are cut to be compared with truncated ones."""

_BLUR = 4 / 3
"""Spread of the low-pass that is taken away, px of the small thumbnail."""

_BLOCK = 4096
"""Pairs, or pictures, held as floats at a time."""

Vectors = NDArray[np.float32]


def small_vectors(thumbnails: Sequence[Thumbnail], high_pass: bool = True) -> Vectors:
    """Return small thumbnails as unit vectors of mean 0, float32, shape (N, 576).

    Args:
        thumbnails: N thumbnails, uint8, shape (T, T) each.
        high_pass: Take the low waves away first.
    """
    vectors = np.empty((len(thumbnails), SIDE * SIDE), np.float32)
    for row, thumbnail in zip(vectors, thumbnails, strict=True):
        small = cv2.resize(thumbnail.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        row[:] = (small - cv2.GaussianBlur(small, (0, 0), _BLUR) if high_pass else small).ravel()
    vectors -= vectors.mean(axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6))


def promising_pairs(
    thumbnails: Sequence[Thumbnail], truncated: Sequence[bool], options: SearchOptions
) -> Iterator[tuple[int, int, str]]:
    """Yield pairs that may show the same radiograph, and what turns the second onto the first; the most alike first.

    Args:
        thumbnails: N thumbnails, uint8, shape (T, T) each.
        truncated: Whether the file of each was cut short; such a one is compared with the upper rows of the others.
        options: How candidates are looked for.
    """
    found = [(whole := find_candidates(turned_hashes(thumbnails), options))]
    likeness = [candidate_likeness(thumbnails, whole)]
    for rows, cut in _cut_pictures(thumbnails, truncated):
        upper = [thumbnail[:rows] for thumbnail in thumbnails]
        candidates = find_candidates(turned_hashes(upper)[:1], options)
        candidates = candidates.where(cut[candidates.first] | cut[candidates.second])
        found.append(candidates)
        likeness.append(candidate_likeness(upper, candidates))
    for part, place in _best_first(likeness):
        yield int(found[part].first[place]), int(found[part].second[place]), TURNS[found[part].turn[place]]


def _best_first(likeness: Sequence[Vectors]) -> Iterator[tuple[int, int]]:
    """Yield list and place of the values from :data:`PROMISING` on, the largest first."""
    lists = np.repeat(np.arange(len(likeness)), [len(values) for values in likeness])
    places = np.concatenate([np.arange(len(values)) for values in likeness])
    values = np.concatenate(likeness)
    order = np.argsort(-values, kind="stable")
    for index in order[: int((values >= PROMISING).sum())]:
        yield int(lists[index]), int(places[index])


def _cut_pictures(
    thumbnails: Sequence[Thumbnail], truncated: Sequence[bool]
) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Yield a number of rows, and which truncated pictures reach as far but not as the next number."""
    kept = np.full(len(thumbnails), THUMBNAIL_SIDE)
    for index in np.flatnonzero(np.asarray(truncated, dtype=bool)):
        busy = np.flatnonzero(np.ptp(thumbnails[int(index)], axis=1) > 2)
        kept[index] = busy[-1] if len(busy) else 0  # the last row is cut in part
    for rows, following in zip(CUTS, [*CUTS[1:], THUMBNAIL_SIDE], strict=True):
        cut = (kept >= rows) & (kept < following)
        if cut.any():
            yield rows, cut


def candidate_likeness(thumbnails: Sequence[Thumbnail], candidates: Candidates) -> Vectors:
    """Return the correlation of the small, high-passed thumbnails of each candidate pair, -1–1, shape (P,)."""
    stored = small_vectors(thumbnails)
    likeness = np.zeros(len(candidates), np.float32)
    for number, turn in enumerate(TURNS):
        chosen = np.flatnonzero(candidates.turn == number)
        # A turn only changes the order of a vector's numbers.
        order = apply_turn(np.arange(SIDE * SIDE).reshape(SIDE, SIDE), turn).ravel()
        for start in range(0, len(chosen), _BLOCK):
            block = chosen[start : start + _BLOCK]
            first, second = stored[candidates.first[block]], stored[candidates.second[block]][:, order]
            likeness[block] = np.einsum("ij,ij->i", first, second)
    return likeness


def most_alike(queries: Sequence[Thumbnail], known: Sequence[Thumbnail]) -> NDArray[np.int64]:
    """Return for each query the place of the known thumbnail that correlates best, int64, shape (Q,)."""
    best = np.full(len(queries), -np.inf, np.float32)
    place = np.zeros(len(queries), np.int64)
    for start in range(0, len(known), _BLOCK):
        table = small_vectors(known[start : start + _BLOCK], high_pass=False)
        for low in range(0, len(queries), _BLOCK):
            likeness = small_vectors(queries[low : low + _BLOCK], high_pass=False) @ table.T
            top = likeness.argmax(axis=1)
            value = likeness[np.arange(len(top)), top]
            rows = low + np.flatnonzero(value > best[low : low + len(top)])
            place[rows], best[rows] = start + top[rows - low], value[rows - low]
    return place


def fewest_differing_bits(queries: NDArray[np.uint64], known: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return for each query the place of the known hash with the fewest differing bits, int64, shape (Q,).

    Example:
        >>> fewest_differing_bits(np.uint64([0b1110, 0b0001]), np.uint64([0b0000, 0b1111])).tolist()
        [1, 0]
    """
    rows = max(1, _BLOCK * _BLOCK // max(1, len(known)))
    blocks = [queries[start : start + rows] for start in range(0, len(queries), rows)]
    places = [np.bitwise_count(block[:, None] ^ known[None]).argmin(axis=1) for block in blocks]
    return np.concatenate([np.zeros(0, np.int64), *places])
