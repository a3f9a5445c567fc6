"""FracAtlas, multi-region, MURA and GRAZPEDWRI-DX on their layouts, drawn small."""

from __future__ import annotations

import json

import pytest

from fxdet.core.errors import DataError
from fxdet.core.labels import HAND_REGIONS
from fxdet.data.formats import open_samples
from fxdet.data.formats.fracatlas import turn_back

HEADER = "image_id,hand,leg,hip,shoulder,mixed,hardware,multiscan,fractured,fracture_count,frontal,lateral,oblique\n"


def coco(*images):
    """Return a COCO file of (name, width, height, box or None)."""
    data = {"categories": [{"id": 0, "name": "fractured"}], "images": [], "annotations": []}
    for index, (name, width, height, box) in enumerate(images):
        data["images"].append({"id": index, "file_name": name, "width": width, "height": height})
        if box is not None:
            x1, y1, x2, y2 = box
            outline = [[x1, y1, x2, y1, x2, y2]]
            data["annotations"].append(
                {"image_id": index, "category_id": 0, "bbox": [x1, y1, x2 - x1, y2 - y1], "segmentation": outline}
            )
    return json.dumps(data)


@pytest.fixture
def fracatlas(draw, write, tmp_path):
    def build(rows, *images):
        write("dataset.csv", HEADER + rows)
        write("Annotations/COCO JSON/COCO_fracture_masks.json", coco(*images))
        for stem in ("train", "valid", "test"):
            write(f"Utilities/Fracture Split/{stem}.csv", f"image_id\n{stem}.jpg\n")
        (tmp_path / "images/Fractured").mkdir(parents=True, exist_ok=True)
        return tmp_path

    return build


def test_fracatlas(fracatlas, draw):
    draw("images/Fractured/train.jpg")
    draw("images/Fractured/valid.jpg")
    draw("images/Non_fractured/n.jpg")
    rows = "train.jpg,1,0,0,0,0,1,0,1,1,1,0,1\nvalid.jpg,1,0,0,1,1,0,1,1,1,0,0,0\nn.jpg,0,1,1,0,1,0,0,0,0,0,1,0\n"
    boxes = ("train.jpg", 40, 20, (4, 5, 10, 12)), ("valid.jpg", 40, 20, (1, 2, 3, 4))
    samples = open_samples(fracatlas(rows, *boxes))
    train, valid, normal = samples
    assert samples.layout == "fracatlas"
    assert samples.problems == ()
    assert (train.part, train.fractured, train.regions) == ("train", True, HAND_REGIONS)
    assert (train.boxes[0].xyxy, train.boxes[0].kind, len(train.boxes[0].polygon)) == ((4, 5, 10, 12), "fracture", 3)
    assert train.attributes == {"hardware": "1", "multiscan": "0", "mixed": "0", "view": "frontal+oblique"}
    assert (valid.part, valid.regions) == ("val", HAND_REGIONS | {"shoulder", "humerus"})
    assert (normal.part, normal.fractured, normal.regions, normal.boxes) == (None, False, {"hip", "leg"}, ())
    assert normal.group == normal.name == "images/Non_fractured/n.jpg"


def test_fracatlas_contradiction_takes_the_folder(fracatlas, draw):
    draw("images/Fractured/a.jpg")
    samples = open_samples(fracatlas("a.jpg,1,0,0,0,0,0,0,0,1,0,0,0\n", ("a.jpg", 40, 20, (1, 2, 3, 4))))
    assert samples.samples[0].fractured is True
    assert "fractured is 0, the file lies in Fractured/; the folder is taken" in samples.problems[0].what


def test_fracatlas_swapped_size_is_turned_back_only_where_the_turn_is_known(fracatlas, draw):
    row = "{},0,0,0,1,0,0,0,1,1,0,0,0\n"
    draw("images/Fractured/IMG0002628.jpg")
    draw("images/Fractured/other.jpg")
    box = (2, 3, 6, 8)
    named = [(name, 20, 40, box) for name in ("IMG0002628.jpg", "other.jpg")]
    samples = open_samples(fracatlas("".join(row.format(name) for name, *_ in named), *named))
    known, unknown = samples
    assert known.boxes[0].xyxy == (40 - 8, 2, 40 - 3, 6)
    assert known.boxes[0].polygon == ((37, 2), (37, 6), (32, 6))
    assert unknown.boxes is None
    assert [p.what.split("; ")[1] for p in samples.problems] == ["the boxes are turned back", "its boxes are left out"]


