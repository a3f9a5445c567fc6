"""Loading a pipeline: card, models with verified weights, device and precision."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxdet.core.errors import ModelError
from fxdet.core.objects import Crops
from fxdet.core.protocols import Classifier
from fxdet.imaging.preprocess import Preprocess
from fxdet.pipeline.api import Pipeline, PipelineOptions
from fxdet.pipeline.device import choose_device, choose_precision
from fxdet.zoo.cards import OperatingPoints, PipelineCard
from fxdet.zoo.hub import BUILTIN, find_pipeline, load_classifier, load_localizer_of, pipeline_hash


def load_pipeline(name: str | Path = BUILTIN, device: str = "cpu", options: PipelineOptions | None = None) -> Pipeline:
    """Load a pipeline with verified weights; nothing is downloaded.

    Args:
        name: ``builtin``, a pipeline card or its folder, or the card or run folder of one model (the other half then
            comes from the built-in pipeline, as do fusion and thresholds, and every report warns of that).
        device: Where the networks run; used when ``options`` is None.
        options: Threshold, cross-check, heat map, precision, device.

    Raises:
        ModelError: Card, weights or network do not fit.
        ConfigError: The device or the precision is not available.
    """
    wanted = options or PipelineOptions(device=device)
    chosen = choose_device(wanted.device)
    options = replace(wanted, device=chosen, precision=choose_precision(wanted.precision, chosen))
    parts = find_pipeline(name)
    classifier = load_classifier(parts.classifier, chosen)
    _check_heads(classifier)
    namer = load_classifier(parts.region_classifier, chosen) if parts.region_classifier else None
    if namer is not None:
        _check_regions(namer, classifier)
    changing = {"threshold": options.threshold, "crosscheck": options.crosscheck, "precision": options.precision}
    return Pipeline(
        localizer=load_localizer_of(parts, chosen),
        classifier=classifier,
        card=_with_threshold(parts.card, options.threshold),
        preprocess=getattr(classifier, "preprocess", Preprocess(224)),
        options=options,
        attention=_grad_cam,
        models=parts.stamps,
        config_hash=pipeline_hash(parts, changing),
        region_classifier=namer,
        notes=parts.notes,
    )


def _with_threshold(card: PipelineCard, threshold: float | None) -> PipelineCard:
    """Return the card with another definite point; the point of doubt never lies above it."""
    if threshold is None:
        return card
    points = [OperatingPoints(threshold, min(old.doubt, threshold)) for old in (card.finding_points, card.image_points)]
    return replace(card, finding_points=points[0], image_points=points[1])


def _check_heads(classifier: Classifier) -> None:
    labels = getattr(classifier, "labels", {})
    if "fracture" not in labels or "fractured" not in labels["fracture"].names:
        raise ModelError(
            f"can't use {classifier.name} – field 'heads' – got {sorted(labels)}, expected a head 'fracture' with"
            " the class 'fractured' – train one with that head"
        )


def _check_regions(namer: Classifier, classifier: Classifier) -> None:
    got, expected = (getattr(model, "labels", {}).get("region") for model in (namer, classifier))
    if got is None or expected is None or got.names != expected.names:
        raise ModelError(
            f"can't use {namer.name} for regions – field 'heads' – got {getattr(got, 'names', None)}, expected the"
            f" regions of {classifier.name}, {getattr(expected, 'names', None)} – train it with these"
        )


def _grad_cam(classifier: Any, crops: Crops) -> NDArray[np.float32]:
    from fxdet.classify.cam import attention_maps  # loads torch and grad-cam, which arrays and fakes do without

    return attention_maps(classifier, crops, "fracture", classifier.labels["fracture"].index("fractured"))
