"""ROC and precision–recall of a ranking, for one weighting of the rows or for thousands at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Pair = tuple[Floats, Floats]


def checked_scores(truth: Any, score: Any) -> tuple[NDArray[np.bool_], Floats]:
    """Return truth and score as arrays of one length.

    Raises:
        ValueError: Lengths differ or a score is NaN.
    """
    positive = np.asarray(truth).astype(bool).reshape(-1)
    values = np.asarray(score, dtype=np.float64).reshape(-1)
    if positive.shape != values.shape:
        raise ValueError(f"truth and score: got {len(positive)} and {len(values)} rows, expected the same number")
    if np.isnan(values).any():
        raise ValueError("score: got NaN, expected numbers")
    return positive, values


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Rows in descending order of score; equal scores are one step.

    Attributes:
        order: Row at each place, shape (N,).
        positive: Truth at each place, shape (N,).
        last: Last place of each distinct score, shape (T,).
        threshold: Distinct scores, descending, shape (T,).
    """

    order: NDArray[np.int64]
    positive: NDArray[np.bool_]
    last: NDArray[np.int64]
    threshold: Floats

    @classmethod
    def of(cls, truth: Any, score: Any) -> Ranking:
        """Rank rows.

        Args:
            truth: bool or 0/1, shape (N,).
            score: Any order-preserving score, shape (N,).
        """
        positive, values = checked_scores(truth, score)
        order = np.argsort(-values, kind="stable")
        ranked = values[order]
        # Compared, not subtracted: infinite scores have no difference.
        last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], np.ones(min(1, len(ranked)), dtype=bool)))
        return cls(order, positive[order], last, ranked[last])

    def steps(self, weights: Floats | None = None) -> Pair:
        """Return weighted positives and negatives at or above each threshold, both of shape (B, T).

        Args:
            weights: How often each row counts, shape (B, N); None counts each once (B = 1).
        """
        weight = np.ones((1, len(self.order))) if weights is None else weights
        ranked = weight[:, self.order]
        everything = np.cumsum(ranked, axis=1)[:, self.last]
        hits = np.cumsum(ranked * self.positive, axis=1)[:, self.last]
        return hits, everything - hits

    def auroc(self, weights: Floats | None = None) -> Floats:
        """Return the area under the ROC curve per weighting, shape (B,); NaN where one class is missing."""
        return roc_area(*self.steps(weights))

    def average_precision(self, weights: Floats | None = None) -> Floats:
        """Return Σ (recall step) × precision per weighting, shape (B,); NaN where one class is missing."""
        return precision_area(*self.steps(weights))

    def roc(self) -> Pair:
        """Return false-positive rate and sensitivity, shape (T + 1,) each, from (0, 0) to (1, 1)."""
        hits, alarms = (_from_zero(part)[0] for part in self.steps())
        return divided(alarms, alarms[-1]), divided(hits, hits[-1])

    def precision_recall(self) -> Pair:
        """Return recall and precision at each threshold, shape (T,) each."""
        hits, alarms = (part[0] for part in self.steps())
        return divided(hits, hits[-1] if len(hits) else 0.0), divided(hits, hits + alarms)


def roc_area(hits: Floats, alarms: Floats) -> Floats:
    """Return the area under the ROC curve from :meth:`Ranking.steps`, shape (B,)."""
    true, false = _from_zero(hits), _from_zero(alarms)
    area = (np.diff(false, axis=1) * (true[:, 1:] + true[:, :-1]) / 2).sum(axis=1)
    return divided(area, true[:, -1] * false[:, -1])


def precision_area(hits: Floats, alarms: Floats) -> Floats:
    """Return average precision from :meth:`Ranking.steps`, shape (B,); NaN where one class is missing."""
    true, false = _from_zero(hits), _from_zero(alarms)
    area = (np.diff(true, axis=1) * hits / np.maximum(hits + alarms, 1e-300)).sum(axis=1)
    return divided(area, true[:, -1] * (false[:, -1] > 0))


def sensitivity_at(hits: Floats, alarms: Floats, specificity: float) -> Floats:
    """Return the largest sensitivity of a threshold with at least this specificity, shape (B,)."""
    true, false = _from_zero(hits), _from_zero(alarms)
    allowed = false <= (1 - specificity) * false[:, -1:] + 1e-9
    return divided(np.where(allowed, true, 0.0).max(axis=1), true[:, -1] * (false[:, -1] > 0))


def specificity_at(hits: Floats, alarms: Floats, sensitivity: float) -> Floats:
    """Return the largest specificity of a threshold with at least this sensitivity, shape (B,)."""
    true, false = _from_zero(hits), _from_zero(alarms)
    allowed = true >= sensitivity * true[:, -1:] - 1e-9
    spared = np.where(allowed, false[:, -1:] - false, 0.0).max(axis=1)
    return divided(spared, false[:, -1] * (true[:, -1] > 0))


def divided(above: Any, below: Any) -> Floats:
    """Return ``above / below``, NaN where ``below`` is 0.

    Example:
        >>> divided(np.array([1.0, 0.0]), np.array([2.0, 0.0])).tolist()
        [0.5, nan]
    """
    top, bottom = np.broadcast_arrays(np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64))
    return np.asarray(np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom != 0))


def _from_zero(cumulated: Floats) -> Floats:
    return np.concatenate([np.zeros((len(cumulated), 1)), cumulated], axis=1)