def test_turn_back_follows_a_counter_clockwise_turn():
    np = pytest.importorskip("numpy")
    stored = np.zeros((20, 40))
    stored[3:9, 30:35] = 1
    turned = np.rot90(stored)
    rows, columns = np.nonzero(turned)
    box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert turn_back(box, width=40) == (30, 3, 35, 9)


def test_fracatlas_missing_files_are_problems(fracatlas, draw, tmp_path):
    draw("images/Fractured/a.jpg")
    draw("images/Fractured/unlisted.jpg")
    root = fracatlas("a.jpg,1,0,0,0,0,0,0,x,1,0,0,0\ngone.jpg,1,0,0,0,0,0,0,0,0,0,0,0\n")
    (tmp_path / "Annotations/COCO JSON/COCO_fracture_masks.json").unlink()
    (tmp_path / "Utilities/Fracture Split/valid.csv").unlink()
    samples = open_samples(root)
    assert [(s.path.name, s.fractured, s.boxes) for s in samples] == [("a.jpg", True, None)]
    text = "\n".join(f"{p.where} {p.what}" for p in samples.problems)
    for part in ("COCO_fracture_masks.json is missing", "valid.csv is missing", "dataset.csv:3 gone.jpg is listed"):
        assert part in text
    assert "expected 0 or 1" in text
    assert "unlisted.jpg is not listed" in text


def test_fracatlas_without_its_column(fracatlas, write):
    root = fracatlas("")
    write("dataset.csv", "name,hand\na,1\n")
    with pytest.raises(DataError, match="column image_id is missing"):
        open_samples(root)


def test_multiregion(draw, write, tmp_path):
    for name in ("a", "b", "c", "d"):
        draw(f"unique/{name}.jpg")
    rows = [
        "train,fractured,4-rotated1.jpg,m,a.jpg",
        "val,fractured,4-rotated1 - Copy.jpg,m,a.jpg",
        "train,fractured,4-rotated2-rotated1 (1).jpg,m,b.jpg",
        "test,not fractured,4.png,m,c.jpg",
        "test,not fractured,IMG1.jpg,m,d.jpg",
        "test,fractured,IMG1.jpg,m,d.jpg",
        "test,fractured,gone.jpg,m,gone.jpg",
    ]
    write("manifest.csv", "split,label,name,md5,file\n" + "\n".join(rows))
    samples = open_samples(tmp_path)
    a, b, c, d, _ = samples
    assert samples.layout == "multiregion"
    assert (a.part, a.fractured, a.attributes["published"]) == (None, True, "train:1+val:1")
    assert (b.part, c.part, c.fractured) == ("train", "test", False)
    assert a.group == b.group != c.group
    assert (d.fractured, d.group, d.label) == (None, "unique/d.jpg", "fractured+not fractured")
    assert ["published as" in samples.problems[0].what, "missing" in samples.problems[1].what] == [True, True]


@pytest.fixture
def mura(draw, write, tmp_path):
    root = tmp_path / "MURA-v1.1"
    images = [
        "train/XR_ELBOW/patient00001/study1_positive/image1.png",
        "train/XR_ELBOW/patient00001/study1_positive/image2.png",
        "train/XR_HAND/patient00002/study1_negative/image1.png",
        "valid/XR_WRIST/patient00003/study2_negative/image1.png",
    ]
    for name in images:
        draw(f"MURA-v1.1/{name}")
    for part in ("train", "valid"):
        own = [f"MURA-v1.1/{name}" for name in images if name.startswith(part)]
        write(f"MURA-v1.1/{part}_image_paths.csv", "\n".join(own) + "\n")
        studies = sorted({f"{name.rsplit('/', 1)[0]}/,{int('positive' in name)}" for name in own})
        write(f"MURA-v1.1/{part}_labeled_studies.csv", "\n".join(studies) + "\n")
    return root


def test_mura(mura, write):
    write("MURA-v1.1/train/XR_ELBOW/patient00001/study1_positive/._image1.png", "left by an archive program")
    samples = open_samples(mura)
    assert samples.layout == "mura"
    assert samples.problems == ()
    assert [(s.part, s.fractured, sorted(s.regions), s.group, s.attributes["abnormal"]) for s in samples] == [
        ("train", None, ["elbow"], "patient00001", "1"),
        ("train", None, ["elbow"], "patient00001", "1"),
        ("train", False, ["fingers", "wrist"], "patient00002", "0"),
        ("val", False, ["wrist"], "patient00003", "0"),
    ]
    assert samples.samples[3].attributes["study"] == "XR_WRIST/study2"


