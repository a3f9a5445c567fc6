"""``tools/measure_pipeline.py`` and ``tools/benchmark.py``: figures only of whole parts and of one pipeline."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner, Result

from fxdet.core.findings import ModelStamp, Report
from fxdet.pipeline.measuring_reports import open_result, read_reports, refuse_other_models
from fxdet.zoo.hub import find_pipeline
from tests.pipeline.evaluated import COUNT, report_of, write_lines, write_reports, write_set

ROOT = Path(__file__).resolve().parents[2]
MODELS = (ModelStamp("yolov8n.a", "1" * 64), ModelStamp("mobilenetv2_100.a", "2" * 64))


def tool(name: str) -> ModuleType:
    """Import a script of tools/."""
    spec = importlib.util.spec_from_file_location(f"tools_{name}", ROOT / "tools" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def measure(reports: Path, data: Path, output: Path, *more: str) -> Result:
    arguments = [str(reports), "--data", str(data), "--part", "my val=val", "-o", str(output), *more]
    return CliRunner().invoke(tool("measure_pipeline").main, arguments)


def refused(result: Result) -> str:
    """Return the one line of a refusal."""
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    lines = result.stderr.splitlines()
    assert len(lines) == 1 and ": error: " in lines[0], result.stderr
    return lines[0]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The drawn set."""
    return write_set(tmp_path / "set")


def some(folder: Path, data: Path, indices: range) -> Path:
    """Write reports of some pictures only."""
    rows = [report_of(str(data.parent / f"pictures/{index:02d}.png"), index).to_json() for index in indices]
    return write_lines(folder / "reports.jsonl", rows)


def test_a_whole_part_is_measured(tmp_path: Path, data: Path):
    reports = write_reports(tmp_path / "out", data.parent)
    done = measure(reports, data, tmp_path / "figures.json")
    assert done.exit_code == 0, done.output
    part = json.loads((tmp_path / "figures.json").read_text("utf-8"))["parts"]["my val"]
    assert (part["n"], part["fractured"]) == (14, 7)
    assert not {"missing", "unreadable", "unknown"} & set(part)
    again = measure(reports, data, tmp_path / "figures.json", "--part", "other=test")  # the same pipeline: it stays
    assert again.exit_code == 0, again.output
    assert list(json.loads((tmp_path / "figures.json").read_text("utf-8"))["parts"]) == ["my val", "other"]


def test_a_part_that_is_covered_in_part_is_refused(tmp_path: Path, data: Path):
    reports = some(tmp_path / "out", data, range(0, 12))
    line = refused(measure(reports, data, tmp_path / "figures.json"))
    assert "10 of 14 radiographs have none" in line
    assert "pictures/12.png" in line and "--allow-missing" in line
    assert not (tmp_path / "figures.json").exists()
    done = measure(reports, data, tmp_path / "figures.json", "--allow-missing")
    assert done.exit_code == 0, done.output
    part = json.loads((tmp_path / "figures.json").read_text("utf-8"))["parts"]["my val"]
    assert (part["n"], part["missing"]) == (4, 10)


def test_reports_of_other_pictures_are_refused(tmp_path: Path, data: Path):
    rows = [report_of(f"/elsewhere/{index}.png", index).to_json() for index in range(4)]
    line = refused(measure(write_lines(tmp_path / "foreign.jsonl", rows), data, tmp_path / "figures.json"))
    assert "4 of 4 are of no picture of the set: /elsewhere/0.png" in line
    own = [json.loads(text) for text in write_reports(tmp_path / "out", data.parent).read_text("utf-8").splitlines()]
    both = write_lines(tmp_path / "both.jsonl", own + rows)
    assert "4 of 44 are of no picture" in refused(measure(both, data, tmp_path / "figures.json"))
    assert measure(both, data, tmp_path / "figures.json", "--allow-unknown").exit_code == 0
    part = json.loads((tmp_path / "figures.json").read_text("utf-8"))["parts"]["my val"]
    assert (part["n"], part["unknown"]) == (14, 4)
    assert "is of part my val" in refused(
        measure(write_lines(tmp_path / "none.jsonl", rows), data, tmp_path / "f", "--allow-unknown", "--allow-missing")
    )


def test_unreadable_radiographs_are_counted(tmp_path: Path, data: Path):
    rows = [report_of(str(data.parent / f"pictures/{index:02d}.png"), index) for index in range(COUNT)]
    rows[0] = Report(rows[0].source, error="cut short")
    reports = write_lines(tmp_path / "reports.jsonl", [row.to_json() for row in rows])
    assert measure(reports, data, tmp_path / "figures.json").exit_code == 0
    part = json.loads((tmp_path / "figures.json").read_text("utf-8"))["parts"]["my val"]
    assert (part["n"], part["unreadable"]) == (13, 1)


