"""One row per radiograph and one per finding, for tables and for paired tests between runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fxdet.evaluation.cohort import Cohort
from fxdet.evaluation.detection import COCO_IOUS
from fxdet.evaluation.matching import match_affinity, match_images
from fxdet.pipeline.cohorts import region_name
from fxdet.pipeline.pairing import Pair

IMAGE_HEAD = (
    "name", "group", "fractured", "pipeline", "classifier", "localizer", "decision", "region", "said_region",
    "boxes_known", "boxes",
)  # fmt: skip
"""Columns of ``images.csv``; empty cells are unknown."""

BOX_HEAD = ("ranking", "name", "score", "hit_50", "hit_75", "hit_froc")
"""Columns of ``boxes.csv``: whether a finding takes a reference box of its own (COCO at .5 and .75, FROC)."""


def image_rows(pairs: Sequence[Pair], cohort: Cohort) -> Iterator[tuple[object, ...]]:
    """Yield rows under :data:`IMAGE_HEAD`."""
    known = set(cohort.boxed.tolist())
    for row, (report, sample) in enumerate(pairs):
        scores = [cohort.scores[name][row] if name in cohort.scores else None for name in IMAGE_HEAD[3:6]]
        truth = None if sample.fractured is None else int(sample.fractured)
        regions = report.class_probability.get("region", {})
        yield (
            sample.name,
            sample.group,
            truth,
            *(None if score is None else round(float(score), 6) for score in scores),
            report.decision.value if cohort.decision is not None else None,
            region_name(sample.regions),
            max(regions, key=lambda name: regions[name]) if regions else None,
            int(row in known),
            len(sample.fracture_boxes) if row in known else None,
        )


def box_rows(cohort: Cohort) -> Iterator[tuple[object, ...]]:
    """Yield rows under :data:`BOX_HEAD`, best first within each ranking."""
    for ranking, rows in cohort.boxes.items():
        coco = match_images(rows.images, COCO_IOUS[[0, 5]])
        froc = match_affinity(rows.images, "iou")
        for place in range(len(coco.score)):
            name = cohort.names[int(cohort.boxed[coco.image[place]])]
            hits = (coco.true[0, place], coco.true[1, place], froc.true[0, place])
            yield (ranking, name, round(float(coco.score[place]), 6), *(int(hit) for hit in hits))
