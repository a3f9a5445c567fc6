"""Figures of a head with K classes, where a label may be a set of allowed names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fxdet.core.labels import LabelMap
from fxdet.evaluation import confusion as cm
from fxdet.evaluation.binary import FIXED_NAMES, Figures, matrix_figures, probability_figures, ranked_columns
from fxdet.evaluation.classification import allowed_top1
from fxdet.evaluation.confusion import ConfusionTable
from fxdet.evaluation.estimate import Estimate
from fxdet.evaluation.ranking import Ranking, divided
from fxdet.evaluation.resampling import IntervalOptions, Resampling
from fxdet.evaluation.shares import share_estimate

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ClassRows:
    """Probabilities of K classes with what each row may be.

    Attributes:
        labels: Class names.
        probability: Shape (N, K), rows sum to 1.
        allowed: Which classes the label allows, shape (N, K); all True (or none) is a missing label.
        group: Group of each row, shape (N,).
    """

    labels: LabelMap
    probability: Floats
    allowed: NDArray[np.bool_]
    group: NDArray[np.generic]

    @property
    def certain(self) -> NDArray[np.bool_]:
        """Rows whose label names exactly one class, shape (N,)."""
        return np.asarray(self.allowed.sum(axis=1) == 1)

    @property
    def vague(self) -> NDArray[np.bool_]:
        """Rows whose label allows several classes, but not all, shape (N,)."""
        count = self.allowed.sum(axis=1)
        return np.asarray((count > 1) & (count < len(self.labels)))


def class_figures(rows: ClassRows, options: IntervalOptions) -> tuple[Figures, ConfusionTable]:
    """Return the figures of certain labels, and how many labels were not certain; what each class reaches comes last.

    Rows whose label allows several classes count in ``top1_within_allowed`` alone.
    """
    keep = rows.certain
    truth, probability = rows.allowed[keep].argmax(axis=1), rows.probability[keep]
    predicted = probability.argmax(axis=1) if len(probability) else truth
    resampling = Resampling(rows.group[keep], options)
    names = rows.labels.names
    figures: Figures = {"accuracy": share_estimate(truth == predicted, resampling.member)}
    figures |= matrix_figures(truth, predicted, names, resampling)
    figures |= _per_class(truth, predicted, names, resampling)
    ranked = _one_against_rest(truth, probability, names, resampling)
    figures |= {name: found for name, found in ranked.items() if not name.startswith(FIXED_NAMES)}
    figures |= probability_figures(truth, probability, resampling)
    labelled = keep | rows.vague
    within = allowed_top1(rows.probability[labelled], rows.allowed[labelled])
    figures["top1_within_allowed"] = share_estimate(within, rows.group[labelled])
    for name, mask in (("certain", keep), ("several", rows.vague), ("none", ~labelled)):
        figures[f"labels_{name}"] = Estimate(float(mask.sum()), n=len(keep), unit="count")
    figures |= ranked
    matrix = cm.confusion(truth, predicted, len(names))[0]
    return figures, ConfusionTable.of(matrix, names, "region")


def _per_class(
    truth: NDArray[np.integer], predicted: NDArray[np.integer], names: tuple[str, ...], resampling: Resampling
) -> Figures:
    """Return sensitivity, specificity, PPV and NPV of each class against the rest (Wilson)."""
    figures: Figures = {}
    member = resampling.member
    for index, name in enumerate(names):
        true, called = truth == index, predicted == index
        figures[f"sensitivity_{name}"] = share_estimate(called[true], member[true])
        figures[f"specificity_{name}"] = share_estimate(~called[~true], member[~true])
        figures[f"ppv_{name}"] = share_estimate(true[called], member[called])
        figures[f"npv_{name}"] = share_estimate(~true[~called], member[~called])
    return figures


def _one_against_rest(
    truth: NDArray[np.integer], probability: Floats, names: tuple[str, ...], resampling: Resampling
) -> Figures:
    """Return what each class's probability ranks against the rest.

    AUROC and AUPRC of each class and their means over the classes that occur, then sensitivity at fixed specificities
    and the reverse.
    """
    rankings = [Ranking.of(truth == index, probability[:, index]) for index in range(len(names))]
    keys = [f"{figure}_{name}" for figure in ("auroc", "auprc") for name in names] + ["auroc_macro", "auprc_macro"]
    keys += [f"{figure}_{name}" for name in names for figure in FIXED_NAMES]

    def stacked(weights: Floats) -> Floats:
        found = np.stack([np.stack(ranked_columns(ranking, weights)) for ranking in rankings], axis=2)
        (roc, precision), rest = found[:2], found[2:]
        means = np.stack([_mean_defined(roc), _mean_defined(precision)], axis=1)
        fixed = np.moveaxis(rest, 0, 2).reshape(len(weights), -1)
        return np.concatenate([roc, precision, means, fixed], axis=1)

    return resampling.estimates(dict.fromkeys(keys, len(truth)), stacked)


def _mean_defined(values: Floats) -> Floats:
    defined = ~np.isnan(values)
    return divided(np.where(defined, values, 0.0).sum(axis=1), defined.sum(axis=1))
