"""The steps between reading and writing, one function each; all are pure but for the models they are given.

locate → :func:`keep_candidates` → :func:`cut_crops` → :func:`classify` → :func:`assemble`
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fxdet.core.boxes import clip_boxes
from fxdet.core.findings import Box, CrossCheck, Finding, RegionBox, Report
from fxdet.core.labels import REGIONS, LabelMap
from fxdet.core.objects import ClassScores, Crops, Detections, Radiograph
from fxdet.core.protocols import Classifier, Located
from fxdet.imaging.preprocess import Preprocess
from fxdet.pipeline.fusion import decide, finding_features, fuse, image_features
from fxdet.zoo.cards import PipelineCard

UNKNOWN_REGION = "unknown"
"""Region where the classifier has no such head."""

REGION_CONTEXT = 1.1
"""Context factor of a region box's own crop: the box is the bone already."""


@dataclass(frozen=True, slots=True)
class CropRows:
    """Which rows of a batch's joint crops belong to one radiograph."""

    whole: int
    candidates: slice
    regions: slice

    def shifted(self, start: int) -> CropRows:
        """Return the rows after ``start`` rows of other radiographs."""
        candidates = slice(self.candidates.start + start, self.candidates.stop + start)
        return CropRows(self.whole + start, candidates, slice(self.regions.start + start, self.regions.stop + start))


@dataclass(frozen=True, slots=True)
class Scores:
    """Probabilities of a batch's joint crops.

    Attributes:
        fracture: Probability of a fracture, shape (M,).
        region: Probabilities of the regions, shape (M, K); K = 0 without such a head.
        region_labels: Names of the K regions, or None.
        heads: Head → class names and probabilities, shape (M, K).
    """

    fracture: NDArray[np.float64]
    region: NDArray[np.float64]
    region_labels: LabelMap | None
    heads: dict[str, tuple[LabelMap, NDArray[np.float64]]]


def keep_candidates(located: Located, card: PipelineCard) -> Located:
    """Return the boxes above the card's floors, clipped to the picture, not flat, and not too many."""
    fractures = _keep(located.fractures, card.candidate_floor, card.candidates_maximum)
    return Located(_keep(located.regions, card.region_floor, card.candidates_maximum), fractures)


def _keep(found: Detections, floor: float, most: int) -> Detections:
    xyxy = clip_boxes(found.xyxy, found.image_size)
    # A box of less than a pixel has no inside to look at.
    solid = (xyxy[:, 2] - xyxy[:, 0] >= 1) & (xyxy[:, 3] - xyxy[:, 1] >= 1) & (found.score >= floor)
    rows = np.flatnonzero(solid)[:most]
    return replace(found, xyxy=xyxy[rows], score=found.score[rows], label=found.label[rows])


def cut_crops(radiograph: Radiograph, located: Located, preprocess: Preprocess) -> tuple[Crops, CropRows]:
    """Cut the whole radiograph, one crop with context per candidate, and the region boxes that need a name."""
    parts = [preprocess.whole(radiograph), preprocess.crops(radiograph, located.fractures.xyxy)]
    if len(located.regions) and not names_regions(located.regions.labels):
        parts.append(replace(preprocess, context=REGION_CONTEXT).crops(radiograph, located.regions.xyxy))
    candidates = len(located.fractures)
    rows = CropRows(0, slice(1, 1 + candidates), slice(1 + candidates, sum(len(part) for part in parts)))
    return join_crops(parts), rows


def names_regions(labels: LabelMap) -> bool:
    """Tell whether a localizer's region classes are regions by name (and not just ``bone``)."""
    return any(name in REGIONS.names for name in labels)


def join_crops(parts: Sequence[Crops]) -> Crops:
    """Return the crops of all parts, in order."""
    return Crops(
        np.concatenate([part.pixels for part in parts]),
        np.concatenate([part.box for part in parts]),
        np.concatenate([part.parent for part in parts]),
        np.concatenate([part.to_image for part in parts]),
    )


