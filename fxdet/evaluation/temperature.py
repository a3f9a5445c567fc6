"""One temperature per head: the divisor of logits that makes probabilities fit the labels best. NumPy only."""

from __future__ import annotations

from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

_GOLDEN = (sqrt(5) - 1) / 2


def negative_log_likelihood(logits: Floats, allowed: NDArray[np.bool_], temperature: float = 1.0) -> float:
    """Return the mean of −log Σ p(allowed) over labelled rows; NaN without one.

    Args:
        logits: Shape (N, K).
        allowed: Shape (N, K); several True mean "any of these", all True is a missing label.
        temperature: Divisor of the logits, > 0.

    Example:
        >>> round(negative_log_likelihood(np.zeros((1, 2)), np.array([[True, False]])), 4)
        0.6931
    """
    labelled = ~allowed.all(axis=1)
    if not labelled.any():
        return float("nan")
    scaled = logits[labelled].astype(np.float64) / temperature
    total = _log_sum_exp(scaled)
    right = _log_sum_exp(np.where(allowed[labelled], scaled, -np.inf))
    return float((total - right).mean())


def fit_temperature(logits: Floats, allowed: NDArray[np.bool_], limits: tuple[float, float] = (0.05, 20.0)) -> float:
    """Return the temperature of least negative log-likelihood, by golden section; 1 without labelled rows.

    Args:
        logits: Shape (N, K).
        allowed: Shape (N, K).
        limits: Least and greatest temperature.

    Example:
        >>> logits = np.array([[4.0, 0.0]] * 4)
        >>> truth = np.array([[True, False]] * 3 + [[False, True]])
        >>> round(fit_temperature(logits, truth), 3)  # sigmoid(4 / T) = 3/4
        3.641
    """
    if allowed.all(axis=1).all():
        return 1.0
    low, high = log(limits[0]), log(limits[1])
    while high - low > 1e-6:
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if negative_log_likelihood(logits, allowed, exp(left)) <= negative_log_likelihood(logits, allowed, exp(right)):
            high = right
        else:
            low = left
    return exp((low + high) / 2)


def _log_sum_exp(values: NDArray[np.float64]) -> NDArray[np.float64]:
    top = values.max(axis=1, keepdims=True)
    return np.asarray(top[:, 0] + np.log(np.exp(values - top).sum(axis=1)))
