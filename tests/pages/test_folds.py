"""The classifier that was trained once a fold, on the pages."""

from __future__ import annotations

import json

import pytest

from fxdet.pages.benchmarks import task_table
from fxdet.pages.folds import FRACTURES, REGIONS
from fxdet.pages.sources import Repository
from fxdet.pages.targets import targets_table

RECORD = {
    "name": "net.folds",
    "figures": {"auroc": {"value": 0.94, "low": 0.935, "high": 0.95, "n": 4023, "method": "bootstrap", "unit": ""}},
    "over_folds": {"auroc": {"mean": 0.945, "standard_deviation": 0.0123}},
    "folds": [{}, {}, {}, {}, {}],
    "split": {"split": "fracatlas/grouped-strict"},
}


@pytest.fixture
def with_folds(checkout: Repository) -> Repository:
    (checkout.results / FRACTURES.file).write_text(json.dumps(RECORD), encoding="utf-8")
    return checkout


def line(table: str, begin: str) -> list[str]:
    return next([cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines() if begin in row)


def test_the_benchmark_has_a_line_of_the_folds(with_folds: Repository):
    cells = line(task_table(with_folds, "fracatlas", "radiographs"), "net.folds")
    assert cells[:4] == ["fxdet, net.folds", "`fracatlas/grouped-strict`, 5 folds", "4,023", ".940 (.935–.950)"]
    assert set(cells[4:-1]) == {"–"}
    assert "folds .945 ± .012; [figures](results/fracatlas_folds.json)" in cells[-1]
    assert "net.folds" not in task_table(with_folds, "bonefracture", "radiographs")
    assert "net.folds" not in task_table(with_folds, "fracatlas", "boxes")


def test_the_target_is_judged_by_them(with_folds: Repository):
    assert line(targets_table(with_folds), "5 folds")[3:] == [".940 (.935–.950), n = 4,023", "**met**"]


def test_what_nobody_ran_has_no_line_and_is_not_measured(checkout: Repository):
    (checkout.results / FRACTURES.file).unlink(missing_ok=True)
    assert "folds" not in task_table(checkout, "fracatlas", "radiographs")
    assert line(targets_table(checkout), "5 folds")[-1] == "not measured"


def test_regions_have_a_line_of_their_own(checkout: Repository):
    figure = {"value": 0.93, "low": 0.91, "high": 0.945, "n": 2051, "method": "Wilson", "unit": ""}
    over = {"accuracy": {"mean": 0.931, "standard_deviation": 0.02}}
    record = RECORD | {"figures": {"accuracy": figure}, "over_folds": over, "split": {"split": "bonefracture/grouped"}}
    (checkout.results / REGIONS.file).write_text(json.dumps(record), encoding="utf-8")
    cells = line(task_table(checkout, "bonefracture", "regions"), "net.folds")
    assert cells[1:4] == ["`bonefracture/grouped`, 5 folds", "2,051", ".930 (.910–.945)"]
    assert line(targets_table(checkout), "bonefracture/grouped")[3:] == [
        ".930 (.910–.945), n = 2,051",
        "missed by .020",
    ]
