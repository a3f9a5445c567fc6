"""Each reader on sets with one thing wrong: the place, what came, what was expected – and the reading goes on."""

from __future__ import annotations

import json

import pytest

from fxdet.core.errors import DataError
from fxdet.data.formats import open_samples
from fxdet.data.manifest import read_manifest, write_manifest
from fxdet.data.samples import BoxLabel, Problem, Sample, SampleSet

YAML = "train: train/images\nval: valid/images\nnames: [fracture, metal]\n"


def told(samples):
    """Return code and place (from the last slash on) of each problem."""
    return [(problem.code, problem.where.rsplit("/", 1)[-1]) for problem in samples.problems]


@pytest.fixture
def yolo(draw, write, tmp_path):
    def build(second="", **files):
        draw("train/images/a.png")
        draw("train/images/b.png")
        draw("valid/images/c.png")
        write("train/labels/a.txt", f"0 0.5 0.5 0.5 0.5\n{second}\n1 0.3 0.3 0.1 0.1\n")
        write("train/labels/b.txt")
        write("valid/labels/c.txt")
        write("data.yaml", YAML)
        return tmp_path

    return build


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("0 0.5 0.5 0.5", "bad_line"),
        ("x 0.5 0.5 0.5 0.5", "bad_line"),
        ("2 0.5 0.5 0.5 0.5", "class_id"),
        ("0 nan 0.5 0.5 0.5", "nan"),
        ("0 0.5 inf 0.5 0.5", "nan"),
        ("0 1.5 0.5 0.5 0.5", "box_outside"),
        ("0 0.5 0.5 0 0.5", "box_degenerate"),
        ("0 0.1 0.1 0.5 0.1 0.9 0.1", "box_degenerate"),
        ("0 0.5 0.5 0.5 0.5", "box_duplicated"),
    ],
)
def test_yolo_line(yolo, line, code):
    samples = open_samples(yolo(line))
    assert told(samples) == [(code, "a.txt:2")]
    assert len(samples.samples[0].boxes) == 2


def test_yolo_line_that_is_no_text(yolo, tmp_path):
    yolo()
    (tmp_path / "train/labels/a.txt").write_bytes(b"0 0.5 0.5 0.5 0.5\n0 \xff\xfe 0.5 0.5 0.5\n1 0.3 0.3 0.1 0.1\n")
    samples = open_samples(tmp_path)
    assert told(samples) == [("bad_line", "a.txt:2")]
    assert len(samples.samples[0].boxes) == 2


def test_yolo_missing_folder_and_empty_part(yolo, tmp_path):
    folder = yolo()
    (folder / "valid/images/c.png").unlink()
    (folder / "valid/labels/c.txt").unlink()
    assert told(open_samples(folder)) == [("empty_split", "images")]
    (folder / "valid/images").rmdir()
    samples = open_samples(folder)
    assert told(samples) == [("missing_folder", "data.yaml: val")]
    assert len(samples) == 2


def test_yolo_names(yolo, draw, write):
    folder = yolo()
    draw("train/images/a.bmp")
    write("train/labels/lonely.txt", "0 0.5 0.5 0.5 0.5")
    write("train/labels/classes.txt", "fracture\nmetal")
    samples = open_samples(folder)
    assert told(samples) == [("duplicate_id", "a.png"), ("label_without_image", "lonely.txt")]
    assert len(samples) == 4


def test_yolo_lists_with_one_picture_in_two_parts(draw, write, tmp_path):
    draw("images/a.png")
    draw("images/b.png")
    write("labels/a.txt")
    write("labels/b.txt")
    write("train.txt", "images/a.png\nimages/b.png\n")
    write("val.txt", "images/a.png\n")
    write("test.txt", "\n")
    write("data.yaml", "train: train.txt\nval: val.txt\ntest: test.txt\nnames: [fracture]\n")
    samples = open_samples(tmp_path)
    assert [(each.name, each.part) for each in samples] == [("images/a.png", "train"), ("images/b.png", "train")]
    assert told(samples) == [("duplicate_id", "val.txt"), ("empty_split", "test.txt")]


