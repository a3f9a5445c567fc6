"""Curves of an evaluation: ROC, precision–recall of scores and of boxes, FROC."""

from __future__ import annotations

from collections.abc import Sequence

from fxdet.evaluation.cohort import Cohort
from fxdet.evaluation.detection import precision_recall
from fxdet.evaluation.estimate import Estimate
from fxdet.evaluation.froc import froc_curve
from fxdet.evaluation.matching import match_affinity, match_images
from fxdet.evaluation.ranking import Ranking
from fxdet.evaluation.results import Curve, Section


def score_curves(rows: Cohort, sections: Sequence[Section]) -> tuple[Curve, ...]:
    """Return ROC and precision–recall of each score, with AUROC and AUPRC."""
    truth, curves = rows.fractured == 1, []
    if not 0 < truth.sum() < len(truth):
        return ()
    for name, score in rows.scores.items():
        ranking = Ranking.of(truth, score)
        key = f"ranking/{name}"
        curves.append(Curve.of("roc", name, ranking.roc(), _figure(sections, key, "auroc")))
        points = ranking.precision_recall()
        curves.append(Curve.of("precision_recall", name, points, _figure(sections, key, "auprc")))
    return tuple(curves)


def box_curves(cohort: Cohort, sections: Sequence[Section]) -> tuple[Curve, ...]:
    """Return precision–recall at IoU .5 and the FROC of each ranking of boxes."""
    curves = []
    for name, rows in cohort.boxes.items():
        if not rows.references:
            continue
        recall, precision, _ = precision_recall(match_images(rows.images, (0.5,)))
        key = f"boxes/{name}"
        ap50 = _figure(sections, key, "ap50")
        curves.append(Curve.of("box_precision_recall", name, (recall, precision), ap50))
        points = froc_curve(match_affinity(rows.images, "iou"))
        curves.append(Curve.of("froc", name, points, _figure(sections, key, "froc_iou_mean")))
    return tuple(curves)


def _figure(sections: Sequence[Section], key: str, name: str) -> Estimate | None:
    for section in sections:
        if section.key == key:
            return section.figures.get(name)
    return None
