from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fxdet.classify.crosscheck import CrossCheckLimits, attention_grid, box_in_crop, coverage, cross_check, judge
from fxdet.core.labels import Verdict

SIDE = 40
# Crop of 40 px that shows radiograph px 100–180 in x and 200–280 in y, two radiograph px per crop px.
TO_IMAGE = np.array([[2.0, 0, 100], [0, 2.0, 200]])
BOX = (120.0, 220.0, 150.0, 260.0)  # crop px 10–25, 10–30: 15 × 20 of 1,600


def spot(x: float, y: float, width: float = 2.0) -> np.ndarray:
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    return np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * width**2))


def test_an_even_map_holds_the_boxs_share_of_the_crop():
    check = cross_check(np.ones((SIDE, SIDE)), TO_IMAGE, BOX)
    assert check.mass_in_box == pytest.approx(15 * 20 / SIDE**2)
    assert check.verdict is not Verdict.AGREES


def test_a_spot_in_the_box_agrees_and_its_peak_is_in_radiograph_pixels():
    check = cross_check(spot(17.5, 20.5), TO_IMAGE, BOX)
    assert check.verdict is Verdict.AGREES
    assert check.peak_in_box
    assert check.mass_in_box > 0.99
    assert check.peak_xy == (135.0, 241.0)


def test_a_spot_elsewhere_disagrees():
    check = cross_check(spot(35, 5), TO_IMAGE, BOX)
    assert (check.verdict, check.peak_in_box) == (Verdict.DISAGREES, False)
    assert check.mass_in_box < 0.01


def test_a_map_without_attention_is_unsure():
    check = cross_check(np.zeros((SIDE, SIDE)), TO_IMAGE, BOX)
    assert (check.mass_in_box, check.peak_in_box, check.verdict) == (0.0, False, Verdict.UNSURE)


def test_peak_and_mass_that_contradict_each_other_are_unsure():
    attention = np.ones((SIDE, SIDE))
    attention[0, 0] = 1.1
    attention[10:30, 10:25] = 1.05
    assert cross_check(attention, TO_IMAGE, BOX).verdict is Verdict.UNSURE


def test_the_share_of_energy_alone_does_not_decide():
    # 80 % of the crop and 75 % of the attention: a large share, but less than an even map would put there.
    attention = np.ones((SIDE, SIDE))
    attention[:, 32:] = 4 / 3
    check = cross_check(attention, TO_IMAGE, (100.0, 200.0, 164.0, 280.0))
    assert check.mass_in_box == pytest.approx(0.75)
    assert check.verdict is not Verdict.AGREES


def test_a_box_that_fills_the_crop_can_still_agree():
    assert judge(1.15, 1 / 0.8, True, CrossCheckLimits()) is Verdict.AGREES
    assert judge(1.05, 1 / 0.8, True, CrossCheckLimits()) is Verdict.UNSURE


def test_scaling_the_map_changes_nothing():
    one, other = cross_check(spot(12, 12), TO_IMAGE, BOX), cross_check(spot(12, 12) * 1e-6, TO_IMAGE, BOX)
    assert one.mass_in_box == pytest.approx(other.mass_in_box)
    assert one.verdict is other.verdict


def test_a_box_is_cut_at_the_crop():
    assert box_in_crop(TO_IMAGE, (0.0, 0.0, 140.0, 240.0), SIDE).tolist() == [0.0, 0.0, 20.0, 20.0]


def test_coverage_counts_parts_of_pixels():
    assert coverage(1.25, 1.75, 4).tolist() == [0.0, 0.5, 0.0, 0.0]
    assert coverage(0, 4, 4).tolist() == [1.0] * 4


@pytest.mark.parametrize(
    "wrong", [{"agree_lift": 0.5}, {"disagree_lift": -1.0}, {"disagree_lift": 3.0}, {"peak_margin": 0.9}]
)
def test_wrong_limits_are_refused(wrong):
    with pytest.raises(ValueError, match="CrossCheckLimits"):
        CrossCheckLimits(**wrong)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.lists(st.floats(-50, 400), min_size=4, max_size=4))
def test_any_box_on_any_map_gives_a_share_and_a_verdict(seed, values):
    x1, x2 = sorted(values[:2])
    y1, y2 = sorted(values[2:])
    attention = np.random.default_rng(seed).random((SIDE, SIDE)) ** 4
    check = cross_check(attention, TO_IMAGE, (x1, y1, x2, y2))
    mask = np.zeros((SIDE * 8, SIDE * 8))  # the same share, counted on an eightfold grid
    cut = (np.clip((np.array([x1 - 100, x2 - 100, y1 - 200, y2 - 200]) / 2), 0, SIDE) * 8).round().astype(int)
    mask[cut[2] : cut[3], cut[0] : cut[1]] = 1
    expected = (np.kron(attention, np.ones((8, 8))) * mask).sum() / attention.sum() / 64
    assert check.mass_in_box == pytest.approx(expected, abs=0.02)


def test_attention_of_the_whole_radiograph_on_a_grid() -> None:
    # A 200 × 100 px radiograph in an 8 × 8 map: 25 px per map pixel, two map pixels of padding on both sides.
    attention = np.zeros((8, 8))
    attention[1, 3], attention[6, 5], attention[4, 0] = 3.0, 1.0, 9.0
    to_image = np.array([[25.0, 0, -50], [0, 25.0, 0]])
    grid = attention_grid(attention, to_image, (200, 100), 4)
    assert np.sum(grid.cells) == pytest.approx(1)
    assert grid.cells[0][1] == 0.75 and grid.cells[3][3] == 0.25  # what lies beside the radiograph does not count
    assert grid.peak_xy == (37.5, 37.5)
    assert np.sum(attention_grid(np.zeros((8, 8)), to_image, (200, 100)).cells) == 0