def coco(images=None, annotations=(), **more):
    images = [{"id": 1, "file_name": "a.png", "width": 40, "height": 20}] if images is None else images
    return json.dumps(
        {"images": images, "annotations": list(annotations), "categories": [{"id": 7, "name": "fracture"}], **more}
    )


GOOD = {"image_id": 1, "category_id": 7, "bbox": [1, 2, 3, 4]}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"bbox": [float("nan"), 2, 3, 4]}, "nan"),
        ({"bbox": [1, 2, float("inf"), 4]}, "nan"),
        ({"segmentation": [[1, 2, 3, float("nan"), 5, 6]]}, "nan"),
        ({"bbox": [1, 2, 0, 4]}, "box_degenerate"),
        ({"bbox": [1, 2]}, "bad_line"),
        ({"bbox": None}, "bad_line"),
        ({"category_id": 8}, "class_id"),
        ({"image_id": 99}, "label_without_image"),
    ],
)
def test_coco_annotation(draw, write, change, code):
    draw("a.png")
    samples = open_samples(write("x.json", coco(annotations=[GOOD, {**GOOD, **change}])))
    assert told(samples) == [(code, "x.json: annotations[1]")]
    assert len(samples.samples[0].boxes) == 1


def test_coco_outside_and_size(draw, write):
    draw("a.png")
    outside = [{**GOOD, "bbox": box} for box in ([50, 2, 3, 4], [30, 2, 30, 4])]
    assert [code for code, _ in told(open_samples(write("x.json", coco(annotations=outside))))] == ["box_outside"] * 2
    for size, code in (((20, 40), "size_swapped"), ((41, 20), "size_mismatch")):
        image = {"id": 1, "file_name": "a.png", "width": size[0], "height": size[1]}
        samples = open_samples(write("x.json", coco([image], [GOOD])))
        assert told(samples) == [(code, "a.png")]
        assert f"annotated as {size[0]} × {size[1]} px, the file is 40 × 20 px" in samples.problems[0].what


def test_coco_ids_and_pictures(draw, write, tmp_path):
    for name in ("a.png", "b.png", "c.png"):
        draw(f"images/{name}")
    images = [{"id": number, "file_name": name} for number, name in ((1, "a.png"), (1, "b.png"), (2, "gone.png"))]
    write("annotations/train.json", coco(images, [GOOD]))
    write("annotations/val.json", coco([]))
    write("annotations/test.json", '{"images": [], "categories": [')
    samples = open_samples(tmp_path)
    assert [(each.path.name, len(each.boxes)) for each in samples] == [("a.png", 1)]
    assert sorted(told(samples)) == [
        ("bad_line", "test.json"),
        ("duplicate_id", "train.json: images"),
        ("empty_split", "val.json"),
        ("image_without_label", "b.png"),
        ("image_without_label", "c.png"),
        ("label_without_image", "train.json"),
    ]


def test_coco_part_whose_folder_is_missing(draw, write, tmp_path):
    draw("images/a.png")
    write("annotations/train.json", coco())
    write("annotations/val.json", coco([{"id": n, "file_name": f"v{n}.png"} for n in range(50)]))
    samples = open_samples(tmp_path)
    assert told(samples) == [("missing_folder", "val.json")]
    assert "none of its 50 pictures exists, the first is v0.png" in samples.problems[0].what


def voc(*edges, size=(40, 20)):
    nodes = "".join(
        f"<object><name>fracture</name><bndbox><xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax>"
        "</bndbox></object>"
        for a, b, c, d in edges
    )
    return f"<annotation><size><width>{size[0]}</width><height>{size[1]}</height></size>{nodes}</annotation>"


@pytest.mark.parametrize(
    ("edges", "code"),
    [
        (("nan", 2, 3, 4), "nan"),
        (("x", 2, 3, 4), "bad_line"),
        ((3, 2, 3, 4), "box_degenerate"),
        ((-3, 2, 3, 4), "box_outside"),
    ],
)
def test_voc_object(draw, write, tmp_path, edges, code):
    draw("a.png")
    write("a.xml", voc((1, 2, 3, 4), edges))
    samples = open_samples(tmp_path)
    assert told(samples) == [(code, "a.xml: object[1]")]
    assert len(samples.samples[0].boxes) == 1


