"""Figures of located fractures: COCO's AP and AR, FROC, by size; each from matches made once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fxdet.evaluation.binary import Figures
from fxdet.evaluation.detection import COCO_IOUS, average_recall, precision_by_threshold
from fxdet.evaluation.estimate import Estimate
from fxdet.evaluation.froc import RATES, froc_sensitivity
from fxdet.evaluation.matching import (
    COCO_SIZES,
    RELATIVE_SIZES,
    ImageBoxes,
    Matches,
    match_affinity,
    match_images,
)
from fxdet.evaluation.resampling import IntervalOptions, Resampling

Floats = NDArray[np.float64]

AP50, AP75 = 0, 5
"""Places of these thresholds in :data:`COCO_IOUS`."""

MAXIMA = (1, 10, 100)
"""Most boxes per image for AR."""


@dataclass(frozen=True, slots=True, eq=False)
class BoxRows:
    """Boxes of all images whose reference boxes are known, normals among them.

    Attributes:
        images: Boxes per image.
        image_sizes: Height and width per image, px.
        group: Group of each image, shape (I,).
    """

    images: Sequence[ImageBoxes]
    image_sizes: Sequence[tuple[int, int]]
    group: NDArray[np.generic]

    @property
    def references(self) -> int:
        """Number of reference boxes."""
        return sum(len(image.reference) for image in self.images)


def box_figures(rows: BoxRows, options: IntervalOptions) -> Figures:
    """Return AP50, AP75, AP50:95 and AR, also by size, and the sensitivities of the FROC, with their means.

    ``n`` of a figure is the number of reference boxes that it is made from.
    """
    resampling = Resampling(rows.group, options)
    figures = _coco_figures(rows, resampling)
    figures |= froc_figures(rows, resampling)
    normals = sum(not len(image.reference) for image in rows.images)
    counts = {"images": len(rows.images), "images_without_fracture_box": normals, "reference_boxes": rows.references}
    detections = sum(len(image.xyxy) for image in rows.images)
    for name, count in {**counts, "detections": detections}.items():
        figures[name] = Estimate(float(count), n=len(rows.images), unit="count")
    return figures


def _coco_figures(rows: BoxRows, resampling: Resampling) -> Figures:
    figures = _precision_figures(match_images(rows.images, COCO_IOUS), resampling, MAXIMA)
    for family, sizes in (("", COCO_SIZES), ("relative_", RELATIVE_SIZES)):
        for size in sizes:
            part = match_images(rows.images, COCO_IOUS, size, rows.image_sizes)
            found = _precision_figures(part, resampling, MAXIMA[-1:])
            figures |= {f"{name}_{family}{size.name}": estimate for name, estimate in found.items()}
    return figures


def _precision_figures(matches: Matches, resampling: Resampling, maxima: Sequence[int]) -> Figures:
    """Return AP50:95, AP50, AP75 and AR of one kind of matches; they share their draws."""
    names = ["ap50_95", "ap50", "ap75", *(f"ar_{maximum}" for maximum in maxima)]

    def stacked(weights: Floats) -> Floats:
        precision = precision_by_threshold(matches, weights)
        recall = [average_recall(matches, maximum, weights) for maximum in maxima]
        return np.stack([precision.mean(axis=1), precision[:, AP50], precision[:, AP75], *recall], axis=1)

    return resampling.estimates(dict.fromkeys(names, matches.total), stacked)


def froc_figures(rows: BoxRows, resampling: Resampling) -> Figures:
    """Return the sensitivity at each of :data:`~fxdet.evaluation.froc.RATES` and their mean, for both kinds of hits."""
    figures: Figures = {}
    for criterion in ("iou", "centre"):
        matches = match_affinity(rows.images, criterion)
        names = [*(f"froc_{criterion}_{rate:g}" for rate in RATES), f"froc_{criterion}_mean"]

        def stacked(weights: Floats, matches: Matches = matches) -> Floats:
            values = froc_sensitivity(matches, RATES, weights)
            return np.concatenate([values, values.mean(axis=1, keepdims=True)], axis=1)

        figures |= resampling.estimates(dict.fromkeys(names, matches.total), stacked)
    return figures
