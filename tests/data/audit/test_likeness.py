from __future__ import annotations

import cv2
import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from fxdet.data.audit import likeness as likeness_module
from fxdet.data.audit.fingerprints import TURNS, make_thumbnail
from fxdet.data.audit.likeness import candidate_likeness, most_alike, promising_pairs, small_vectors
from fxdet.data.audit.neighbours import Candidates, SearchOptions
from fxdet.data.audit.turns import apply_turn
from tests.data.audit.pictures import drawn_pictures

PICTURES = drawn_pictures(12)
THUMBNAILS = [make_thumbnail(picture) for picture in PICTURES]


def test_likeness_is_the_correlation_of_small_high_passed_thumbnails():
    turn = TURNS.index("m1")
    place = [np.array([value]) for value in (0, 1, turn, 0)]
    found = candidate_likeness([THUMBNAILS[0], THUMBNAILS[1]], Candidates(*place))
    planes = []
    for thumbnail in (THUMBNAILS[0], apply_turn(THUMBNAILS[1], "m1")):
        small = thumbnail.reshape(24, 3, 24, 3).mean(axis=(1, 3)).astype(np.float32)
        planes.append((small - cv2.GaussianBlur(small, (0, 0), 4 / 3)).ravel())
    assert found[0] == pytest.approx(np.corrcoef(*planes)[0, 1], abs=1e-4)


@pytest.mark.parametrize("turn", TURNS)
def test_turned_copy_is_promising(turn):
    thumbnails = [*THUMBNAILS, apply_turn(THUMBNAILS[5], turn)]
    pairs = list(promising_pairs(thumbnails, [False] * 13, SearchOptions()))
    assert (5, 12, TURNS[0] if turn == "0" else _inverse(turn)) in pairs


def _inverse(turn: str) -> str:
    corners = np.arange(4).reshape(2, 2)
    return next(back for back in TURNS if np.array_equal(apply_turn(apply_turn(corners, turn), back), corners))


@pytest.mark.parametrize("kept", [80, 100, 125, 150, 172])
def test_truncated_copy_is_promising(kept):
    cut = PICTURES[7].copy()
    cut[kept:] = 128
    thumbnails = [*THUMBNAILS, make_thumbnail(cut)]
    assert (7, 12, "0") in promising_pairs(thumbnails, [False] * 12 + [True], SearchOptions())


def test_most_alike_comes_first():
    copy = make_thumbnail(cv2.GaussianBlur(PICTURES[2], (0, 0), 2))
    pairs = list(promising_pairs([*THUMBNAILS, copy, THUMBNAILS[9]], [False] * 14, SearchOptions()))
    assert pairs[:2] == [(9, 13, "0"), (2, 12, "0")]


def test_no_pictures():
    assert list(promising_pairs([], [], SearchOptions())) == []
    assert small_vectors([]).shape == (0, 576)


@pytest.mark.parametrize("block", [3, 4096])
def test_nearest_neighbour_as_scikit_learn_finds_it(block, monkeypatch):
    monkeypatch.setattr(likeness_module, "_BLOCK", block)
    generator = np.random.default_rng(3)
    known = [generator.integers(0, 256, (72, 72), dtype=np.uint8) for _ in range(20)]
    queries = [np.uint8(known[index] * 0.7 + 20) for index in (4, 0, 19, 7)] + THUMBNAILS[:4]
    flat = [np.array([t.reshape(24, 3, 24, 3).mean(axis=(1, 3)).ravel() for t in group])
            for group in (known, queries)]  # fmt: skip
    reference = NearestNeighbors(n_neighbors=1, metric="correlation", algorithm="brute").fit(flat[0])
    found = most_alike(queries, known)
    assert found[:4].tolist() == [4, 0, 19, 7]
    assert found.tolist() == reference.kneighbors(flat[1], return_distance=False)[:, 0].tolist()
