"""Figures of trainings by cross-validation."""

from __future__ import annotations

from fxdet.evaluation.estimate import Estimate, plain_number
from fxdet.pages.sources import Record, Repository

FOLDS = "fracatlas_folds.json"
"""Result of ``fxdet train folds configs/folds/fracatlas_mobilenetv2_100.yaml``, copied from its run folder."""


def folds_record(repository: Repository) -> Record | None:
    """Return the result on FracAtlas, or None where nobody ran it."""
    return repository.record(FOLDS) if (repository.results / FOLDS).exists() else None


def pooled(record: Record | None, name: str) -> Estimate:
    """Return a figure over all folds together; undefined where nobody ran it."""
    if record is None or name not in record["figures"]:
        return Estimate(None)
    return Estimate.from_json(record["figures"][name])


def spread_text(record: Record, name: str) -> str:
    """Return mean and standard deviation over the folds, e.g. ``folds .910 ± .012``."""
    over = record["over_folds"][name]
    return f"folds {plain_number(over['mean'])} ± {plain_number(over['standard_deviation'])}"
