"""Reports survive the way to JSON and back."""

from __future__ import annotations

import json

import pytest

from fxdet.core.findings import DISCLAIMER, AttentionGrid, CrossCheck, Finding, ModelStamp, RegionBox, Report
from fxdet.core.labels import Decision, Verdict


def full_report() -> Report:
    check = CrossCheck(0.625, (3.5, 4.25), True, Verdict.AGREES)
    finding = Finding((1.0, 2.0, 3.0, 4.0), 0.5, 0.75, 0.5, Decision.FRACTURE, "wrist", 0.875, 0.25, (0.5, 1.0), check)
    return Report(
        source="ä b.png",
        sha256="00",
        image_size=(10, 20),
        image_probability=0.75,
        decision=Decision.FRACTURE,
        region="wrist",
        region_probability=0.5,
        class_probability={"fracture": {"normal": 0.25, "fractured": 0.75}},
        regions=(RegionBox((0.0, 0.0, 5.0, 5.0), 0.5, "wrist", 0.5),),
        findings=(finding,),
        attention=AttentionGrid(((0.5, 0.25), (0.25, 0.0)), (4.5, 2.5)),
        spacing_mm=(0.25, 0.25),
        models=(ModelStamp("yolov8n.test", "ab"),),
        warnings=("truncated",),
        elapsed_ms={"read": 1.5},
    )


def test_a_report_round_trips_through_json() -> None:
    report = full_report()
    data = json.loads(json.dumps(report.to_json()))
    assert data["notice"] == DISCLAIMER
    assert Report.from_json(data) == report


def test_an_error_report_round_trips() -> None:
    report = Report("x.png", error="zero bytes")
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_a_newer_schema_is_refused() -> None:
    with pytest.raises(ValueError, match="update fxdet"):
        Report.from_json({"source": "a", "schema": 99})


def test_probabilities_out_of_range_name_the_field() -> None:
    with pytest.raises(ValueError, match=r"Report\.image_probability"):
        Report("a", image_probability=1.2)
    with pytest.raises(ValueError, match=r"AttentionGrid\.cells: expected rows of one length"):
        AttentionGrid(((0.5,), (0.25, 0.25)), (0.0, 0.0))
    with pytest.raises(ValueError, match=r"AttentionGrid\.cells: got"):
        AttentionGrid(((1.5,),), (0.0, 0.0))
    with pytest.raises(ValueError, match=r"Finding\.box"):
        Finding((5.0, 0.0, 1.0, 1.0), 0.5, 0.5, 0.5, Decision.NONE, "leg", 0.5, 0.5)
