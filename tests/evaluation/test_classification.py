from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from fxdet.evaluation.classification import (
    allowed_top1,
    auroc,
    average_precision,
    bootstrap_interval,
    macro_accuracy,
    wilson_interval,
)

rows = st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=2, max_size=40).filter(
    lambda pairs: 0 < sum(truth for truth, _ in pairs) < len(pairs)
)


@given(rows)
def test_auroc_and_ap_as_scikit_learn(pairs: list[tuple[bool, int]]):
    truth, score = zip(*pairs, strict=True)
    assert auroc(truth, score) == pytest.approx(metrics.roc_auc_score(truth, score))
    assert average_precision(truth, score) == pytest.approx(metrics.average_precision_score(truth, score))


@pytest.mark.parametrize("truth", [[], [1, 1], [0, 0]])
def test_one_class_has_no_auroc(truth: list[int]):
    assert np.isnan(auroc(truth, truth))
    assert np.isnan(average_precision(truth, truth)) == (sum(truth) == 0)


def test_rows_must_fit():
    with pytest.raises(ValueError, match="got 2 and 3 rows"):
        auroc([0, 1], [0, 1, 2])
    with pytest.raises(ValueError, match="NaN"):
        auroc([0, 1], [0.0, float("nan")])


# Newcombe 1998, table I.
@pytest.mark.parametrize(
    ("successes", "total", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_interval_as_published(successes: int, total: int, low: float, high: float):
    assert wilson_interval(successes, total) == pytest.approx((low, high), abs=6e-5)


def test_wilson_interval_edges():
    assert wilson_interval(0, 0) == (0.0, 1.0)
    assert wilson_interval(5, 5)[1] == 1.0
    with pytest.raises(ValueError, match="expected 0 <= successes"):
        wilson_interval(6, 5)


def test_bootstrap_covers_the_truth_and_groups_widen_it():
    generator = np.random.default_rng(0)
    truth = np.repeat(generator.random(60) < 0.5, 5)
    score = truth + np.repeat(generator.normal(0, 1.2, 60), 5)
    names = np.repeat(np.arange(60), 5)
    single = bootstrap_interval(auroc, truth, score, None, np.random.default_rng(1), 300)
    grouped = bootstrap_interval(auroc, truth, score, names, np.random.default_rng(1), 300)
    value = auroc(truth, score)
    assert single[0] < value < single[1] and grouped[0] < value < grouped[1]
    assert grouped[1] - grouped[0] > 1.6 * (single[1] - single[0])
    assert grouped == bootstrap_interval(auroc, truth, score, names, np.random.default_rng(1), 300)


def test_bootstrap_of_nothing():
    assert all(np.isnan(bootstrap_interval(auroc, [], [], None, np.random.default_rng(0), 5)))


def test_top1_of_sets_and_missing_labels():
    logits = np.array([[3.0, 1, 0], [0, 3, 1], [0, 1, 3], [1, 0, 3]])
    allowed = np.array([[1, 0, 0], [1, 0, 1], [1, 0, 1], [1, 1, 1]], dtype=bool)
    assert allowed_top1(logits, allowed).tolist() == [True, False, True]
    assert allowed_top1(np.zeros((0, 3)), np.zeros((0, 3), bool)).tolist() == []


def test_macro_accuracy_as_balanced_accuracy():
    generator = np.random.default_rng(2)
    truth = generator.integers(0, 4, 200)
    logits = np.eye(4)[truth] + generator.normal(0, 0.7, (200, 4))
    allowed = np.eye(4, dtype=bool)[truth]
    want = metrics.balanced_accuracy_score(truth, logits.argmax(1))
    assert macro_accuracy(logits, allowed, range(4)) == pytest.approx(want)
    assert np.isnan(macro_accuracy(logits, np.ones((200, 4), bool), range(4)))
