from __future__ import annotations

import copy
from typing import Any

import pytest

from fxdet.core.errors import DataError
from fxdet.evaluation.excerpt import subgroup_excerpt


def estimate(value: float | None, n: int = 20) -> dict[str, Any]:
    low, high = (None, None) if value is None else (value - 0.123456, value + 0.1)
    return {"value": value, "low": low, "high": high, "n": n, "method": "Wilson", "unit": ""}


EVALUATION: dict[str, Any] = {
    "set": "made_up",
    "part": "test",
    "looks": 2,
    "split": {"split": "made_up.csv", "leaky": True},
    "predictions": {
        "models": [{"name": "m", "sha256": "0"}],
        "config_hash": ["c0"],
        "version": ["1"],
        "file": "r.jsonl",
    },
    "intervals": {"level": 0.95, "draws": 100, "seed": 0},
    "counts": {"radiographs": 40, "fractured": 20, "normal": 20, "reference_boxes": 30, "groups": 40},
    "figures": {
        "ranking/pipeline": {"auroc": estimate(0.8123456, 40)},
        "decision/recorded/doubt": {
            "sensitivity": estimate(0.9),
            "specificity": estimate(0.5),
            "accuracy": estimate(0.7),
        },
        "decision/recorded/definite": {"sensitivity": estimate(0.6), "specificity": estimate(None)},
    },
    "subgroups": [
        {
            "kind": "view",
            "name": "lateral",
            "n": 9,
            "positives": 4,
            "too_small": True,
            "figures": {"auroc": estimate(0.7)},
        }
    ],
}


def variant(**changes: Any) -> dict[str, Any]:
    data = copy.deepcopy(EVALUATION)
    for key, value in changes.items():
        data[key] = value
    return data


def test_calibration_is_kept_as_shipped_and_with_the_temperature_of_the_evaluation():
    fit = {
        "head": "region",
        "temperature": 0.123456,
        "figures": {"ece_before": estimate(0.5), "ece_after": estimate(0.4)},
    }
    unfitted = {"head": "classifier", "temperature": None, "figures": {"ece_before": estimate(0.5)}}
    part = subgroup_excerpt([variant(calibration=[fit, unfitted])])["parts"][0]
    assert set(part["calibrated"]) == {"region"}
    found = part["calibrated"]["region"]
    assert (found["temperature"], found["ece"]["value"], found["shipped"]["value"]) == (0.1235, 0.4, 0.5)


def test_the_baseline_of_the_pointing_game_is_kept_where_it_was_measured():
    section = {"peak_in_reference_right": estimate(0.7), "box_centre_in_reference_right": estimate(0.9)}
    new = variant(figures={**EVALUATION["figures"], "crosscheck": section})
    old = variant(
        figures={**EVALUATION["figures"], "crosscheck": {"peak_in_reference_right": estimate(0.7)}}, part="val"
    )
    first, second = (part["further"] for part in subgroup_excerpt([new, old])["parts"])
    assert first["crosscheck/box_centre_in_reference_right"]["value"] == 0.9
    assert "crosscheck/box_centre_in_reference_right" not in second


def test_excerpt_keeps_what_the_page_needs_and_drops_the_rest():
    found = subgroup_excerpt([EVALUATION, variant(part="val")])
    assert found["config_hash"] == ["c0"] and [part["part"] for part in found["parts"]] == ["test", "val"]
    part = found["parts"][0]
    assert part["auroc"] == {"value": 0.8123, "interval": [0.6889, 0.9123], "n": 40}
    assert part["points"]["definite"]["specificity"] == {"value": None, "interval": None, "n": 20}
    assert set(part["points"]["doubt"]) == {"sensitivity", "specificity"}
    assert part["split"]["leaky"] is True and part["looks"] == 2
    assert part["subgroups"][0]["too_small"] is True
    assert part["subgroups"][0]["figures"]["auroc"]["value"] == 0.7
    assert "groups" not in part["counts"]


def test_figures_of_different_pipelines_are_not_mixed():
    other = variant(part="val", predictions={**EVALUATION["predictions"], "config_hash": ["c1"]})
    with pytest.raises(DataError, match=r"config_hash.*c0, c1"):
        subgroup_excerpt([EVALUATION, other])


def test_a_part_is_given_once_and_there_is_one():
    with pytest.raises(DataError, match="made_up test is given twice"):
        subgroup_excerpt([EVALUATION, EVALUATION])
    with pytest.raises(DataError, match="no evaluation"):
        subgroup_excerpt([])