def test_voc_names_and_lists(draw, write, tmp_path):
    for name in ("JPEGImages/a.png", "JPEGImages/a.bmp", "JPEGImages/b.png", "JPEGImages/c.png"):
        draw(name)
    for stem in ("a", "b", "lonely"):
        write(f"Annotations/{stem}.xml", voc())
    write("other/b.xml", voc())
    write("Annotations/c.xml", voc(size=(20, 40)))
    write("ImageSets/Main/train.txt", "b\ngone\n")
    write("ImageSets/Main/val.txt", "b\n")
    write("ImageSets/Main/test.txt")
    samples = open_samples(tmp_path)
    assert len(samples) == 4
    assert sorted(told(samples)) == [
        ("duplicate_id", "a.xml"),
        ("duplicate_id", "b.xml"),
        ("duplicate_id", "val.txt:1"),
        ("empty_split", "test.txt"),
        ("label_without_image", "lonely.xml"),
        ("label_without_image", "train.txt:2"),
        ("size_swapped", "c.png"),
    ]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (b"a.png,1,wrist,1,2,nan,4", "nan"),
        (b"a.png,1,wrist,3,2,1,4", "box_degenerate"),
        (b"a.png,1,wrist,-3,2,1,4", "box_outside"),
        (b"a.png,1,wrist,1,2,,4", "bad_line"),
        (b"a.png,1,wirst,1,2,3,4", "class_id"),
        (b"a.png,maybe,wrist,1,2,3,4", "bad_line"),
        (b"a\xff.png,1,wrist,1,2,3,4", "bad_line"),
        (b"gone.png,1,wrist,1,2,3,4", "label_without_image"),
        (b"b.png,0,wrist,7,2,9,4", "label_contradiction"),
    ],
)
def test_table_row(draw, tmp_path, row, code):
    draw("a.png")
    draw("b.png")
    lines = [b"path,fractured,region,x1,y1,x2,y2", b"b.png,1,wrist,1,2,3,4", row]
    (tmp_path / "set.csv").write_bytes(b"\n".join(lines) + b"\n")
    samples = open_samples(tmp_path / "set.csv")
    assert told(samples) == [(code, "set.csv:3")]
    assert samples.samples[0].boxes


def test_class_folders(draw, tmp_path):
    draw("train/fractured/a.png")
    (tmp_path / "train/normal").mkdir()
    (tmp_path / "test").mkdir()
    samples = open_samples(tmp_path)
    assert len(samples) == 1
    assert told(samples) == [("empty_split", "test"), ("empty_split", "normal")]


HEADER = "image_id,hand,leg,hip,shoulder,mixed,hardware,multiscan,fractured,fracture_count,frontal,lateral,oblique\n"


def test_fracatlas(draw, write, tmp_path):
    row = "{},1,0,0,0,0,0,0,{},1,1,0,0\n"
    draw("images/Fractured/a.jpg")
    draw("images/Fractured/b.jpg")
    draw("images/Fractured/unlisted.jpg")
    names = (("a.jpg", 1), ("b.jpg", 0), ("a.jpg", 1), ("gone.jpg", 0))
    write("dataset.csv", HEADER + "".join(row.format(*each) for each in names))
    with open(tmp_path / "dataset.csv", "ab") as handle:
        handle.write(b"c\xff.jpg,1,0,0,0,0,0,0,1,1,1,0,0\n")
    write("Annotations/COCO JSON/COCO_fracture_masks.json", "{")
    write("Utilities/Fracture Split/train.csv", "image_id\na.jpg\n")
    write("Utilities/Fracture Split/valid.csv", "image_id\na.jpg\n")
    write("Utilities/Fracture Split/test.csv", "image_id\n")
    samples = open_samples(tmp_path)
    assert [(each.path.name, each.fractured, each.boxes) for each in samples] == [
        ("a.jpg", True, None),
        ("b.jpg", True, None),
    ]
    assert sorted(told(samples)) == [
        ("bad_line", "COCO_fracture_masks.json"),
        ("bad_line", "dataset.csv:6"),
        ("duplicate_id", "dataset.csv:4"),
        ("duplicate_id", "valid.csv:2"),
        ("empty_split", "test.csv"),
        ("image_without_label", "unlisted.jpg"),
        ("label_contradiction", "dataset.csv: b.jpg"),
        ("label_without_image", "dataset.csv:5"),
        ("missing_folder", "Non_fractured"),
    ]


