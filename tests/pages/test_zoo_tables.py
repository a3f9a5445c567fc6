"""Tables of the zoo and of the benchmarks: whose figure stands in which row."""

from __future__ import annotations

import json

import pytest

from fxdet.core.errors import DataError
from fxdet.pages.benchmarks import context_table, froc_table, task_table
from fxdet.pages.costs import speed_note
from fxdet.pages.measured import OPENINGS, openings_table, parts_table
from fxdet.pages.published import Published, read_published
from fxdet.pages.sources import figure
from fxdet.pages.zoo_tables import classifiers_table, localizers_table, pipelines_table

TEST = "AP50 on a test part (95 %)"
VAL = "AUROC, val (95 %)"
LEAK = "training and validation"
LOCALIZERS = ("yolov8n.both", "yolov8n.fracatlas")


def measured(checkout, part: str, name: str) -> str:
    """Return a figure of the result file as a table shows it."""
    return figure(checkout.record("builtin.json"), part, name, "").short


def rows(table: str) -> dict[str, dict[str, str]]:
    """Return the rows of a table by their first cell, links taken off."""
    written = [line for line in table.splitlines() if line.startswith("|")]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in written]
    return {line[0].strip("[").split("]")[0]: dict(zip(lines[0], line, strict=True)) for line in lines[2:]}


def test_all_localizers_share_their_radiographs(checkout):
    part = checkout.record("localizer_trials.json")["parts"]["fracatlas/grouped val"]
    found = rows(localizers_table(checkout))
    for name in ("yolov8n.both", "yolov8n.fracatlas", "yolo11n.fracatlas", "yolo26n.fracatlas"):
        value = part["trials"][name]["ap50"]["value"]
        assert found[name]["AP50, FracAtlas val, n = 407 (95 %)"].startswith(f"{value:.3f} (".lstrip("0"))


def test_shared_figures_are_those_of_the_weights(checkout, change):
    head = "AP50, BoneFractureYolo8 val, n = 173 (95 %)"
    assert rows(localizers_table(checkout))["yolo11n.fracatlas"][head] != "–"
    change(
        "docs/results/localizer_trials.json",
        lambda data: data["models"]["yolo11n.fracatlas"].update(sha256="0" * 64),
    )
    assert rows(localizers_table(checkout))["yolo11n.fracatlas"][head] == "–"


def test_fused_localizers_tell_nothing_of_one(checkout, change):
    for name in ("builtin_stage1.json", "builtin_stage2.json"):
        (checkout.results / name).unlink()
    both = rows(localizers_table(checkout))
    assert {both[name][TEST] for name in LOCALIZERS} == {"–"}

    def alone(data):
        data["models"] = [model for model in data["models"] if model["name"] != "yolov8n.fracatlas"]

    change("docs/results/builtin.json", alone)
    found = rows(localizers_table(checkout))
    told = measured(checkout, "fracatlas/grouped test", "detector_ap50")
    assert found["yolov8n.both"][TEST] == f"{told}, n = 816, [fracatlas/grouped test](results/builtin.json)"
    assert found["yolov8n.fracatlas"][TEST] == "–"


def test_a_card_s_stamp_of_a_leak_has_its_column(checkout, change):
    place = "fxdet/zoo/builtin/yolov8n.fracatlas.json"
    assert rows(localizers_table(checkout))["yolov8n.fracatlas"][LEAK] == "*leaky*"
    assert rows(pipelines_table(checkout))["builtin"]["test part"].endswith("; *leaky*")
    change(place, lambda data: data["training"].update(leaky=False))
    found = rows(localizers_table(checkout))
    assert found["yolov8n.fracatlas"][LEAK] == "nothing shared"
    assert found["yolov8n.both"][LEAK] == "*leaky*"
    assert found["fasterrcnn_resnet50_fpn_v2.fracatlas"][LEAK] == "–"  # not trained: nothing to stamp


