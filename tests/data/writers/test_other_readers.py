"""What is written, as others read it: pycocotools, Ultralytics' own check of labels, and plain XML."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
import yaml
from PIL import Image, ImageDraw

from fxdet.data.convert import ConvertOptions, convert
from fxdet.data.samples import BoxLabel, Sample, SampleSet

WIDTH, HEIGHT = 120, 80
DIAMOND = ((30.0, 10.0), (50.0, 30.0), (30.0, 50.0), (10.0, 30.0))
BOX = BoxLabel((5.5, 6.25, 60.0, 70.75), "wrist fracture")
OUTLINED = BoxLabel((10.0, 10.0, 50.0, 50.0), "metal", "other", DIAMOND)


@pytest.fixture
def source(tmp_path):
    samples = []
    for name, part, boxes in (("a b.png", "train", (BOX, OUTLINED)), ("ü.png", "val", (BOX,)), ("c.png", "val", ())):
        path = tmp_path / "set" / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((HEIGHT, WIDTH), 90, np.uint8)).save(path)
        samples.append(Sample(path, name, part, boxes=boxes))
    return SampleSet("a set", "table", tmp_path / "set", tuple(samples))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_coco_for_pycocotools(source, tmp_path, capsys):
    from pycocotools.coco import COCO

    convert(source, tmp_path / "out", ConvertOptions("coco"))
    coco = COCO(str(tmp_path / "out/annotations/instances_train.json"))
    (image,) = coco.loadImgs(coco.getImgIds())
    assert (image["width"], image["height"]) == (WIDTH, HEIGHT)
    assert (tmp_path / "out/images" / image["file_name"]).is_file()
    names = {entry["id"]: entry["name"] for entry in coco.loadCats(coco.getCatIds())}
    annotations = {names[entry["category_id"]]: entry for entry in coco.loadAnns(coco.getAnnIds())}
    assert annotations["wrist fracture"]["bbox"] == [5.5, 6.25, 54.5, 64.5]
    outlined = annotations["metal"]
    assert outlined["bbox"] == [10, 10, 40, 40]
    assert outlined["area"] == pytest.approx(800)
    drawn = Image.new("L", (WIDTH, HEIGHT))
    ImageDraw.Draw(drawn).polygon([(x, y) for x, y in DIAMOND], fill=1)
    mask = coco.annToMask(outlined)
    assert mask.sum() == pytest.approx(800, rel=0.06)
    assert (mask != np.asarray(drawn)).mean() < 0.02


def test_coco_reads_back_as_a_result_of_a_perfect_detector(source, tmp_path, capsys):
    """COCOeval of the boxes against themselves: every field that it needs is there."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    convert(source, tmp_path / "out", ConvertOptions("coco"))
    truth = COCO(str(tmp_path / "out/annotations/instances_val.json"))
    found = truth.loadRes([{**entry, "score": 0.9} for entry in truth.loadAnns(truth.getAnnIds())])
    evaluation = COCOeval(truth, found, "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert evaluation.stats[0] == pytest.approx(1.0)


def test_yolo_for_ultralytics(source, tmp_path):
    import fxdet.localize.yolo  # noqa: F401, I001 - first: it undoes what importing ultralytics patches
    from ultralytics.data.utils import check_det_dataset, img2label_paths, verify_image_label

    convert(source, tmp_path / "out", ConvertOptions("yolo"))
    data = check_det_dataset(str(tmp_path / "out/data.yaml"), autodownload=False)
    assert data["names"] == {0: "metal", 1: "wrist fracture"}
    pictures = sorted((tmp_path / "out/images").rglob("*.png"))
    labels = img2label_paths([str(path) for path in pictures])
    checked = {}
    for picture, label in zip(pictures, labels, strict=True):
        found = verify_image_label((str(picture), label, "", False, 2, 0, 0, False))
        assert found[-1] == "", found[-1]
        checked[picture.name] = found
    _, boxes, shape, segments = checked["a b.png"][:4]
    assert shape == (HEIGHT, WIDTH)
    expected = [
        [1, 32.75 / WIDTH, 38.5 / HEIGHT, 54.5 / WIDTH, 64.5 / HEIGHT],
        [0, 30 / WIDTH, 30 / HEIGHT, 40 / WIDTH, 40 / HEIGHT],
    ]
    assert np.sort(boxes, axis=0) == pytest.approx(np.sort(np.array(expected), axis=0), abs=1e-6)
    diamond = next(segment for segment, box in zip(segments, boxes, strict=True) if box[0] == 0)
    assert diamond * [WIDTH, HEIGHT] == pytest.approx(np.array(DIAMOND), abs=1e-4)
    assert checked["ü.png"][3] == []
    assert checked["c.png"][1].shape == (0, 5)


def test_yolo_file(source, tmp_path):
    convert(source, tmp_path / "out", ConvertOptions("yolo"))
    content = yaml.safe_load((tmp_path / "out/data.yaml").read_text())
    assert content == {
        "train": "images/train",
        "val": "images/val",
        "nc": 2,
        "names": {0: "metal", 1: "wrist fracture"},
    }
    assert (tmp_path / "out/labels/val/c.txt").read_text() == ""
    assert (tmp_path / "out/labels/val/ü.txt").read_text() == "1 0.272916667 0.48125 0.454166667 0.80625\n"


def test_boxes_only(source, tmp_path):
    convert(source, tmp_path / "out", ConvertOptions("yolo", outlines=False))
    lines = (tmp_path / "out/labels/train/a b.txt").read_text().splitlines()
    assert [len(line.split()) for line in lines] == [5, 5]


def test_voc_as_xml(source, tmp_path):
    convert(source, tmp_path / "out", ConvertOptions("voc"))
    root = ElementTree.parse(tmp_path / "out/Annotations/a b.xml").getroot()
    assert root.findtext("filename") == "a b.png"
    assert (root.findtext("size/width"), root.findtext("size/height")) == (str(WIDTH), str(HEIGHT))
    found = {
        node.findtext("name"): [float(node.findtext(f"bndbox/{edge}")) for edge in ("xmin", "ymin", "xmax", "ymax")]
        for node in root.iter("object")
    }
    assert found == {"wrist fracture": [5.5, 6.25, 60.0, 70.75], "metal": [10, 10, 50, 50]}
    assert (tmp_path / "out/ImageSets/Main/val.txt").read_text() == "ü\nc\n"
    assert ElementTree.parse(tmp_path / "out/Annotations/c.xml").find("object") is None
