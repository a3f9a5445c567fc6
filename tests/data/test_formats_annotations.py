"""COCO files, Pascal VOC files, and the plain CSV."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fxdet.core.errors import DataError
from fxdet.core.labels import HAND_REGIONS
from fxdet.data.formats import open_samples
from fxdet.data.formats.voc import read_voc_file

CATEGORIES = [{"id": 1, "name": "wrist fracture"}, {"id": 7, "name": "metal"}]


def coco(images, annotations):
    return json.dumps({"images": images, "annotations": annotations, "categories": CATEGORIES})


def image(index, name, width=40, height=20):
    return {"id": index, "file_name": name, "width": width, "height": height}


def test_coco_file(draw, write, tmp_path):
    draw("a.png")
    draw("images/b.png")
    annotations = [
        {"image_id": 5, "category_id": 1, "bbox": [1, 2, 3, 4], "segmentation": [[1, 2, 4, 2, 4, 6]]},
        {"image_id": 5, "category_id": 7, "segmentation": [[1, 2, 4, 2, 4, 6]]},
        {"image_id": 5, "category_id": 7, "bbox": [1, 2, 3, 4], "segmentation": {"counts": "x", "size": [20, 40]}},
    ]
    path = write("x.json", coco([image(5, "a.png"), image(6, "b.png"), image(8, "gone.png")], annotations))
    samples = open_samples(path)
    first, second = samples
    assert [(b.xyxy, b.label, b.kind) for b in first.boxes] == [
        ((1, 2, 4, 6), "wrist fracture", "fracture"),
        ((1, 2, 4, 6), "metal", "other"),
        ((1, 2, 4, 6), "metal", "other"),
    ]
    assert first.boxes[0].polygon == ((1, 2), (4, 2), (4, 6))
    assert first.boxes[2].polygon is None
    assert (first.fractured, first.regions, first.image_size) == (True, {"wrist"}, (20, 40))
    assert (second.name, second.fractured, second.boxes) == ("images/b.png", False, ())
    assert [p.what for p in samples.problems] == ["gone.png does not exist"]


@pytest.mark.parametrize("style", ["train/_annotations.coco.json", "annotations/instances_train2017.json"])
def test_coco_parts(draw, write, tmp_path, style):
    draw("train/a.png")
    write(style, coco([image(0, "a.png")], []))
    samples = open_samples(tmp_path)
    assert (samples.layout, samples.samples[0].part) == ("coco", "train")


@pytest.mark.parametrize(
    ("annotation", "what"),
    [
        ({"image_id": 9, "category_id": 1, "bbox": [1, 2, 3, 4]}, "image_id 9 is not in"),
        ({"image_id": [5], "category_id": 1, "bbox": [1, 2, 3, 4]}, "unhashable"),
        ({"image_id": 5, "category_id": 3, "bbox": [1, 2, 3, 4]}, "category_id 3 is unknown"),
        ({"image_id": 5, "category_id": 1, "bbox": [1, 2, 0, 4]}, "above 0"),
        ({"image_id": 5, "category_id": 1, "bbox": [1, 2, 3]}, "not enough values"),
        ({"image_id": 5, "category_id": 1, "bbox": [1, 2, "x", 3]}, "could not convert"),
        ({"image_id": 5, "category_id": 1, "bbox": 4}, "not iterable"),
        ({"image_id": 5, "category_id": 1}, "neither"),
        ({"image_id": 5, "bbox": [1, 2, 3, 4]}, "field 'category_id' is missing"),
        (3, "not subscriptable"),
    ],
)
def test_wrong_coco_annotation_is_a_problem(draw, write, tmp_path, annotation, what):
    draw("a.png")
    good = {"image_id": 5, "category_id": 1, "bbox": [1, 2, 3, 4]}
    samples = open_samples(write("x.json", coco([image(5, "a.png")], [annotation, good])))
    assert len(samples.samples[0].boxes) == 1
    assert samples.problems[0].where.endswith("annotations[0]")
    assert what in samples.problems[0].what


def test_boxes_over_the_border_are_cut_and_told(draw, write):
    draw("a.png")
    boxes = [[-1, 0, 5, 5], [30, 10, 30, 5], [50, 10, 5, 5]]
    annotations = [{"image_id": 5, "category_id": 1, "bbox": box} for box in boxes]
    samples = open_samples(write("x.json", coco([image(5, "a.png")], annotations)))
    assert [box.xyxy for box in samples.samples[0].boxes] == [(0, 0, 4, 5), (30, 10, 40, 15)]
    assert [p.what.split("; ")[-1] for p in samples.problems] == [
        "it is cut",
        "it is left out",
    ]


def test_coco_size_that_is_not_the_files(draw, write):
    draw("a.png")
    annotations = [{"image_id": 5, "category_id": 1, "bbox": [1, 2, 3, 4]}]
    samples = open_samples(write("x.json", coco([image(5, "a.png", width=20, height=40)], annotations)))
    assert samples.samples[0].boxes is None
    assert "its boxes are left out" in samples.problems[0].what


@pytest.mark.parametrize("text", ["{", "[]", '{"images": 4, "categories": []}', '{"images": [], "categories": []}'])
def test_no_coco_file(write, text):
    with pytest.raises(DataError):
        open_samples(write("x.json", text), layout="coco")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(
    images=JSON | st.lists(st.fixed_dictionaries({"id": JSON, "file_name": st.just("a.png"), "width": JSON})),
    annotations=JSON | st.lists(st.fixed_dictionaries({"image_id": JSON, "category_id": JSON, "bbox": JSON})),
    categories=JSON | st.lists(st.fixed_dictionaries({"id": JSON, "name": JSON})),
)
def test_any_json_is_read_or_refused(draw, write, images, annotations, categories):
    draw("a.png")
    path = write("x.json", json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    try:
        samples = open_samples(path, layout="coco")
    except DataError:
        return
    assert [sample.path.name for sample in samples] == ["a.png"]


def voc(*objects, width=40, height=20, name="a.png"):
    nodes = "".join(
        f"<object><name>{label}</name><bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax>"
        "</bndbox></object>"
        for label, x1, y1, x2, y2 in objects
    )
    size = f"<size><width>{width}</width><height>{height}</height></size>"
    return f"<annotation><filename>{name}</filename>{size}{nodes}</annotation>"


def test_voc_devkit_and_roboflow(draw, write, tmp_path):
    draw("devkit/JPEGImages/a.png")
    draw("devkit/JPEGImages/b.png")
    write("devkit/Annotations/a.xml", voc(("elbow fracture", 1, 2, 3, 4)))
    write("devkit/ImageSets/Main/val.txt", "a\n")
    first, second = open_samples(tmp_path / "devkit")
    assert (first.part, first.fractured, first.regions, first.boxes[0].xyxy) == ("val", True, {"elbow"}, (1, 2, 3, 4))
    assert (second.part, second.fractured, second.boxes) == (None, None, None)
    for part in ("train", "valid"):
        draw(f"roboflow/{part}/a.png")
        write(f"roboflow/{part}/a.xml", voc() if part == "valid" else voc(("metal", 1, 2, 3, 4)))
    samples = open_samples(tmp_path / "roboflow")
    assert (samples.layout, [(s.part, len(s.boxes)) for s in samples]) == ("voc", [("train", 1), ("val", 0)])


def test_wrong_voc_files_are_problems(draw, write, tmp_path):
    for name in ("a", "b", "c", "d"):
        draw(f"{name}.png")
    write("a.xml", voc(("x", 1, 2, 1, 4), ("", 1, 2, 3, 4), ("y", 1, "?", 3, 4), ("z", 1, 2, 3, 4)))
    write("b.xml", "<annotation")
    write("c.xml", voc(("x", 1, 2, 3, 4), width=20, height=40))
    write("lonely.xml", voc())
    samples = open_samples(tmp_path)
    assert [len(s.boxes) if s.boxes is not None else None for s in samples] == [1, None, None, None]
    assert len(samples.problems) == 6


def test_voc_entities_are_refused(write):
    bomb = '<!DOCTYPE a [<!ENTITY b "cc"><!ENTITY d "&b;&b;">]><annotation>&d;</annotation>'
    with pytest.raises(DataError, match="declares entities"):
        read_voc_file(write("a.xml", bomb))


def test_table(draw, write, tmp_path):
    draw("p/a.png")
    draw("b.png")
    rows = [
        "path,fractured,region,part,group,x1,y1,x2,y2,label,age",
        "p/a.png,1,wrist|forearm,train,patient 1,1,2,3,4,fracture,9",
        "p/a.png,1,wrist|forearm,train,patient 1,5,6,9,9,cast,9",
        "b.png,no,hand,valid,,,,,,,",
        "c.png,,,,,,,,,,",
    ]
    samples = open_samples(write("set.csv", "\n".join(rows)))
    first, second, third = samples
    assert samples.layout == "table"
    assert [(b.xyxy, b.kind) for b in first.boxes] == [((1, 2, 3, 4), "fracture"), ((5, 6, 9, 9), "other")]
    assert (first.fractured, first.regions, first.part) == (True, {"wrist", "forearm"}, "train")
    assert (first.group, first.attributes, first.path) == ("patient 1", {"age": "9"}, tmp_path / "p/a.png")
    assert (second.fractured, second.regions, second.part, second.boxes) == (False, HAND_REGIONS, "val", ())
    assert second.group == "b.png"
    assert (third.fractured, third.regions, third.part) == (None, frozenset(), None)
    assert [p.what for p in samples.problems] == ["c.png does not exist"]


def test_table_without_box_columns_knows_no_boxes(draw, write):
    draw("a.png")
    assert open_samples(write("set.csv", "path\na.png\n")).samples[0].boxes is None


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("a.png,maybe,wrist,1,2,3,4", "fractured: got 'maybe'"),
        ("a.png,1,wirst,1,2,3,4", "did you mean 'wrist'"),
        ("a.png,1,wrist,1,2,,4", "expected four numbers"),
        ("a.png,1,wrist,3,2,1,4", "expected 0 <= x1 < x2"),
        ("a.png,1,wrist,1,2,nan,4", "expected 0 <= x1 < x2"),
        ("a.png,0,wrist,1,2,3,4", "line 2 is taken"),
        (",1,wrist,1,2,3,4", "path is empty"),
    ],
)
def test_wrong_row_is_a_problem(draw, write, row, what):
    draw("a.png")
    first = "" if "line 2" not in what else "a.png,1,wrist,1,2,3,4\n"
    samples_file = write("set.csv", f"path,fractured,region,x1,y1,x2,y2\n{first}{row}\nb.png,,,,,,\n")
    problems = [p for p in open_samples(samples_file).problems if "exist" not in p.what]
    assert [p.where.rsplit(":", 1)[1] for p in problems] == ["3" if first else "2"]
    assert what in problems[0].what


@pytest.mark.parametrize("text", ["", "path\n", "pth,part\na,train\n", "\x00"])
def test_no_table(write, text):
    with pytest.raises(DataError):
        open_samples(write("set.csv", text))
