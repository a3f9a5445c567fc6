"""``fxdet data convert`` as a user types it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from fxdet.cli.main import main
from fxdet.data.formats import open_samples
from fxdet.data.splits import apply_split, read_split


@pytest.fixture
def source(tmp_path):
    root = tmp_path / "my set"
    for name in ("train/images/a", "train/images/b", "val/images/a"):
        path = root / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.tile(np.arange(200, dtype=np.uint8)[:, None], (1, 400))).save(path)
    (root / "train/labels").mkdir()
    (root / "train/labels/a.txt").write_text("0 0.5 0.5 0.5 0.5\n1 0.25 0.25 0.1 0.1\n")
    (root / "train/labels/b.txt").write_text("")
    (root / "data.yaml").write_text("train: train/images\nval: val/images\nnames: [wrist fracture, text]\n")
    return root


def run(*arguments):
    return CliRunner().invoke(main, ["data", *(str(argument) for argument in arguments)])


@pytest.mark.parametrize("target", ["coco", "voc", "csv", "fxdet", "yolo"])
def test_convert_and_info(source, tmp_path, target):
    result = run("convert", source, tmp_path / "out", "--to", target)
    assert result.exit_code == 0
    assert result.stdout.startswith("3 pictures, 0.0 MB and 2 boxes in ")
    summary = json.loads(run("info", tmp_path / "out", "--json", "--check-files").stdout)
    assert (summary["total"]["samples"], summary["total"]["boxes"], summary["problems"]) == (3, 2, [])
    assert [part["name"] for part in summary["parts"]] == ["train", "val"]
    assert summary["box_labels_unknown"] == 1


def test_notes_stand_on_stderr_once(source, tmp_path):
    result = run("convert", source, tmp_path / "out", "--to", "yolo")
    assert result.stdout.count("\n") == 1
    assert result.stderr.count("fxdet: note: pictures without box labels (1)") == 1


def test_labels_that_could_not_be_read_are_told(source, tmp_path):
    assert "problems of the set" not in run("convert", source, tmp_path / "one", "--to", "csv").stderr
    (source / "train/labels/a.txt").write_text("0 0.5 0.5 0.5 0.5\n1 0.25 oops 0.1 0.1\n")
    result = run("convert", source, tmp_path / "two", "--to", "csv")
    assert "1 box in" in result.stdout
    assert "fxdet: note: problems of the set (1), listed by fxdet data info; the first is " in result.stderr
    assert "a.txt:2: got 'oops', expected a number" in result.stderr


def test_json(source, tmp_path):
    data = json.loads(run("convert", source, tmp_path / "out", "--to", "csv", "--json").stdout)
    assert (data["pictures"], data["boxes"], data["failures"], data["resumed"]) == (3, 2, [], 0)


@pytest.mark.parametrize(
    ("format_option", "suffix"), [((), ".webp"), (("--format", "webp"), ".webp"), (("--format", "jpg"), ".jpg")]
)
def test_compact_copy(source, tmp_path, format_option, suffix):
    out = tmp_path / "out"
    result = run("convert", source, out, "--to", "fxdet", "--max-side", 100, "--grey", "--quality", 80, *format_option)
    assert result.exit_code == 0
    back = open_samples(out)
    assert {sample.path.suffix for sample in back} == {suffix}
    assert json.loads(run("info", out, "--json", "--check-files").stdout)["problems"] == []
    assert {sample.image_size for sample in back} == {(50, 100)}
    assert back.samples[0].boxes[0].xyxy == (25, 12.5, 75, 37.5)


def test_a_format_alone_makes_pictures_anew(source, tmp_path):
    assert run("convert", source, tmp_path / "out", "--to", "yolo", "--format", "webp").exit_code == 0
    assert {sample.path.suffix for sample in open_samples(tmp_path / "out")} == {".webp"}


@pytest.mark.parametrize("target", ["coco", "voc", "csv", "fxdet", "yolo"])
@pytest.mark.parametrize("name", ["train/images/b.png", "b.png"])
def test_a_split_list_made_for_the_set_fits_its_compact_copy(source, tmp_path, target, name):
    (tmp_path / "split.csv").write_text(f"name,part\n{name},val\n")
    run("convert", source, tmp_path / "out", "--to", target, "--max-side", 100, "--grey")
    copy = open_samples(tmp_path / "out")
    parts = apply_split(copy, read_split(tmp_path / "split.csv"))
    assert [(sample.path.name, sample.part) for sample in parts] == [("b.webp", "val")]


def test_class_maps_by_option_and_file(source, tmp_path):
    (tmp_path / "map.yaml").write_text("text:\nwrist fracture: break\n")
    run("convert", source, tmp_path / "one", "--to", "csv", "--classes", tmp_path / "map.yaml")
    assert [box.label for s in open_samples(tmp_path / "one") for box in s.boxes or ()] == ["break"]
    options = ("--map", "wrist fracture=wrist fracture 2", "--map", "text=")
    run("convert", source, tmp_path / "two", "--to", "csv", *options)
    assert [box.label for s in open_samples(tmp_path / "two") for box in s.boxes or ()] == ["wrist fracture 2"]


def test_split_sets_the_parts(source, tmp_path):
    (tmp_path / "split.csv").write_text("name,part\ntrain/images/a.png,test\ntrain/images/b.png,val\n")
    run("convert", source, tmp_path / "out", "--to", "coco", "--split", tmp_path / "split.csv")
    assert open_samples(tmp_path / "out").counts() == {"test": 1, "val": 1}


def test_exit_code_of_failures(source, tmp_path):
    (source / "train/images/a.png").write_text("no picture")
    result = run("convert", source, tmp_path / "out", "--to", "csv")
    assert result.exit_code == 1
    assert "1 picture could not be read and is left out – see" in result.stderr
    assert "a.png" in (tmp_path / "out/failures.csv").read_text()


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--to", "coc0"), "format 'coc0' is unknown – did you mean 'coco'?"),
        (("--to", "csv", "--map", "txt=x"), "has no class 'txt' – did you mean 'text'?"),
        (("--to", "csv", "--map", "text"), "got 'text', expected old=new"),
        (("--to", "csv", "--classes", "gone.yaml"), "can't read class map gone.yaml"),
        (("--to", "csv", "--images", "link", "--grey"), "expected 'copy' where pictures are made smaller"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(source, tmp_path, arguments, what):
    result = run("convert", source, tmp_path / "out", *arguments)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert what in result.stderr
    assert not (tmp_path / "out").exists()


def test_destination_in_the_set_and_in_use(source, tmp_path):
    result = run("convert", source, source / "out", "--to", "csv")
    assert (result.exit_code, "lies inside the set" in result.stderr) == (2, True)
    assert run("convert", source, tmp_path / "out", "--to", "csv").exit_code == 0
    result = run("convert", source, tmp_path / "out", "--to", "csv")
    assert (result.exit_code, "pass --overwrite" in result.stderr) == (2, True)
    assert run("convert", source, tmp_path / "out", "--to", "csv", "--overwrite").exit_code == 0


def test_folders_of_classes_have_no_boxes(tmp_path):
    for name in ("fractured/a", "not fractured/b"):
        path = tmp_path / "set" / f"{name}.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(np.zeros((20, 40), np.uint8)).save(path)
    result = run("convert", tmp_path / "set", tmp_path / "out", "--to", "yolo")
    assert (result.exit_code, "the set has no box labels" in result.stderr) == (2, True)
    assert run("convert", tmp_path / "set", tmp_path / "out", "--to", "fxdet").exit_code == 0
    assert [sample.fractured for sample in open_samples(tmp_path / "out")] == [True, False]
