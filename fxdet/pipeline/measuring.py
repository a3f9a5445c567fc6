"""The few figures of a pipeline that stand on its card and in the README; ``fxdet evaluate`` gives all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fxdet.core.labels import Decision
from fxdet.core.objects import Detections
from fxdet.core.protocols import Localizer
from fxdet.data.samples import Sample
from fxdet.evaluation.boxes import BoxRows
from fxdet.evaluation.detection import COCO_IOUS, average_precisions
from fxdet.evaluation.estimate import Estimate
from fxdet.evaluation.froc import froc_sensitivity
from fxdet.evaluation.matching import ImageBoxes, match_affinity, match_images
from fxdet.evaluation.multiclass import ClassRows
from fxdet.evaluation.ranking import Ranking
from fxdet.evaluation.resampling import IntervalOptions, Resampling
from fxdet.evaluation.shares import share_estimate
from fxdet.imaging.reading import open_radiograph
from fxdet.pipeline.cohorts import box_rows, build_cohort, class_rows, paper_rows
from fxdet.pipeline.pairing import Pair

BATCH = 16

RATES = (0.5, 1.0)
"""False boxes per image at which the share of found reference boxes is measured."""

Pairs = Sequence[Pair]
Figure = dict[str, Any]

AUROC_NAMES = {"pipeline": "auroc", "classifier": "auroc_whole_radiograph_classifier", "localizer": "auroc_localizer"}
"""Score → name of its AUROC in the result file."""


@dataclass(frozen=True, slots=True)
class MeasureOptions:
    """How intervals are drawn: bootstrap samples over groups, and the seed."""

    samples: int = 1000
    seed: int = 0

    @property
    def intervals(self) -> IntervalOptions:
        """The same for the evaluation."""
        return IntervalOptions(self.samples, self.seed)


def measure_images(pairs: Pairs, options: MeasureOptions) -> dict[str, Figure]:
    """Return AUROC of the image probability (and of each stage alone), sensitivity and specificity of the decisions."""
    cohort = build_cohort(pairs, True)
    rows = cohort.of_rows(cohort.labelled)
    truth, resampling = rows.fractured == 1, Resampling(rows.group, options.intervals)
    figures: dict[str, Figure] = {}
    for name, score in rows.scores.items():
        area = resampling.estimate(Ranking.of(truth, score).auroc)
        figures[AUROC_NAMES[name]] = as_figure(area) | {"fractured": int(truth.sum())}
    for decision, name in ((Decision.FRACTURE, "definite"), (Decision.DOUBT, "doubt")):
        called = rows.called(decision)
        if called is not None:
            figures[f"sensitivity_{name}"] = as_figure(share_estimate(called[truth], rows.group[truth]))
            figures[f"specificity_{name}"] = as_figure(share_estimate(~called[~truth], rows.group[~truth]))
    return figures


def measure_boxes(pairs: Pairs, options: MeasureOptions) -> dict[str, Figure]:
    """Return AP50, AP50:95 and FROC sensitivities of the findings against the reference boxes.

    ``ap50`` ranks findings by their final probability, ``ap50_localizer`` by the localizer's score.
    """
    figures: dict[str, Figure] = {}
    for name, suffix in (("pipeline", ""), ("localizer", "_localizer")):
        rows = box_rows(pairs, name)
        found = {**measure_average_precisions(rows, options), **measure_froc(rows, options)}
        figures.update({f"{figure}{suffix}": value for figure, value in found.items()})
    return figures


def measure_regions(pairs: Pairs) -> dict[str, Figure]:
    """Return top-1 over the eight regions, and over the six of the published comparison, where one region is stated."""
    return {"region_top1_of_8": _top1(class_rows(pairs)), "region_top1_of_6": _top1(paper_rows(pairs))}


def measure_localizer(localizer: Localizer, samples: Sequence[Sample], options: MeasureOptions) -> dict[str, Figure]:
    """Return AP50 and AP50:95 of a localizer's fracture boxes, all that it gives, as detectors are usually compared.

    A pipeline keeps only candidates above its floor; what lies below still adds to average precision.

    Raises:
        ReadError: A file is no readable radiograph.
    """
    rows = located_rows(localizer, samples)
    return {f"detector_{name}": figure for name, figure in measure_average_precisions(rows, options).items()}


def located_rows(localizer: Localizer, samples: Sequence[Sample]) -> BoxRows:
    """Run a localizer over radiographs; return its fracture boxes, all of them, beside the reference boxes.

    Raises:
        ReadError: A file is no readable radiograph.
    """
    found: list[Detections] = []
    for start in tqdm(range(0, len(samples), BATCH), desc="locate", unit="batch", disable=None, leave=False):
        radiographs = [open_radiograph(sample.path) for sample in samples[start : start + BATCH]]
        found += [located.fractures for located in localizer.locate(radiographs)]
    return detection_rows(found, samples)


def detection_rows(found: Sequence[Detections], samples: Sequence[Sample]) -> BoxRows:
    """Return fracture boxes beside the reference boxes of the same radiographs, in order."""
    images = [
        ImageBoxes(boxes.xyxy, boxes.score, sample.fracture_xyxy) for boxes, sample in zip(found, samples, strict=True)
    ]
    groups = np.array([sample.group for sample in samples], dtype=str)
    return BoxRows(images, [boxes.image_size for boxes in found], groups)


def measure_average_precisions(rows: BoxRows, options: MeasureOptions) -> dict[str, Figure]:
    """Return AP50 and AP50:95."""
    wanted = {"ap50": COCO_IOUS[:1], "ap50_95": COCO_IOUS}
    return {name: _counted(_average_precision(rows, ious, options), rows) for name, ious in wanted.items()}


def _average_precision(rows: BoxRows, ious: NDArray[np.float64], options: MeasureOptions) -> Estimate:
    matches = match_images(rows.images, ious)
    return Resampling(rows.group, options.intervals).estimate(lambda weights: average_precisions(matches, weights))


def measure_froc(rows: BoxRows, options: MeasureOptions) -> dict[str, Figure]:
    """Return the share of reference boxes found at each rate of :data:`RATES`."""
    matches = match_affinity(rows.images, "iou")
    names = {f"sensitivity_at_{rate:g}_false_positives": len(rows.images) for rate in RATES}
    found = Resampling(rows.group, options.intervals).estimates(
        names, lambda weights: froc_sensitivity(matches, RATES, weights)
    )
    return {name: _counted(estimate, rows) for name, estimate in found.items()}


def _counted(estimate: Estimate, rows: BoxRows) -> Figure:
    return as_figure(estimate) | {"n": len(rows.images), "boxes": rows.references}


def _top1(rows: ClassRows | None) -> Figure:
    if rows is None:
        return as_figure(Estimate(None))
    keep = rows.certain
    right = rows.allowed[keep].argmax(axis=1) == rows.probability[keep].argmax(axis=1)
    return as_figure(share_estimate(right, rows.group[keep]))


def as_figure(estimate: Estimate) -> Figure:
    """Return an estimate as a result file has it: value and limits with four digits, and n."""
    limits = [_rounded(estimate.low), _rounded(estimate.high)]
    return {"value": _rounded(estimate.value), "interval": limits, "n": estimate.n}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