def test_grazpedwri(draw, write, tmp_path):
    draw("images_part1/a.png", bits=16)
    write("yolo/labels/a.txt")
    (tmp_path / "yolo/labels/a.txt").write_bytes(b"3 0.5 0.5 0.5 0.5\n3 \xff 0.5 0.5 0.5\n99 0.5 0.5 0.5 0.5\n")
    rows = "filestem,patient_id,fracture_visible\na,1,\na,1,1\ngone,2,1\n"
    write("dataset.csv", rows)
    samples = open_samples(tmp_path)
    assert len(samples) == 1
    assert sorted(told(samples)) == [
        ("bad_line", "a.txt:2"),
        ("class_id", "a.txt:3"),
        ("duplicate_id", "dataset.csv:3"),
        ("label_contradiction", "a.png"),
        ("label_without_image", "dataset.csv:4"),
    ]


def test_mura(draw, write, tmp_path):
    draw("train/XR_WRIST/patient1/study1_positive/image1.png")
    draw("train/XR_WRIST/loose.png")
    draw("train/XR_TOE/patient1/study1_positive/image1.png")
    write("train_labeled_studies.csv", "MURA-v1.1/train/XR_WRIST/patient1/study1_positive/,0\nnonsense\n")
    write("train_image_paths.csv", "MURA-v1.1/train/XR_WRIST/patient9/study1_positive/image1.png\n")
    samples = open_samples(tmp_path)
    assert len(samples) == 1
    assert sorted(told(samples)) == [
        ("bad_line", "train_labeled_studies.csv:2"),
        ("class_id", "image1.png"),
        ("image_without_label", "loose.png"),
        ("label_contradiction", "image1.png"),
        ("label_without_image", "train_image_paths.csv:1"),
    ]


def test_multiregion(draw, write, tmp_path):
    draw("unique/a.png")
    rows = [
        "split,label,name,file,format,truncated",
        "train,fractured,1.jpg,a.png,JPEG,0",
        "train,fractured,1.jpg,a.png,JPEG,0",
        "val,not fractured,2.jpg,a.png,PNG,1",
        "test,fractured,3.jpg,gone.png,JPEG,0",
    ]
    write("manifest.csv", "\n".join(rows))
    samples = open_samples(tmp_path)
    assert sorted(told(samples)) == [
        ("duplicate_id", "manifest.csv:3"),
        ("label_contradiction", "a.png"),
        ("label_without_image", "gone.png"),
        ("truncated", "manifest.csv:4"),
        ("wrong_extension", "manifest.csv:4"),
    ]


def test_manifest_keeps_codes_and_classes_and_refuses_nan(tmp_path):
    samples = SampleSet(
        "s",
        "yolo",
        tmp_path,
        (Sample(tmp_path / "a.png", "a.png", boxes=(BoxLabel((1.0, 2.0, 3.0, 4.0), "x"),)),),
        (Problem("a.txt:2", "bad", "nan"),),
        ("x", "y"),
    )
    write_manifest(tmp_path / "m.jsonl", samples)
    assert read_manifest(tmp_path / "m.jsonl") == samples
    text = (tmp_path / "m.jsonl").read_text()
    (tmp_path / "old.jsonl").write_text(text.replace(', "nan"]', "]").replace('"classes"', '"more"'))
    old = read_manifest(tmp_path / "old.jsonl")
    assert (old.problems, old.classes) == ((Problem("a.txt:2", "bad"),), ())
    (tmp_path / "nan.jsonl").write_text(text.replace("[1.0,", "[NaN,"))
    with pytest.raises(DataError, match=r"nan.jsonl:2: .*expected finite"):
        read_manifest(tmp_path / "nan.jsonl")
