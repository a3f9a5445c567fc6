from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

import fxdet
from fxdet.cli.main import main
from fxdet.core.files import read_json_lines
from fxdet.core.findings import DISCLAIMER, Report
from fxdet.imaging import reading

ROOT = Path(fxdet.__file__).parents[1]


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """Keep torch to one thread: the number is global, and small networks on a busy machine wait for each other."""
    monkeypatch.setattr("fxdet.pipeline.device.set_threads", lambda count: 1)


@pytest.fixture
def pictures(tmp_path, drawn_fracture) -> Path:
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.png", "b.jpg", "sub/a.tif"):
        cv2.imwrite(str(folder / name), drawn_fracture.pixels)
    return folder


@pytest.fixture
def predict(tiny_pipeline, tmp_path):
    def call(*arguments: object, out: Path | None = None, pipeline: Path | None = None):
        options = ["-o", str(out or tmp_path / "out"), "--pipeline", str(pipeline or tiny_pipeline), "--threads", "1"]
        options += ["--device", "cpu"]
        return CliRunner().invoke(main, ["predict", *map(str, arguments), *options])

    return call


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def only_reason(out: Path) -> str:
    (failure,) = rows(out / "failures.csv")
    return failure["reason"]


def test_a_folder_gives_reports_table_and_overlays(predict, pictures, tmp_path):
    result = predict(pictures)
    assert result.exit_code == 0, result.output
    out = tmp_path / "out"
    reports = [Report.from_json(row) for row in read_json_lines(out / "reports.jsonl")]
    assert [Path(report.source).name for report in reports] == ["a.png", "b.jpg", "a.tif"]
    assert all(report.findings and report.findings[0].crosscheck and report.models for report in reports)
    summary = rows(out / "summary.csv")
    assert [row["overlay"] for row in summary] == ["overlays/a.jpg", "overlays/b.jpg", "overlays/sub/a.jpg"]
    assert all(cv2.imread(str(out / row["overlay"])) is not None for row in summary)
    assert rows(out / "failures.csv") == []
    assert DISCLAIMER in result.stdout
    assert not [path for path in out.rglob(".*")]


def test_options_change_what_is_written(predict, pictures, tmp_path):
    result = predict(pictures, "--no-overlays", "--no-crosscheck", "--no-recursive", "--threshold", "0.01", "--json")
    assert result.exit_code == 0, result.output
    data = json.loads(result.stdout)
    assert (data["read"], data["failed"], data["fracture"], data["stopped"]) == (2, 0, 2, False)
    report = next(read_json_lines(tmp_path / "out" / "reports.jsonl"))
    assert report["findings"][0]["crosscheck"] is None
    assert not (tmp_path / "out" / "overlays").exists()


def test_a_model_alone_warns_on_every_report_and_once_on_the_screen(predict, pictures, tiny_pipeline, tmp_path):
    shutil.copy(tiny_pipeline / "localizer.safetensors", tmp_path)
    shutil.copy(tiny_pipeline / "localizer.json", tmp_path / "card.json")
    told = "fusion and thresholds were fitted for other models: those of the pipeline builtin"
    result = predict(pictures, "--no-overlays", pipeline=tmp_path / "card.json")
    assert result.exit_code == 0, result.output
    assert result.stderr.count(told) == 1
    reports = [json.loads(line) for line in (tmp_path / "out" / "reports.jsonl").read_text("utf-8").splitlines()]
    assert len(reports) > 1
    assert all(report["warnings"].count(told) == 1 for report in reports)
    whole = predict(pictures, "--no-overlays", out=tmp_path / "whole")
    assert told not in whole.output
    assert told not in (tmp_path / "whole" / "reports.jsonl").read_text("utf-8")


