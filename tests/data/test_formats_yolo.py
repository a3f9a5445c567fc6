"""YOLO exports in the styles that Roboflow, Ultralytics and LabelImg write."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxdet.core.errors import DataError
from fxdet.data.formats import open_samples
from fxdet.data.formats.meanings import class_meanings
from fxdet.data.formats.yolo_labels import parse_labels
from fxdet.data.samples import BoxLabel, Problem

NAMES = "names: ['wrist positive', screw]\n"


def lines(text, names=("fracture", "screw"), size=(20, 40)):
    return parse_labels("a.txt", text, size, names, class_meanings(names))


@pytest.mark.parametrize(
    ("text", "xyxy", "kind"),
    [
        ("0 0.5 0.5 0.5 0.5", (10, 5, 30, 15), "fracture"),
        ("1 0.25 0.25 0.5 0.5\n\n", (0, 0, 20, 10), "other"),
        ("0 0.1 0.2 0.5 0.4 0.3 0.8", (4, 4, 20, 16), "fracture"),
        ("0.0 0.25 0.5 0.505 1", (0, 0, 20.1, 20), "fracture"),  # a rounding error outside is cut
    ],
)
def test_good_line(text, xyxy, kind):
    boxes, problems = lines(text)
    assert problems == []
    assert boxes[0].xyxy == pytest.approx(xyxy)
    assert boxes[0].kind == kind


def test_polygon_is_kept_in_pixels():
    boxes, _ = lines("0 0.1 0.2 0.5 0.4 0.3 0.8")
    assert np.array(boxes[0].polygon) == pytest.approx(np.array([(4, 4), (20, 8), (12, 16)]))
    assert lines("0 0.5 0.5 0.5 0.5")[0][0].polygon is None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("2 0.5 0.5 0.5 0.5", "class id '2' is unknown, expected 0–1"),
        ("-1 0.5 0.5 0.5 0.5", "class id '-1' is unknown"),
        ("0.5 0.5 0.5 0.5 0.5", "class id '0.5' is unknown"),
        ("0 nan 0.5 0.5 0.5", "got 'nan', expected a finite number"),
        ("0 x 0.5 0.5 0.5", "got 'x', expected a number"),
        ("0 0.5 0.5 0.5", "got 4 columns, expected 5"),
        ("0 0.5 0.5 0.5 0.5 0.9", "got 6 columns, expected 5"),
        ("0 0.5 0.5 0.5 0.5 0.5 0.5 0.5", "got 8 columns"),
        ("0 0.5 0.5 -0.5 0.5", "expected both above 0"),
        ("0 0.5 0.5 0.5 0", "expected both above 0"),
        ("0 -0.5 0.5 0.5 0.5", "coordinate -0.75 lies outside"),
        ("0 0.1 0.1 0.5 0.1 0.9 0.1", "has no area"),
        ("0 0.1 0.1 0.5 1.5 0.9 0.1", "coordinate 1.5 lies outside"),
    ],
)
def test_bad_line_is_a_problem_and_reading_goes_on(text, what):
    boxes, problems = lines(f"0 0.5 0.5 0.5 0.5\n{text}\n1 0.5 0.5 0.5 0.5")
    assert len(boxes) == 2
    assert [problem.where for problem in problems] == ["a.txt:2"]
    assert what in problems[0].what


def test_repeated_line_is_left_out():
    boxes, problems = lines("0 0.5 0.5 0.5 0.5\n0 0.5 0.5 0.5 0.5")
    assert len(boxes) == 1
    assert "repeats" in problems[0].what


@given(st.one_of(st.text(), st.lists(st.floats(-2, 2) | st.integers(-2, 3) | st.just(math.nan)).map(
    lambda row: " ".join(map(str, row)))))  # fmt: skip
def test_any_line_is_a_box_inside_the_picture_or_a_problem(text):
    boxes, problems = lines(text)
    content = [line for line in text.splitlines() if line.strip()]
    assert len(boxes) + len(problems) == len(content)
    assert all(isinstance(problem, Problem) and problem.what for problem in problems)
    for box in boxes:
        assert isinstance(box, BoxLabel)
        x1, y1, x2, y2 = box.xyxy
        assert 0 <= x1 < x2 <= 40
        assert 0 <= y1 < y2 <= 20


@given(st.integers(1, 4000), st.integers(1, 4000), st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_line_of_a_box_gives_that_box(width, height, shares):
    x1, x2 = sorted(shares[:2])
    y1, y2 = sorted(shares[2:])
    if x2 - x1 < 1e-6 or y2 - y1 < 1e-6:
        return
    boxes, _ = lines(f"0 {(x1 + x2) / 2!r} {(y1 + y2) / 2!r} {x2 - x1!r} {y2 - y1!r}", size=(height, width))
    assert boxes[0].xyxy == pytest.approx((x1 * width, y1 * height, x2 * width, y2 * height), abs=1e-6)


@pytest.mark.parametrize("names", ["['wrist positive', screw]", "{0: wrist positive, 1: screw}"])
def test_unlabelled_empty_and_labelled(draw, write, tmp_path, names):
    for stem in ("labelled", "empty", "unlabelled"):
        draw(f"train/images/{stem}.png")
    write("train/labels/labelled.txt", "0 0.5 0.5 0.5 0.5\n1 0.5 0.5 0.1 0.1")
    write("train/labels/empty.txt")
    write("data.yaml", f"train: train/images\nnames: {names}\n")
    samples = {sample.path.stem: sample for sample in open_samples(tmp_path)}
    assert samples["unlabelled"].boxes is None
    assert samples["unlabelled"].fractured is None
    assert samples["empty"].boxes == ()
    assert samples["empty"].fractured is False
    labelled = samples["labelled"]
    assert [(box.label, box.kind) for box in labelled.boxes] == [("wrist positive", "fracture"), ("screw", "other")]
    assert (labelled.fractured, labelled.regions) == (True, {"wrist"})
    assert (labelled.name, labelled.part, labelled.image_size) == ("train/images/labelled.png", "train", (20, 40))
    assert labelled.label == "wrist positive+screw"


@pytest.mark.parametrize(
    ("train", "val"),
    [
        ("train: ../train/images", "val: ../valid/images"),
        ("train: train/images", "val: valid/images"),
        ("path: .\ntrain: train/images", "val: valid/images"),
        ("path: ../datasets/gone\ntrain: train/images", "val: valid/images"),
        ("path: /content/gone\ntrain: /content/train/images", "valid: ../valid/images"),
        ("train: [train/images]", "val: [valid/images]"),
        ("train: train", "val: valid"),
    ],
)
def test_paths_of_data_yaml(draw, write, tmp_path, train, val):
    draw("set/train/images/a.png")
    draw("set/valid/images/b.png")
    write("set/valid/labels/b.txt", "0 0.5 0.5 0.5 0.5")
    write("set/data.yaml", f"{train}\n{val}\n{NAMES}")
    samples = open_samples(tmp_path / "set")
    assert [(s.path.name, s.part) for s in samples] == [("a.png", "train"), ("b.png", "val")]
    assert len(samples.samples[1].fracture_boxes) == 1
    assert samples.problems == ()


def test_list_file_and_missing_part(draw, write, tmp_path):
    draw("images/a.png")
    write("train.txt", "./images/a.png\nimages/gone.png\n")
    write("data.yaml", f"train: train.txt\ntest: nowhere\n{NAMES}")
    samples = open_samples(tmp_path / "data.yaml")
    assert [s.path.name for s in samples] == ["a.png"]
    assert [(p.where.rsplit("/", 1)[1], "does not exist" in p.what) for p in samples.problems] == [
        ("data.yaml: test", True),
        ("train.txt:2", True),
    ]


def test_folders_without_yaml(draw, write, tmp_path):
    draw("images/train/a.png")
    draw("images/val/b.png")
    write("labels/train/a.txt", "3 0.5 0.5 0.5 0.5")
    samples = open_samples(tmp_path)
    assert samples.layout == "yolo"
    assert [(s.part, s.label, s.fractured) for s in samples] == [("train", "3", None), ("val", None, None)]
    write("classes.txt", "a\nb\nc\nulna fracture\n")
    assert open_samples(tmp_path).samples[0].fractured is True


def test_bonefracture_humerus_is_a_fracture_class(draw, write, tmp_path):
    names = ["elbow positive", "fingers positive", "forearm fracture", "humerus fracture", "humerus"]
    names += ["shoulder fracture", "wrist positive"]
    draw("train/images/a.png")
    write("train/labels/a.txt", "4 0.5 0.5 0.5 0.5")
    write("data.yaml", f"train: train/images\nnames: {names}\n")
    sample = open_samples(tmp_path).samples[0]
    assert (sample.fractured, sample.regions, sample.boxes[0].kind) == (True, {"humerus"}, "fracture")
    # In another set a box named humerus is the bone.
    write("data.yaml", f"train: train/images\nnames: {[*names, 'plate']}\n")
    sample = open_samples(tmp_path).samples[0]
    assert (sample.fractured, sample.regions, sample.boxes[0].kind) == (False, {"humerus"}, "region")


def test_all_lines_bad_leaves_the_picture_unlabelled(draw, write, tmp_path):
    draw("train/images/a.png")
    write("train/labels/a.txt", "9 0.5 0.5 0.5 0.5")
    write("data.yaml", f"train: train/images\n{NAMES}")
    samples = open_samples(tmp_path)
    assert samples.samples[0].boxes is None
    assert samples.problems[0].where.endswith("labels/a.txt:1")


def test_unreadable_picture_and_binary_label_are_problems(draw, write, tmp_path):
    write("train/images/text.jpg", "no picture")
    draw("train/images/a.png")
    (tmp_path / "train/labels").mkdir()
    (tmp_path / "train/labels/a.txt").write_bytes(b"\xff\xfe\x00")
    write("data.yaml", f"train: train/images\n{NAMES}")
    samples = open_samples(tmp_path)
    assert [sample.boxes for sample in samples] == [None, None]
    assert len(samples.problems) == 2


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("names: 5\ntrain: a", "names: got 5"),
        ("names: {a: b}\ntrain: a", "expected class ids"),
        ("train: a", "expected a mapping with `names`"),
        ("[1", "expected YAML"),
    ],
)
def test_wrong_yaml(write, tmp_path, text, what):
    write("data.yaml", text)
    with pytest.raises(DataError, match=what):
        open_samples(tmp_path)
