"""Subgroups: figures of parts of the radiographs; too small ones are marked, not hidden."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fxdet.core.boxes import box_area, box_iou
from fxdet.core.labels import Decision
from fxdet.evaluation.binary import Figures
from fxdet.evaluation.cohort import Cohort
from fxdet.evaluation.froc import HIT_IOU
from fxdet.evaluation.matching import COCO_SIZES, RELATIVE_SIZES, ImageBoxes, SizeRange
from fxdet.evaluation.ranking import Ranking
from fxdet.evaluation.resampling import IntervalOptions, Resampling
from fxdet.evaluation.results import Subgroup
from fxdet.evaluation.shares import share_estimate

LEAST = 10
"""Fewer of a class than this, and a subgroup is marked as too small."""


def subgroup_figures(cohort: Cohort, options: IntervalOptions) -> tuple[Subgroup, ...]:
    """Return AUROC, sensitivity and specificity of each subgroup of radiographs, and hits by size of reference box."""
    found = []
    for kind, names in cohort.strata.items():
        present = sorted({name for name in names if name})
        if len(present) < 2 and not (present and any(not name for name in names)):
            continue
        column = np.asarray(names)
        found += [_subgroup(cohort, kind, name, column == name, options) for name in present]
        if any(not name for name in names):
            found.append(_subgroup(cohort, kind, "unknown", column == "", options))
    return (
        *found,
        *_box_subgroups(cohort, "box area", COCO_SIZES),
        *_box_subgroups(cohort, "box share", RELATIVE_SIZES),
    )


def _subgroup(cohort: Cohort, kind: str, name: str, mask: NDArray[np.bool_], options: IntervalOptions) -> Subgroup:
    rows = cohort.of_rows(mask & cohort.labelled)
    truth = rows.fractured == 1
    positives, negatives = int(truth.sum()), int((~truth).sum())
    figures: Figures = {}
    if rows.main_score is not None:
        ranking = Ranking.of(truth, rows.scores[rows.main_score])
        figures["auroc"] = Resampling(rows.group, options).estimate(ranking.auroc)
    for decision, point in ((Decision.FRACTURE, "definite"), (Decision.DOUBT, "doubt")):
        called = rows.called(decision)
        if called is not None:
            figures[f"sensitivity_{point}"] = share_estimate(called[truth], rows.group[truth])
            figures[f"specificity_{point}"] = share_estimate(~called[~truth], rows.group[~truth])
    return Subgroup(kind, name, figures, len(rows), positives, min(positives, negatives) < LEAST)


def _box_subgroups(cohort: Cohort, kind: str, sizes: tuple[SizeRange, ...]) -> list[Subgroup]:
    """Return, by size of the reference box, how many are hit by a finding of any score."""
    ranking = next(iter(cohort.boxes), None)
    if ranking is None or not cohort.boxes[ranking].references:
        return []
    rows = cohort.boxes[ranking]
    owner = np.repeat(np.arange(len(rows.images)), [len(image.reference) for image in rows.images])
    area = np.concatenate([box_area(np.asarray(image.reference, dtype=np.float64)) for image in rows.images])
    if sizes[0].relative:
        area = area / np.array([float(np.prod(size)) for size in rows.image_sizes])[owner]
    hit = reference_hits(rows.images)
    found = []
    for place, size in enumerate(sizes):
        # A box on a shared limit belongs to the smaller size here, so that the counts add up.
        mask = (area <= size.high) & ((area > size.low) if place else (area >= size.low))
        figures = {f"hit_iou_{HIT_IOU:g}": share_estimate(hit[mask], rows.group[owner[mask]])}
        found.append(Subgroup(kind, size.name, figures, int(mask.sum()), int(mask.sum()), int(mask.sum()) < LEAST))
    return found


def reference_hits(images: Sequence[ImageBoxes]) -> NDArray[np.bool_]:
    """Return whether each reference box of all images, in order, is overlapped by some box (IoU ≥ .3).

    Example:
        >>> box = np.array([[0.0, 0, 10, 10]])
        >>> reference_hits([ImageBoxes(box, np.array([0.9]), np.concatenate([box, box + 50]))]).tolist()
        [True, False]
    """
    overlaps = [box_iou(image.reference.astype(np.float64), image.xyxy.astype(np.float64)) for image in images]
    hits = [(rows >= HIT_IOU).any(axis=1) if rows.size else np.zeros(len(rows), dtype=bool) for rows in overlaps]
    return np.concatenate(hits) if hits else np.zeros(0, dtype=bool)
