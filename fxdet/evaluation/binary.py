"""Figures of a score for "fractured", and of decisions made from it, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxdet.evaluation import calibration as cal
from fxdet.evaluation import confusion as cm
from fxdet.evaluation.comparisons import delong_estimate
from fxdet.evaluation.estimate import Estimate
from fxdet.evaluation.ranking import (
    Ranking,
    divided,
    precision_area,
    roc_area,
    sensitivity_at,
    specificity_at,
)
from fxdet.evaluation.resampling import Resampling
from fxdet.evaluation.shares import share_estimate

Floats = NDArray[np.float64]
Figures = dict[str, Estimate]

FIXED = (0.85, 0.90, 0.95)
"""Specificities at which the sensitivity is read, and the reverse."""

FIXED_NAMES = (
    *(f"sensitivity_at_specificity_{level:.2f}" for level in FIXED),
    *(f"specificity_at_sensitivity_{level:.2f}" for level in FIXED),
)
"""Figures at fixed points, as :func:`ranked_columns` has them."""


def ranking_figures(truth: Any, score: Any, resampling: Resampling) -> Figures:
    """Return AUROC (bootstrap and DeLong), AUPRC, sensitivity at fixed specificities and the reverse.

    Args:
        truth: bool, shape (N,).
        score: Shape (N,).
        resampling: Over the same N rows.
    """
    ranking = Ranking.of(truth, score)
    count = len(ranking.order)

    def stacked(weights: Floats) -> Floats:
        return np.stack(ranked_columns(ranking, weights), axis=1)

    figures = resampling.estimates(dict.fromkeys(("auroc", "auprc", *FIXED_NAMES), count), stacked)
    groups = None if resampling.is_single else resampling.member.tolist()
    return {"auroc": figures["auroc"], "auroc_delong": delong_estimate(truth, score, groups), **figures}


def ranked_columns(ranking: Ranking, weights: Floats) -> list[Floats]:
    """Return AUROC, AUPRC and the figures of :data:`FIXED_NAMES` per weighting, shape (B,) each."""
    hits, alarms = ranking.steps(weights)
    return [
        roc_area(hits, alarms),
        precision_area(hits, alarms),
        *(sensitivity_at(hits, alarms, level) for level in FIXED),
        *(specificity_at(hits, alarms, level) for level in FIXED),
    ]


def probability_figures(truth: Any, probability: Floats, resampling: Resampling) -> Figures:
    """Return Brier score, log loss (nats) and ECE.

    Args:
        truth: bool, shape (N,), for an event; class indices for K classes.
        probability: Shape (N,) or (N, K).
        resampling: Over the same N rows.
    """
    brier, loss = cal.brier_rows(truth, probability), cal.log_loss_rows(truth, probability)
    stated, came = cal.confidence(truth, probability)

    def stacked(weights: Floats) -> Floats:
        total = weights.sum(axis=1)
        return np.stack([divided(weights @ brier, total), divided(weights @ loss, total)], axis=1)

    def error(weights: Floats) -> Floats:
        return cal.calibration_error(stated, came, weights)

    count = len(brier)
    figures = resampling.estimates({"brier": count, "log_loss": count}, stacked)
    value = resampling.value(error) if count else float("nan")
    ece = resampling.centred_estimate(value, resampling.draws(error), count) if count else Estimate(None)
    return {**figures, "ece": ece}


def decision_figures(truth: NDArray[np.bool_], called: NDArray[np.bool_], resampling: Resampling) -> Figures:
    """Return accuracy, sensitivity, specificity, PPV, NPV (Wilson) and the figures of the 2 × 2 matrix (bootstrap).

    Args:
        truth: Whether the row is fractured, shape (N,).
        called: Whether it is called fractured, shape (N,).
        resampling: Over the same N rows.
    """
    member = resampling.member
    right = truth == called
    shares = {
        "accuracy": share_estimate(right, member),
        "sensitivity": share_estimate(called[truth], member[truth]),
        "specificity": share_estimate(~called[~truth], member[~truth]),
        "ppv": share_estimate(truth[called], member[called]),
        "npv": share_estimate(~truth[~called], member[~called]),
    }
    matrix = matrix_figures(truth.astype(np.int64), called.astype(np.int64), ("normal", "fractured"), resampling)
    return {**shares, **matrix}


def matrix_figures(
    truth: NDArray[np.integer], predicted: NDArray[np.integer], labels: Sequence[str], resampling: Resampling
) -> Figures:
    """Return balanced accuracy, F1 (macro, weighted, per class), MCC and kappa, with bootstrap intervals.

    The F1 of a class that does not occur in the truth is undefined, also where it is predicted; where one class alone
    occurs, so is everything else but its own F1. Draws are held to the same.

    Args:
        truth: Class index, shape (N,).
        predicted: Class index, shape (N,).
        labels: Names of the K classes.
        resampling: Over the same N rows.
    """
    names = [*cm.MATRIX_FIGURES, *(f"f1_{label}" for label in labels)]

    def stacked(weights: Floats) -> Floats:
        matrices = cm.confusion(truth, predicted, len(labels), weights)
        whole = [figure(matrices) for figure in cm.MATRIX_FIGURES.values()]
        return np.concatenate([np.stack(whole, axis=1), cm.f1(matrices)], axis=1)

    return resampling.estimates(dict.fromkeys(names, len(truth)), stacked)
