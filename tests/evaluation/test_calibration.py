from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from fxdet.evaluation import calibration as cal

GENERATOR = np.random.default_rng(0)
P = GENERATOR.random(300)
CAME = GENERATOR.random(300) < P
SHARES = GENERATOR.dirichlet([1, 1, 1], 200)
CLASS = GENERATOR.integers(0, 3, 200)


def test_brier_and_log_loss_as_scikit_learn():
    assert cal.brier_rows(CAME, P).mean() == pytest.approx(metrics.brier_score_loss(CAME, P))
    assert cal.log_loss_rows(CAME, P).mean() == pytest.approx(metrics.log_loss(CAME, P))
    assert cal.log_loss_rows(CLASS, SHARES).mean() == pytest.approx(metrics.log_loss(CLASS, SHARES))
    wanted = ((SHARES - np.eye(3)[CLASS]) ** 2).sum(axis=1).mean()
    assert cal.brier_rows(CLASS, SHARES).mean() == pytest.approx(wanted)


def test_certain_errors_cost_a_finite_loss():
    assert cal.log_loss_rows(np.array([True]), np.array([0.0]))[0] == pytest.approx(-np.log(1e-6))
    assert cal.log_loss_rows(np.array([1]), np.array([[1.0, 0.0]]))[0] == pytest.approx(-np.log(1e-6))


def brute_error(stated: np.ndarray, came: np.ndarray, bins: int) -> float:
    total = 0.0
    for index in range(bins):
        inside = (stated > index / bins) & (stated <= (index + 1) / bins) | ((stated == 0) & (index == 0))
        if inside.any():
            total += inside.mean() * abs(stated[inside].mean() - came[inside].mean())
    return total


@pytest.mark.parametrize("bins", [1, 5, 15])
def test_ece_bin_by_bin(bins: int):
    assert cal.calibration_error(P, CAME.astype(float), bins=bins)[0] == pytest.approx(brute_error(P, CAME, bins))


def test_ece_by_hand_and_with_weights():
    stated, came = np.array([0.9, 0.9, 0.2, 0.2]), np.array([1.0, 0.0, 0.0, 0.0])
    # Bin of .9: |.9 - .5| × 2/4; bin of .2: .2 × 2/4.
    assert cal.calibration_error(stated, came, bins=10)[0] == pytest.approx(0.3)
    weights = np.array([[1.0, 0, 1, 0]])
    assert cal.calibration_error(stated, came, weights, 10)[0] == pytest.approx((0.1 + 0.2) / 2)
    assert np.isnan(cal.calibration_error(stated, came, np.zeros((1, 4)))[0])


def test_confidence_of_classes_is_that_of_the_best():
    stated, came = cal.confidence(np.array([1, 0]), np.array([[0.2, 0.8], [0.4, 0.6]]))
    assert stated.tolist() == [0.8, 0.6]
    assert came.tolist() == [1, 0]


def test_reliability_bins():
    bins = cal.reliability(np.array([0.0, 0.5, 1.0, 0.95]), np.array([0.0, 1.0, 1.0, 0.0]), 2)
    assert [row.n for row in bins] == [2, 2]
    assert (bins[0].stated, bins[0].came) == (0.25, 0.5)
    assert cal.reliability(np.zeros(0), np.zeros(0), 3)[1].stated is None


@given(st.floats(0.01, 0.99), st.floats(0.2, 5))
def test_temperature_of_an_event(p: float, temperature: float):
    logit = np.log(p / (1 - p)) / temperature
    assert cal.rescaled(np.array([p]), temperature)[0] == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-6)


def test_temperature_one_changes_nothing_and_keeps_the_order():
    assert cal.rescaled(SHARES, 1.0) == pytest.approx(SHARES, abs=1e-5)
    assert (cal.rescaled(SHARES, 3.0).argmax(axis=1) == SHARES.argmax(axis=1)).all()
    assert np.isfinite(cal.rescaled(np.array([0.0, 1.0]), 0.05)).all()
