from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from fxdet.core.labels import Decision
from fxdet.pipeline.fusion import decide, finding_features, fit_logistic, fuse, image_features, logit, sigmoid
from fxdet.zoo.cards import LogisticCoefficients, OperatingPoints


def drawn(seed: int, count: int = 300):
    generator = np.random.default_rng(seed)
    features = {
        name: generator.normal(size=count) * scale for name, scale in (("localizer", 2), ("crop", 1), ("whole", 3))
    }
    score = 0.8 * features["localizer"] - 0.5 * features["crop"] + 0.3 * features["whole"] - 1
    return features, (generator.random(count) < sigmoid(score)).astype(int)


@pytest.mark.parametrize("penalty", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_fit_equals_scikit_learn(seed, penalty):
    features, target = drawn(seed)
    ours = fit_logistic(features, target, penalty)
    model = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=10_000).fit(
        np.stack(list(features.values()), 1), target
    )
    np.testing.assert_allclose(list(ours.weights.values()), model.coef_[0], atol=1e-4)
    assert ours.intercept == pytest.approx(model.intercept_[0], abs=1e-4)
    np.testing.assert_allclose(
        fuse(ours, features), model.predict_proba(np.stack(list(features.values()), 1))[:, 1], atol=1e-4
    )


def test_separable_data_does_not_run_away():
    fitted = fit_logistic({"crop": np.array([-3.0, -2, -1, 1, 2, 3])}, np.array([0, 0, 0, 1, 1, 1]))
    assert 0 < fitted.weights["crop"] < 10


def test_chosen_features_only():
    features, target = drawn(0)
    assert list(fit_logistic(features, target, names=("whole", "crop")).weights) == ["whole", "crop"]


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="both classes"):
        fit_logistic({"crop": np.zeros(4)}, np.zeros(4, int))


def test_no_rows_fuse_to_no_probabilities():
    coefficients = LogisticCoefficients(0.0, {"crop": 1.0})
    assert fuse(coefficients, finding_features(np.zeros(0), np.zeros(0), 0.3)).shape == (0,)


def test_image_features_without_a_candidate_stand_at_the_floor():
    features = image_features(np.zeros(0), np.zeros(0), 0.5, 0.05)
    assert features["localizer"][0] == features["crop"][0] == pytest.approx(np.log(0.05 / 0.95))
    assert features["whole"][0] == 0


def test_image_features_take_the_best():
    features = image_features(np.array([0.9, 0.2]), np.array([0.1, 0.7]), 0.5, 0.05)
    assert sigmoid(features["localizer"])[0] == pytest.approx(0.9)
    assert sigmoid(features["crop"])[0] == pytest.approx(0.7)


@given(st.floats(0.001, 0.999))
def test_sigmoid_undoes_logit(probability):
    assert sigmoid(logit(np.array([probability])))[0] == pytest.approx(probability)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_decisions_are_ordered(probability, a, b):
    points = OperatingPoints(max(a, b), min(a, b))
    order = [Decision.NONE, Decision.DOUBT, Decision.FRACTURE]
    assert order.index(decide(probability, points)) <= order.index(decide(min(1.0, probability + 0.1), points))


@pytest.mark.parametrize(
    ("probability", "expected"), [(0.5, "fracture"), (0.499, "doubt"), (0.2, "doubt"), (0.199, "none")]
)
def test_points_belong_to_the_higher_decision(probability, expected):
    assert decide(probability, OperatingPoints(0.5, 0.2)).value == expected


def test_region_boxes_stand_as_their_mean_logit_and_the_whole_stands_for_none() -> None:
    features = image_features(np.zeros(0), np.zeros(0), 0.8, 0.05, np.array([0.5, 0.9]))
    assert features["regions"] == pytest.approx([np.log(9) / 2])
    for none in (None, np.zeros(0)):
        assert image_features(np.zeros(0), np.zeros(0), 0.8, 0.05, none)["regions"] == pytest.approx([np.log(4)])
