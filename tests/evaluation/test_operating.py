from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxdet.evaluation.operating import choose_points

rows = st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=2, max_size=60).filter(
    lambda pairs: 0 < sum(truth for truth, _ in pairs) < len(pairs)
)


@given(rows, st.sampled_from([0.5, 0.9, 0.95, 1.0]), st.sampled_from([0.5, 0.9, 0.95, 1.0]))
def test_aims_are_met_and_no_threshold_is_better(pairs: list[tuple[bool, int]], specificity: float, sensitivity: float):
    truth = np.array([pair[0] for pair in pairs])
    score = np.array([pair[1] / 20 for pair in pairs])
    points = choose_points(truth, score, specificity, sensitivity)
    definite, doubt = points.definite.threshold, points.doubt.threshold
    reachable = [t for t in np.unique(score) if np.mean(score[~truth] < t) >= specificity - 1e-9]
    assert (definite is None) == (not reachable)
    if definite is not None:
        assert np.mean(score[~truth] < definite) >= specificity - 1e-9
        assert set(score[score >= definite].tolist()) == set(score[score >= min(reachable)].tolist())
        assert doubt <= definite
    assert np.mean(score[truth] >= doubt) >= sensitivity - 1e-9
    assert points.definite.specificity.value is None or points.definite.specificity.value >= specificity - 1e-9


def test_by_hand():
    points = choose_points([0] * 4 + [1] * 4, [0.1, 0.2, 0.3, 0.4, 0.35, 0.6, 0.7, 0.9], 0.75, 0.75)
    assert points.definite.threshold == pytest.approx(0.325)
    assert points.doubt.threshold == pytest.approx(0.325)
    assert points.definite.sensitivity.value == 1.0


@pytest.mark.parametrize("truth", [[], [1, 1], [0, 0]])
def test_without_both_classes_there_is_no_point(truth: list[int]):
    points = choose_points(truth, [0.5] * len(truth))
    assert points.definite.threshold is points.doubt.threshold is None
    assert points.definite.to_json()["validation"]["sensitivity"]["value"] is None


def test_equal_scores_cannot_be_told_apart():
    points = choose_points([0, 1], [0.5, 0.5])
    assert points.definite.threshold is None
    assert points.doubt.threshold == 0.5
