"""Faults of files and labels, planted one at a time, and the published sets' known ones."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from fxdet.core.errors import DataError
from fxdet.data.audit.coding import FORMATS
from fxdet.data.audit.faults import FAULTS, NO_BOX, class_counts, find_faults, is_tiny, set_fault, several_classes
from fxdet.data.audit.fingerprints import Fingerprint, fingerprint
from fxdet.data.formats import open_samples
from fxdet.data.samples import BoxLabel, Problem, Sample, SampleSet

JPEG = {"format": float(FORMATS.index("JPEG")), "truncated": 0.0}
READ = "0" * 64  # hash of a file that was read


def sample(name, **fields):
    return Sample(Path("/set") / name, name, **fields)


def sample_set(*samples, problems=(), classes=()):
    return SampleSet("s", "yolo", Path("/nowhere"), samples, problems, classes)


def fine(count):
    return [Fingerprint(READ, properties=JPEG) for _ in range(count)]


def codes(faults, leave=("tiny_class",)):
    return [fault.code for fault in faults if fault.code not in leave]


@pytest.mark.parametrize(
    ("name", "found", "code", "what"),
    [
        ("a.jpg", Fingerprint(READ, error="it is a GIF", properties={"format": 1.0}), "undecodable", "it is a GIF"),
        ("a.jpg", Fingerprint(READ, properties={**JPEG, "truncated": 1.0}), "truncated", "ends before"),
        ("a.png", Fingerprint(READ, properties=JPEG), "wrong_extension", "named .png, the content is JPEG"),
    ],
)
def test_fault_of_a_file(name, found, code, what):
    faults = find_faults(sample_set(sample(name)), [found])
    assert [(fault.code, fault.where) for fault in faults] == [(code, f"/set/{name}")]
    assert what in faults[0].what


def test_gif_named_jpg_is_undecodable_and_wrongly_named(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"GIF89a" + bytes(40))
    found = fingerprint(path)
    assert codes(find_faults(sample_set(Sample(path, "a.jpg")), [found])) == ["undecodable", "wrong_extension"]


def test_sound_files_have_no_faults():
    assert find_faults(sample_set(sample("a.jpg"), sample("b.jpg")), fine(2)) == ()


def test_missing_picture_is_no_undecodable_one(write, tmp_path):
    samples = open_samples(write("set.csv", "path,fractured\ngone.png,1\n"))
    faults = find_faults(samples, [fingerprint(tmp_path / "gone.png")])
    assert codes(faults) == ["label_without_image"]
    assert faults[0].where.endswith("set.csv:2")


def test_box_stated_twice():
    boxes = tuple(BoxLabel(edges, label) for edges, label in (
        ((1, 2, 30, 40), "x"), ((1.3, 2, 30, 39.6), "x"), ((1, 2, 30, 40), "y"), ((2, 2, 30, 40), "x"),
    ))  # fmt: skip
    faults = find_faults(sample_set(sample("a.jpg", boxes=boxes)), fine(1))
    assert codes(faults) == ["box_duplicated"]
    assert "1.3, 2.0, 30.0, 39.6 of x" in faults[0].what


def test_pictures_without_label():
    boxes = (BoxLabel((1, 2, 3, 4), "x"),)
    samples = sample_set(sample("a.jpg", boxes=boxes), sample("b.jpg", boxes=()), sample("c.jpg"))
    assert [fault.where for fault in find_faults(samples, fine(3)) if fault.code == "image_without_label"] == [
        "/set/c.jpg"
    ]
    labels = sample_set(sample("a.jpg", label="x", fractured=True), sample("b.jpg"))
    assert codes(find_faults(labels, fine(2))) == ["image_without_label"]
    assert codes(find_faults(sample_set(sample("a.jpg"), sample("b.jpg")), fine(2))) == []


def test_what_the_reader_told_is_told_once():
    problem = Problem("/set/a.jpg", "can't be read", "undecodable")
    samples = sample_set(sample("a.jpg"), sample("b.jpg", boxes=()), problems=(problem, problem))
    faults = find_faults(samples, [Fingerprint(READ, error="broken"), *fine(1)])
    assert [(fault.code, fault.what) for fault in faults] == [("undecodable", "can't be read")]


def test_one_fingerprint_per_sample():
    with pytest.raises(ValueError, match="got 1 fingerprints, expected 2"):
        find_faults(sample_set(sample("a.jpg"), sample("b.jpg")), fine(1))


def test_every_code_that_readers_set_is_explained():
    source = Path(__file__).parents[3] / "fxdet" / "data"
    text = "".join(path.read_text(encoding="utf-8") for path in source.rglob("*.py"))
    assert all(f'"{code}"' in text for code in FAULTS)
    told = find_faults(sample_set(problems=(Problem("x", "y"),)), [])
    assert codes(told) == ["other"]


def test_a_set_that_could_not_be_opened():
    fault = set_fault("/gone", DataError("can't open data set /gone: no such file"))
    assert (fault.code, fault.where) == ("unreadable_set", "/gone")
    assert fault.code in FAULTS


@pytest.mark.parametrize(
    ("count", "total", "tiny"),
    [(0, 10, True), (19, 40, True), (20, 40, False), (99, 9900, False), (99, 9901, True), (100, 10**6, False)],
)
def test_tiny(count, total, tiny):
    assert is_tiny(count, total) is tiny


def test_class_counts_by_part():
    x, y = BoxLabel((1, 2, 3, 4), "x"), BoxLabel((5, 6, 7, 8), "y")
    samples = sample_set(
        sample("a.jpg", part="train", label="x+y", boxes=(x, y)),
        sample("b.jpg", part="train", label="x", boxes=(x, BoxLabel((9, 9, 20, 20), "x"))),
        sample("c.jpg", part="val", boxes=()),
        sample("d.jpg"),
        classes=("x", "y", "z"),
    )
    counts = {(count.kind, count.name): (dict(count.parts), count.total) for count in class_counts(samples)}
    assert counts == {
        ("label", "x"): ({"train": 2}, 2),
        ("label", "y"): ({"train": 1}, 1),
        ("label", NO_BOX): ({"val": 1}, 1),
        ("box", "x"): ({"train": 3}, 3),
        ("box", "y"): ({"train": 1}, 1),
        ("box", "z"): ({}, 0),
    }
    assert several_classes(samples) == 1
    faults = [fault for fault in find_faults(samples, fine(4)) if fault.code == "tiny_class"]
    assert [fault.what.split(":")[0] for fault in faults] == ["x", "y", "z"]
    assert "0 boxes (none), expected at least 20" in faults[-1].what


def test_folder_label_beside_box_classes():
    samples = sample_set(sample("a.jpg", label="Fractured", boxes=(BoxLabel((1, 2, 3, 4), "fractured"),)))
    assert [(count.kind, count.name) for count in class_counts(samples)] == [
        ("label", "Fractured"),
        ("box", "fractured"),
    ]


@pytest.mark.data
class TestPublishedSets:
    """The figures of the data's README, as far as its copies hold them."""

    def test_fracatlas(self, data_root):
        samples = open_samples(data_root / "FracAtlas")
        faults = find_faults(samples, [fingerprint(each.path) for each in samples])
        found = Counter(fault.code for fault in faults)
        assert found == {"truncated": 59, "size_swapped": 1, "label_contradiction": 1}
        by_code = {fault.code: fault.where for fault in faults}
        assert by_code["size_swapped"].endswith("IMG0002628.jpg")
        assert by_code["label_contradiction"].endswith("IMG0003298.jpg")
        truncated = {fault.where for fault in faults if fault.code == "truncated"}
        assert all("/Non_fractured/" in where for where in truncated)
        assert any(where.endswith("IMG0004028.jpg") for where in truncated)

    def test_bonefracture(self, data_root):
        samples = open_samples(data_root / "BoneFractureYolo8")
        faults = find_faults(samples, fine(len(samples)))
        assert [(fault.code, fault.where) for fault in faults] == [
            ("tiny_class", "BoneFractureYolo8: box humerus fracture")
        ]
        assert several_classes(samples) == several_classes(samples.part("train")) == 3
        counts = {count.name: dict(count.parts) for count in class_counts(samples) if count.kind == "label"}
        assert counts["humerus fracture"] == {"train": 3}
        assert counts[NO_BOX] == {"train": 3631 - 1804, "val": 348 - 173, "test": 169 - 83}

    def test_multiregion_as_published(self, data_root):
        faults = open_samples(data_root / "multiregion").problems
        wrong = Counter(fault.what.rsplit(" a ", 1)[1] for fault in faults if fault.code == "wrong_extension")
        # 27 PNG and GIF files named as JPEG, which the README counts, and 2 JPEG files named .png.
        assert wrong == {"PNG file": 24, "GIF file": 3, "JPEG file": 2}
        assert sum(fault.code == "truncated" for fault in faults) == 18
