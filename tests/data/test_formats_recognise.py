"""Which layout is recognised, and what class names mean."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fxdet.core.errors import DataError
from fxdet.core.labels import HAND_REGIONS
from fxdet.data.folders import image_size, list_images
from fxdet.data.formats import open_samples
from fxdet.data.formats.meanings import CLASS_MEANINGS, ClassMeaning, class_meanings, meaning_of, read_meanings


@pytest.mark.parametrize(
    ("name", "kind", "regions", "fractured"),
    [
        ("fractured", "fracture", set(), True),
        ("not fractured", "other", set(), False),
        ("Non_fractured", "other", set(), False),
        ("non-fracture", "other", set(), False),
        ("no_fracture", "other", set(), False),
        ("unfractured", "other", set(), False),
        ("normal", "other", set(), False),
        ("abnormal", "other", set(), None),
        ("Wrist_Positive", "fracture", {"wrist"}, True),
        ("elbow negative", "region", {"elbow"}, False),
        ("humerus", "region", {"humerus"}, None),
        ("hand", "region", HAND_REGIONS, None),
        ("finger fracture", "fracture", {"fingers"}, True),
        ("screw", "other", set(), None),
        ("", "other", set(), None),
    ],
)
def test_meaning_of_words(name, kind, regions, fractured):
    assert meaning_of(name) == ClassMeaning(kind, frozenset(regions), fractured)


def test_own_meanings_win_over_the_table_and_the_words():
    names = list(CLASS_MEANINGS["bonefracture"])
    own = {"humerus": ClassMeaning("region", frozenset({"humerus"}))}
    assert class_meanings(names)["humerus"].fractured is True
    assert class_meanings(names, own)["humerus"].fractured is None
    assert class_meanings(names, own)["elbow positive"].fractured is True


def test_meanings_file(write):
    path = write("m.yaml", "bruch: {kind: fracture, regions: [wrist, forearm], fractured: true}\nplatte: {}\n")
    assert read_meanings(path) == {
        "bruch": ClassMeaning("fracture", frozenset({"wrist", "forearm"}), True),
        "platte": ClassMeaning(),
    }


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[a]", "expected a mapping"),
        ("a: 5", "got 5"),
        ("a: {kinds: other}", "did you mean 'kind'"),
        ("a: {kind: fractur}", "did you mean 'fracture'"),
        ("a: {regions: wirst}", "did you mean 'wrist'"),
        ("a: {fractured: maybe}", "expected true, false or null"),
        ("a: [", "expected|expected a YAML|give a YAML"),
    ],
)
def test_wrong_meanings_file(write, text, what):
    with pytest.raises(DataError, match=what):
        read_meanings(write("m.yaml", text))


def test_class_folders_with_and_without_parts(draw, tmp_path):
    draw("a/train/fractured/1.png")
    draw("a/valid/not fractured/deep/2.png")
    draw("b/wrist fracture/1.png")
    draw("b/normal/2.png")
    first = open_samples(tmp_path / "a")
    assert first.layout == "class_folders"
    assert [(s.name, s.part, s.label, s.fractured) for s in first] == [
        ("train/fractured/1.png", "train", "fractured", True),
        ("valid/not fractured/deep/2.png", "val", "not fractured", False),
    ]
    second = open_samples(tmp_path / "b")
    assert {(s.part, s.fractured, s.regions) for s in second} == {
        (None, False, frozenset()),
        (None, True, frozenset({"wrist"})),
    }
    assert all(s.boxes is None for s in first)


def test_the_current_folder_has_a_name(draw, tmp_path, monkeypatch):
    draw("set/fractured/1.png")
    monkeypatch.chdir(tmp_path / "set")
    assert open_samples(Path()).name == "set"


def test_yaml_in_another_encoding_is_no_export(draw, tmp_path):
    draw("fractured/1.png")
    (tmp_path / "notes.yaml").write_bytes(b"names\xff")
    assert open_samples(tmp_path).layout == "class_folders"


def test_nothing_fits_says_what_was_found(write, tmp_path):
    write("notes.txt", "x")
    with pytest.raises(DataError, match=r"no layout fits, found notes.txt – expected one of: multiregion, fracatlas"):
        open_samples(tmp_path)
    with pytest.raises(DataError, match="found an empty folder"):
        (tmp_path / "empty").mkdir()
        open_samples(tmp_path / "empty")
    with pytest.raises(DataError, match=r"found a \.txt file"):
        open_samples(tmp_path / "notes.txt")


def test_two_layouts_fit(draw, write, tmp_path):
    draw("train/images/a.png")
    write("data.yaml", "train: train/images\nnames: [fracture]\n")
    write("train/_annotations.coco.json", '{"images": [], "categories": []}')
    with pytest.raises(DataError, match=r"more than one layout fits: yolo \(data.yaml\) and coco .* --layout yolo"):
        open_samples(tmp_path)
    assert open_samples(tmp_path, layout="yolo").layout == "yolo"


def test_unknown_layout_and_path(tmp_path):
    with pytest.raises(DataError, match="did you mean 'fracatlas'"):
        open_samples(tmp_path, layout="fracatlass")
    with pytest.raises(DataError, match="no such file or folder"):
        open_samples(tmp_path / "gone")


def test_link_loops_end(draw, tmp_path):
    draw("fractured/a.png")
    (tmp_path / "fractured/again").symlink_to(tmp_path)
    (tmp_path / "fractured/self").symlink_to(tmp_path / "fractured/self")
    assert [s.name for s in open_samples(tmp_path)] == ["fractured/a.png"]


def test_linked_pictures_and_folders_are_listed(draw, tmp_path):
    draw("elsewhere/a.png")
    (tmp_path / "set").mkdir()
    (tmp_path / "set/fractured").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set/.hidden.png").write_bytes(b"")
    assert [path.name for path in list_images(tmp_path / "set")] == ["a.png"]


def test_a_folder_around_a_set_points_at_the_set(tmp_path, draw):
    """What an unpacked archive often is; taken as class folders it would be pictures without any label."""
    draw("outer/set/a.png")
    (tmp_path / "outer" / "set" / "samples.csv").write_text("path,fractured\na.png,1\n", "utf-8")
    with pytest.raises(DataError, match=r"holds nothing but set, which is a set of its own – name .*outer/set$"):
        open_samples(tmp_path / "outer")
    assert open_samples(tmp_path / "outer", "class_folders").samples
    assert open_samples(tmp_path / "outer" / "set").samples[0].fractured is True


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_folder_without_permission(draw, tmp_path):
    draw("fractured/a.png")
    (tmp_path / "fractured").chmod(0)
    try:
        with pytest.raises(DataError):
            open_samples(tmp_path)
    finally:
        (tmp_path / "fractured").chmod(0o755)


def test_image_size_is_as_stored(draw):
    assert image_size(draw("a.png", width=30, height=10)) == (10, 30)
    assert image_size(draw("b.tif", width=7, height=9, bits=16)) == (9, 7)
