"""``fxdet data`` as a user types it."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from fxdet.cli.data import data
from fxdet.core.errors import DataError


@pytest.fixture
def folder(tmp_path):
    for name in ("train/images/a", "train/images/b", "val/images/c"):
        path = tmp_path / "set" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((20, 40), np.uint8)).save(path)
    (tmp_path / "set/train/labels").mkdir()
    (tmp_path / "set/train/labels/a.txt").write_text("0 0.5 0.5 0.5 0.5\n7 0 0 0 0\n")
    (tmp_path / "set/data.yaml").write_text("train: train/images\nval: val/images\nnames: [wrist fracture]\n")
    return tmp_path / "set"


def run(*arguments):
    return CliRunner().invoke(data, [str(argument) for argument in arguments], catch_exceptions=False)


def test_info(folder):
    result = run("info", folder)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "set – layout yolo"
    assert "3 pictures in 3 groups" in lines
    assert "train         2          1       0        1      1      1" in lines
    assert any(line.split() == ["wrist", "fracture", "fracture", "1", "1", "20", "×", "10", "px"] for line in lines)
    assert any(line.startswith("  train/labels/a.txt:2: class id '7' is unknown") for line in lines)
    assert all(len(line) <= 80 for line in lines if line != str(folder))


def test_info_as_json_is_the_same(folder):
    summary = json.loads(run("info", folder, "--json", "--check-files").stdout)
    assert (summary["layout"], summary["total"]["samples"], summary["sizes"]["largest"]) == ("yolo", 3, [20, 40])
    assert [part["name"] for part in summary["parts"]] == ["train", "val"]


def test_info_names_unreadable_files(folder):
    (folder / "val/images/c.png").write_text("no picture")
    text = run("info", folder).stdout
    assert "1 of 3 files could not be read" in text
    assert "val/images/c.png" in text


def test_split_and_meanings(folder, tmp_path):
    (tmp_path / "split.csv").write_text("name,part\na.png,test\nb.png,\n")
    (tmp_path / "m.yaml").write_text("wrist fracture: {kind: other}\n")
    summary = json.loads(
        run("info", folder, "--json", "--split", tmp_path / "split.csv", "--meanings", tmp_path / "m.yaml").stdout
    )
    assert [(part["name"], part["samples"], part["fractured"]) for part in summary["parts"]] == [("test", 1, 0)]
    assert summary["classes"][0]["kind"] == "other"


def test_names_that_are_no_utf8(folder):
    (folder / "val/images/c.png").rename(folder / "val/images" / os.fsdecode(b"c\xff.png"))
    (folder / "val/images" / os.fsdecode(b"d\xff.png")).write_text("no picture")
    assert r"d\udcff.png" in run("info", folder).stdout
    assert json.loads(run("info", folder, "--json").stdout)["total"]["samples"] == 4


def test_errors_are_typed(tmp_path):
    with pytest.raises(DataError, match="no such file or folder"):
        run("info", tmp_path / "gone")


def test_browse(folder, tmp_path):
    result = run("browse", folder, "-o", tmp_path / "out", "--grid", 1, 2, "--tile", 64, "--format", "png")
    assert result.stdout == f"3 pictures on 2 pages in {tmp_path / 'out'}\n"
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["set-001.png", "set-002.png"]
    with Image.open(tmp_path / "out/set-001.png") as page:
        assert page.size == (128, 20 + 20 + 64 + 30)  # title and legend, then tile and caption


def test_browse_filters(folder, tmp_path):
    out = tmp_path / "out"
    assert run("browse", folder, "-o", out, "--boxes", "--region", "wrist").stdout.startswith("1 picture on 1 page ")
    assert run("browse", folder, "-o", out, "--part", "train", "--limit", 1, "--seed", 3).stdout.startswith("1 pict")
    with pytest.raises(DataError, match=r"no picture of .* fits – loosen"):
        run("browse", folder, "-o", out, "--part", "test")
