"""Two thresholds chosen on validation rows: definite by specificity, doubt by sensitivity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fxdet.evaluation.estimate import Estimate
from fxdet.evaluation.ranking import checked_scores
from fxdet.evaluation.shares import share_estimate


@dataclass(frozen=True, slots=True)
class ChosenPoint:
    """A threshold and what it reaches where it was chosen; rows count as positive from the threshold on.

    Attributes:
        threshold: Score, or None where the aim can't be met (a class is missing, or too many scores are equal).
        aim: What was aimed at, e.g. ``specificity >= .95``.
        sensitivity, specificity: On the validation rows: too rosy, since it was chosen there.
    """

    threshold: float | None
    aim: str
    sensitivity: Estimate
    specificity: Estimate

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "threshold": self.threshold,
            "aim": self.aim,
            "validation": {"sensitivity": self.sensitivity.to_json(), "specificity": self.specificity.to_json()},
        }


@dataclass(frozen=True, slots=True)
class ChosenPoints:
    """The definite and the doubt point of one score."""

    definite: ChosenPoint
    doubt: ChosenPoint


def choose_points(truth: Any, score: Any, specificity: float = 0.95, sensitivity: float = 0.95) -> ChosenPoints:
    """Choose both thresholds.

    *Definite* is the lowest threshold that keeps the specificity, halfway to the next score below it; *doubt* is the
    highest score that keeps the sensitivity, and never above *definite*.

    Args:
        truth: bool or 0/1, shape (N,).
        score: Shape (N,), 0–1.
        specificity: Least share of negatives below *definite*.
        sensitivity: Least share of positives at or above *doubt*.

    Example:
        >>> points = choose_points([0, 0, 0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.35, 0.9], 0.75, 1.0)
        >>> round(points.definite.threshold, 3), round(points.doubt.threshold, 3)
        (0.325, 0.325)
    """
    positive, values = checked_scores(truth, score)
    if not positive.any() or positive.all():
        none = Estimate(None, n=len(positive))
        return ChosenPoints(
            ChosenPoint(None, _aim("specificity", specificity), none, none),
            ChosenPoint(None, _aim("sensitivity", sensitivity), none, none),
        )
    definite = _definite(positive, values, specificity)
    ranked = np.sort(values[positive])
    doubt = float(ranked[int(np.floor((1 - sensitivity) * len(ranked) + 1e-9))])
    doubt = doubt if definite is None else min(doubt, definite)
    return ChosenPoints(
        _reached(positive, values, definite, _aim("specificity", specificity)),
        _reached(positive, values, doubt, _aim("sensitivity", sensitivity)),
    )


def _definite(positive: Any, values: Any, specificity: float) -> float | None:
    """Return the midpoint between the lowest score that may still be called positive and the one below it."""
    scores = np.unique(values)
    negatives = np.sort(values[~positive])
    below = np.searchsorted(negatives, scores, side="left") / len(negatives)
    allowed = np.flatnonzero(below >= specificity - 1e-9)
    if not allowed.size:
        return None
    first = int(allowed[0])
    return float(scores[first]) if first == 0 else float((scores[first - 1] + scores[first]) / 2)


def _reached(positive: Any, values: Any, threshold: float | None, aim: str) -> ChosenPoint:
    if threshold is None:
        none = Estimate(None, n=len(positive))
        return ChosenPoint(None, aim, none, none)
    called = values >= threshold
    return ChosenPoint(threshold, aim, share_estimate(called[positive]), share_estimate(~called[~positive]))


def _aim(name: str, least: float) -> str:
    return f"{name} ≥ {least:g}"
