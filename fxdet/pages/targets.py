"""What the shipped pipeline was to reach, beside what it reaches."""

from __future__ import annotations

from fxdet.core.errors import DataError
from fxdet.evaluation.estimate import Estimate
from fxdet.pages.folds import FRACTURES, REGIONS, Folded, pooled
from fxdet.pages.limits import SUBGROUPS, part_record
from fxdet.pages.measured import RESULT
from fxdet.pages.sources import Repository, estimate_of, figure, table
from fxdet.pages.target_lines import (
    Gain,
    Line,
    Ratio,
    Reading,
    Rescaled,
    Target,
    difference_words,
    p_words,
)

TEST = "fracatlas/grouped test"
VAL = "fracatlas/grouped val"
POOLED = "fracatlas official valid and test"
FOLDED = "fracatlas, 5 folds"

_PEAK, _CENTRE = "crosscheck/peak_in_reference_right", "crosscheck/box_centre_in_reference_right"


def _measured(part: str, name: str) -> Reading:
    return lambda repository: figure(repository.record(RESULT), part, name, RESULT)


def _evaluated(name: str, part: str = "test") -> Reading:
    def read(repository: Repository) -> Estimate:
        further = part_record(repository, part=part)["further"]
        if name not in further:
            raise DataError(f"result {SUBGROUPS} – figure '{name}' is missing – evaluate anew")
        return estimate_of(further[name])

    return read


def _shipped_ece(head: str) -> Reading:
    return lambda repository: estimate_of(part_record(repository)["calibrated"][head]["shipped"])


def _over_folds(name: str, folded: Folded = FRACTURES) -> Reading:
    return lambda repository: pooled(folded.record(repository), name)


def _easier(repository: Repository) -> str:
    """Return that the centre of the box does better than the peak, where it does so on the same part."""
    peak, centre = (_evaluated(name)(repository).value for name in (_PEAK, _CENTRE))
    better = peak is not None and centre is not None and centre >= peak
    return "; the centre of the finding's box alone does better (below)" if better else ""


def _cut(repository: Repository) -> str:
    """Return that more false boxes find nothing more, where the pipeline's floor has cut the list of findings."""
    half, one = (_measured(TEST, f"sensitivity_at_{rate}_false_positives")(repository).value for rate in ("0.5", "1"))
    return "; the same at 1 false box, since the pipeline's floor leaves no more findings" if half == one else ""


_DISAGREES = (_evaluated("crosscheck/disagrees_if_wrong"), _evaluated("crosscheck/disagrees_if_right"))

