"""Class maps: renamed, merged and dropped classes."""

from __future__ import annotations

from pathlib import Path

import pytest

from fxdet.core.errors import ConfigError, DataError
from fxdet.data.class_map import apply_class_map, class_kinds, parse_class_map, read_class_map
from fxdet.data.samples import BoxLabel, Sample, SampleSet

BOX = (1.0, 2.0, 3.0, 4.0)


def boxes(*pairs):
    return tuple(BoxLabel(BOX, label, kind) for label, kind in pairs)


def a_set(*samples):
    return SampleSet("s", "yolo", Path("s"), samples)


def test_rename_merge_and_drop():
    first = Sample(Path("a"), "a", label="break", boxes=boxes(("break", "fracture"), ("screw", "other")))
    second = Sample(Path("b"), "b", fractured=True, boxes=boxes(("screw", "other"), ("text", "other")))
    third = Sample(Path("c"), "c", label="text")
    mapped = apply_class_map(a_set(first, second, third), {"break": "fracture", "screw": "metal", "text": None})
    assert [[(b.label, b.kind) for b in s.boxes or ()] for s in mapped] == [
        [("fracture", "fracture"), ("metal", "other")],
        [("metal", "other")],
        [],
    ]
    assert [s.label for s in mapped] == ["fracture", None, None]
    assert (mapped.samples[1].fractured, mapped.samples[2].boxes) == (True, None)


def test_a_box_that_joins_a_class_takes_its_kind():
    samples = a_set(Sample(Path("a"), "a", boxes=boxes(("gap", "other"), ("fracture", "fracture"))))
    assert class_kinds(apply_class_map(samples, {"gap": "fracture"})) == {"fracture": "fracture"}


def test_all_boxes_dropped_is_not_unknown():
    samples = a_set(Sample(Path("a"), "a", boxes=boxes(("text", "other"))))
    assert apply_class_map(samples, {"text": None}).samples[0].boxes == ()


def test_names_may_be_swapped():
    samples = a_set(Sample(Path("a"), "a", boxes=boxes(("x", "other"), ("y", "other"))))
    swapped = apply_class_map(samples, {"x": "y", "y": "x"}).samples[0].boxes
    assert [box.label for box in swapped] == ["y", "x"]


def test_unknown_class():
    samples = a_set(Sample(Path("a"), "a", boxes=boxes(("fracture", "fracture"))))
    with pytest.raises(DataError, match="s has no class 'fractrue' – did you mean 'fracture'"):
        apply_class_map(samples, {"fractrue": "x"})


@pytest.mark.parametrize(
    ("pairs", "what"), [(["a"], "got 'a', expected old=new"), (["=b"], "got '=b'"), (["a=b", "a=c"], "named twice")]
)
def test_wrong_pairs(pairs, what):
    with pytest.raises(ConfigError, match=what):
        parse_class_map(pairs)


def test_file(write):
    assert read_class_map(write("m.yaml", "a: b\nc:\n3: 4\n")) == {"a": "b", "c": None, "3": "4"}


@pytest.mark.parametrize(
    ("text", "what"),
    [("- a", "got list"), ("a: [b]", "a: got \\['b'\\]"), ("a: b: c", "can't read class map"), ("a: 1.5", "1.5")],
)
def test_wrong_file(write, text, what):
    with pytest.raises(ConfigError, match=what):
        read_class_map(write("m.yaml", text))


def test_missing_file(tmp_path):
    with pytest.raises(ConfigError, match="can't read class map"):
        read_class_map(tmp_path / "gone.yaml")
