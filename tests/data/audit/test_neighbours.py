from __future__ import annotations

import numpy as np
import pytest

from fxdet.data.audit import neighbours
from fxdet.data.audit.neighbours import SearchOptions, find_candidates


def random_hashes(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 1 << 63, count, dtype=np.uint64) << np.uint64(1)


def flip(value: np.uint64, bits: list[int]) -> np.uint64:
    for bit in bits:
        value ^= np.uint64(1) << np.uint64(bit)
    return value


def brute_force(hashes: np.ndarray, radius: int) -> set[tuple[int, int, int]]:
    apart = np.bitwise_count(hashes[:, None] ^ hashes[None])
    first, second = np.nonzero(np.triu(apart <= radius, 1))
    return {(int(i), int(j), int(apart[i, j])) for i, j in zip(first, second, strict=True)}


@pytest.mark.parametrize("bands", [4, 3])
def test_finds_what_comparing_all_pairs_finds(bands, monkeypatch):
    if bands == 3:
        monkeypatch.setattr(neighbours, "_WIDE_FROM", 10)
    radius = {4: 7, 3: 5}[bands]  # that far, some band differs in at most one bit
    generator, hashes = np.random.default_rng(0), random_hashes(400)
    for index in range(0, 400, 2):
        bits = generator.choice(64, generator.integers(0, 11), replace=False)
        hashes[index + 1] = flip(hashes[index], bits.tolist())
    found = find_candidates(hashes[None], SearchOptions(radius=10))
    pairs = set(zip(found.first.tolist(), found.second.tolist(), found.distance.tolist(), strict=True))
    assert {pair for pair in brute_force(hashes, 10) if pair[2] <= radius} <= pairs <= brute_force(hashes, 10)
    assert not found.turn.any()


def test_turn_tells_what_brings_the_second_onto_the_first():
    hashes = random_hashes(5)
    turned = np.stack([hashes, random_hashes(5, 7)])
    turned[1, 3] = flip(hashes[2], [0, 20, 41])  # picture 3, turned by number 1, looks like picture 2
    found = find_candidates(turned)
    assert (found.first.tolist(), found.second.tolist(), found.turn.tolist(), found.distance.tolist()) == (
        [2], [3], [1], [3],
    )  # fmt: skip


def test_blocks_do_not_change_the_result(monkeypatch):
    hashes = np.repeat(random_hashes(40), 5)
    whole = find_candidates(hashes[None])
    monkeypatch.setattr(neighbours, "_BLOCK", 7)
    parts = find_candidates(hashes[None])
    assert len(whole) == 40 * 10
    assert whole.first.tolist() == parts.first.tolist() and whole.second.tolist() == parts.second.tolist()


def test_a_crowd_of_equal_hashes_stays_cheap_and_keeps_neighbours():
    crowd = np.concatenate([np.zeros(20_000, np.uint64), random_hashes(100)])
    options = SearchOptions(crowd=16, nearest=8)
    found = find_candidates(crowd[None], options)
    assert len(found) <= 8 * len(crowd)
    near = {(i, j) for i, j in zip(found.first.tolist(), found.second.tolist(), strict=True) if j - i <= 2}
    assert len(near) > 20_000  # nearly each black picture is compared with the one before it


def test_only_the_nearest_are_kept():
    hashes = np.full(40, random_hashes(1)[0])
    hashes[1:20] = [flip(value, [bit]) for bit, value in enumerate(hashes[1:20])]
    found = find_candidates(hashes[None], SearchOptions(nearest=3))
    counts = np.bincount(found.second, minlength=40)
    assert counts.max() == 3
    assert not found.distance[found.second == 39].any()


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_pictures(count):
    assert len(find_candidates(np.zeros((8, count), np.uint64))) == 0


@pytest.mark.parametrize("options", [{"radius": -1}, {"radius": 32}, {"crowd": 1}, {"nearest": 0}])
def test_wrong_options(options):
    with pytest.raises(ValueError, match="SearchOptions"):
        SearchOptions(**options)
