"""Confusion figures against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from fxdet.evaluation import confusion as cm
from fxdet.evaluation.confusion import ConfusionTable

labels = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)


@settings(max_examples=25, deadline=None)  # scikit-learn takes its time
@given(labels)
def test_figures_as_scikit_learn(pairs: list[tuple[int, int]]):
    truth, said = (np.array(column) for column in zip(*pairs, strict=True))
    matrix = cm.confusion(truth, said, 4)[0]
    present = np.unique(truth)
    assert matrix.tolist() == metrics.confusion_matrix(truth, said, labels=range(4)).tolist()
    assert cm.accuracy(matrix) == pytest.approx(metrics.accuracy_score(truth, said))
    options = {"labels": present, "zero_division": np.nan}
    means = [cm.balanced_accuracy(matrix), cm.macro_f1(matrix), cm.weighted_f1(matrix)]
    if len(present) > 1:
        recall = metrics.recall_score(truth, said, average="macro", **options)
        f1 = [metrics.f1_score(truth, said, average=name, **options) for name in ("macro", "weighted")]
        assert means == pytest.approx([recall, *f1])
    else:
        assert np.isnan(means).all()
    if len(present) > 1 and len(set(said.tolist())) > 1:
        assert cm.matthews(matrix) == pytest.approx(metrics.matthews_corrcoef(truth, said))
    for k in range(4):
        one = {"labels": [k], "average": None, "zero_division": np.nan}
        assert cm.recall(matrix)[k] == pytest.approx(metrics.recall_score(truth, said, **one)[0], nan_ok=True)
        assert cm.precision(matrix)[k] == pytest.approx(metrics.precision_score(truth, said, **one)[0], nan_ok=True)
        f1 = metrics.f1_score(truth, said, **one)[0] if k in present else np.nan
        assert cm.f1(matrix)[k] == pytest.approx(f1, nan_ok=True)


@settings(max_examples=25, deadline=None)
@given(labels.filter(lambda pairs: len({truth for truth, _ in pairs}) > 1))
def test_kappa_as_scikit_learn(pairs: list[tuple[int, int]]):
    truth, said = (np.array(column) for column in zip(*pairs, strict=True))
    assert cm.kappa(cm.confusion(truth, said, 4))[0] == pytest.approx(metrics.cohen_kappa_score(truth, said))


@given(labels, st.permutations(range(4)))
def test_names_do_not_matter(pairs: list[tuple[int, int]], names: list[int]):
    truth, said = (np.array(column) for column in zip(*pairs, strict=True))
    new = np.array(names)
    before, after = cm.confusion(truth, said, 4)[0], cm.confusion(new[truth], new[said], 4)[0]
    for figure in (cm.accuracy, *cm.MATRIX_FIGURES.values()):
        assert figure(after) == pytest.approx(figure(before), nan_ok=True)


def test_published_matrix_by_hand():
    # The four cells that tamboli2026 prints: TP 1008, FN 52, FP 39, TN 1041.
    matrix = np.array([[1041.0, 39], [52, 1008]])
    assert cm.accuracy(matrix) == pytest.approx(0.95748, abs=1e-5)
    assert cm.recall(matrix) == pytest.approx([0.96389, 0.95094], abs=1e-5)
    assert cm.precision(matrix)[1] == pytest.approx(0.96275, abs=1e-5)
    # cnn2024: 694 / 32 / 54 / 195.
    assert cm.matthews(np.array([[195.0, 54], [32, 694]])) == pytest.approx(0.763, abs=1e-3)


def test_what_is_undefined_is_nan():
    never = np.array([[5.0, 0], [3, 0]])
    assert np.isnan(cm.precision(never)[1])
    assert cm.f1(never)[1] == 0
    assert np.isnan(cm.matthews(never))
    assert cm.kappa(never) == 0
    alone = np.array([[5.0, 0], [0, 0]])
    assert np.isnan([cm.kappa(alone), cm.matthews(alone), cm.recall(alone)[1], cm.f1(alone)[1]]).all()
    assert np.isnan([figure(np.zeros((2, 2))) for figure in (cm.accuracy, *cm.MATRIX_FIGURES.values())]).all()


def test_a_class_without_rows_has_no_figures():
    normals = np.array([[5.0, 5], [0, 0]])  # ten normals, five called fractured
    assert np.isnan([figure(normals) for figure in cm.MATRIX_FIGURES.values()]).all()
    assert cm.accuracy(normals) == 0.5
    assert cm.f1(normals)[0] == pytest.approx(2 / 3)  # 2 × 5 / (2 × 5 + 5)
    assert np.isnan(cm.f1(normals)[1])
    # Elbow does not occur, and is said once: the means run over the two that do.
    three = np.array([[0.0, 0, 0], [1, 3, 0], [0, 1, 3]])
    assert cm.balanced_accuracy(three) == pytest.approx(0.75)
    assert cm.f1(three) == pytest.approx([np.nan, 0.75, 6 / 7], nan_ok=True)
    assert cm.macro_f1(three) == cm.weighted_f1(three) == pytest.approx((0.75 + 6 / 7) / 2)
    assert not np.isnan(cm.kappa(three))


def test_weights_repeat_rows():
    truth, said = np.array([0, 1, 1, 2]), np.array([0, 1, 2, 2])
    matrices = cm.confusion(truth, said, 3, np.array([[1.0, 1, 1, 1], [2, 0, 3, 0]]))
    assert matrices[0].tolist() == cm.confusion(truth, said, 3)[0].tolist()
    assert matrices[1].tolist() == [[2, 0, 0], [0, 0, 3], [0, 0, 0]]
    assert cm.accuracy(matrices).tolist() == [0.75, 0.4]


def test_table():
    table = ConfusionTable.of(np.array([[2.0, 1], [0, 3]]), ("normal", "fractured"), "t")
    assert table.to_json()["truth_in_rows"] == [[2, 1], [0, 3]]
