"""What the shipped pipeline was to reach, beside what it reaches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fxdet.core.errors import DataError
from fxdet.evaluation.estimate import Estimate, plain_number
from fxdet.pages.folds import folds_record, pooled
from fxdet.pages.limits import SUBGROUPS
from fxdet.pages.measured import RESULT
from fxdet.pages.sources import Record, Repository, estimate_of, figure, table

TEST = "fracatlas/grouped test"
POOLED = "fracatlas official valid and test"

Reading = Callable[[Repository], Estimate]


@dataclass(frozen=True, slots=True)
class Target:
    """One figure that was to be reached.

    Attributes:
        what: Words.
        part: Where it is measured.
        bound: The target.
        reading: Takes the measured figure from the result files.
        at_most: The figure was to stay at or below the bound.
    """

    what: str
    part: str
    bound: float
    reading: Reading
    at_most: bool = False

    def verdict(self, found: Estimate) -> str:
        """Return whether a measured figure meets the target, by its value.

        Example:
            >>> Target("AUROC", "test", 0.9, lambda _: Estimate(None)).verdict(Estimate(0.91, 0.88, 0.94))
            'met, but not beyond chance'
        """
        if found.value is None:
            return "not measured"
        gap = self._sign * (found.value - self.bound)
        nearest = found.high if self.at_most else found.low
        certain = nearest is not None and self._sign * (nearest - self.bound) >= 0
        if gap >= 0:
            return "**met**" if certain else "met, but not beyond chance"
        return f"missed by {plain_number(-gap)}"

    @property
    def _sign(self) -> int:
        return -1 if self.at_most else 1

    @property
    def bound_text(self) -> str:
        """The bound with its direction."""
        return f"{'≤' if self.at_most else '≥'} {plain_number(self.bound)}"


def _measured(part: str, name: str) -> Reading:
    return lambda repository: figure(repository.record(RESULT), part, name, RESULT)


def _evaluated(name: str) -> Reading:
    def read(repository: Repository) -> Estimate:
        further = _test_part(repository)["further"]
        if name not in further:
            raise DataError(f"result {SUBGROUPS} – figure '{name}' is missing – evaluate anew")
        return estimate_of(further[name])

    return read


def _gain(second: str) -> Reading:
    def read(repository: Repository) -> Estimate:
        gains = _test_part(repository)["gains"]
        return estimate_of(next(gain["difference"] for gain in gains if gain["second"] == second))

    return read


def _calibrated(head: str) -> Reading:
    return lambda repository: estimate_of(_test_part(repository)["calibrated"][head]["ece"])


def _over_folds(name: str) -> Reading:
    return lambda repository: pooled(folds_record(repository), name)


def _test_part(repository: Repository) -> Record:
    parts: list[Record] = repository.record(SUBGROUPS)["parts"]
    return next(part for part in parts if (part["set"], part["part"]) == ("fracatlas", "test"))


TARGETS = (
    *(
        Target(f"fracture boxes, {words}", part, bound, _measured(part, name))
        for part in (POOLED, "fracatlas official valid", "fracatlas official test")
        for words, name, bound in (("AP50", "detector_ap50", 0.60), ("AP50:95", "detector_ap50_95", 0.30))
    ),
    Target("findings: sensitivity at ½ false box a radiograph", TEST, 0.75, _evaluated("boxes/pipeline/froc_iou_0.5")),
    Target("fractured / normal, AUROC", TEST, 0.93, _measured(TEST, "auroc")),
    Target("– whole-radiograph classifier alone", "fracatlas, 5 folds", 0.93, _over_folds("auroc")),
    Target(
        "– sensitivity at specificity .85", TEST, 0.85, _evaluated("ranking/pipeline/sensitivity_at_specificity_0.85")
    ),
    Target("two stages − whole-radiograph classifier alone, AUROC", TEST, 0.0, _gain("classifier")),
    Target("two stages − localizer alone, AUROC", TEST, 0.0, _gain("localizer")),
    Target("fracture boxes, AP50", "bonefracture val", 0.45, _measured("bonefracture val", "detector_ap50")),
    Target("fracture boxes, AP50:95", "bonefracture val", 0.18, _measured("bonefracture val", "detector_ap50_95")),
    Target("region, top-1 of six", "bonefracture test", 0.95, _measured("bonefracture test", "region_top1_of_6")),
    Target(
        "Grad-CAM's peak in the reference box, right findings",
        TEST,
        0.80,
        _evaluated("crosscheck/peak_in_reference_right"),
    ),
    Target(
        "ECE of the fused radiograph probability, after temperature scaling", TEST, 0.03, _calibrated("pipeline"), True
    ),
    Target(
        "ECE of the classifier's fracture head, after temperature scaling", TEST, 0.03, _calibrated("classifier"), True
    ),
    Target("ECE of the region, after temperature scaling", TEST, 0.03, _calibrated("region"), True),
)
"""Every target that is a bound of one figure, set before anything was measured."""


def targets_table(repository: Repository) -> str:
    """Return each target beside what the shipped pipeline reaches."""
    rows = []
    for target in TARGETS:
        found = target.reading(repository)
        rows.append((target.what, target.part, target.bound_text, f"{found}", target.verdict(found)))
    return table(("what", "part", "target", "reached", ""), rows)


def disagreement_sentence(repository: Repository) -> str:
    """Return how much more often Grad-CAM disagrees with false alarms than with true findings."""
    right, wrong = (_evaluated(f"crosscheck/disagrees_if_{kind}")(repository) for kind in ("right", "wrong"))
    return (
        f"Grad-CAM disagrees with {wrong.short} of the false alarms (n = {wrong.n:,}) and with {right.short} of the"
        f" true findings (n = {right.n:,}); at least twice as often was the target."
    )
