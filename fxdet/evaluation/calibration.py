"""Do probabilities mean what they say: Brier score, log loss, expected calibration error, reliability diagram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxdet.evaluation.ranking import divided

Floats = NDArray[np.float64]

BINS = 15
"""Bins of equal width, as in Guo et al. 2017."""

SMALLEST = 1e-6
"""Probabilities are cut here for the log loss: reports hold six digits, and 0 is not certainty."""


def brier_rows(truth: NDArray[Any], probability: Floats) -> Floats:
    """Return the squared error of each row, shape (N,).

    Args:
        truth: For shape (N,) probabilities 0/1 (Brier score 0–1); for (N, K) class indices (the sum over classes, 0–2).
        probability: Shape (N,) or (N, K).
    """
    values = np.asarray(probability, dtype=np.float64)
    if values.ndim == 1:
        return np.asarray((values - np.asarray(truth, dtype=np.float64)) ** 2)
    target = np.eye(values.shape[1])[np.asarray(truth, dtype=np.int64)]
    return np.asarray(((values - target) ** 2).sum(axis=1))


def log_loss_rows(truth: NDArray[Any], probability: Floats) -> Floats:
    """Return −log p(truth) of each row in nats, shape (N,); p is cut at :data:`SMALLEST`."""
    values = np.asarray(probability, dtype=np.float64)
    if values.ndim == 1:
        right = np.where(np.asarray(truth, dtype=bool), values, 1 - values)
    else:
        right = values[np.arange(len(values)), np.asarray(truth, dtype=np.int64)]
    return np.asarray(-np.log(np.clip(right, SMALLEST, 1 - SMALLEST if values.ndim == 1 else 1.0)))


def confidence(truth: NDArray[Any], probability: Floats) -> tuple[Floats, Floats]:
    """Return what is binned: (stated probability, what happened 0/1), shape (N,) each.

    For (N,) probabilities of an event, these and whether it came; for (N, K), the best class's and whether it is right.
    """
    values = np.asarray(probability, dtype=np.float64)
    if values.ndim == 1:
        return values, np.asarray(truth, dtype=np.float64)
    best = values.argmax(axis=1)
    return values[np.arange(len(values)), best], (best == np.asarray(truth)).astype(np.float64)


def calibration_error(stated: Floats, came: Floats, weights: Floats | None = None, bins: int = BINS) -> Floats:
    """Return Σ (rows in bin / n) × abs(mean stated − mean came) per weighting, shape (B,) (Naeini et al. 2015).

    Bins are (0, 1/M], …, with 0 in the first.

    Args:
        stated: Probabilities, shape (N,), 0–1.
        came: 0/1, shape (N,).
        weights: Shape (B, N); None counts each row once.
        bins: Number of bins M.
    """
    weight = np.ones((1, len(stated))) if weights is None else weights
    place = np.zeros((len(stated), bins))
    place[np.arange(len(stated)), bin_of(stated, bins)] = 1
    gap = np.abs(weight @ (place * (stated - came)[:, None])).sum(axis=1)
    return divided(gap, weight.sum(axis=1))


def bin_of(stated: Floats, bins: int = BINS) -> NDArray[np.int64]:
    """Return the bin of each probability, shape (N,).

    Example:
        >>> bin_of(np.array([0.0, 0.5, 0.51, 1.0]), 2).tolist()
        [0, 0, 1, 1]
    """
    return np.clip(np.ceil(np.asarray(stated) * bins).astype(np.int64) - 1, 0, bins - 1)


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """One bin of a reliability diagram.

    Attributes:
        low, high: Its limits.
        n: Rows in it.
        stated: Mean stated probability, or None in an empty bin.
        came: Share that came true, or None in an empty bin.
    """

    low: float
    high: float
    n: int
    stated: float | None
    came: float | None


def reliability(stated: Floats, came: Floats, bins: int = BINS) -> tuple[ReliabilityBin, ...]:
    """Return the bins of a reliability diagram.

    Example:
        >>> reliability(np.array([0.9, 0.8]), np.array([1.0, 0.0]), 2)[1].came
        0.5
    """
    index = bin_of(stated, bins)
    rows = []
    for number in range(bins):
        mask = index == number
        means = (float(stated[mask].mean()), float(came[mask].mean())) if mask.any() else (None, None)
        rows.append(ReliabilityBin(number / bins, (number + 1) / bins, int(mask.sum()), *means))
    return tuple(rows)


def rescaled(probability: Floats, temperature: float) -> Floats:
    """Return probabilities after dividing their logits by a temperature; shape (N,) or (N, K) as given.

    Example:
        >>> rescaled(np.array([0.8]), 2.0).round(3).tolist()
        [0.667]
    """
    scaled = log_odds(probability) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    shares = powers / powers.sum(axis=1, keepdims=True)
    return np.asarray(shares[:, 1] if np.ndim(probability) == 1 else shares)


def log_odds(probability: Floats) -> Floats:
    """Return logits (N, K) whose softmax is the probability; an event's (N,) become two columns."""
    values = np.asarray(probability, dtype=np.float64)
    if values.ndim == 1:
        values = np.stack([1 - values, values], axis=1)
    return np.asarray(np.log(np.clip(values, SMALLEST, 1.0)))
