"""Which operating points and temperatures the validation part did not allow to choose, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fxdet.data.samples import Sample
from fxdet.evaluation.results import Evaluation
from fxdet.pipeline.evaluating import Judged

NOTHING = "none of its radiographs has a prediction"


def not_chosen(judged: Judged) -> str:
    """Return which points and temperatures could not be chosen, each with its reason; empty where all were."""
    if judged.validation is None:
        return ""
    samples = [sample for _, sample in judged.validation.pairs]
    both_classes = {sample.fractured for sample in samples} >= {True, False}
    reasons: dict[str, list[str]] = {}
    if not both_classes:
        for kind, names in _of_fracture(judged.evaluation):
            reasons.setdefault(_missing_class(samples), []).append(f"{kind} of {_and(names)}")
    for score, both in judged.evaluation.points.items():
        if both_classes and both.definite.threshold is None:
            reasons.setdefault(f"no score keeps {both.definite.aim}", []).append(f"definite point of {score}")
    if any(item.head == "region" and item.temperature is None for item in judged.evaluation.calibrations):
        reason = f"no radiograph that names one region among {len(samples):,}" if samples else NOTHING
        reasons.setdefault(reason, []).append("temperature of region")
    return "; ".join(f"{_and(what)} could not be chosen: {reason}" for reason, what in reasons.items())


def _of_fracture(evaluation: Evaluation) -> Iterator[tuple[str, list[str]]]:
    """Yield what is chosen by fractured and normal radiographs: kind and names of scores."""
    if evaluation.points:
        yield "points", list(evaluation.points)
    heads = [item.head for item in evaluation.calibrations if item.head != "region"]
    if heads:
        yield "temperature" if len(heads) == 1 else "temperatures", heads


def _missing_class(samples: Sequence[Sample]) -> str:
    if not samples:
        return NOTHING
    labelled = [sample for sample in samples if sample.fractured is not None]
    if not labelled:
        return f"no radiograph labelled fractured or normal among {len(samples):,}"
    return f"no {'normal' if labelled[0].fractured else 'fractured'} radiograph among {len(labelled):,}"


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