def test_a_heat_map_changes_the_overlay(predict, pictures, tmp_path):
    assert predict(pictures / "a.png", out=tmp_path / "plain").exit_code == 0
    assert predict(pictures / "a.png", "--heatmap", out=tmp_path / "heat").exit_code == 0
    plain, heat = (cv2.imread(str(tmp_path / name / "overlays" / "a.jpg")).astype(int) for name in ("plain", "heat"))
    assert np.abs(plain - heat).mean() > 0.5


def test_lists_and_globs(predict, pictures, tmp_path):
    (tmp_path / "list.txt").write_text(f"{pictures}/a.png\n{pictures}/sub/a.tif\n")
    result = predict("--list", tmp_path / "list.txt", pictures / "*.jpg", f"@{tmp_path}/list.txt", "--json")
    assert json.loads(result.stdout)["read"] == 5
    overlays = [row["overlay"] for row in rows(tmp_path / "out" / "summary.csv")]
    assert len(set(overlays)) == 5


def test_a_second_run_replaces_the_first(predict, pictures, tmp_path):
    for _ in range(2):
        assert predict(pictures).exit_code == 0
    assert len(rows(tmp_path / "out" / "summary.csv")) == 3


def test_results_inside_the_input_folder_are_no_input(predict, pictures):
    for _ in range(2):
        result = predict(pictures, "--json", out=pictures / "results")
        assert json.loads(result.stdout)["read"] == 3


# Bad input: one clear line each, the right exit code, and what could be read is there.


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("text.jpg", b"this is no picture\n"),
        ("zero.png", b""),
        ("cut.png", b"\x89PNG\r\n\x1a\n"),
        ("cut.dcm", bytes(128) + b"DICM"),
    ],
)
def test_an_unreadable_file_is_a_failure_beside_finished_results(predict, pictures, tmp_path, name, data):
    (pictures / name).write_bytes(data)
    result = predict(pictures)
    assert result.exit_code == 1
    assert only_reason(tmp_path / "out")
    assert "\n" not in only_reason(tmp_path / "out")
    assert len(rows(tmp_path / "out" / "summary.csv")) == 3
    assert result.stderr.splitlines()[-1].startswith("fxdet: 1 file failed")


def test_a_file_without_read_permission_is_a_failure(predict, pictures, tmp_path, monkeypatch):
    read = Path.read_bytes

    def refuse(self):
        if self.name == "b.jpg":
            raise PermissionError(13, "Permission denied")
        return read(self)

    monkeypatch.setattr(reading.Path, "read_bytes", refuse)
    assert predict(pictures).exit_code == 1
    assert "permission denied" in only_reason(tmp_path / "out").lower()


