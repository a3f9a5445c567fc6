"""Shortcuts that were planted are found; the interval agrees with DeLong and with a bootstrap of clusters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from fxdet.data.audit.shortcuts import FOLDS, auroc_interval, clustered_auroc, find_shortcuts, grouped_folds


def rows(count, seed=0):
    generator = np.random.default_rng(seed)
    labels = [bool(value) for value in generator.random(count) < 0.4]
    table = [{"mean": float(generator.normal()), "width": 373.0, "truncated": 0.0} for _ in labels]
    return table, labels, [f"g{index}" for index in range(count)]


def feature(found, name):
    return next(entry for entry in found.features if entry.name == name)


def test_noise_tells_nothing():
    found = find_shortcuts("s", *rows(250))
    assert found.interval[0] < 0.5 < found.interval[1]
    assert (found.total, found.folds) == (250, FOLDS)
    assert feature(found, "width").auroc is None
    assert feature(found, "mean").auroc < 0.6


def test_planted_shortcut_is_found_with_its_direction():
    table, labels, groups = rows(250)
    for row, label in zip(table, labels, strict=True):
        row["truncated"] = float(not label)
    found = find_shortcuts("s", table, labels, groups)
    assert found.auroc > 0.99
    assert found.interval[1] == 1.0
    assert (found.features[0].name, found.features[0].auroc, found.features[0].towards) == ("truncated", 1.0, "normal")
    assert f"{labels.count(False)} pictures, 0 of them fractured" in found.features[0].meaning


def test_own_auroc_is_that_of_scikit_learn():
    table, labels, groups = rows(150, 4)
    auroc = roc_auc_score(labels, [row["mean"] for row in table])
    assert feature(find_shortcuts("s", table, labels, groups), "mean").auroc == pytest.approx(max(auroc, 1 - auroc))


def test_a_missing_value_can_be_the_shortcut():
    table, labels, groups = rows(300)
    for index, (row, label) in enumerate(zip(table, labels, strict=True)):
        if label:
            row["jpeg_quality"] = 75.0 + index % 2
    found = find_shortcuts("s", table, labels, groups)
    assert found.auroc > 0.99
    assert feature(found, "jpeg_quality").auroc is None  # only fractured pictures have it


def test_copies_in_one_group_do_not_tell_of_each_other():
    generator = np.random.default_rng(1)
    table, labels, groups = [], [], []
    for group in range(60):
        row, label = {"mean": float(generator.normal()), "spread": float(generator.normal())}, bool(group % 2)
        for _ in range(8):
            table.append(row)
            labels.append(label)
            groups.append(f"g{group}")
    apart = find_shortcuts("s", table, labels, [str(index) for index in range(len(labels))])
    together = find_shortcuts("s", table, labels, groups)
    assert apart.auroc > 0.95
    assert together.auroc < 0.75
    assert together.interval[0] < 0.55


def test_same_result_again():
    assert find_shortcuts("s", *rows(120)) == find_shortcuts("s", *rows(120))


@pytest.mark.parametrize("labels", [[], [None, None], [True, True, True], [True, False], [True, None, False, None]])
def test_sets_too_small_to_measure(labels):
    found = find_shortcuts("s", [{"mean": float(i)} for i in range(len(labels))], labels, list(map(str, labels)))
    known = [label for label in labels if label is not None]
    assert (found.auroc, found.interval, found.folds) == (None, None, 0)
    assert (found.total, found.fractured) == (len(known), sum(known))


def test_smallest_set_that_is_measured():
    found = find_shortcuts("s", [{"mean": float(i % 2)} for i in range(4)], [False, True] * 2, list("abcd"))
    assert found.folds == 2
    assert 0 <= found.auroc <= 1


def test_pictures_without_properties():
    found = find_shortcuts("s", [{}] * 40, [True, False] * 20, list(map(str, range(40))))
    assert (found.auroc, found.interval, found.features) == (0.5, (0.5, 0.5), ())


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="1 labels"):
        find_shortcuts("s", [{}, {}], [True], ["a", "b"])


def delong(scores, labels):
    """Return AUROC and error by DeLong's definition, pair by pair."""
    positive, negative = scores[labels], scores[~labels]
    wins = (positive[:, None] > negative).astype(float) + 0.5 * (positive[:, None] == negative)
    error = wins.mean(axis=1).var(ddof=1) / len(positive) + wins.mean(axis=0).var(ddof=1) / len(negative)
    return wins.mean(), np.sqrt(error)


@pytest.mark.parametrize("seed", range(4))
def test_without_clusters_it_is_delongs_error(seed):
    generator = np.random.default_rng(seed)
    labels = generator.random(80) < 0.4
    scores = (generator.normal(size=80) + labels).round(1)  # with ties
    found = clustered_auroc(scores, labels, np.arange(80))
    assert found == pytest.approx(delong(scores, labels))
    assert found[0] == pytest.approx(roc_auc_score(labels, scores))


def test_with_clusters_it_is_the_bootstraps_error():
    generator = np.random.default_rng(7)
    clusters = np.repeat(np.arange(150), generator.integers(1, 7, 150))
    shared = generator.normal(size=150)[clusters]
    labels = (generator.random(150) < 0.5)[clusters] ^ (generator.random(len(clusters)) < 0.1)
    scores = shared + labels + 0.3 * generator.normal(size=len(clusters))
    _, error = clustered_auroc(scores, labels, clusters)
    members = [np.flatnonzero(clusters == cluster) for cluster in range(150)]
    drawn = []
    for _ in range(200):
        picked = np.concatenate([members[index] for index in generator.integers(0, 150, 150)])
        drawn.append(roc_auc_score(labels[picked], scores[picked]))
    assert error == pytest.approx(np.std(drawn), rel=0.2)
    assert error > 1.3 * delong(scores, labels)[1]


@given(st.floats(0, 1), st.floats(0, 0.3), st.integers(0, 50))
def test_interval_holds_the_auroc(auroc, error, pairs):
    low, high = auroc_interval(auroc, error, pairs)
    assert 0 <= low <= auroc + 1e-9
    assert auroc - 1e-9 <= high <= 1


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=60), st.integers(2, 5))
def test_folds_keep_clusters_together(pairs, folds):
    clusters = np.unique([cluster for cluster, _ in pairs], return_inverse=True)[1]
    labels = np.array([label for _, label in pairs])
    found = grouped_folds(labels, clusters, folds)
    assert all(len(np.unique(found[clusters == cluster])) == 1 for cluster in clusters)
    assert found.min() >= 0
    assert found.max() < folds


def test_folds_are_stratified():
    labels = np.arange(1000) % 5 == 0
    folds = grouped_folds(labels, np.arange(1000), 5)
    assert [int(labels[folds == fold].sum()) for fold in range(5)] == [40] * 5
    assert np.bincount(folds).tolist() == [200] * 5
