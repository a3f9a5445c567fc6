"""Figures of a pipeline from its reports: radiograph level, boxes, regions; each with n and a 95 % interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxdet.core.findings import Report
from fxdet.core.labels import PAPER_REGIONS, Decision
from fxdet.core.protocols import Localizer
from fxdet.data.samples import Sample
from fxdet.evaluation.classification import auroc, bootstrap_interval, wilson_interval
from fxdet.evaluation.detection import (
    ImageBoxes,
    average_precision,
    mean_average_precision,
    sensitivity_at_false_positives,
)
from fxdet.imaging.reading import open_radiograph

BATCH = 16

Pairs = Sequence[tuple[Report, Sample]]
Figure = dict[str, Any]


@dataclass(frozen=True, slots=True)
class MeasureOptions:
    """How intervals are drawn: bootstrap samples over groups, and the seed."""

    samples: int = 1000
    seed: int = 0


def measure_images(pairs: Pairs, options: MeasureOptions) -> dict[str, Figure]:
    """Return AUROC of the image probability (and of each stage alone), sensitivity and specificity of the decisions."""
    truth = np.array([bool(sample.fractured) for _, sample in pairs])
    groups = [sample.group for _, sample in pairs]
    scores = {
        "auroc": [report.image_probability or 0.0 for report, _ in pairs],
        "auroc_whole_radiograph_classifier": [report.class_probability["fracture"]["fractured"] for report, _ in pairs],
        "auroc_localizer": [max((f.detector_score for f in report.findings), default=0.0) for report, _ in pairs],
    }
    figures: dict[str, Figure] = {}
    for name, values in scores.items():
        score = np.array(values)
        generator = np.random.default_rng(options.seed)
        limits = bootstrap_interval(auroc, truth, score, groups, generator, options.samples)
        figures[name] = _figure(auroc(truth, score), limits, len(truth)) | {"fractured": int(truth.sum())}
    definite = np.array([report.decision is Decision.FRACTURE for report, _ in pairs])
    doubt = np.array([report.decision is not Decision.NONE for report, _ in pairs])
    for name, positive in (("definite", definite), ("doubt", doubt)):
        figures[f"sensitivity_{name}"] = share_of(positive[truth])
        figures[f"specificity_{name}"] = share_of(~positive[~truth])
    return figures


def measure_boxes(pairs: Pairs, options: MeasureOptions) -> dict[str, Figure]:
    """Return AP50, AP50:95 and FROC sensitivities of the findings against the reference boxes.

    ``ap50`` ranks findings by their final probability, ``ap50_localizer`` by the localizer's score.
    """
    figures: dict[str, Figure] = {}
    groups = np.array([sample.group for _, sample in pairs])
    for name, key in (("", "probability"), ("_localizer", "detector_score")):
        images = [image_boxes(report, sample, key) for report, sample in pairs]
        boxes = sum(len(image.reference) for image in images)
        counted = {"n": len(images), "boxes": boxes}
        limits = _resampled(images, groups, options)
        figures[f"ap50{name}"] = _figure(average_precision(images), limits, len(images)) | counted
        figures[f"ap50_95{name}"] = {"value": _round(mean_average_precision(images)), **counted}
        for rate in (0.5, 1.0):
            sensitivity = sensitivity_at_false_positives(images, rate)
            figures[f"sensitivity_at_{rate:g}_false_positives{name}"] = {"value": _round(sensitivity), **counted}
    return figures


def measure_regions(pairs: Pairs) -> dict[str, Figure]:
    """Return top-1 over the eight regions, and over the six of the published comparison, where one region is stated."""
    eight, six = [], []
    for report, sample in pairs:
        if len(sample.regions) != 1:
            continue
        probability = report.class_probability["region"]
        eight.append(report.region in sample.regions)
        if sample.regions <= set(PAPER_REGIONS):
            best = max(PAPER_REGIONS, key=lambda name: probability[name])
            six.append(best in sample.regions)
    return {"region_top1_of_8": share_of(np.array(eight)), "region_top1_of_6": share_of(np.array(six))}


def image_boxes(report: Report, sample: Sample, key: str) -> ImageBoxes:
    """Return findings, scored by one of their fields, and reference boxes of one radiograph."""
    found = np.array([finding.box for finding in report.findings], dtype=np.float64).reshape(-1, 4)
    score = np.array([getattr(finding, key) for finding in report.findings], dtype=np.float64)
    return ImageBoxes(found, score, sample.fracture_xyxy)


def share_of(right: NDArray[np.bool_]) -> Figure:
    """Return a share with its Wilson interval.

    Example:
        >>> share_of(np.array([True, True, True, False]))
        {'value': 0.75, 'interval': [0.3006, 0.9544], 'n': 4}
    """
    if not right.size:
        return {"value": None, "interval": [None, None], "n": 0}
    return _figure(float(right.mean()), wilson_interval(int(right.sum()), right.size), right.size)


def _resampled(images: Sequence[ImageBoxes], groups: NDArray[Any], options: MeasureOptions) -> tuple[float, float]:
    """Return the 2.5th and 97.5th percentile of AP50 over groups drawn with replacement."""
    generator = np.random.default_rng(options.seed)
    names, member = np.unique(groups, return_inverse=True)
    draws = []
    for _ in range(options.samples):
        count = np.bincount(generator.integers(len(names), size=len(names)), minlength=len(names))
        draws.append(average_precision(images, weights=count[member].astype(np.float64)))
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    return float(low), float(high)


def _figure(value: float, limits: tuple[float, float], count: int) -> Figure:
    return {"value": _round(value), "interval": [_round(limit) for limit in limits], "n": count}


def _round(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)


def measure_localizer(localizer: Localizer, samples: Sequence[Sample], options: MeasureOptions) -> dict[str, Figure]:
    """Return AP50 and AP50:95 of a localizer's fracture boxes, all that it gives, as detectors are usually compared.

    A pipeline keeps only candidates above its floor; what lies below still adds to average precision.

    Raises:
        ReadError: A file is no readable radiograph.
    """
    images = []
    for start in range(0, len(samples), BATCH):
        batch = samples[start : start + BATCH]
        found = localizer.locate([open_radiograph(sample.path) for sample in batch])
        for sample, located in zip(batch, found, strict=True):
            images.append(ImageBoxes(located.fractures.xyxy, located.fractures.score, sample.fracture_xyxy))
    counted = {"n": len(images), "boxes": sum(len(image.reference) for image in images)}
    limits = _resampled(images, np.array([sample.group for sample in samples]), options)
    ap50 = _figure(average_precision(images), limits, len(images)) | counted
    return {
        "detector_ap50": ap50,
        "detector_ap50_95": {"value": _round(mean_average_precision(images)), **counted},
    }
