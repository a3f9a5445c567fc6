"""Fusion weights and operating points of a pipeline, from its own reports on a validation part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fxdet.core.boxes import box_iou
from fxdet.core.errors import DataError
from fxdet.core.findings import Report
from fxdet.data.samples import Sample
from fxdet.pipeline.fusion import finding_features, fit_logistic, fuse, image_features
from fxdet.zoo.cards import FINDING_FEATURES, IMAGE_FEATURES, OperatingPoints, PipelineCard

Floats = NDArray[np.float64]
Features = Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class FitOptions:
    """How a pipeline is fitted.

    Attributes:
        hit_iou: From this overlap with a reference box on a candidate is a true one, 0–1.
        miss_iou: Up to this overlap it is a false one; those in between are left out.
        specificity: Share of normal radiographs below the definite point, 0–1.
        sensitivity: Share of fractured radiographs (true candidates) at or above the point of doubt, 0–1.
        penalty: Strength of the L2 penalty on the fusion weights.
    """

    hit_iou: float = 0.3
    miss_iou: float = 0.1
    specificity: float = 0.95
    sensitivity: float = 0.95
    penalty: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Fusion features with their truth; each feature and ``target`` have shape (N,); ``owner`` indexes the report."""

    features: Features
    target: NDArray[np.int64]
    owner: NDArray[np.int64]


def pair_reports(reports: Sequence[Report], samples: Sequence[Sample]) -> list[tuple[Report, Sample]]:
    """Return readable reports with the samples they are about, by resolved path.

    Raises:
        DataError: A report is about a file that is not among the samples.
    """
    by_path = {str(Path(sample.path).resolve()): sample for sample in samples}
    pairs = []
    for report in reports:
        sample = by_path.get(str(Path(report.source).resolve()))
        if sample is None:
            raise DataError(f"report of {report.source} – no such picture among the samples – name the same set")
        if report.error is None and sample.fractured is not None:
            pairs.append((report, sample))
    return pairs


def fit_pipeline(
    card: PipelineCard,
    pairs: Sequence[tuple[Report, Sample]],
    options: FitOptions | None = None,
    chosen_on: Sequence[tuple[Report, Sample]] | None = None,
) -> PipelineCard:
    """Return the card with fusion weights and operating points that fit a validation part.

    Args:
        card: The card that made the reports; its candidate floor stands for "nothing found".
        pairs: Reports and samples of the validation part, or of those of several sets: the weights fit them all.
        options: Overlaps, targets and penalty.
        chosen_on: Those on which the operating points are chosen, since shares of several sets together promise
            nothing for any of them; all where left out.

    Raises:
        DataError: One kind is missing: fractured or normal radiographs, true or false candidates.
    """
    options = options or FitOptions()
    images, candidates = _both_kinds(card, pairs, options)
    image = fit_logistic(images.features, images.target, options.penalty, IMAGE_FEATURES)
    finding = fit_logistic(candidates.features, candidates.target, options.penalty, FINDING_FEATURES)
    judged = pairs if chosen_on is None else chosen_on
    images, candidates = _both_kinds(card, judged, options)
    return replace(
        card,
        image=image,
        finding=finding,
        image_points=operating_points(fuse(image, images.features), images.target, options),
        finding_points=_finding_points(fuse(finding, candidates.features), candidates, judged, options),
    )


def _both_kinds(card: PipelineCard, pairs: Sequence[tuple[Report, Sample]], options: FitOptions) -> tuple[Rows, Rows]:
    """Return radiographs and candidates.

    Raises:
        DataError: One kind of either is missing.
    """
    images, candidates = image_rows(pairs, card.candidate_floor), candidate_rows(pairs, options)
    for name, rows in (("radiographs", images), ("candidates", candidates)):
        if len(set(rows.target.tolist())) < 2:
            count = f"{int(rows.target.sum())} of {len(rows.target)}"
            raise DataError(f"can't fit the pipeline – {count} {name} are fractured – take a part that has both kinds")
    return images, candidates


def image_rows(pairs: Sequence[tuple[Report, Sample]], floor: float) -> Rows:
    """Return one row per radiograph; target is whether it is fractured."""
    rows = []
    for report, _ in pairs:
        detector, crop = _stage_scores(report)
        rows.append(image_features(detector, crop, _whole(report), floor, _zoomed(report)))
    target = np.array([bool(sample.fractured) for _, sample in pairs], dtype=np.int64)
    return Rows(_stack(rows, IMAGE_FEATURES), target, np.arange(len(pairs)))


