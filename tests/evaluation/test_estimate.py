from __future__ import annotations

import json

import numpy as np
import pytest

from fxdet.core.shares import wilson_interval
from fxdet.evaluation.estimate import Estimate, plain_number
from fxdet.evaluation.shares import effective_count, share_estimate


def test_printing():
    assert str(Estimate(0.888, 0.854, 0.921, 816)) == ".888 (.854–.921), n = 816"
    assert str(Estimate(1.0, 0.9, 1.0, 1234)) == "1.000 (.900–1.000), n = 1,234"
    assert str(Estimate(None, 0.1, 0.2, 5)) == "–, n = 5"
    assert Estimate(-0.021, -0.045, 0.003, 9).short == "−.021 (−.045 to .003)"
    assert Estimate(12.0, unit="count").short == "12"
    assert plain_number(-0.0001) == ".000"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_what_is_undefined_is_none_and_has_no_interval(value: float | None):
    estimate = Estimate(value, 0.1, 0.9, 3)
    assert (estimate.value, estimate.low, estimate.high) == (None, None, None)
    assert json.loads(json.dumps(estimate.to_json(), allow_nan=False))["value"] is None


def test_json_and_back():
    estimate = Estimate(0.5, 0.25, 0.75, 4, "Wilson", "count")
    assert Estimate.from_json(estimate.to_json()) == estimate
    assert isinstance(Estimate(np.float64(0.5)).to_json()["value"], float)


def test_limits_in_order():
    with pytest.raises(ValueError, match="expected low <= high"):
        Estimate(0.5, 0.6, 0.4, 1)


# Newcombe 1998, table I.
@pytest.mark.parametrize(
    ("successes", "total", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_interval_as_published(successes: int, total: int, low: float, high: float):
    assert wilson_interval(successes, total) == pytest.approx((low, high), abs=6e-5)


def test_wilson_interval_as_scipy():
    from scipy.stats import binomtest

    for successes, total in ((0, 7), (3, 7), (7, 7), (75, 83), (500, 1000)):
        want = binomtest(successes, total).proportion_ci(method="wilson")
        assert wilson_interval(successes, total) == pytest.approx((want.low, want.high))


def test_wilson_interval_edges():
    assert wilson_interval(0, 0) == (0.0, 1.0)
    assert wilson_interval(5, 5)[1] == 1.0
    with pytest.raises(ValueError, match="expected 0 <= successes"):
        wilson_interval(6, 5)


def test_shares_of_nothing_are_undefined():
    assert share_estimate([]).value is None
    with pytest.raises(ValueError, match="got 1 rows, expected 2"):
        share_estimate([True, False], ["a"])


def test_groups_widen_a_share():
    right = np.repeat([True, False, True, True, False, True], 10)
    groups = np.repeat(np.arange(6), 10)
    single, grouped = share_estimate(right), share_estimate(right, groups)
    assert single.value == grouped.value == pytest.approx(4 / 6)
    assert grouped.low < single.low < single.high < grouped.high
    # Rows of a group are all alike, so that six groups are worth about six rows.
    assert effective_count(right, groups) == pytest.approx(5, abs=1e-9)
    assert "5 effective rows" in grouped.method


def test_rows_of_a_group_that_differ_as_much_as_others_cost_nothing():
    right = np.array([True, False] * 50)
    assert effective_count(right, np.repeat(np.arange(50), 2)) == 100
    assert share_estimate(right, np.arange(100)).method == "Wilson"


def test_all_right_counts_each_group_once():
    estimate = share_estimate([True] * 12, np.repeat(np.arange(3), 4))
    assert (estimate.low, estimate.high) == pytest.approx(wilson_interval(3, 3))