@pytest.mark.parametrize(
    "pixels",
    [
        np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8),
        np.full((1, 1), 90, np.uint8),
        np.full((30, 20_000), 90, np.uint8),
    ],
    ids=["colour photo", "1 x 1", "20,000 px wide"],
)
def test_odd_pictures_are_read_or_refused_in_one_line(predict, pictures, tmp_path, pixels):
    cv2.imwrite(str(pictures / "odd.png"), pixels)
    result = predict(pictures)
    assert result.exit_code in (0, 1)
    failed = rows(tmp_path / "out" / "failures.csv")
    assert len(rows(tmp_path / "out" / "summary.csv")) + len(failed) == 4
    assert result.exit_code == len(failed)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (["missing"], "no such file or folder"),
        (["empty"], "no radiographs in"),
        (["*.nothing"], "no radiographs match"),
        ([], "no input"),
    ],
)
def test_wrong_usage_is_one_line_and_2(predict, tmp_path, monkeypatch, inputs, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    result = predict(*inputs)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_an_output_folder_that_cannot_be_written_is_one_line_and_2(predict, pictures, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    result = predict(pictures, out=tmp_path / "file")
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert "can't write to output folder" in result.stderr
    (tmp_path / "locked").mkdir()

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("fxdet.core.files._new_file_beside", refuse)
    result = predict(pictures, out=tmp_path / "locked")
    assert result.exit_code == 2
    assert "Permission denied" in result.stderr


def test_a_spoilt_pipeline_is_one_line_and_2(predict, pictures, tiny_pipeline, tmp_path):
    spoilt = shutil.copytree(tiny_pipeline, tmp_path / "spoilt")
    with open(spoilt / "classifier.safetensors", "r+b") as handle:
        handle.truncate(1000)
    result = predict(pictures, pipeline=spoilt)
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert "cut short or changed" in result.stderr
    assert predict(pictures, pipeline=tmp_path / "no-such").exit_code == 2


def test_an_unknown_device_is_one_line_and_2(pictures, tiny_pipeline, tmp_path):
    arguments = [
        "predict",
        str(pictures),
        "-o",
        str(tmp_path / "o"),
        "--pipeline",
        str(tiny_pipeline),
        "--device",
        "gpu",
    ]
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)


def test_odd_names_and_link_loops(predict, pictures, tmp_path):
    for name in ("Größe 1.png", "a\nb,c.png", os.fsdecode(b"\xff.png")):
        shutil.copy(pictures / "a.png", pictures / name)
    (pictures / "loop").symlink_to(pictures)
    (pictures / "self.png").symlink_to(pictures / "self.png")
    result = predict(pictures)
    assert result.exit_code == 1
    assert len(rows(tmp_path / "out" / "summary.csv")) == 6
    assert "too many levels of symbolic links" in only_reason(tmp_path / "out").lower()
    assert (tmp_path / "out" / "overlays" / "Größe 1.jpg").is_file()
    assert (tmp_path / "out" / "overlays" / os.fsdecode(b"\xff.jpg")).is_file()


def test_ctrl_c_leaves_whole_results_and_130(tiny_pipeline, tmp_path, drawn_fracture):
    (tmp_path / "in").mkdir()
    data = cv2.imencode(".png", drawn_fracture.pixels)[1].tobytes()
    for index in range(600):
        (tmp_path / "in" / f"{index:04d}.png").write_bytes(data)
    command = [
        sys.executable,
        "-m",
        "fxdet",
        "predict",
        str(tmp_path / "in"),
        "-o",
        str(tmp_path / "out"),
        "--pipeline",
        str(tiny_pipeline),
        "--threads",
        "1",
        "--device",
        "cpu",
        "--batch-size",
        "4",
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    reports = tmp_path / "out" / "reports.jsonl"
    deadline = time.monotonic() + 150
    while not (reports.exists() and reports.stat().st_size) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=150)
    assert process.returncode == 130, errors
    assert "interrupted" in errors
    assert "Traceback" not in errors
    lines = reports.read_bytes()
    assert lines.endswith(b"\n")
    done = [json.loads(line) for line in lines.splitlines()]
    assert 0 < len(done) < 600
    summary = rows(tmp_path / "out" / "summary.csv")
    assert len(summary) == len(done)
    assert all(cv2.imread(str(tmp_path / "out" / row["overlay"])) is not None for row in summary)
    assert not list((tmp_path / "out").rglob("*.part"))


def test_demo_says_that_it_draws_and_writes_the_truth(tiny_pipeline, tmp_path):
    result = CliRunner().invoke(main, ["demo", "-o", str(tmp_path), "--count", "3", "--pipeline", str(tiny_pipeline)])
    assert result.exit_code == 0, result.output
    assert "drawn by a program" in result.stdout
    truth = rows(tmp_path / "drawn" / "truth.csv")
    assert len(truth) == len(rows(tmp_path / "summary.csv")) == 3
    assert all((tmp_path / "drawn" / row["file"]).is_file() for row in truth)
    assert all(bool(row["boxes"]) == (row["fractured"] == "1") for row in truth)
    again = CliRunner().invoke(
        main, ["demo", "-o", str(tmp_path / "2"), "--count", "3", "--pipeline", str(tiny_pipeline)]
    )
    assert again.exit_code == 0
    assert rows(tmp_path / "2" / "drawn" / "truth.csv") == truth
