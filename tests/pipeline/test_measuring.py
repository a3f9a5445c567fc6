"""Figures of a pipeline's reports, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fxdet.core.findings import Finding, Report
from fxdet.core.labels import Decision
from fxdet.data.samples import BoxLabel, Sample
from fxdet.pipeline.measuring import MeasureOptions, measure_boxes, measure_images, measure_regions

OPTIONS = MeasureOptions(samples=50)
BOX, FAR = (10.0, 10.0, 30.0, 30.0), (60.0, 60.0, 90.0, 90.0)


def pair(index: int, fractured: bool, probability: float, region: str = "leg") -> tuple[Report, Sample]:
    decision = Decision.FRACTURE if probability > 0.5 else Decision.DOUBT if probability > 0.3 else Decision.NONE
    box = BOX if fractured else FAR
    finding = Finding(box, probability / 2, probability, 0.5, decision, region, 0.5, probability)
    regions = {"elbow": 0.1, "fingers": 0.1, "forearm": 0.1, "humerus": 0.1, "shoulder": 0.1, "wrist": 0.2, "hip": 0.0}
    report = Report(
        f"{index}.png",
        image_size=(100, 100),
        image_probability=probability,
        decision=decision,
        region=region,
        class_probability={"fracture": {"normal": 0.5, "fractured": 0.5}, "region": {**regions, "leg": 0.3}},
        findings=(finding,),
    )
    boxes = (BoxLabel(BOX, "fractured"),) if fractured else ()
    name = f"{index}.png"
    return report, Sample(Path(name), name, fractured=fractured, boxes=boxes, regions=frozenset({"wrist"}))


PAIRS = [pair(0, True, 0.9), pair(1, True, 0.4), pair(2, False, 0.6), pair(3, False, 0.1)]


def test_radiograph_figures_by_hand() -> None:
    figures = measure_images(PAIRS, OPTIONS)
    assert figures["auroc"]["value"] == 0.75
    assert (figures["auroc"]["n"], figures["auroc"]["fractured"]) == (4, 2)
    assert figures["auroc_whole_radiograph_classifier"]["value"] == 0.5
    assert figures["sensitivity_definite"]["value"] == 0.5
    assert figures["sensitivity_doubt"]["value"] == 1.0
    assert figures["specificity_definite"]["value"] == 0.5
    low, high = figures["auroc"]["interval"]
    assert 0 <= low <= 0.75 <= high <= 1


def test_box_figures_by_hand() -> None:
    figures = measure_boxes(PAIRS, OPTIONS)
    # Ranked .9 true, .6 false, .4 true: precision 1 up to recall .5, then 2/3 (51 and 50 of 101 points).
    assert figures["ap50"]["value"] == pytest.approx((51 + 50 * 2 / 3) / 101, abs=1e-4)
    assert figures["ap50"]["value"] == figures["ap50_localizer"]["value"]
    assert figures["sensitivity_at_0.5_false_positives"]["value"] == 1.0
    assert (figures["ap50"]["n"], figures["ap50"]["boxes"]) == (4, 2)
    for figure in figures.values():
        low, high = figure["interval"]
        assert (low is None and high is None) or 0 <= low <= figure["value"] <= high <= 1
    assert figures["ap50_95"]["value"] == figures["ap50"]["value"]  # the true box overlaps wholly
    assert figures["ap50_95"]["interval"] == figures["ap50"]["interval"]


def test_regions_count_only_where_one_is_stated() -> None:
    vague = pair(9, True, 0.5)
    sample = Sample(Path("v"), "v", regions=frozenset({"wrist", "elbow"}))
    figures = measure_regions([*PAIRS, (vague[0], sample)])
    assert figures["region_top1_of_8"]["n"] == 4
    assert figures["region_top1_of_8"]["value"] == 0.0  # the eight-way answer is leg
    assert figures["region_top1_of_6"]["value"] == 1.0  # of the six, wrist is the most probable


def test_intervals_depend_on_the_seed_alone() -> None:
    first, second = measure_boxes(PAIRS, OPTIONS), measure_boxes(PAIRS, OPTIONS)
    assert first == second
    assert not np.isnan(first["ap50"]["interval"]).any()