def test_a_head_that_is_not_used_has_no_figure(checkout, change):
    place = "fxdet/zoo/builtin/mobilenetv2_100.regions.json"
    head = "AUROC, FracAtlas val, n = 407 (95 %)"
    row = rows(classifiers_table(checkout))["mobilenetv2_100.regions"]
    assert row[head] == row["AUROC, BoneFractureYolo8 val, n = 348 (95 %)"] == "–"
    assert row["six regions, top-1, BoneFractureYolo8 val, n = 173 (95 %)"].startswith(".")
    change(place, lambda data: data.update(unused_heads=[]))
    assert rows(classifiers_table(checkout))["mobilenetv2_100.regions"][head].startswith(".")


def test_a_part_s_region_figure_has_its_own_n(checkout):
    line = next(line for line in parts_table(checkout).splitlines() if line.startswith("| region"))
    assert f"{measured(checkout, 'fracatlas/grouped test', 'region_top1_of_6')}, n = 18 |" in line
    head = parts_table(checkout).splitlines()[2]
    assert "| 816 (143) |" in head


def test_tables_are_marked_for_sorting(checkout):
    assert localizers_table(checkout).startswith("<!-- sortable -->\n\n| model |")


def test_the_download_is_a_command_where_there_is_one(checkout):
    found = rows(localizers_table(checkout)) | rows(pipelines_table(checkout))
    assert found["builtin"]["download"] == "shipped: `fxdet zoo fetch builtin`"
    assert found["yolo11n.fracatlas"]["download"] == "in the repository: `fxdet zoo fetch yolo11n.fracatlas`"


def test_a_model_without_weights_has_a_row_of_dashes(checkout):
    row = rows(localizers_table(checkout))["fasterrcnn_resnet50_fpn_v2.fracatlas"]
    assert (row["download"], row[TEST], row["MB"], row["parameters, M"]) == ("not trained yet", "–", "–", "–")
    assert row["configuration"] == "[faster_rcnn_resnet50_v2](../configs/det/faster_rcnn_resnet50_v2.yaml)"


def test_costs_of_other_weights_do_not_count(checkout, change):
    cost = checkout.record("zoo/yolov8n.both.json")
    told = f"{cost['flops'] / 1e9:.2f} at {cost['input_size']} px"
    assert rows(localizers_table(checkout))["yolov8n.both"]["GFLOPs"] == told
    change("docs/results/zoo/yolov8n.both.json", lambda data: data.update(sha256="0" * 64))
    assert rows(localizers_table(checkout))["yolov8n.both"]["GFLOPs"] == "–"
    assert rows(pipelines_table(checkout))["builtin"]["GFLOPs"] == "–"


def test_a_pipelines_cost_counts_whatever_figures_stand_on_its_card(checkout, change):
    before = rows(pipelines_table(checkout))["builtin"]["CPU radiographs/s, batch 1 / 8"]
    assert before != "–"
    change("fxdet/zoo/builtin/pipeline.json", lambda data: data.update(figures={}))
    assert rows(pipelines_table(checkout))["builtin"]["CPU radiographs/s, batch 1 / 8"] == before
    change("fxdet/zoo/builtin/pipeline.json", lambda data: data.update(mirrored=False))
    assert rows(pipelines_table(checkout))["builtin"]["CPU radiographs/s, batch 1 / 8"] == "–"


def test_a_pipeline_that_no_test_part_saw_shows_val_alone(checkout, change):
    row = rows(pipelines_table(checkout))["fast"]
    fast, test = checkout.record("fast.json")["parts"]["fracatlas/grouped val"], "AUROC, test (95 %)"
    assert row[VAL].startswith(f"{fast['auroc']['value']:.3f} (".lstrip("0"))
    assert (row[test], row["n"], row["test part"]) == ("–", "–", "not measured on a test part; *leaky*")
    whole = rows(pipelines_table(checkout))["builtin"]
    assert whole[VAL] == measured(checkout, "fracatlas/grouped val", "auroc")
    assert whole[test] == measured(checkout, "fracatlas/grouped test", "auroc")

    def forgotten(data):
        del next(row for row in data["rows"] if row["name"] == "fast")["result"]

    change("fxdet/zoo/catalogue.json", forgotten)
    row = rows(pipelines_table(checkout))["fast"]
    assert (row[VAL], row["test part"]) == ("–", "not measured on a test part")


