from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from fxdet.evaluation.nearest import nearest_labels


def test_it_agrees_with_scikit_learn(generator: np.random.Generator):
    known, asked = generator.integers(0, 255, (40, 6, 6)), generator.integers(0, 255, (25, 6, 6))
    labels = generator.integers(0, 3, 40)
    other = KNeighborsClassifier(1, metric="correlation", algorithm="brute")
    want = other.fit(known.reshape(40, -1), labels).predict(asked.reshape(25, -1))
    assert nearest_labels(known, labels, asked, block=7).tolist() == want.tolist()


def test_brightness_and_contrast_do_not_matter():
    known = np.array([[[0, 9], [0, 0]], [[0, 0], [9, 0]]])
    assert nearest_labels(known, np.array([0, 1]), known // 3 + 100).tolist() == [0, 1]


def test_flat_pictures_and_no_question():
    flat = np.full((2, 3, 3), 7)
    assert nearest_labels(flat, np.array([1, 2]), flat).tolist() == [1, 1]
    assert nearest_labels(flat, np.array([1, 2]), flat[:0]).tolist() == []
    with pytest.raises(ValueError, match="expected at least one"):
        nearest_labels(flat[:0], np.zeros(0, dtype=int), flat)
