"""Figures of confusion matrices, shape (…, K, K) with truth in rows; leading axes are weightings of a bootstrap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxdet.evaluation.ranking import divided

Floats = NDArray[np.float64]
MatrixFigure = Callable[[Floats], Floats]


def confusion(
    truth: NDArray[np.integer], predicted: NDArray[np.integer], classes: int, weights: Floats | None = None
) -> Floats:
    """Return confusion matrices, truth in rows, shape (B, K, K).

    Args:
        truth: Class index, shape (N,).
        predicted: Class index, shape (N,).
        classes: K.
        weights: How often each row counts, shape (B, N); None counts each once (B = 1).

    Example:
        >>> confusion(np.array([0, 1, 1]), np.array([0, 1, 0]), 2)[0].tolist()
        [[1.0, 0.0], [1.0, 1.0]]
    """
    cell = np.asarray(truth) * classes + np.asarray(predicted)
    if weights is None:
        return np.bincount(cell, minlength=classes**2).reshape(1, classes, classes).astype(np.float64)
    place = np.zeros((len(cell), classes**2))
    place[np.arange(len(cell)), cell] = 1
    return np.asarray((weights @ place).reshape(-1, classes, classes))


def accuracy(matrix: Floats) -> Floats:
    """Return the share on the diagonal."""
    return divided(_diagonal(matrix).sum(-1), matrix.sum((-2, -1)))


def recall(matrix: Floats) -> Floats:
    """Return recall per class, shape (…, K): for two classes, specificity and sensitivity."""
    return divided(_diagonal(matrix), matrix.sum(-1))


def precision(matrix: Floats) -> Floats:
    """Return precision per class, shape (…, K): for two classes, NPV and PPV; NaN where never predicted."""
    return divided(_diagonal(matrix), matrix.sum(-2))


def f1(matrix: Floats) -> Floats:
    """Return 2 TP / (2 TP + FP + FN) per class, shape (…, K); NaN where a class does not occur in the truth."""
    support = matrix.sum(-1)
    return divided(2 * _diagonal(matrix), np.where(support > 0, support + matrix.sum(-2), 0.0))


def balanced_accuracy(matrix: Floats) -> Floats:
    """Return the mean recall over the classes that occur in the truth; NaN where fewer than two do."""
    return _mean_of_classes(recall(matrix), matrix.sum(-1) > 0)


def macro_f1(matrix: Floats) -> Floats:
    """Return the mean F1 over the classes that occur in the truth; NaN where fewer than two do."""
    return _mean_of_classes(f1(matrix), matrix.sum(-1) > 0)


def weighted_f1(matrix: Floats) -> Floats:
    """Return the mean F1 weighted by how often each class occurs in the truth; NaN where fewer than two do."""
    return _mean_of_classes(f1(matrix), matrix.sum(-1))


def matthews(matrix: Floats) -> Floats:
    """Return Matthews' correlation for K classes (Gorodkin 2004); NaN where truth or prediction is constant."""
    total, diagonal = matrix.sum((-2, -1)), _diagonal(matrix).sum(-1)
    true, predicted = matrix.sum(-1), matrix.sum(-2)
    above = diagonal * total - (true * predicted).sum(-1)
    below = (total**2 - (predicted**2).sum(-1)) * (total**2 - (true**2).sum(-1))
    return divided(above, np.sqrt(np.maximum(below, 0.0)))


def kappa(matrix: Floats) -> Floats:
    """Return Cohen's kappa (1960); NaN where fewer than two classes occur in the truth."""
    total = matrix.sum((-2, -1))
    chance = (matrix.sum(-1) * matrix.sum(-2)).sum(-1)
    return divided(_diagonal(matrix).sum(-1) * total - chance, (total**2 - chance) * _several(matrix.sum(-1)))


MATRIX_FIGURES: dict[str, MatrixFigure] = {
    "balanced_accuracy": balanced_accuracy,
    "f1_macro": macro_f1,
    "f1_weighted": weighted_f1,
    "mcc": matthews,
    "kappa": kappa,
}
"""Figures of the whole matrix whose intervals are bootstrapped; shares have Wilson intervals instead."""


@dataclass(frozen=True, slots=True)
class ConfusionTable:
    """A confusion matrix with the names of its classes.

    Attributes:
        labels: Class names, in the order of rows and columns.
        rows: Counts, truth in rows.
        title: What is decided here.
    """

    labels: tuple[str, ...]
    rows: tuple[tuple[int, ...], ...]
    title: str = ""

    @classmethod
    def of(cls, matrix: Floats, labels: tuple[str, ...], title: str = "") -> ConfusionTable:
        """Build the table from counts, shape (K, K)."""
        return cls(labels, tuple(tuple(int(value) for value in row) for row in matrix), title)

    def to_json(self) -> dict[str, Any]:
        """Return plain values; the orientation is named."""
        return {"title": self.title, "labels": list(self.labels), "truth_in_rows": [list(row) for row in self.rows]}


def _diagonal(matrix: Floats) -> Floats:
    return np.asarray(np.diagonal(matrix, axis1=-2, axis2=-1))


def _mean_of_classes(values: Floats, weights: NDArray[Any]) -> Floats:
    """Return the weighted mean over the classes, shape (…,); NaN where fewer than two have a weight."""
    total = np.where(weights > 0, np.nan_to_num(values) * weights, 0.0).sum(-1)
    return divided(total, weights.sum(-1) * _several(weights))


def _several(counts: NDArray[Any]) -> NDArray[np.bool_]:
    """Return whether two or more classes occur, shape (…,)."""
    return np.asarray((counts > 0).sum(-1) > 1)
