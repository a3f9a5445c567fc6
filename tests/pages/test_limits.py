from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from scipy.stats import binomtest

from fxdet.core.errors import DataError
from fxdet.data.csv_rows import numbered_rows
from fxdet.pages import limits
from fxdet.pages.drawings import SIDE, drawings
from fxdet.pages.sources import Repository

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
HERE = Repository(ROOT)


def rows_of(name: str) -> list[dict[str, str]]:
    path = HERE.results / name
    return [row for _, row in numbered_rows(path.read_text(encoding="utf-8"), name)]


def cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def made_up(tmp_path: Path, name: str, text: str) -> Repository:
    folder = tmp_path / "docs" / "results"
    folder.mkdir(parents=True)
    (folder / name).write_text(text, encoding="utf-8")
    return Repository(tmp_path)


def test_subgroups_were_measured_with_the_pipeline_that_the_other_pages_tell_of():
    subgroups, main = HERE.record(limits.SUBGROUPS), HERE.record("builtin.json")
    assert subgroups["config_hash"] == [main["config_hash"]], "evaluate anew and run tools/subgroup_results.py"
    assert {model["sha256"] for model in subgroups["models"]} == {model["sha256"] for model in main["models"]}
    part = next(p for p in subgroups["parts"] if (p["set"], p["part"]) == ("fracatlas", "test"))
    told = main["parts"]["fracatlas/grouped test"]
    for point in ("doubt", "definite"):
        for name in ("sensitivity", "specificity"):
            assert part["points"][point][name]["value"] == pytest.approx(told[f"{name}_{point}"]["value"], abs=1e-4)


def test_subgroups_of_a_kind_hold_every_radiograph_once():
    for part in HERE.record(limits.SUBGROUPS)["parts"]:
        for kind in {group["kind"] for group in part["subgroups"]} - {"box area", "box share"}:
            groups = [group for group in part["subgroups"] if group["kind"] == kind]
            assert sum(group["n"] for group in groups) == part["counts"]["radiographs"], (part["set"], kind)
            assert sum(group["positives"] for group in groups) == part["counts"]["fractured"], (part["set"], kind)


def test_shares_carry_wilson_intervals_of_scipy():
    part = next(p for p in HERE.record(limits.SUBGROUPS)["parts"] if p["set"] == "BoneFractureYolo8")
    figure = part["points"]["doubt"]["specificity"]  # each picture of this set is its own group
    right = round(figure["value"] * figure["n"])
    expected = binomtest(right, figure["n"]).proportion_ci(method="wilson")
    assert figure["interval"] == pytest.approx([expected.low, expected.high], abs=1e-4)


def small_result(tmp_path: Path) -> Repository:
    def figure(value: float | None, n: int) -> dict[str, object]:
        return {"value": value, "interval": None if value is None else [0.1, 0.9], "n": n}

    figures = {"auroc": figure(0.6, 24)}
    for point in ("doubt", "definite"):
        figures |= {f"sensitivity_{point}": figure(0.5, 4), f"specificity_{point}": figure(0.75, 20)}
    groups = [
        {"kind": "view", "name": "oblique", "n": 24, "positives": 4, "too_small": True, "figures": figures},
        {
            "kind": "box area",
            "name": "small",
            "n": 0,
            "positives": 0,
            "too_small": True,
            "figures": {"h": figure(None, 0)},
        },
    ]
    part = {"set": "s", "part": "val", "looks": None, "subgroups": groups}
    return made_up(tmp_path, limits.SUBGROUPS, json.dumps({"parts": [part]}))


def test_figures_of_few_radiographs_are_marked_and_undefined_ones_are_dashes(tmp_path: Path):
    repository = small_result(tmp_path)
    (row,) = cells(limits.subgroups_table(repository, "s", "val"))
    few, enough = "2 of 4 \\*", ".750 (.100–.900)"
    assert row == ["view: oblique", "4 / 20", ".600 (.100–.900) \\*", few, enough, few, enough]
    boxes = cells(limits.boxes_table(repository))
    assert boxes[0] == ["up to 32² px", "–"] and boxes[-1][1] == "–"
    with pytest.raises(DataError, match="s test is missing"):
        limits.subgroups_table(repository, "s", "test")


def test_a_subgroup_without_both_classes_has_no_auroc():
    rows = {row[0]: row for row in cells(limits.subgroups_table(HERE, "fracatlas", "test"))}
    assert rows["hardware: yes"][1:3] == ["10 / 0", "–"] and rows["region: shoulder"][3] == "–"
    assert all(len(row) == 7 for row in rows.values())