def test_mirrored_localizers_see_a_radiograph_twice(checkout):
    once = rows(pipelines_table(checkout))["fast"]["GFLOPs"].split(",")[0]
    path = checkout.root / "fxdet" / "zoo" / "builtin" / "fast.json"
    path.write_text(path.read_text().replace('"mirrored": false', '"mirrored": true'))
    twice = rows(pipelines_table(checkout))["fast"]["GFLOPs"].split(",")[0]
    assert float(twice) == pytest.approx(2 * float(once), abs=0.011)


def speed(device: str, batch: int, rate: float, precision: str = "fp32") -> dict:
    return {"device": device, "processor": "a processor", "threads": 2, "precision": precision, "batch": batch,
            "runs": 20, "seconds": batch / rate, "images_per_second": rate}  # fmt: skip


def test_speeds_and_what_they_were_measured_on(checkout, change):
    for path in (checkout.results / "zoo").rglob("*.json"):
        change(path.relative_to(checkout.root).as_posix(), lambda data: data.update(speed=[]))
    assert speed_note(checkout) == "Speeds have not been measured yet (–)."
    speeds = [speed("cpu", 1, 20.04), speed("cpu", 1, 31.0, "bf16"), speed("cpu", 8, 1234.5), speed("a GPU", 8, 900.0)]
    change("docs/results/zoo/mobilenetv2_100.builtin.json", lambda data: data.update(speed=speeds))
    row = rows(classifiers_table(checkout))["mobilenetv2_100.builtin"]
    assert row["CPU img/s, batch 1 / 8"] == "31.0 bf16 / 1,234 fp32"
    assert row["GPU img/s"] == "900 fp32 (a GPU, batch 8)"
    assert "cpu (a processor, 2 threads, bf16, median of 20 passes)" in speed_note(checkout)


def test_published_lines_stand_beside_ours(checkout):
    text = task_table(checkout, "fracatlas", "boxes")
    assert "| YOLOv8s | official valid | 82 (91 boxes) | .562 | .276 | [the data set's authors]" in text
    both = [measured(checkout, "fracatlas official valid", name) for name in ("detector_ap50", "detector_ap50_95")]
    assert f"| **fxdet, built-in** | official valid | 82 (91 boxes) | {both[0]} | {both[1]} |" in text
    assert f"opened {len(OPENINGS)} times" in text
    regions = task_table(checkout, "bonefracture", "regions")
    assert "| 83 | .90 |" in regions  # printed with two digits
    assert f"| official test | 83 | {measured(checkout, 'bonefracture test', 'region_top1_of_6')} |" in regions


def test_parts_without_a_figure_have_no_line(checkout):
    # The official parts of FracAtlas hold fractured radiographs alone: no AUROC.
    assert "official valid" not in task_table(checkout, "fracatlas", "radiographs")
    assert "official valid" in froc_table(checkout, "fracatlas")


def test_other_data_stand_apart(checkout):
    assert "Rayvolve | AUROC .849 | 1,037 |" in context_table(checkout)
    assert "Rayvolve" not in task_table(checkout, "fracatlas", "radiographs")


def test_the_first_opening_counted_findings(checkout):
    lines = openings_table(checkout).splitlines()[2:]
    assert [line.split("|")[1].strip() for line in lines] == [str(look) for look in range(1, len(OPENINGS) + 1)]
    stored = json.loads((checkout.results / "builtin_stage1.json").read_text())["parts"]["fracatlas official valid"]
    assert "detector_ap50" not in stored
    assert f"{stored['ap50_localizer']['value']:.3f}".removeprefix("0") in lines[0]


def test_wrong_published_lines_are_told(checkout, change):
    assert all(isinstance(row, Published) for row in read_published(checkout.results))
    change("docs/results/published.json", lambda data: data["rows"][0]["figures"].update(ap50=56.2))
    with pytest.raises(DataError, match=r"published\.json.*YOLOv8s.*56\.2.*0 to 1"):
        read_published(checkout.results)
