"""``fxdet data filters`` as a user types it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from fxdet.cli.data import data
from fxdet.core.errors import DataError


@pytest.fixture
def folder(tmp_path, drawn_fracture, generator):
    for number in range(5):
        pixels = np.roll(drawn_fracture.pixels, 9 * number, axis=0)
        path = tmp_path / "set" / ("train" if number < 3 else "test") / ("fractured", "normal")[number % 2]
        path.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path / f"{number}.png")
    return tmp_path / "set"


def run(*arguments):
    return CliRunner().invoke(data, ["filters", *map(str, arguments)], catch_exceptions=False)


def test_table_and_files(folder, tmp_path):
    result = run(folder, "-o", tmp_path / "out")
    lines = result.stdout.splitlines()
    assert lines[0] == "set: 5 pictures, filtered, then resized to 224 px"
    assert lines[2].split() == ["filter", "parameters", "PSNR,", "dB", "PSNR*,", "dB", "SSIM"]
    assert [line.split()[0] for line in lines[3:8]] == ["clahe", "median", "bilateral", "gaussian", "clahe_median"]
    assert all(len(line) <= 100 for line in lines[:-1])
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "filters.csv", "filters.json", "pictures.csv", "strip.png"
    }  # fmt: skip


@pytest.mark.parametrize(("count", "rows"), [(1, 1), (4, 4), (13, 6)])
def test_the_strip_shows_each_picture_once(tmp_path, generator, count, rows, monkeypatch):
    from fxdet.data import filter_comparison

    (tmp_path / "set/a").mkdir(parents=True)
    for number in range(count):
        Image.fromarray(generator.integers(0, 256, (12, 12), dtype=np.uint8)).save(tmp_path / f"set/a/{number:02d}.png")
    shown = []
    monkeypatch.setattr(
        filter_comparison, "strip", lambda samples, options: shown.extend(samples) or np.zeros((9, 9, 3), np.uint8)
    )
    run(tmp_path / "set", "-o", tmp_path / "out", "--layout", "class_folders", "--size", 11, "--filter", "median")
    assert len(shown) == len({sample.name for sample in shown}) == rows


def test_json_and_options(folder, tmp_path):
    result = run(
        folder, "-o", tmp_path / "out", "--json", "--part", "train", "--fractured", "--filter", "median", "--size", 64,
        "--order", "resize-first", "--jpeg", 75, "--limit", 1,
    )  # fmt: skip
    summary = json.loads(result.stdout)
    assert summary["options"] == {"names": ["median"], "size": 64, "order": "resize-first", "jpeg_quality": 75}
    assert [(row["filter"], row["pictures"]) for row in summary["summaries"]] == [("median", 1)]


def test_one_picture_has_no_interval_and_a_flat_one_no_psnr(tmp_path):
    (tmp_path / "set/a").mkdir(parents=True)
    Image.fromarray(np.full((50, 50), 9, np.uint8)).save(tmp_path / "set/a/1.png")
    text = run(tmp_path / "set", "-o", tmp_path / "out", "--layout", "class_folders", "--filter", "median").stdout
    assert "median  3 × 3 px    ∞         ∞          1.000" in text
    assert "1 PSNR left out of the means: the filter changed nothing there" in text


def test_unreadable_files_are_counted(folder, tmp_path):
    (folder / "test/normal/3.png").write_text("no picture")
    text = run(folder, "-o", tmp_path / "out").stdout
    assert "set: 4 pictures" in text
    assert "1 unreadable, the first: can't read" in text
    for path in folder.rglob("*.png"):
        path.write_text("no picture")
    with pytest.raises(DataError, match=r"none of the 5 pictures of .* can be read; the first"):
        run(folder, "-o", tmp_path / "out")


def test_no_picture_fits(folder, tmp_path):
    with pytest.raises(DataError, match=r"no picture of .* fits – loosen --part"):
        run(folder, "-o", tmp_path / "out", "--part", "val")