def candidate_rows(pairs: Sequence[tuple[Report, Sample]], options: FitOptions) -> Rows:
    """Return one row per candidate that is clearly true or clearly false."""
    rows, target, owner = [], [], []
    for index, (report, sample) in enumerate(pairs):
        if not report.findings or (sample.boxes is None and sample.fractured):
            continue
        overlap = _best_overlap(report, sample)
        detector, crop = _stage_scores(report)
        clear = (overlap >= options.hit_iou) | (overlap <= options.miss_iou)
        features = finding_features(detector[clear], crop[clear], _whole(report))
        rows.append(features)
        target.append(overlap[clear] >= options.hit_iou)
        owner.append(np.full(int(clear.sum()), index))
    joined = np.concatenate(target).astype(np.int64) if target else np.zeros(0, dtype=np.int64)
    return Rows(_stack(rows, FINDING_FEATURES), joined, np.concatenate(owner) if owner else np.zeros(0, np.int64))


def operating_points(probability: Floats, target: NDArray[np.integer], options: FitOptions) -> OperatingPoints:
    """Return the two thresholds: definite by specificity, doubt by sensitivity; doubt never above definite.

    Example:
        >>> p = np.array([0.1, 0.2, 0.3, 0.4, 0.35, 0.6, 0.7, 0.9]); y = np.array([0, 0, 0, 0, 1, 1, 1, 1])
        >>> operating_points(p, y, FitOptions(specificity=0.75, sensitivity=0.75))
        OperatingPoints(definite=0.35, doubt=0.35)
    """
    definite = _above(probability[target == 0], options.specificity)
    doubt = float(np.quantile(probability[target == 1], 1 - options.sensitivity, method="lower"))
    definite = min(round(definite, 7), 1.0)
    return OperatingPoints(definite, min(round(doubt, 7), definite))


def _above(negatives: Floats, specificity: float) -> float:
    """Return a threshold that at least ``specificity`` of the negatives lie below, halfway to the next one."""
    ordered = np.sort(negatives)
    index = min(len(ordered), int(np.ceil(specificity * len(ordered) - 1e-9)))
    if index == len(ordered):
        return float(ordered[-1]) + 1e-6
    return float((ordered[index - 1] + ordered[index]) / 2 + 1e-6 * (ordered[index - 1] == ordered[index]))


def _finding_points(
    probability: Floats, rows: Rows, pairs: Sequence[tuple[Report, Sample]], options: FitOptions
) -> OperatingPoints:
    """Definite: so many normal radiographs stay without any finding. Doubt: so many true candidates are kept."""
    normal = np.array([not sample.fractured for _, sample in pairs])
    best = np.zeros(len(pairs))
    np.maximum.at(best, rows.owner, probability)
    definite = min(round(_above(best[normal], options.specificity), 7), 1.0)
    true = probability[rows.target == 1]
    doubt = float(np.quantile(true, 1 - options.sensitivity, method="lower"))
    return OperatingPoints(definite, min(round(doubt, 7), definite))


def _stage_scores(report: Report) -> tuple[Floats, Floats]:
    """Return the localizer's score and the crop classifier's probability of each finding, both of shape (N,)."""
    detector = np.array([finding.detector_score for finding in report.findings])
    return detector, np.array([finding.classifier_probability for finding in report.findings])


def _whole(report: Report) -> float:
    return float(report.class_probability["fracture"]["fractured"])


def _zoomed(report: Report) -> Floats:
    """Return the classifier's probability of a fracture on each region box's own crop, shape (R,)."""
    values = [region.fracture_probability for region in report.regions]
    return np.array([value for value in values if value is not None], dtype=np.float64)


def _best_overlap(report: Report, sample: Sample) -> Floats:
    found = np.array([finding.box for finding in report.findings], dtype=np.float64).reshape(-1, 4)
    overlap = box_iou(found, sample.fracture_xyxy)
    return np.asarray(overlap.max(axis=1)) if overlap.size else np.zeros(len(found))


def _stack(rows: Sequence[Features], names: Sequence[str]) -> dict[str, Floats]:
    return {name: np.concatenate([row[name] for row in rows]) if rows else np.zeros(0) for name in names}
