from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from sklearn.metrics import log_loss

from fxdet.evaluation.temperature import fit_temperature, negative_log_likelihood

GENERATOR = np.random.default_rng(0)
TRUTH = GENERATOR.integers(0, 3, 300)
LOGITS = 4 * (np.eye(3)[TRUTH] + GENERATOR.normal(0, 1, (300, 3)))
ALLOWED = np.eye(3, dtype=bool)[TRUTH]


def test_likelihood_as_scikit_learn():
    p = np.exp(LOGITS / 2) / np.exp(LOGITS / 2).sum(1, keepdims=True)
    assert negative_log_likelihood(LOGITS, ALLOWED, 2.0) == pytest.approx(log_loss(TRUTH, p))


def test_fit_as_scipy():
    best = minimize_scalar(lambda t: negative_log_likelihood(LOGITS, ALLOWED, t), bounds=(0.05, 20), method="bounded")
    assert fit_temperature(LOGITS, ALLOWED) == pytest.approx(best.x, rel=1e-3)


def test_missing_labels_do_not_count():
    logits = np.concatenate([LOGITS, 100 * LOGITS])
    allowed = np.concatenate([ALLOWED, np.ones_like(ALLOWED)])
    assert fit_temperature(logits, allowed) == pytest.approx(fit_temperature(LOGITS, ALLOWED))
    assert fit_temperature(LOGITS, np.ones_like(ALLOWED)) == 1.0
    assert fit_temperature(np.zeros((0, 3)), np.zeros((0, 3), bool)) == 1.0


def test_sets_sum_their_probabilities():
    allowed = np.array([[True, True, False]])
    assert negative_log_likelihood(np.zeros((1, 3)), allowed) == pytest.approx(-np.log(2 / 3))