def test_mura_one_part_alone(mura):
    samples = open_samples(mura / "valid")
    assert [(s.part, s.group) for s in samples] == [("val", "patient00003")]
    assert samples.problems == ()


def test_mura_contradiction_and_missing_file(mura, write):
    study = "MURA-v1.1/train/XR_HAND/patient00002/study1_negative/"
    write("MURA-v1.1/train_labeled_studies.csv", f"{study},1\nnonsense\n")
    (mura / "train/XR_ELBOW/patient00001/study1_positive/image2.png").unlink()
    samples = open_samples(mura)
    assert samples.samples[1].fractured is None
    text = "\n".join(f"{p.where} {p.what}" for p in samples.problems)
    assert "train_labeled_studies.csv:2 got 'nonsense'" in text
    assert "the folder says negative, labeled_studies.csv the opposite" in text
    assert "image2.png does not exist" in text


def test_mura_odd_folders_are_left_out(mura, draw):
    draw("MURA-v1.1/train/XR_KNEE/patient00009/study1_negative/image1.png")
    draw("MURA-v1.1/train/XR_ELBOW/loose.png")
    samples = open_samples(mura)
    assert len(samples) == 4
    assert sorted("XR_KNEE" in p.what for p in samples.problems) == [False, True]


@pytest.fixture
def grazpedwri(draw, write, tmp_path):
    stems = ["p1_a", "p1_b", "p2_a", "p3_a", "p4_a"]
    for index, stem in enumerate(stems):
        draw(f"images_part{1 + index % 2}/{stem}.png", bits=16)
    write("folder_structure/yolov5/labels/p1_a.txt", "3 0.5 0.5 0.5 0.5\n8 0.1 0.1 0.1 0.1\n")
    write("folder_structure/yolov5/labels/p1_b.txt", "8 0.1 0.1 0.1 0.1\n")
    write("folder_structure/yolov5/labels/p2_a.txt", "4 0.5 0.5 0.5 0.5\n")
    write("folder_structure/yolov5/labels/p3_a.txt", "")
    write(
        "dataset.csv",
        "filestem,patient_id,projection,diagnosis_uncertain,fracture_visible\n"
        "p1_a,1,1,,1.0\np1_b,1,2,,\np2_a,2,1,,1\np3_a,3,1,1,\np4_a,4,2,,\ngone,5,1,,\n",
    )
    return tmp_path


def test_grazpedwri(grazpedwri):
    samples = open_samples(grazpedwri)
    first, second, flagged, uncertain, unlabelled = samples
    assert samples.layout == "grazpedwri"
    assert [(box.label, box.kind) for box in first.boxes] == [("fracture", "fracture"), ("text", "other")]
    assert first.boxes[0].xyxy == (10, 5, 30, 15)
    assert (first.fractured, first.regions, first.group) == (True, {"wrist"}, "patient 1")
    assert (second.fractured, second.group) == (False, first.group)
    assert second.attributes == {"projection": "2"}
    # Flagged, and no fracture drawn: fractured, and its place unknown.
    assert (flagged.fractured, flagged.boxes) == (True, None)
    assert (uncertain.fractured, uncertain.boxes) == (None, ())
    assert (unlabelled.fractured, unlabelled.boxes) == (False, None)
    assert ["fracture_visible" in p.what for p in samples.problems] == [True, False]
    assert samples.problems[1].where.endswith("dataset.csv:7")


def test_grazpedwri_takes_the_names_of_meta_yaml(grazpedwri, write):
    write("folder_structure/yolov5/meta.yaml", "names: [text, a, b, c, fracture]\n")
    samples = open_samples(grazpedwri)
    assert [box.label for box in samples.samples[2].boxes] == ["fracture"]
    assert samples.problems[0].where.endswith("p1_a.txt:2")


def test_grazpedwri_without_pictures(write, tmp_path):
    write("dataset.csv", "filestem,patient_id\na,1\n")
    with pytest.raises(DataError, match="none of the 1 listed pictures exists"):
        open_samples(tmp_path)