@pytest.mark.parametrize(
    "changes", [{"config_hash": "other"}, {"models": MODELS[:1]}, {"config_hash": "", "models": MODELS[1:]}]
)
def test_reports_of_two_pipelines_are_refused(tmp_path: Path, data: Path, changes: dict[str, object]):
    rows = [report_of(str(data.parent / f"pictures/{index:02d}.png"), index) for index in range(COUNT)]
    rows[7] = replace(rows[7], **changes)
    reports = write_lines(tmp_path / "reports.jsonl", [row.to_json() for row in rows])
    line = refused(measure(reports, data, tmp_path / "figures.json"))
    assert "00.png" in line and "07.png" in line and "of two pipelines" in line


def test_figures_of_two_pipelines_never_stand_in_one_file(tmp_path: Path, data: Path):
    first = write_reports(tmp_path / "out", data.parent)
    assert measure(first, data, tmp_path / "figures.json").exit_code == 0
    before = (tmp_path / "figures.json").read_bytes()
    rows = [json.loads(text) | {"config_hash": "other"} for text in first.read_text("utf-8").splitlines()]
    line = refused(measure(write_lines(tmp_path / "o.jsonl", rows), data, tmp_path / "figures.json"))
    assert "got reports of pipeline other, expected those of abc" in line
    assert (tmp_path / "figures.json").read_bytes() == before


@pytest.mark.parametrize("text", ["[1]", "{", '{"parts": [1]}', '{"schema": 1}'])
def test_a_file_that_holds_something_else_is_left(tmp_path: Path, data: Path, text: str):
    (tmp_path / "figures.json").write_text(text, "utf-8")
    line = refused(measure(write_reports(tmp_path / "out", data.parent), data, tmp_path / "figures.json"))
    assert "figures.json" in line and "expected" in line
    assert (tmp_path / "figures.json").read_text("utf-8") == text


def test_the_named_pipeline_must_have_made_the_reports(tmp_path: Path, data: Path):
    line = refused(
        measure(write_reports(tmp_path / "out", data.parent), data, tmp_path / "figures.json", "--pipeline", "builtin")
    )
    assert "--pipeline builtin" in line and "expected" in line
    stamps = find_pipeline().stamps
    rows = [replace(report_of("a.png", 0), models=stamps).to_json()]
    origin = read_reports(write_lines(tmp_path / "reports.jsonl", rows))[1]
    assert origin.models == stamps
    refuse_other_models("builtin", stamps, origin)
    assert open_result(tmp_path / "new.json", origin) == {"parts": {}}


@pytest.mark.parametrize("part", ["x=nosuch", "val", "x=odd:val", "x=official:val+nosuch", "x="])
def test_a_wrong_part_is_one_line(tmp_path: Path, data: Path, part: str):
    reports = write_reports(tmp_path / "out", data.parent)
    assert "--part" in refused(measure(reports, data, tmp_path / "figures.json", "--part", part))
    assert not (tmp_path / "figures.json").exists()


@pytest.mark.parametrize("text", ["", "\n", "{}\n", "no json\n", '{"source": "a.png", "error": "cut short"}\n'])
def test_empty_or_broken_reports_are_one_line(tmp_path: Path, data: Path, text: str):
    (tmp_path / "reports.jsonl").write_text(text, "utf-8")
    assert "reports.jsonl" in refused(measure(tmp_path / "reports.jsonl", data, tmp_path / "figures.json"))


def test_scores_alone_are_refused(tmp_path: Path, data: Path):
    (tmp_path / "scores.csv").write_text("name,fractured\npictures/00.png,0.5\n", "utf-8")
    assert "expected reports.jsonl" in refused(measure(tmp_path / "scores.csv", data, tmp_path / "figures.json"))


def test_benchmark_of_an_unknown_or_untrained_model_is_one_line(tmp_path: Path):
    benchmark = tool("benchmark").main
    assert "the zoo has no 'nosuch'" in refused(CliRunner().invoke(benchmark, ["nosuch", "-o", str(tmp_path)]))
    line = refused(CliRunner().invoke(benchmark, ["resnet10t.drawn", "--threads", "1", "-o", str(tmp_path)]))
    assert "tools/draw_data.py out/drawn" in line and "tools/train_cls.py configs/cls/drawn_tiny.yaml" in line
