"""Further candidates from a network's features, for copies rotated by any angle that the hash can't find."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fxdet.data.audit.fingerprints import Fingerprint
from fxdet.data.audit.grouping import Forest, distinct_pictures, equal_links
from fxdet.data.audit.neighbours import SearchOptions, find_candidates
from fxdet.data.audit.results import DuplicateGroup, Link
from fxdet.data.audit.rotation import Canvas, best_pose

Embedding = NDArray[np.floating]
"""Features, one row per file, shape (N, D); rows of files that can't be read hold NaN."""

_BLOCK = 1024
_CANVASES = 4096
"""Canvases kept at a time, about 0.2 MB each with their rotations."""


@dataclass(frozen=True, slots=True)
class EmbeddingOptions:
    """Which pictures are compared, and when they count as the same.

    Attributes:
        neighbours: Pictures that each one is compared with, the nearest.
        likeness: Least cosine of the features of two candidates, -1–1.
        similarity: Least similarity after registration, 0–1. On the published sets, different pictures of one pose
            reach 0.89; copies rotated by any angle have a median of 0.97.
        exact_up_to: Pictures up to which all pairs of features are compared (10 s for 20,000 of 1,280 numbers on one
            core); beyond, only those whose 64 main signs nearly agree.
        search: How those are looked for.
        quiet: Hide the progress bar; None hides it where stderr is no terminal.
    """

    neighbours: int = 8
    likeness: float = 0.6
    similarity: float = 0.92
    exact_up_to: int = 20_000
    search: SearchOptions = field(default_factory=SearchOptions)
    quiet: bool | None = None

    def __post_init__(self) -> None:
        if self.neighbours < 1:
            raise ValueError(f"EmbeddingOptions.neighbours: got {self.neighbours}, expected at least 1")


def embedding_links(
    fingerprints: Sequence[Fingerprint],
    embeddings: Embedding,
    options: EmbeddingOptions | None = None,
    groups: Sequence[DuplicateGroup] = (),
) -> tuple[Link, ...]:
    """Return links of pictures that are near in a network's eyes and agree once one is rotated onto the other.

    A network holds all wrists for alike, so its word is not enough: each pair is registered (rotation, mirroring,
    shift) and its fine structure compared.

    Args:
        fingerprints: One per file.
        embeddings: Features of the same files, shape (N, D); a file with NaN is left out.
        options: Which pictures are compared, and when they count as the same.
        groups: Groups that are known already; their members are not compared again.

    Returns:
        As many links as connect what is not connected by ``groups``; the turn is the nearest quarter turn. Join them
        with the links of ``groups`` by :func:`~fxdet.data.audit.grouping.join_links`, or hand them to
        :func:`~fxdet.data.audit.grouping.find_groups` as ``further``.
    """
    options = options or EmbeddingOptions()
    if embeddings.ndim != 2 or len(embeddings) != len(fingerprints):
        expected = f"({len(fingerprints)}, D)"
        raise ValueError(f"embedding_links: got embeddings of shape {embeddings.shape}, expected {expected}")
    chosen = [index for index in distinct_pictures(fingerprints) if np.isfinite(embeddings[index]).all()]
    pairs = list(_likely_pairs(_unit_rows(embeddings[chosen]), options)) if chosen else []
    pairs.sort(key=lambda pair: (-pair[0], pair[1:]))
    links, forest, canvases = [], Forest(), _Canvases(fingerprints)
    for link in (link for group in groups for link in group.links):
        forest.join(link.first, link.second)
    for link in equal_links(fingerprints):
        forest.join(link.first, link.second)
    for _, one, other in tqdm(pairs, desc="register", unit="pair", disable=options.quiet, leave=False):
        first, second = sorted((chosen[one], chosen[other]))
        if forest.root(first) == forest.root(second):
            continue
        pose = best_pose(canvases[first], canvases[second])
        if pose.similarity >= options.similarity:
            forest.join(first, second)
            links.append(Link(first, second, "near", min(pose.similarity, 1.0), pose.turn))
    return tuple(links)


class _Canvases:
    """Canvases, made when they are asked for; all are dropped when there are too many."""

    def __init__(self, fingerprints: Sequence[Fingerprint]) -> None:
        self._fingerprints = fingerprints
        self._made: dict[int, Canvas] = {}

    def __getitem__(self, index: int) -> Canvas:
        if index not in self._made:
            if len(self._made) >= _CANVASES:
                self._made.clear()
            self._made[index] = Canvas(self._fingerprints[index])
        return self._made[index]


def _unit_rows(embeddings: Embedding) -> NDArray[np.float32]:
    """Return rows of norm 1 around the common mean, float32: what all pictures share says nothing."""
    rows = np.asarray(embeddings, dtype=np.float32)
    rows = rows - rows.mean(axis=0)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9))


def _likely_pairs(rows: NDArray[np.float32], options: EmbeddingOptions) -> Iterator[tuple[float, int, int]]:
    """Yield cosine and two places, each pair once."""
    met: set[tuple[int, int]] = set()
    found = _nearest_of_all(rows, options) if len(rows) <= options.exact_up_to else _nearest_by_signs(rows, options)
    for cosine, one, other in found:
        pair = (min(one, other), max(one, other))
        if cosine >= options.likeness and one != other and pair not in met:
            met.add(pair)
            yield cosine, *pair


def _nearest_of_all(rows: NDArray[np.float32], options: EmbeddingOptions) -> Iterator[tuple[float, int, int]]:
    count = min(options.neighbours + 1, len(rows))
    for start in range(0, len(rows), _BLOCK):
        cosine = rows[start : start + _BLOCK] @ rows.T
        nearest = np.argpartition(-cosine, count - 1, axis=1)[:, :count]
        for place, columns in enumerate(nearest):
            yield from ((float(cosine[place, column]), start + place, int(column)) for column in columns)


def _nearest_by_signs(rows: NDArray[np.float32], options: EmbeddingOptions) -> Iterator[tuple[float, int, int]]:
    """Yield near pairs among those whose 64 strongest principal components nearly agree in their signs."""
    strength, axes = np.linalg.eigh(rows.T.astype(np.float64) @ rows)
    strongest = axes[:, strength > 1e-6 * strength[-1]][:, ::-1][:, :64].astype(np.float32)
    signs = np.zeros((len(rows), 64), np.uint8)
    signs[:, : strongest.shape[1]] = rows @ strongest > 0
    hashes = np.packbits(signs, axis=1).view(">u8")[:, 0].astype(np.uint64)
    pairs = find_candidates(hashes[None], options.search)
    cosine = np.concatenate(
        [
            np.einsum("ij,ij->i", rows[pairs.first[low : low + _BLOCK]], rows[pairs.second[low : low + _BLOCK]])
            for low in range(0, len(pairs), _BLOCK)
        ]
        or [np.zeros(0, np.float32)]
    )
    taken: dict[int, int] = {}
    for place in np.argsort(-cosine, kind="stable"):
        one, other = int(pairs.first[place]), int(pairs.second[place])
        if min(taken.get(one, 0), taken.get(other, 0)) < options.neighbours:
            taken[one], taken[other] = taken.get(one, 0) + 1, taken.get(other, 0) + 1
            yield float(cosine[place]), one, other
