"""Conversions: what is written comes back, whatever the format; nothing is half-written or overwritten."""

from __future__ import annotations

import csv
import json
import math
import os
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fxdet.core.errors import ConfigError, DataError, OutputError
from fxdet.data.compact import CompactOptions
from fxdet.data.convert import ConvertOptions, convert
from fxdet.data.formats import open_samples
from fxdet.data.samples import BoxLabel, Sample, SampleSet
from fxdet.data.writers import TARGETS

WITH_OUTLINES = ("coco", "yolo", "fxdet")
WIDTH, HEIGHT = 317, 203
TRIANGLE = ((40.0, 20.0), (90.5, 25.0), (60.0, 80.25))


def picture(path: Path, width: int = WIDTH, height: int = HEIGHT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((height, width), np.uint8)).save(path)
    return path


@pytest.fixture
def source(tmp_path):
    """Five pictures in all parts and states: boxes, outline, no boxes, no box labels; odd and equal names."""
    root = tmp_path / "set"
    fracture = BoxLabel((10.25, 20.5, 60.125, 90.0), "wrist fracture")
    outlined = BoxLabel((40.0, 20.0, 90.5, 80.25), "wrist fracture", "fracture", TRIANGLE)
    screw = BoxLabel((0.0, 0.0, 317.0, 203.0), "screw", "other")
    wrist, leg = frozenset({"wrist"}), frozenset({"leg"})
    rows = (
        ("train/a.png", "train", True, wrist, (fracture, screw)),
        ("train/sub dir/a.png", "train", True, wrist, (outlined,)),
        ("val/Übung 1.png", "val", False, leg, ()),
        ("test/a.jpg", "test", None, frozenset(), None),
        ("other/b.png", None, True, wrist, (fracture,)),
    )
    samples = tuple(
        Sample(
            picture(root / name), name, part, None, state, regions, boxes, group=f"p{index}", attributes={"view": "ap"}
        )
        for index, (name, part, state, regions, boxes) in enumerate(rows)
    )
    return SampleSet("a set", "table", root, samples)


def assert_same_boxes(got, expected, target, tolerance=1e-5):
    assert (got is None) == (expected is None)
    key = lambda box: (box.label, box.xyxy)  # noqa: E731
    for a, b in zip(sorted(got or (), key=key), sorted(expected or (), key=key), strict=True):
        assert (a.label, a.kind) == (b.label, b.kind)
        assert a.xyxy == pytest.approx(b.xyxy, abs=tolerance)
        if target in WITH_OUTLINES and b.polygon:
            assert np.array(a.polygon) == pytest.approx(np.array(b.polygon), abs=tolerance)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("images", ["copy", "link"])
def test_round_trip(source, tmp_path, target, images):
    result = convert(source, tmp_path / "out", ConvertOptions(target, images))
    assert (result.pictures, result.boxes, result.failures) == (5, 4, ())
    back = open_samples(tmp_path / "out")
    assert back.problems == ()
    assert [sample.part for sample in back].count("train") == 2
    assert sorted(back.counts().items()) == [("-", 1), ("test", 1), ("train", 2), ("val", 1)]
    assert sorted(s.path.read_bytes() for s in back) == sorted(s.path.read_bytes() for s in source)
    expected = {(s.part, s.image_size, len(s.boxes or ())): s for s in source}
    for sample in back:
        original = expected[sample.part, None, len(sample.boxes or ())]
        assert_same_boxes(sample.boxes, original.boxes, target)
        if original.fractured is not None:
            assert sample.fractured is original.fractured
        if target in ("csv", "fxdet"):
            assert (sample.regions, sample.group) == (original.regions, original.group)
            assert sample.attributes == {"view": "ap"}


@pytest.mark.parametrize("first", TARGETS)
@pytest.mark.parametrize("second", TARGETS)
def test_chains(source, tmp_path, first, second):
    """From any format into any other: boxes, classes and parts stay what they were."""
    convert(source, tmp_path / "one", ConvertOptions(first, "link"))
    convert(open_samples(tmp_path / "one"), tmp_path / "two", ConvertOptions(second, "link"))
    one, two = open_samples(tmp_path / "one"), open_samples(tmp_path / "two")
    assert one.counts() == two.counts()
    kept = {(s.part, len(s.boxes or ())): s for s in two}
    for sample in one:
        outlines = "coco" if first in WITH_OUTLINES and second in WITH_OUTLINES else ""
        assert_same_boxes(kept[sample.part, len(sample.boxes or ())].boxes, sample.boxes, outlines)