TARGETS: tuple[Line, ...] = (
    *(
        Target(f"fracture boxes, {words}", part, bound, _measured(part, name))
        for part in (POOLED, "fracatlas official valid", "fracatlas official test")
        for words, name, bound in (("AP50", "detector_ap50", 0.60), ("AP50:95", "detector_ap50_95", 0.30))
    ),
    *(
        Target(f"– for comparison: {words} among normals, too", TEST, None, _measured(TEST, name))
        for words, name in (("AP50", "detector_ap50"), ("AP50:95", "detector_ap50_95"))
    ),
    Target(
        "findings: boxes found (IoU ≥ .3) at ½ false box a radiograph",
        TEST,
        0.75,
        _evaluated("boxes/pipeline/froc_iou_0.5"),
        note=_cut,
    ),
    Target("fractured / normal, AUROC", TEST, 0.93, _measured(TEST, "auroc")),
    Target("– whole-radiograph classifier alone", FOLDED, 0.93, _over_folds("auroc")),
    Target(
        "– sensitivity at specificity .85, at these radiographs' own best threshold",
        TEST,
        0.85,
        _evaluated("ranking/pipeline/sensitivity_at_specificity_0.85"),
    ),
    Target(
        "– the same, whole-radiograph classifier alone", FOLDED, 0.85, _over_folds("sensitivity_at_specificity_0.85")
    ),
    Gain("two stages − whole-radiograph classifier alone, AUROC", TEST, "classifier"),
    Gain("two stages − localizer alone, AUROC", TEST, "localizer"),
    Target("fracture boxes, AP50", "bonefracture val", 0.45, _measured("bonefracture val", "detector_ap50")),
    Target("fracture boxes, AP50:95", "bonefracture val", 0.18, _measured("bonefracture val", "detector_ap50_95")),
    Target("region, top-1 of six", "bonefracture test", 0.95, _measured("bonefracture test", "region_top1_of_6")),
    Target("region, top-1 of six", "bonefracture/grouped, 5 folds", 0.95, _over_folds("accuracy", REGIONS)),
    Target("Grad-CAM's peak in the reference box, right findings", TEST, 0.80, _evaluated(_PEAK), note=_easier),
    Target("– for comparison: the centre of the finding's own box, no network", TEST, None, _evaluated(_CENTRE)),
    Target("– for comparison: the peak on val", VAL, None, _evaluated(_PEAK, "val")),
    Target("– for comparison: the centre of the finding's own box, no network", VAL, None, _evaluated(_CENTRE, "val")),
    Ratio("Grad-CAM disagrees: false alarms against true findings", TEST, 2, _DISAGREES),
    Target("ECE of the fused radiograph probability, as shipped", TEST, 0.03, _shipped_ece("pipeline"), True),
    Rescaled("pipeline", TEST, 0.03),
    Target("ECE of the classifier's fracture head, as shipped", TEST, 0.03, _shipped_ece("classifier"), True),
    Rescaled("classifier", TEST, 0.03),
    Target("ECE of the region, as shipped", TEST, 0.03, _shipped_ece("region"), True),
    Rescaled("region", TEST, 0.03),
)
"""Every target, set before anything was measured, and what must stand beside it."""

_OTHER_PARTS = (("fracatlas", "val"), ("BoneFractureYolo8", "test"), ("BoneFractureYolo8", "val"))
"""Parts that no target is about, where the cross-check must be judged, too."""

_ELSEWHERE = tuple(Gain("", part, "classifier", ("BoneFractureYolo8", part)) for part in ("test", "val"))


def targets_table(repository: Repository) -> str:
    """Return each target beside what the shipped pipeline reaches."""
    return table(("what", "part", "target", "reached", ""), [line.cells(repository) for line in TARGETS])


def disagreement_sentence(repository: Repository) -> str:
    """Return how often Grad-CAM disagrees with false alarms and with true findings, on every evaluated part."""
    told = [_disagreement(repository, *part) for part in (("fracatlas", "test"), *_OTHER_PARTS)]
    elsewhere = "; ".join(f"{words} on {' '.join(part)}" for words, part in zip(told[1:], _OTHER_PARTS, strict=True))
    return (
        f"Grad-CAM disagrees with {told[0]} on the grouped test part; at least twice as often was the target."
        f" Elsewhere: {elsewhere}."
    )


def _disagreement(repository: Repository, name: str, part: str) -> str:
    further = part_record(repository, name, part)["further"]
    wrong, right = (estimate_of(further[f"crosscheck/disagrees_if_{which}"]) for which in ("wrong", "right"))
    return (
        f"{wrong.short} of the false alarms (n = {wrong.n:,}) and with {right.short} of the true findings"
        f" (n = {right.n:,})"
    )


def elsewhere_sentence(repository: Repository) -> str:
    """Return what the fusion gains or costs on BoneFractureYolo8, against the whole-radiograph classifier alone."""
    told = []
    for line in _ELSEWHERE:
        gain = line.test(repository)
        found = estimate_of(gain["difference"])
        told.append(f"{line.part} part {found}, {p_words(gain)}: {difference_words(gain)}")
    return (
        "On BoneFractureYolo8 the same difference, two stages − whole-radiograph classifier alone, AUROC, is:"
        f" {'; '.join(told)}."
    )
