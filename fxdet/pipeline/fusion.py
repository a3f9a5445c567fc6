"""How the scores of both stages become one probability: a small logistic model, and its fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fxdet.core.labels import Decision
from fxdet.zoo.cards import LogisticCoefficients, OperatingPoints

Floats = NDArray[np.floating]

LOGIT_LIMIT = 8.0
"""Logits are cut at ± this, so that one overconfident score (1 - p below 3e-4) can't outvote the others."""


def logit(probability: Floats) -> NDArray[np.float64]:
    """Return log(p / (1 - p)), cut at ± :data:`LOGIT_LIMIT`; any shape.

    Example:
        >>> logit(np.array([0.0, 0.5, 0.75, 1.0])).round(3).tolist()
        [-8.0, 0.0, 1.099, 8.0]
    """
    edge = 1 / (1 + np.exp(LOGIT_LIMIT))
    inner = np.clip(np.asarray(probability, dtype=np.float64), edge, 1 - edge)
    return np.asarray(np.log(inner / (1 - inner)))


def sigmoid(value: Floats) -> NDArray[np.float64]:
    """Return 1 / (1 + exp(-x)) without overflow; any shape.

    Example:
        >>> sigmoid(np.array([-1000.0, 0.0, 1000.0])).tolist()
        [0.0, 0.5, 1.0]
    """
    powers = np.exp(-np.abs(value))
    return np.asarray(np.where(np.asarray(value) >= 0, 1.0, powers) / (1 + powers))


def fuse(coefficients: LogisticCoefficients, features: Mapping[str, Floats]) -> NDArray[np.float64]:
    """Return the probability of each row.

    Args:
        coefficients: Intercept and one weight per feature; features without a weight are left out.
        features: Name → logits, all of shape (N,).

    Returns:
        Probabilities, shape (N,), 0–1.

    Example:
        >>> fuse(LogisticCoefficients(0.0, {"crop": 1.0}), {"crop": np.array([0.0, 2.0])}).round(3).tolist()
        [0.5, 0.881]
    """
    total: Floats = np.full(np.shape(next(iter(features.values()))), coefficients.intercept, dtype=np.float64)
    for name, weight in coefficients.weights.items():
        total = total + weight * np.asarray(features[name], dtype=np.float64)
    return sigmoid(total)


def finding_features(detector: Floats, crop: Floats, whole: float) -> dict[str, NDArray[np.float64]]:
    """Return the logits that a finding's probability is made of, each of shape (N,).

    Args:
        detector: Localizer's scores of one radiograph's candidates, shape (N,), 0–1.
        crop: Classifier's probability of a fracture on each candidate's crop, shape (N,).
        whole: The same for the whole radiograph.
    """
    return {"localizer": logit(detector), "crop": logit(crop), "whole": np.full(len(detector), logit(np.array(whole)))}


def image_features(
    detector: Floats, crop: Floats, whole: float, floor: float, regions: Floats | None = None
) -> dict[str, NDArray[np.float64]]:
    """Return the logits that a radiograph's probability is made of, each of shape (1,).

    Without a candidate, both ``localizer`` and ``crop`` stand at the logit of ``floor``, the localizer score below
    which candidates are left out: all that is known is that nothing better was found.

    Args:
        detector: Localizer's scores of the candidates, shape (N,), 0–1.
        crop: Classifier's probability of a fracture on each candidate's crop, shape (N,).
        whole: The same for the whole radiograph.
        floor: The pipeline's candidate floor, 0–1.
        regions: Classifier's probability of a fracture on each region box's crop, shape (R,); without any, the whole
            radiograph stands for them.
    """
    zoomed = logit(regions).mean() if regions is not None and len(regions) else logit(np.array(whole))
    best_score = float(detector.max()) if len(detector) else floor
    best_crop = float(crop.max()) if len(crop) else floor
    return {
        "localizer": logit(np.array([best_score])),
        "whole": logit(np.array([whole])),
        "crop": logit(np.array([best_crop])),
        "regions": np.array([float(zoomed)]),
    }


def fit_logistic(
    features: Mapping[str, Floats], target: NDArray[np.integer], penalty: float = 1.0, names: Sequence[str] = ()
) -> LogisticCoefficients:
    """Fit an L2-penalised logistic regression by iteratively re-weighted least squares.

    Minimises ``sum of log loss + penalty / 2 × sum of weight²``; the intercept is not penalised (scikit-learn's
    ``C = 1 / penalty``).

    Args:
        features: Name → logits, all of shape (N,).
        target: 0 or 1, shape (N,).
        penalty: Strength of the penalty, >= 0.
        names: Features to use, in order; empty takes all.

    Raises:
        ValueError: Only one class occurs, or lengths differ.

    Example:
        >>> x = np.array([-2.0, -1.0, 1.0, 2.0, -1.0, 1.0])
        >>> fit_logistic({"crop": x}, np.array([0, 0, 1, 1, 1, 0])).weights["crop"] > 0
        True
    """
    chosen = list(names or features)
    columns = [np.ones(len(target)), *(np.asarray(features[name], dtype=np.float64) for name in chosen)]
    design, truth = np.stack(columns, axis=1), np.asarray(target, dtype=np.float64)
    if not 0 < truth.sum() < len(truth):
        raise ValueError(f"fit_logistic: got {int(truth.sum())} positives among {len(truth)}, expected both classes")
    ridge = np.diag([0.0] + [penalty] * len(chosen))
    beta = np.zeros(design.shape[1])
    for _ in range(100):
        step = _newton_step(design, truth, ridge, beta)
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            break
    weights = {name: float(value) for name, value in zip(chosen, beta[1:], strict=True)}
    return LogisticCoefficients(float(beta[0]), weights)


def _newton_step(design: Floats, target: Floats, ridge: Floats, beta: Floats) -> NDArray[np.float64]:
    probability = sigmoid(design @ beta)
    weight = np.maximum(probability * (1 - probability), 1e-9)
    hessian = design.T @ (design * weight[:, None]) + ridge
    step = np.linalg.lstsq(hessian, design.T @ (target - probability) - ridge @ beta, rcond=None)[0]
    return np.asarray(step / max(1.0, float(np.abs(step).max()) / 5.0))  # damped: no run-away on separable data


def decide(probability: float, points: OperatingPoints) -> Decision:
    """Return what a probability means at the two operating points.

    Example:
        >>> decide(0.3, OperatingPoints(definite=0.5, doubt=0.2)).value
        'doubt'
    """
    if probability >= points.definite:
        return Decision.FRACTURE
    return Decision.DOUBT if probability >= points.doubt else Decision.NONE