SIDE = st.floats(0.01, 1)
EDGE = st.floats(0, 1, width=32)
LABEL = st.sampled_from(["fracture", "screw & <nut>", "größe 3", "no"])


@st.composite
def box_labels(draw, size):
    height, width = size
    x1, y1 = draw(EDGE) * width * 0.98, draw(EDGE) * height * 0.98
    x2, y2 = x1 + max(0.01, draw(SIDE) * (width - x1)), y1 + max(0.01, draw(SIDE) * (height - y1))
    corners = ((x1, y1), (x2, y1), (x2, y2), (x1, y2))
    tip = (x1 + (x2 - x1) * draw(EDGE), y1 + (y2 - y1) * draw(EDGE))
    outline = draw(st.none() | st.just((*corners, tip)))
    label = draw(LABEL)
    return BoxLabel(
        (x1, y1, min(x2, width), min(y2, height)), label, "fracture" if label == "fracture" else "other", outline
    )


@st.composite
def boxed(draw):
    size = draw(st.integers(2, 3000)), draw(st.integers(2, 3000))
    return size, tuple(draw(st.lists(box_labels(size), min_size=1, max_size=4, unique_by=lambda box: box.xyxy)))


@settings(max_examples=30, deadline=None)
@given(boxed(), st.sampled_from(sorted(TARGETS)))
def test_wild_boxes_come_back(case, target):
    (height, width), boxes = case
    with TemporaryDirectory() as name:
        root = Path(name)
        path = picture(root / "set/a.png", width, height)
        samples = SampleSet("s", "table", root / "set", (Sample(path, "a.png", "train", boxes=boxes),))
        convert(samples, root / "out", ConvertOptions(target))
        (back,) = open_samples(root / "out")
        assert_same_boxes(back.boxes, boxes, target)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("encoding", "mode"), [("webp", ("WEBP", "RGB")), ("jpg", ("JPEG", "L"))])
def test_compact_copy(source, tmp_path, target, encoding, mode):
    options = ConvertOptions(target, compact=CompactOptions(max_side=100, grey=True, encoding=encoding))
    convert(source, tmp_path / "out", options)
    back = open_samples(tmp_path / "out")
    assert back.problems == ()
    x, y = 100 / WIDTH, 64 / HEIGHT
    for sample in back:
        with Image.open(sample.path) as image:
            assert (image.format, image.mode, image.size) == (*mode, (100, 64))
    (outlined,) = next(s.boxes for s in back if s.part == "train" and len(s.boxes) == 1)
    assert outlined.xyxy == pytest.approx((40.0 * x, 20.0 * y, 90.5 * x, 80.25 * y), abs=1e-5)
    if target in WITH_OUTLINES:
        assert outlined.polygon[2] == pytest.approx((60.0 * x, 80.25 * y), abs=1e-5)


@pytest.mark.parametrize("target", ["coco", "csv", "fxdet"])
def test_pictures_may_stay_where_they_are(source, tmp_path, target):
    convert(source, tmp_path / "out", ConvertOptions(target, "none"))
    back = open_samples(tmp_path / "out")
    assert {sample.path.resolve() for sample in back} == {sample.path.resolve() for sample in source}
    assert not list((tmp_path / "out").rglob("*.png"))


def test_label_files_alone(source, tmp_path):
    result = convert(source, tmp_path / "out", ConvertOptions("yolo", "none"))
    assert "lay the pictures beside them" in " ".join(result.notes)
    assert len(list((tmp_path / "out/labels").rglob("*.txt"))) == 4


def test_what_a_format_cannot_hold_is_told_once(source, tmp_path):
    notes = {t: convert(source, tmp_path / t, ConvertOptions(t)).notes for t in TARGETS}
    assert notes["fxdet"] == ()
    assert notes["csv"][0] == "outlines (1) have no place in CSV; their boxes are kept"
    assert any("regions, groups, attributes have no place in COCO" in note for note in notes["coco"])
    assert any("pictures without box labels (1) have no label file" in note for note in notes["yolo"])
    assert sum("outlines" in note for note in notes["voc"]) == 1


