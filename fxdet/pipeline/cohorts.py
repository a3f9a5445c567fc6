"""From pairs of prediction and sample to the arrays that are evaluated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fxdet.core.errors import DataError
from fxdet.core.findings import Finding, Report
from fxdet.core.labels import PAPER_REGIONS, REGIONS, Decision, LabelMap
from fxdet.data.folders import header_size
from fxdet.data.samples import Sample
from fxdet.data.summary import region_name as name_of_regions
from fxdet.evaluation.attention import AttentionRows, FindingRows, best_overlaps, in_any_box
from fxdet.evaluation.boxes import BoxRows
from fxdet.evaluation.cohort import Cohort
from fxdet.evaluation.matching import ImageBoxes
from fxdet.evaluation.multiclass import ClassRows
from fxdet.pipeline.pairing import Pair

Floats = NDArray[np.float64]

RANKINGS: Mapping[str, Callable[[Finding], float]] = {
    "pipeline": lambda finding: finding.probability,
    "localizer": lambda finding: finding.detector_score,
}
"""Ranking of findings → the score that ranks them."""

SIZE_LIMITS = (512, 1024)
"""Longest sides, px, that part small, medium and large radiographs."""


def build_cohort(pairs: Sequence[Pair], full: bool) -> Cohort:
    """Return the arrays of paired predictions.

    Args:
        pairs: Reports that could be read, with their samples.
        full: Whether the reports hold findings and decisions, or probabilities alone.
    """
    samples = [sample for _, sample in pairs]
    boxed = [place for place, sample in enumerate(samples) if full and _boxes_known(sample)]
    known = [pairs[place] for place in boxed]
    return Cohort(
        names=tuple(sample.name for sample in samples),
        group=np.array([sample.group for sample in samples], dtype=object).astype(str),
        fractured=np.array([-1 if s.fractured is None else int(s.fractured) for s in samples], dtype=np.int8),
        scores=_scores(pairs, full),
        decision=np.array([report.decision.value for report, _ in pairs]) if full else None,
        box_decision=np.array([_strongest(report) for report, _ in pairs]) if full else None,
        regions=class_rows(pairs),
        boxes={name: box_rows(known, name) for name in RANKINGS} if known else {},
        boxed=np.array(boxed, dtype=np.int64),
        findings=_finding_rows(known) if known else None,
        attention=_attention_rows(known),
        strata=_strata(pairs),
    )


def _boxes_known(sample: Sample) -> bool:
    """Return whether it is known where the fractures are: boxes are stated, or there is no fracture."""
    return sample.fractured is False or (
        sample.boxes is not None and (bool(sample.fracture_boxes) or not sample.fractured)
    )


def _strongest(report: Report) -> str:
    found = {finding.decision for finding in report.findings}
    return next((d.value for d in (Decision.FRACTURE, Decision.DOUBT) if d in found), Decision.NONE.value)


def _scores(pairs: Sequence[Pair], full: bool) -> dict[str, Floats]:
    scores: dict[str, Floats] = {}
    if full:
        scores["pipeline"] = np.array([_image_probability(report) for report, _ in pairs], dtype=np.float64)
    if all("fracture" in report.class_probability for report, _ in pairs):
        rows = [report.class_probability["fracture"].get("fractured", 0.0) for report, _ in pairs]
        scores["classifier"] = np.array(rows, dtype=np.float64)
    if full:
        best = [max((finding.detector_score for finding in report.findings), default=0.0) for report, _ in pairs]
        scores["localizer"] = np.array(best, dtype=np.float64)
    return scores


def _image_probability(report: Report) -> float:
    if report.image_probability is None:
        raise DataError(f"predictions: {report.source} has no image_probability – predict anew")
    return report.image_probability


def class_rows(pairs: Sequence[Pair], names: Sequence[str] | None = None) -> ClassRows | None:
    """Return the region head with what each sample may show; None where it was not predicted.

    A sample that may show a region outside the classes counts as unlabelled.

    Args:
        pairs: Reports and samples.
        names: Classes to keep, the others' probability being shared out; None keeps all that were predicted.
    """
    if not pairs or not all("region" in report.class_probability for report, _ in pairs):
        return None
    predicted = pairs[0][0].class_probability["region"]
    labels = LabelMap(tuple(name for name in REGIONS if name in predicted and (names is None or name in names)))
    rows = [[report.class_probability["region"][name] for name in labels] for report, _ in pairs]
    probability = np.array(rows, dtype=np.float64).reshape(-1, len(labels))
    total = probability.sum(axis=1, keepdims=True)
    even = np.full_like(probability, 1 / len(labels))
    probability = np.divide(probability, total, out=even, where=total > 0)
    allowed = np.ones(probability.shape, dtype=bool)
    for place, (_, sample) in enumerate(pairs):
        if sample.regions and sample.regions <= set(labels.names):
            allowed[place] = [name in sample.regions for name in labels]
    return ClassRows(labels, probability, allowed, np.array([sample.group for _, sample in pairs]))


def paper_rows(pairs: Sequence[Pair]) -> ClassRows | None:
    """Return the region head among the six regions of the published comparison; None where these are not all known."""
    if not pairs or not set(PAPER_REGIONS) < set(pairs[0][0].class_probability.get("region", {})):
        return None
    return class_rows(pairs, PAPER_REGIONS)


def box_rows(pairs: Sequence[Pair], ranking: str) -> BoxRows:
    """Return the boxes of all radiographs, scored by one of :data:`RANKINGS`."""
    score = RANKINGS[ranking]
    images = []
    for report, sample in pairs:
        scores = np.array([score(finding) for finding in report.findings], dtype=np.float64)
        images.append(ImageBoxes(_found(report), scores, sample.fracture_xyxy))
    return BoxRows(images, [image_size(pair) for pair in pairs], np.array([sample.group for _, sample in pairs]))


def _found(report: Report) -> Floats:
    return np.array([finding.box for finding in report.findings], dtype=np.float64).reshape(-1, 4)


def image_size(pair: Pair) -> tuple[int, int]:
    """Return height and width of a radiograph, px, as it was read, else as the set states it.

    Raises:
        DataError: Neither is known, or they differ: boxes of a copy of another size fit no reference box.
    """
    report, sample = pair
    size = report.image_size or sample.image_size
    if size is None:
        raise DataError(f"predictions: {report.source} has no image_size – predict anew")
    if sample.image_size not in (None, size):
        raise DataError(
            f"predictions: {report.source} is {_shown(size)}, {sample.name} of the set is {_shown(sample.image_size)} "
            "– predict the set's own pictures, or name the set of the copies"
        )
    return size


def _shown(size: tuple[int, int] | None) -> str:
    return "unknown" if size is None else f"{size[1]} × {size[0]} px"


def _finding_rows(pairs: Sequence[Pair]) -> FindingRows:
    rows = [(place, sample, finding) for place, (report, sample) in enumerate(pairs) for finding in report.findings]
    checks = [finding.crosscheck for _, _, finding in rows]
    overlaps = [best_overlaps(_found(report), sample.fracture_xyxy) for report, sample in pairs]
    return FindingRows(
        image=np.array([place for place, _, _ in rows], dtype=np.int64),
        group=np.array([sample.group for _, sample, _ in rows], dtype=str),
        box=np.array([finding.box for _, _, finding in rows], dtype=np.float64).reshape(-1, 4),
        best_iou=np.concatenate(overlaps) if overlaps else np.zeros(0),
        decision=np.array([finding.decision.value for _, _, finding in rows], dtype=str),
        verdict=np.array([check.verdict.value if check else "" for check in checks], dtype=str),
        mass_in_box=np.array([check.mass_in_box if check else np.nan for check in checks], dtype=np.float64),
        peak_in_box=np.array([bool(check and check.peak_in_box) for check in checks], dtype=bool),
        peak_in_reference=np.array(
            [
                bool(check and in_any_box(check.peak_xy, sample.fracture_xyxy))
                for check, (_, sample, _) in zip(checks, rows, strict=True)
            ],
            dtype=bool,
        ),
    )


def _attention_rows(pairs: Sequence[Pair]) -> AttentionRows | None:
    """Return the attention on radiographs with reference boxes; None where none was recorded."""
    rows = [(pair, pair[0].attention) for pair in pairs if pair[0].attention is not None and pair[1].fracture_boxes]
    if not rows:
        return None
    return AttentionRows(
        grids=[np.array(grid.cells, dtype=np.float64) for _, grid in rows if grid is not None],
        peaks=np.array([grid.peak_xy for _, grid in rows if grid is not None], dtype=np.float64),
        references=[sample.fracture_xyxy for (_, sample), _ in rows],
        image_sizes=[image_size(pair) for pair, _ in rows],
        group=np.array([sample.group for (_, sample), _ in rows]),
    )


def _strata(pairs: Sequence[Pair]) -> dict[str, tuple[str, ...]]:
    kinds: dict[str, Callable[[Pair], str]] = {
        "region": lambda pair: region_name(pair[1].regions),
        "view": lambda pair: pair[1].attributes.get("view", ""),
        "hardware": lambda pair: _yes_no(pair[1].attributes.get("hardware", "")),
        "multi-view": lambda pair: _yes_no(pair[1].attributes.get("multiscan", "")),
        "image size": _size_name,
    }
    return {kind: tuple(name(pair) for pair in pairs) for kind, name in kinds.items()}


def region_name(regions: frozenset[str]) -> str:
    """Return the name of a set of allowed regions, as ``fxdet data info`` has it; empty where nothing is known.

    Example:
        >>> region_name(frozenset({"wrist", "elbow"})), region_name(frozenset())
        ('elbow/wrist', '')
    """
    return name_of_regions(regions) if regions else ""


def _yes_no(value: str) -> str:
    return {"1": "yes", "true": "yes", "yes": "yes", "0": "no", "false": "no", "no": "no"}.get(value.lower(), value)


def _size_name(pair: Pair) -> str:
    size = pair[0].image_size or pair[1].image_size or header_size(pair[1].path)
    if size is None:
        return ""
    low, high = SIZE_LIMITS
    side = max(size)
    return f"up to {low} px" if side <= low else f"{low + 1} to {high} px" if side <= high else f"over {high} px"
