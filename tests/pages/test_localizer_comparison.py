"""The table of localizers on equal terms, from a result by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fxdet.pages.localizer_comparison import RESULT, localizer_comparison_table
from fxdet.pages.sources import Repository


def network(ap50: float) -> dict[str, object]:
    figure = {"interval": [0.3, 0.6], "n": 407, "boxes": 99}
    training = {"initial_weights": "net.coco.safetensors", "epochs": 34, "best_epoch": 32}
    return {
        "ap50": figure | {"value": ap50}, "ap50_95": figure | {"value": 0.2, "interval": [0.1, 0.25]},
        "sensitivity_at_0.5_false_positives": figure | {"value": 0.55},
        "sensitivity_at_1_false_positives": figure | {"value": 0.58},
        "input_size": 512, "parameters": 2_610_000, "flops": 5_100_000_000, "training": training,
    }  # fmt: skip


RECORD = {
    "split": "fracatlas/grouped", "part": "val", "n": 407, "fractured": 70,
    "localizers": {"one.set": network(0.5), "other.set": network(0.45)},
    "comparisons": [{
        "first": "other.set", "second": "one.set", "p": 0.2, "p_holm": 0.4,
        "difference": {"value": -0.05, "low": -0.1, "high": 0.02, "n": 407, "method": "bootstrap", "unit": ""},
    }],
}  # fmt: skip


@pytest.fixture
def table(checkout: Repository) -> str:
    (checkout.results / RESULT).write_text(json.dumps(RECORD), encoding="utf-8")
    return localizer_comparison_table(checkout)


def cells(table: str, name: str) -> list[str]:
    return next([cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines() if f"| {name} " in row)


def test_each_network_has_its_figures_and_the_others_their_test(table):
    assert cells(table, "one.set") == [
        "one.set", "net.coco.safetensors", "34 (32)", "2.61", "5.10 at 512 px", ".500 (.300–.600)", ".200 (.100–.250)",
        ".550 (.300–.600)", ".580 (.300–.600)", "–", "–",
    ]  # fmt: skip
    assert cells(table, "other.set")[-2:] == ["−.050 (−.100 to .020)", ".400"]


def test_it_says_what_it_was_measured_on(table):
    assert table.splitlines()[-1] == "fracatlas/grouped, part val: n = 407, 70 fractured."


def test_near_duplicates_that_the_list_does_not_know_of_are_told():
    told = localizer_comparison_table(Repository(Path(__file__).resolve().parents[2])).splitlines()[-1]
    assert told.endswith("which the list does not know of: 6 in train and 3 in test.")