def test_links_share_the_bytes_and_fall_back_to_symbolic_ones(source, tmp_path, monkeypatch):
    convert(source, tmp_path / "hard", ConvertOptions("fxdet", "link"))
    assert all(a.path.samefile(b.path) for a, b in zip(source, open_samples(tmp_path / "hard"), strict=True))
    assert not any(sample.path.is_symlink() for sample in open_samples(tmp_path / "hard"))

    def other_disk(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", other_disk)
    convert(source, tmp_path / "soft", ConvertOptions("fxdet", "link"))
    assert all(sample.path.is_symlink() and sample.path.is_file() for sample in open_samples(tmp_path / "soft"))


def test_a_set_can_be_moved(source, tmp_path):
    convert(source, tmp_path / "out", ConvertOptions("fxdet"))
    (tmp_path / "out").rename(tmp_path / "elsewhere")
    assert all(sample.path.is_file() for sample in open_samples(tmp_path / "elsewhere"))


def test_class_map(source, tmp_path):
    convert(source, tmp_path / "out", ConvertOptions("yolo", classes={"wrist fracture": "break", "screw": None}))
    back = open_samples(tmp_path / "out")
    labels = {(box.label, box.kind) for sample in back for box in sample.boxes or ()}
    # "break" says nothing by its words: the file beside the set keeps the kind and the region.
    assert labels == {("break", "fracture")}
    assert {sample.regions for sample in back if sample.boxes} == {frozenset({"wrist"})}


def test_order_of_classes_is_kept(source, tmp_path):
    ordered = replace(source, classes=("wrist fracture", "never used", "screw"))
    convert(ordered, tmp_path / "out", ConvertOptions("yolo", classes={"screw": "metal"}))
    assert open_samples(tmp_path / "out").classes == ("wrist fracture", "never used", "metal")


def test_unreadable_pictures_are_left_out_and_listed(source, tmp_path):
    source.samples[0].path.write_text("no picture")
    source.samples[2].path.unlink()
    result = convert(source, tmp_path / "out", ConvertOptions("coco"))
    assert (result.pictures, len(result.failures)) == (3, 2)
    with open(tmp_path / "out/failures.csv", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["source"] for row in rows] == [str(source.samples[0].path), str(source.samples[2].path)]
    assert "no such file" in rows[1]["reason"]
    assert len(open_samples(tmp_path / "out")) == 3


def test_nothing_readable(source, tmp_path):
    for sample in source:
        sample.path.write_text("no picture")
    with pytest.raises(DataError, match="none of the 5 pictures"):
        convert(source, tmp_path / "out", ConvertOptions("coco"))


class Stopped(Exception):
    pass


def stop_after(count):
    def track(moves):
        for index, move in enumerate(moves):
            if index == count:
                raise Stopped
            yield move

    return track


@pytest.mark.parametrize("compact", [None, CompactOptions(max_side=50, grey=True)])
def test_an_interrupted_run_is_taken_up(source, tmp_path, compact):
    out, options = tmp_path / "out", ConvertOptions("yolo", compact=compact)
    with pytest.raises(Stopped):
        convert(source, out, options, stop_after(3))
    assert [entry.name for entry in out.iterdir()] == [".fxdet-unfinished"]
    result = convert(source, out, options)
    assert (result.pictures, result.resumed) == (5, 3)
    assert not (out / ".fxdet-unfinished").exists()
    fresh = convert(source, tmp_path / "fresh", options)
    assert fresh.picture_bytes == result.picture_bytes
    assert [s.boxes for s in open_samples(out)] == [s.boxes for s in open_samples(tmp_path / "fresh")]


def test_other_options_start_anew(source, tmp_path):
    with pytest.raises(Stopped):
        convert(source, tmp_path / "out", ConvertOptions("yolo"), stop_after(3))
    options = ConvertOptions("yolo", compact=CompactOptions(max_side=50, grey=True))
    assert convert(source, tmp_path / "out", options).resumed == 0
    assert not list((tmp_path / "out").rglob("*.png"))


def test_a_folder_in_use_is_refused(source, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("kept")
    with pytest.raises(OutputError, match=r"it holds 1 entries, as mine.txt, .* pass --overwrite"):
        convert(source, out, ConvertOptions("coco"))
    convert(source, out, ConvertOptions("coco", overwrite=True))
    convert(source, out, ConvertOptions("yolo", overwrite=True))
    assert {entry.name for entry in out.iterdir()} == {
        *("mine.txt", "conversion.json", "data.yaml", "images", "labels", "meanings.yaml")
    }
    assert open_samples(out).layout == "yolo"
    assert (out / "mine.txt").read_text() == "kept"


def test_a_record_cannot_name_what_lies_elsewhere(source, tmp_path):
    out = tmp_path / "out"
    convert(source, out, ConvertOptions("csv"))
    (tmp_path / "precious").mkdir()
    record = json.loads((out / "conversion.json").read_text())
    (out / "conversion.json").write_text(json.dumps({**record, "entries": ["../precious", "..", "", 3, "images"]}))
    convert(source, out, ConvertOptions("csv", overwrite=True))
    assert (tmp_path / "precious").is_dir()


@pytest.mark.parametrize("place", ["set", "set/new", "set/train/x", ".", ""])
def test_destination_and_set_must_not_overlap(source, tmp_path, place):
    with pytest.raises(OutputError, match="choose another folder"):
        convert(source, tmp_path / place, ConvertOptions("coco", overwrite=True))
    assert all(sample.path.is_file() for sample in source)


def test_destination_must_not_hold_pictures_of_a_listed_set(source, tmp_path):
    convert(source, tmp_path / "out", ConvertOptions("csv", "none"))
    listed = open_samples(tmp_path / "out/samples.csv")
    with pytest.raises(OutputError, match=r"lies inside the set|holds"):
        convert(listed, tmp_path / "set", ConvertOptions("coco", overwrite=True))


def test_destination_is_a_file(source, tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputError, match="it is a file"):
        convert(source, tmp_path / "out", ConvertOptions("coco"))


def test_unknown_format(source, tmp_path):
    with pytest.raises(ConfigError, match="format 'coc0' is unknown – did you mean 'coco'"):
        convert(source, tmp_path / "out", ConvertOptions("coc0"))


@pytest.mark.parametrize("target", ["coco", "yolo", "voc"])
def test_a_set_without_box_labels(source, tmp_path, target):
    bare = replace(source, samples=tuple(replace(sample, boxes=None) for sample in source))
    with pytest.raises(DataError, match="the set has no box labels – write --to fxdet or --to csv"):
        convert(bare, tmp_path / "out", ConvertOptions(target))
    assert not (tmp_path / "out").exists()
    convert(bare, tmp_path / "csv", ConvertOptions("csv"))
    assert {sample.boxes for sample in open_samples(tmp_path / "csv")} == {None}


@pytest.mark.parametrize("edge", [math.nan, math.inf, -math.inf])
def test_boxes_that_are_not_finite(source, tmp_path, edge):
    first = replace(source.samples[0], boxes=(BoxLabel((1.0, 2.0, edge, 4.0), "x"),))
    with pytest.raises(DataError, match=r"a.png: box 1 \(x\): got 1, 2, .*, expected finite numbers"):
        convert(replace(source, samples=(first,)), tmp_path / "out", ConvertOptions("csv"))


def test_boxes_outside_are_left_out_and_counted(source, tmp_path):
    boxes = (
        BoxLabel((400, 1, 500, 9), "fracture"),
        BoxLabel((5, 5, 5, 9), "fracture"),
        BoxLabel((-9, -9, 20, 20), "fracture"),
    )
    first = replace(source.samples[0], boxes=boxes)
    result = convert(replace(source, samples=(first,)), tmp_path / "out", ConvertOptions("voc"))
    assert any(note.startswith("boxes outside their picture or without area (2)") for note in result.notes)
    assert [box.xyxy for box in open_samples(tmp_path / "out").samples[0].boxes] == [(0, 0, 20, 20)]


def test_an_annotation_of_another_size_is_no_silent_shift(source, tmp_path):
    first = replace(source.samples[0], image_size=(WIDTH, HEIGHT))
    result = convert(replace(source, samples=(first, *source.samples[1:])), tmp_path / "out", ConvertOptions("coco"))
    assert [reason for _, reason in result.failures if "annotated as 203 × 317 px" in reason]


@pytest.mark.parametrize("name", ["", " a", "a\nb", "\x00"])
def test_class_names_that_no_file_can_hold(source, tmp_path, name):
    first = replace(source.samples[0], boxes=(BoxLabel((1, 2, 3, 4), name),))
    with pytest.raises(DataError, match="can't be written – rename it by --map"):
        convert(replace(source, samples=(first,)), tmp_path / "out", ConvertOptions("csv"))


def test_empty_set(source, tmp_path):
    with pytest.raises(DataError, match="holds no pictures"):
        convert(replace(source, samples=()), tmp_path / "out", ConvertOptions("csv"))


def test_linked_pictures_are_not_drawn_anew():
    with pytest.raises(ConfigError, match="got 'link', expected 'copy'"):
        ConvertOptions("csv", "link", CompactOptions())


def test_a_file_without_ending_gets_the_one_of_its_content(source, tmp_path):
    odd = source.samples[0].path.rename(source.root / "nameless")
    samples = replace(source, samples=(replace(source.samples[0], path=odd, name="nameless"),))
    convert(samples, tmp_path / "out", ConvertOptions("yolo"))
    assert [s.path.name for s in open_samples(tmp_path / "out")] == ["nameless.png"]