def take_crops(crops: Crops, rows: Sequence[int]) -> Crops:
    """Return the crops at ``rows``, in that order."""
    index = np.asarray(rows, dtype=np.int64)
    return Crops(crops.pixels[index], crops.box[index], crops.parent[index], crops.to_image[index])


def classify(classifier: Classifier, crops: Crops, chunk: int = 16) -> Scores:
    """Score all crops, at most ``chunk`` at once so that a sheet full of candidates can't fill the memory."""
    heads = _heads(classifier, crops, chunk)
    labels, fracture = heads["fracture"]
    region_labels, region = heads.get("region", (None, np.zeros((len(crops), 0))))
    return Scores(fracture[:, labels.index("fractured")], region, region_labels, heads)


def name_wholes(scores: Scores, rows: Sequence[CropRows], classifier: Classifier, wholes: Crops) -> Scores:
    """Return the scores with the region probabilities of whole radiographs taken from another classifier.

    Args:
        scores: Probabilities of the batch's joint crops.
        rows: Each radiograph's rows in them.
        classifier: Classifier with a head ``region`` of the same classes.
        wholes: One crop per radiograph, the whole of it, as that classifier wants it.
    """
    region = scores.region.copy()
    region[[row.whole for row in rows]] = _heads(classifier, wholes, 16)["region"][1]
    return replace(scores, region=region)


def _heads(classifier: Classifier, crops: Crops, chunk: int) -> dict[str, tuple[LabelMap, NDArray[np.float64]]]:
    starts = range(0, max(1, len(crops)), chunk)
    parts = [classifier.classify(take_crops(crops, range(s, min(s + chunk, len(crops))))) for s in starts]
    return {head: (labels, _stack(parts, head)) for head, labels in parts[0].labels.items() if head in parts[0].logits}


def _stack(parts: Sequence[ClassScores], head: str) -> NDArray[np.float64]:
    return np.concatenate([part.probability(head) for part in parts])


def assemble(
    radiograph: Radiograph,
    located: Located,
    rows: CropRows,
    scores: Scores,
    card: PipelineCard,
    checks: Sequence[CrossCheck | None],
) -> Report:
    """Put together what both stages say of one radiograph; names of models and times are added by the caller.

    Args:
        radiograph: The radiograph.
        located: Its boxes, after :func:`keep_candidates`.
        rows: Its rows in ``scores``.
        scores: Probabilities of the batch's crops.
        card: Fusion and operating points.
        checks: One cross-check, or None, per candidate.
    """
    whole, crop = scores.fracture[rows.whole], scores.fracture[rows.candidates]
    detector = located.fractures.score.astype(np.float64)
    probability = fuse(card.finding, finding_features(detector, crop, whole))
    zoomed = scores.fracture[rows.regions]
    image = float(fuse(card.image, image_features(detector, crop, whole, card.candidate_floor, zoomed))[0])
    # A classifier of its own for regions has learned whole radiographs; boxes and candidates add nothing to it.
    regions = scores.region[rows.whole]
    if not card.region_classifier:
        regions = region_of_image(scores, rows, card.region_of_candidates * detector)
    region, region_probability = region_name(scores, regions)
    # A finding takes the radiograph's region: a crop shows too little of the limb (docs/builtin.md has both figures).
    findings = [
        Finding(
            box=_box(located.fractures, index),
            detector_score=float(detector[index]),
            classifier_probability=float(crop[index]),
            probability=float(value),
            threshold=card.finding_points.definite,
            decision=decide(float(value), card.finding_points),
            region=region,
            region_probability=region_probability,
            size_mm=size_mm(_box(located.fractures, index), radiograph.spacing_mm),
            crosscheck=checks[index],
        )
        for index, value in enumerate(probability)
    ]
    return Report(
        source=radiograph.source,
        sha256=radiograph.sha256,
        image_size=radiograph.size,
        image_probability=image,
        decision=decide(image, card.image_points),
        region=region,
        region_probability=region_probability,
        class_probability=class_probability(scores, rows.whole, regions),
        regions=region_boxes(located.regions, rows, scores, regions),
        findings=tuple(sorted(findings, key=lambda finding: -finding.probability)),
        spacing_mm=radiograph.spacing_mm,
        warnings=radiograph.warnings,
    )


