"""Rankings against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from fxdet.evaluation.classification import allowed_top1, auroc, average_precision, macro_accuracy
from fxdet.evaluation.ranking import Ranking, roc_area, sensitivity_at, specificity_at

rows = st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=2, max_size=40).filter(
    lambda pairs: 0 < sum(truth for truth, _ in pairs) < len(pairs)
)


@settings(max_examples=50, deadline=None)  # scikit-learn takes its time
@given(rows)
def test_auroc_and_ap_as_scikit_learn(pairs: list[tuple[bool, int]]):
    truth, score = zip(*pairs, strict=True)
    assert auroc(truth, score) == pytest.approx(metrics.roc_auc_score(truth, score))
    assert average_precision(truth, score) == pytest.approx(metrics.average_precision_score(truth, score))


@settings(max_examples=50, deadline=None)
@given(rows, st.lists(st.integers(0, 3), min_size=40, max_size=40))
def test_weights_count_rows_as_scikit_learn(pairs: list[tuple[bool, int]], times: list[int]):
    truth, score = (np.array(column) for column in zip(*pairs, strict=True))
    weights = np.array(times[: len(truth)], dtype=float)
    if not 0 < weights[truth].sum() < weights.sum():
        assert np.isnan(Ranking.of(truth, score).auroc(weights[None])[0])
        return
    ranking = Ranking.of(truth, score)
    wanted = metrics.roc_auc_score(truth, score, sample_weight=weights)
    assert ranking.auroc(weights[None])[0] == pytest.approx(wanted)
    wanted = metrics.average_precision_score(truth, score, sample_weight=weights)
    assert ranking.average_precision(weights[None])[0] == pytest.approx(wanted)


@given(rows, st.permutations(range(40)))
def test_order_and_rescaling_do_not_matter(pairs: list[tuple[bool, int]], order: list[int]):
    truth, score = (np.array(column) for column in zip(*pairs, strict=True))
    places = [place for place in order if place < len(truth)]
    assert auroc(truth[places], np.exp(score[places])) == pytest.approx(auroc(truth, score))
    assert auroc(~truth, -score) == pytest.approx(auroc(truth, score))
    assert auroc(truth, -score) == pytest.approx(1 - auroc(truth, score))


@given(rows, st.sampled_from([0.0, 0.5, 0.8, 0.9, 1.0]))
def test_fixed_points_by_trying_every_threshold(pairs: list[tuple[bool, int]], level: float):
    truth, score = (np.array(column) for column in zip(*pairs, strict=True))
    hits, alarms = Ranking.of(truth, score).steps()
    tried = [(np.mean(score[truth] >= t), np.mean(score[~truth] < t)) for t in [*np.unique(score), np.inf]]
    assert sensitivity_at(hits, alarms, level)[0] == pytest.approx(max(se for se, sp in tried if sp >= level - 1e-9))
    assert specificity_at(hits, alarms, level)[0] == pytest.approx(max(sp for se, sp in tried if se >= level - 1e-9))


@pytest.mark.parametrize("truth", [[], [1, 1], [0, 0]])
def test_one_class_has_neither_auroc_nor_auprc(truth: list[int]):
    assert np.isnan([auroc(truth, truth), average_precision(truth, truth)]).all()
    hits, alarms = Ranking.of(truth, truth).steps()
    assert np.isnan([sensitivity_at(hits, alarms, 0.9)[0], specificity_at(hits, alarms, 0.9)[0]]).all()


def test_equal_scores_are_chance():
    assert auroc([0, 1, 0, 1], [0.3] * 4) == 0.5
    assert average_precision([0, 1, 0, 0], [0.3] * 4) == 0.25


def test_curves_by_hand():
    ranking = Ranking.of([1, 0, 1, 0], [0.9, 0.8, 0.8, 0.1])
    false, true = ranking.roc()
    assert false.tolist() == [0, 0, 0.5, 1]
    assert true.tolist() == [0, 0.5, 1, 1]
    recall, precision = ranking.precision_recall()
    assert recall.tolist() == [0.5, 1, 1]
    assert precision.round(3).tolist() == [1.0, 0.667, 0.5]
    assert roc_area(*ranking.steps())[0] == 0.875


def test_infinite_scores_rank():
    assert auroc([0, 1, 1], [-np.inf, np.inf, np.inf]) == 1.0


def test_rows_must_fit():
    with pytest.raises(ValueError, match="got 2 and 3 rows"):
        auroc([0, 1], [0, 1, 2])
    with pytest.raises(ValueError, match="NaN"):
        auroc([0, 1], [0.0, float("nan")])


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
