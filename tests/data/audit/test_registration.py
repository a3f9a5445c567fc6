from __future__ import annotations

import cv2
import numpy as np
import pytest

from fxdet.data.audit.fingerprints import make_thumbnail
from fxdet.data.audit.registration import (
    STRONG,
    WINDOW,
    common_area,
    fine_structure,
    local_agreement,
    thumbnail_similarity,
)
from tests.data.audit.pictures import drawn_pictures

PICTURES = drawn_pictures(8)


def similarity(one: np.ndarray, other: np.ndarray) -> float:
    return thumbnail_similarity(make_thumbnail(one), make_thumbnail(other))


def shifted(picture: np.ndarray, x: float, y: float) -> np.ndarray:
    matrix = np.float32([[1, 0, x], [0, 1, y]])
    return cv2.warpAffine(picture, matrix, picture.shape[::-1], borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize("picture", PICTURES[:4])
def test_copies_agree(picture):
    assert similarity(picture, picture) == pytest.approx(1, abs=0.01)
    assert similarity(picture, np.uint8(picture * 0.5 + 20)) > 0.97  # paler
    assert similarity(picture, np.uint8(255 * (picture / 255.0) ** 0.6)) > 0.95  # another exposure
    assert similarity(picture, cv2.resize(picture, (75, 90), interpolation=cv2.INTER_AREA)) > 0.95
    assert similarity(picture, shifted(picture, 6, -4)) > 0.93
    assert similarity(picture, cv2.GaussianBlur(picture, (0, 0), 1)) > 0.95


def test_different_pictures_disagree():
    found = [similarity(one, other) for i, one in enumerate(PICTURES) for other in PICTURES[:i]]
    assert max(found) < 0.7


def test_bright_edge_of_the_table_does_not_make_two_pictures_one():
    one, other = PICTURES[0] // 3, PICTURES[3] // 3
    one[-14:], other[-14:] = 255, 255
    a, b = (fine_structure(make_thumbnail(each).astype(np.float32)) for each in (one, other))
    assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.7  # the plain correlation sees the edge
    assert similarity(one, other) < 0.7


@pytest.mark.parametrize("kept", [110, 140, 165])
def test_truncated_copy_agrees_as_far_as_it_goes(kept):
    cut = PICTURES[1].copy()
    cut[kept:] = 128
    assert similarity(PICTURES[1], cut) > 0.9
    assert similarity(PICTURES[4], cut) < 0.7


def test_dark_and_empty_pictures_do_not_clump():
    generator = np.random.default_rng(0)
    dark = [generator.integers(0, 6, (120, 90), dtype=np.uint8) for _ in range(4)]
    assert max(similarity(dark[i], dark[j]) for i in range(4) for j in range(i)) < 0.5
    flat = np.full((120, 90), 9, np.uint8)
    assert similarity(flat, flat) == 0
    assert similarity(flat, PICTURES[0]) == 0


def test_a_single_marker_is_not_enough():
    one, other = (np.random.default_rng(seed).integers(0, 9, (160, 120), dtype=np.uint8) for seed in (1, 2))
    for picture in (one, other):
        cv2.putText(picture, "L", (90, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 255, 2)
    assert similarity(one, other) < 0.9


def test_agreement_is_the_weighted_correlation_in_windows():
    generator = np.random.default_rng(5)
    fine = generator.normal(size=(40, 30)).astype(np.float32)
    twin = (fine + generator.normal(size=(40, 30)) * 0.7).astype(np.float32)
    half, total, weights = WINDOW // 2, 0.0, 0.0
    a, b = (np.pad(plane, half, mode="symmetric") for plane in (fine, twin))
    for row in range(40):
        for column in range(30):
            one = a[row : row + WINDOW, column : column + WINDOW].ravel()
            other = b[row : row + WINDOW, column : column + WINDOW].ravel()
            weight = min(one.std(), other.std(), STRONG)
            total += weight * np.corrcoef(one, other)[0, 1]
            weights += weight
    assert local_agreement(fine, twin) == pytest.approx(total / weights, abs=0.005)


def test_agreement_needs_structure_in_both():
    one = np.zeros((60, 60), np.float32)
    one[:, :20] = np.random.default_rng(0).normal(size=(60, 20))
    other = np.random.default_rng(1).normal(size=(60, 60)).astype(np.float32)
    other[:, :20] = one[:, :20]
    assert local_agreement(one, other) == 0  # the little that is shared is less than half
    assert local_agreement(one[:, :20], other[:, :20]) == pytest.approx(1, abs=0.01)


def test_agreement_outside_counts_nothing():
    generator = np.random.default_rng(2)
    one, other = (generator.normal(size=(60, 60)).astype(np.float32) for _ in range(2))
    other[:, :30] = one[:, :30]
    inside = np.zeros((60, 60), np.float32)
    inside[:, :24] = 1
    assert local_agreement(one, other, inside) == pytest.approx(1, abs=0.01)
    assert local_agreement(one, other) < 0.7


def test_common_area_drops_uniform_edges_of_either():
    one, other = (np.random.default_rng(seed).integers(0, 255, (72, 72), dtype=np.uint8) for seed in (0, 1))
    one[60:] = 128
    other[:, :5] = 0
    a, b = common_area(one, other)
    assert a.shape == b.shape == (60, 67)
    assert np.array_equal(a, one[:60, 5:])
