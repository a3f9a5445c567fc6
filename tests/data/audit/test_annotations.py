"""COCO, VOC and YOLO files of one set: they agree up to rounding, and each planted difference is told."""

from __future__ import annotations

import json
import re

import pytest

from fxdet.data.audit.annotations import TOLERANCE, find_disagreements, read_formats
from fxdet.data.formats import open_samples


@pytest.fixture
def three_formats(draw, write, tmp_path):
    """Write one picture, 40 × 20 px, in three formats; a box is x1, y1, x2, y2, and None writes no file."""

    def build(coco=((4, 5, 10, 12),), voc=((4, 5, 10, 12),), yolo=((4, 5, 10, 12),), voc_size=(40, 20), name="x"):
        draw("images/a.png")
        if coco is not None:
            image = {"id": 1, "file_name": "a.png", "width": 40, "height": 20}
            boxes = [{"image_id": 1, "category_id": 3, "bbox": [a, b, c - a, d - b]} for a, b, c, d in coco]
            data = {"images": [image], "annotations": boxes, "categories": [{"id": 3, "name": "x"}]}
            write("annotations/all.json", json.dumps(data))
        if voc is not None:
            objects = "".join(
                f"<object><name>{name}</name><bndbox><xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax>"
                "</bndbox></object>"
                for a, b, c, d in voc
            )
            size = f"<size><width>{voc_size[0]}</width><height>{voc_size[1]}</height></size>"
            write("voc/a.xml", f"<annotation><filename>a.png</filename>{size}{objects}</annotation>")
        if yolo is not None:
            lines = [f"0 {(a + c) / 80} {(b + d) / 40} {(c - a) / 40} {(d - b) / 20}" for a, b, c, d in yolo]
            write("labels/a.txt", "\n".join(lines))
        return open_samples(tmp_path, layout="coco" if coco is not None else "yolo")

    return build


def test_formats_that_agree(three_formats):
    samples = three_formats()
    assert list(read_formats(samples)) == ["COCO", "VOC", "YOLO"]
    assert find_disagreements(samples) == ()


def test_order_and_rounding_do_not_matter(three_formats):
    boxes = ((4, 5, 10, 12), (20, 3, 30.4, 9.3))
    assert find_disagreements(three_formats(boxes, ((20, 3, 31, 10), (4, 5, 10, 12)), boxes[::-1])) == ()


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"voc": ()}, "1 boxes in COCO, 0 in VOC"),
        ({"yolo": ((4, 5, 10, 12), (20, 3, 30, 9))}, "1 boxes in COCO, 2 in YOLO"),
        (
            {"voc": ((6, 5, 10, 12),)},
            r"box of COCO / VOC 4.0, 5.0, 10.0, 12.0 / 6.0, .*: 2.0 px apart, expected at most",
        ),
        ({"yolo": ((4, 5, 10, 15),)}, "3.0 px apart"),
        ({"voc": None}, None),
        ({"yolo": None, "name": "y"}, "class x in COCO, y in VOC"),
        ({"voc_size": (20, 40)}, "COCO states 40 × 20 px, VOC 20 × 40 px"),
        ({"coco": None, "voc": ((6, 5, 10, 12),)}, "box of VOC / YOLO"),
    ],
)
def test_difference_is_told(three_formats, options, what):
    found = find_disagreements(three_formats(**options))
    if what is None:
        assert found == ()
        return
    assert [(fault.code, fault.where.rsplit("/", 1)[1]) for fault in found] == [("formats_disagree", "a.png")]
    assert re.search(what, found[0].what)


@pytest.mark.parametrize("shift", [TOLERANCE, TOLERANCE + 0.1])
def test_tolerance_is_exact(three_formats, shift):
    found = find_disagreements(three_formats(voc=((4 + shift, 5, 10, 12),), yolo=None))
    assert len(found) == (shift > TOLERANCE)


def test_picture_that_a_format_lacks(three_formats, draw, write, tmp_path):
    three_formats()
    draw("images/b.png")
    write("labels/b.txt", "0 0.5 0.5 0.2 0.2")
    found = find_disagreements(open_samples(tmp_path, layout="yolo"))
    assert [fault.what for fault in found] == [
        "no file in COCO, 1 boxes in YOLO",
        "no file in VOC, 1 boxes in YOLO",
    ]


def test_shared_stems_are_left_alone(three_formats, draw, tmp_path):
    three_formats(voc=())
    assert len(find_disagreements(open_samples(tmp_path, layout="voc"))) == 1
    draw("more/a.png")
    assert find_disagreements(open_samples(tmp_path, layout="voc")) == ()


def test_one_format_alone_has_nothing_to_disagree_with(three_formats):
    samples = three_formats(coco=None, voc=None)
    assert read_formats(samples) == {}
    assert find_disagreements(samples) == ()


def test_broken_files_of_another_format_do_not_stop_it(three_formats, write):
    write("voc/b.xml", "<annotation")
    write("notes.json", "{")
    assert find_disagreements(three_formats()) == ()


@pytest.mark.data
def test_fracatlas_formats_agree_on_all_boxes(data_root):
    samples = open_samples(data_root / "FracAtlas")
    formats = read_formats(samples)
    counts = {name: sum(len(each.boxes) for each in by_stem.values()) for name, by_stem in formats.items()}
    assert counts == {"COCO": 922, "VOC": 922, "YOLO": 922}
    assert find_disagreements(samples) == ()