def test_the_pages_counts_of_failures_are_those_of_the_list():
    rows = rows_of(limits.FAILURES)
    misses = [row for row in rows if row["case"] == "miss"]
    elsewhere = [row for row in rows if row["case"] == "elsewhere"]
    none = sum(row["decision"] == "none" for row in misses)
    assert f"{len(misses)} of them are not called so at the definite point ({none} not even doubtful)" in PAGE
    assert f"and {len(elsewhere)} more are called" in PAGE
    elbow = {"growing elbow", "elbow chip or line"}
    at_elbow = sum(row["kind"] in elbow for row in (*misses, *elsewhere))
    assert f"{at_elbow} of the {len(misses) + len(elsewhere)} are at the elbow" in PAGE
    alarms = [row for row in rows if row["case"] == "alarm"]
    assert f"{sum(row['kind'].startswith('wrist') for row in alarms)} of them are wrists" in PAGE and len(alarms) == 30
    assert len({row["name"] for row in rows}) == len(rows)
    scores = [float(row["score"]) for row in alarms]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("block", sorted(limits.CASES))
def test_failures_are_counted_by_kind(block: str):
    cases, kinds = limits.CASES[block]
    rows = [row for row in rows_of(limits.FAILURES) if row["case"] in cases]
    *table, total = cells(limits.failures_table(HERE, block))
    counts = [int(row[2]) for row in table]
    assert counts == sorted(counts, reverse=True) and sum(counts) == int(total[2]) == len(rows)
    for kind in kinds:
        (row,) = (row for row in table if kind.drawing in row[0])
        assert int(row[2]) == sum(found["kind"] == kind.name for found in rows)


def test_an_unknown_kind_is_refused(tmp_path: Path):
    text = "case,name,score,decision,kind,doubted\nmiss,a.jpg,0.1,none,elbow of glass,no\n"
    with pytest.raises(DataError, match="elbow"):
        limits.failures_table(made_up(tmp_path, limits.FAILURES, text), "misses")


def test_region_review_counts_sources_once(tmp_path: Path):
    # 12 sources of two copies each, 3 of them at the wrist: the interval is that of 3 of 12, not of 6 of 24.
    rows = [f"{s}{c},{s},fingers,{'wrist' if s < 3 else 'hand'}" for s in range(12) for c in "ab"]
    table = limits.region_review_table(
        made_up(tmp_path, limits.REGION_REVIEW, "\n".join(["name,source,label,verdict", *rows]) + "\n")
    )
    (row,) = cells(table)
    assert row[:2] == ["fingers positive", "24 (12)"]
    share, low, high = re.findall(r"\.\d+", row[3])
    assert row[3].startswith("6: ") and share == ".250"
    independent, copies = (binomtest(k, n).proportion_ci(method="wilson") for k, n in ((6, 24), (3, 12)))
    assert float(low) < independent.low - 0.02 and float(high) > independent.high + 0.02
    assert float(low) == pytest.approx(copies.low, abs=0.02) and float(high) == pytest.approx(copies.high, abs=0.02)


def test_ceiling_is_what_wrists_called_fingers_cost():
    value, low, high = (float(text) for text in re.findall(r"\.\d{3}", limits.ceiling_sentence(HERE)))
    rows = [row for row in rows_of(limits.REGION_REVIEW) if row["label"] == "fingers"]
    share = sum(row["verdict"] == "wrist" for row in rows) / len(rows)
    assert value == pytest.approx(1 - 22 / 83 * share, abs=1e-3)
    assert low < value < high


def test_drawings_of_all_kinds_are_up_to_date_small_and_whole():
    named = {kind.name for _, kinds in limits.CASES.values() for kind in kinds}
    drawn = drawings()
    assert set(drawn) == named
    check = [sys.executable, str(ROOT / "tools" / "draw_limits.py"), "--check"]
    assert subprocess.run(check, stdout=subprocess.DEVNULL).returncode == 0, "run: python tools/draw_limits.py"
    assert sum(len(text) for text in drawn.values()) < 150_000
    for name, text in drawn.items():
        root = ElementTree.fromstring(text)
        assert root.get("viewBox") == f"0 0 {SIDE} {SIDE}" and len(root) > 3, name
        boxes = [shape for shape in root if shape.tag.endswith("rect")][1:]
        assert boxes, f"{name}: nothing is marked"
        for box in boxes:
            x, y, width, height = (float(box.get(key, "nan")) for key in ("x", "y", "width", "height"))
            assert 0 <= x < x + width <= SIDE and 0 <= y < y + height <= SIDE, name