def region_of_image(
    scores: Scores, rows: CropRows, candidate_weight: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Return the radiograph's region probabilities, shape (K,): a mean over the whole, its region boxes and candidates.

    On the whole radiograph a small field before a wide background leaves the network few pixels; the region box shows
    the bone at full size. Where several regions are in view, as on a hand, the one that matters is the one with the
    fracture: a candidate's crop shows that.

    Args:
        scores: Probabilities of the batch's crops.
        rows: The radiograph's rows.
        candidate_weight: Weight of each candidate's crop, shape (N,), >= 0; whole and region boxes weigh 1 each.
    """
    places = [scores.region[[rows.whole]], scores.region[rows.regions]]
    weights = [np.ones(len(place)) for place in places]
    if candidate_weight is not None and candidate_weight.any():
        places.append(scores.region[rows.candidates])
        weights.append(candidate_weight)
    return np.asarray(np.average(np.concatenate(places), axis=0, weights=np.concatenate(weights)))


def region_name(scores: Scores, probability: NDArray[np.float64]) -> tuple[str, float]:
    """Return the most probable region and its probability."""
    if scores.region_labels is None:
        return UNKNOWN_REGION, 0.0
    best = int(probability.argmax())
    return scores.region_labels[best], float(probability[best])


def class_probability(scores: Scores, whole: int, regions: NDArray[np.float64]) -> dict[str, dict[str, float]]:
    """Return head → class → probability of the radiograph."""
    values = {head: regions if head == "region" else rows[whole] for head, (_, rows) in scores.heads.items()}
    return {
        head: {name: float(value) for name, value in zip(labels, values[head], strict=True)}
        for head, (labels, _) in scores.heads.items()
    }


def region_boxes(
    regions: Detections, rows: CropRows, scores: Scores, picture: NDArray[np.float64]
) -> tuple[RegionBox, ...]:
    """Return the region boxes with their names: the localizer's own, or the region head's.

    A single bone takes the radiograph's region; of several, each takes the mean of that and its crop's.

    Args:
        regions: The boxes, N.
        rows: The radiograph's rows in ``scores``.
        scores: Probabilities of the batch's crops.
        picture: Region probabilities of the radiograph, shape (K,).
    """
    result = []
    own_crops = rows.regions.stop > rows.regions.start
    for index in range(len(regions)):
        row = rows.regions.start + index if own_crops else rows.whole
        fracture = float(scores.fracture[row]) if own_crops else None
        name, probability = region_name(scores, picture if len(regions) == 1 else (scores.region[row] + picture) / 2)
        if names_regions(regions.labels):
            name, probability = regions.labels[int(regions.label[index])], float(regions.score[index])
        result.append(RegionBox(_box(regions, index), float(regions.score[index]), name, probability, fracture))
    return tuple(result)


def size_mm(box: Box, spacing: tuple[float, float] | None) -> tuple[float, float] | None:
    """Return a box's width and height in mm, or None where the spacing (row, column) is unknown.

    Example:
        >>> size_mm((0.0, 0.0, 10.0, 20.0), (0.5, 0.1))
        (1.0, 10.0)
    """
    return None if spacing is None else ((box[2] - box[0]) * spacing[1], (box[3] - box[1]) * spacing[0])


def _box(found: Detections, index: int) -> Box:
    x1, y1, x2, y2 = (float(value) for value in found.xyxy[index])
    return x1, y1, x2, y2
