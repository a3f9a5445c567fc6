"""The table of targets: what is met, what is missed, and by how much."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fxdet.core.errors import DataError
from fxdet.evaluation.estimate import Estimate
from fxdet.pages.folds import REGIONS
from fxdet.pages.limits import SUBGROUPS
from fxdet.pages.sources import Repository, figure
from fxdet.pages.target_lines import Ratio, Target, difference_words, gain_verdict
from fxdet.pages.targets import TARGETS, elsewhere_sentence, targets_table

Change = Callable[[str, Callable[[Any], None]], None]

PLACE = f"docs/results/{SUBGROUPS}"


def at(value: float | None, low: float | None = None, high: float | None = None, at_most: bool = False) -> str:
    target = Target("figure", "part", 0.5, lambda _: Estimate(None), at_most)
    return target.verdict(Estimate(value, low, high, 100))


def gain(value: float, p: float, p_holm: float) -> dict[str, Any]:
    return {"difference": {"value": value, "interval": None, "n": 10}, "p": p, "p_holm": p_holm}


def lines(checkout: Repository) -> list[list[str]]:
    return [[cell.strip() for cell in row.split("|")[1:-1]] for row in targets_table(checkout).splitlines()[2:]]


def line(checkout: Repository, begin: str) -> list[str]:
    return next(cells for cells in lines(checkout) if cells[0].startswith(begin))


def test_a_target_is_met_with_its_whole_interval_alone():
    assert at(0.7, 0.6, 0.8) == "**met**"
    assert at(0.7, 0.49, 0.8) == "met, but not beyond chance"
    assert at(0.7) == "met, but not beyond chance"
    assert at(0.4, 0.3, 0.6) == "missed by .100"
    assert at(None) == "not measured"


def test_an_upper_bound_counts_the_other_way():
    assert at(0.3, 0.2, 0.4, at_most=True) == "**met**"
    assert at(0.3, 0.2, 0.6, at_most=True) == "met, but not beyond chance"
    assert at(0.6, 0.4, 0.7, at_most=True) == "missed by .100"


def test_a_gain_is_judged_by_its_test_before_and_after_correction():
    assert gain_verdict(gain(0.02, 0.01, 0.02)) == "**met**"
    assert gain_verdict(gain(0.02, 0.03, 0.06)) == "met, but for Holm's correction"
    assert gain_verdict(gain(0.02, 0.2, 0.2)) == "missed: not beyond chance"
    assert gain_verdict(gain(-0.02, 0.2, 0.2)) == "missed: no gain"
    assert gain_verdict(gain(-0.03, 0.01, 0.02)) == "missed: worse"
    assert gain_verdict(gain(-0.03, 0.03, 0.06)) == "missed: worse, but for Holm's correction"
    assert difference_words(gain(-0.03, 0.03, 0.06)) == "worse, beyond chance but for Holm's correction"
    assert difference_words(gain(0.03, 0.001, 0.002)) == "better, beyond chance"
    assert difference_words(gain(-0.03, 0.3, 0.6)) == "no difference beyond chance"


def test_a_ratio_counts_with_the_unfavourable_ends_of_both_intervals():
    ratio = Ratio("", "", 2, (lambda _: Estimate(None), lambda _: Estimate(None)))
    assert ratio.verdict(Estimate(0.5, 0.4, 0.6), Estimate(0.1, 0.05, 0.2)) == "**met**"
    assert ratio.verdict(Estimate(0.5, 0.4, 0.6), Estimate(0.1, 0.05, 0.21)) == "met, but not beyond chance"
    assert ratio.verdict(Estimate(0.5, 0.4, 0.6), Estimate(0.4, 0.3, 0.5)) == "missed: 1.2 times"
    assert ratio.verdict(Estimate(None), Estimate(0.4)) == "not measured"


def test_every_target_has_its_line(checkout: Repository):
    assert len(targets_table(checkout).splitlines()) == len(TARGETS) + 2
    assert len(lines(checkout)) == len(TARGETS)
    assert line(checkout, "two stages − localizer")[2] == "> 0, p < .05"


def test_what_nobody_measured_has_neither_figure_nor_n(checkout: Repository):
    (checkout.results / REGIONS.file).unlink()
    cells = next(cells for cells in lines(checkout) if cells[1] == "bonefracture/grouped, 5 folds")
    assert cells[2:] == ["≥ .950", "–", "not measured"]


def test_the_peak_stands_beside_the_centre_of_the_box(checkout: Repository, change: Change):
    assert line(checkout, "– for comparison: the centre")[1] == "fracatlas/grouped test"
    assert "does better" in line(checkout, "Grad-CAM's peak")[-1]
    centre = "crosscheck/box_centre_in_reference_right"

    def lower(data: Any) -> None:
        part = next(part for part in data["parts"] if (part["set"], part["part"]) == ("fracatlas", "test"))
        part["further"][centre]["value"] = 0.1

    change(PLACE, lower)
    assert "does better" not in line(checkout, "Grad-CAM's peak")[-1]


def test_boxes_found_say_their_overlap_and_that_the_list_is_cut(checkout: Repository, change: Change):
    assert "the same at 1" not in line(checkout, "findings: boxes found (IoU ≥ .3)")[-1]
    half, one = (f"sensitivity_at_{rate}_false_positives" for rate in ("0.5", "1"))
    part = checkout.record("builtin.json")["parts"]["fracatlas/grouped test"]
    same = part[half]["value"]
    change("docs/results/builtin.json", lambda data: data["parts"]["fracatlas/grouped test"][one].update(value=same))
    assert "the same at 1 false box" in line(checkout, "findings: boxes found")[-1]


def test_ap_among_normals_stands_beside_the_official_parts(checkout: Repository):
    cells = line(checkout, "– for comparison: AP50 among normals")
    told = figure(checkout.record("builtin.json"), "fracatlas/grouped test", "detector_ap50", "")
    assert cells[1:] == ["fracatlas/grouped test", "–", f"{told}", ""]


def test_calibration_as_shipped_stands_before_that_of_a_further_temperature(checkout: Repository, change: Change):
    def plant(data: Any) -> None:
        fit = data["parts"][0]["calibrated"]["region"]
        fit["temperature"], fit["shipped"]["value"], fit["ece"]["value"] = 0.25, 0.04, 0.02
        fit["ece"]["interval"] = [0.01, 0.02]

    change(PLACE, plant)
    place = lines(checkout).index(line(checkout, "ECE of the region, as shipped"))
    assert lines(checkout)[place][-1] == "missed by .010"
    further = lines(checkout)[place + 1]
    assert "T = .250" in further[0] and further[-1] == "met; not shipped"


def test_the_other_set_is_told_with_its_sign_and_both_p_values(checkout: Repository, change: Change):
    def plant(data: Any) -> None:
        part = next(p for p in data["parts"] if (p["set"], p["part"]) == ("BoneFractureYolo8", "test"))
        found = next(g for g in part["gains"] if g["second"] == "classifier")
        found.update(gain(-0.03, 0.02, 0.04))

    change(PLACE, plant)
    assert "test part −.030, n = 10, p = .020, Holm .040: worse, beyond chance" in elsewhere_sentence(checkout)


def test_a_figure_that_was_not_evaluated_is_an_error(checkout: Repository):
    path = checkout.results / SUBGROUPS
    path.write_text(path.read_text(encoding="utf-8").replace("froc_iou_0.5", "froc_iou_5"), encoding="utf-8")
    with pytest.raises(DataError, match=r"froc_iou_0\.5"):
        targets_table(checkout)


def test_a_part_or_a_test_that_is_missing_is_an_error(checkout: Repository, change: Change):
    change(PLACE, lambda data: data["parts"][2].update(gains=[]))
    with pytest.raises(DataError, match="classifier"):
        elsewhere_sentence(checkout)
    change(PLACE, lambda data: data.update(parts=data["parts"][:2]))
    with pytest.raises(DataError, match="BoneFractureYolo8 test"):
        elsewhere_sentence(checkout)
