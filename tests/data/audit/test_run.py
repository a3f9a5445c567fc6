"""The audit as a whole, on open sets."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fxdet.data.audit.run import AuditOptions, audit
from fxdet.data.samples import BoxLabel, Sample, SampleSet
from fxdet.imaging.synthetic import DrawingOptions, draw_radiograph

ONE = AuditOptions(workers=1)


@pytest.fixture
def draw_sets(tmp_path):
    """Make a set of drawn radiographs: (name, part, fractured, seed, group) each; None for a broken file."""

    def make(name, rows):
        samples = []
        for file, part, fractured, seed, group in rows:
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            if seed is None:
                path.write_bytes(b"no picture")
            else:
                drawn = draw_radiograph(np.random.default_rng(seed), DrawingOptions(size=(96, 80)))
                Image.fromarray(drawn.pixels).save(path)
            samples.append(Sample(path, file, part, None, fractured, group=group))
        return SampleSet(name, "table", tmp_path / name, tuple(samples))

    return make


def test_sets_of_one_name_are_told_apart(draw_sets):
    first = draw_sets("a", [("x.png", "train", True, 1, ""), ("y.png", "train", False, 2, "")])
    second = replace(draw_sets("b", [("x.png", "train", True, 1, "")]), name="a")
    result = audit([first], [second], ONE)
    assert [facts.name for facts in result.sets] == ["a", "a (2)"]
    assert [file.set_name for file in result.files] == ["a", "a", "a (2)"]
    assert [(group.tie, group.members, group.parts) for group in result.groups] == [
        ("bytes", (0, 2), ("a (2)/train", "a/train"))
    ]


def test_splits_parts_and_several_classes_are_stated(draw_sets):
    made = draw_sets(
        "a", [("x.png", "val", True, 1, ""), ("y.png", None, False, 2, ""), ("z.png", "train", None, 3, "")]
    )
    boxes = tuple(BoxLabel((1.0, 1.0, 9.0, 9.0), label) for label in ("a", "b"))
    made = replace(made, samples=(replace(made.samples[0], boxes=boxes), *made.samples[1:]))
    (facts,) = audit([made], options=replace(ONE, splits=("some/list",))).sets
    assert (facts.split, list(facts.parts.items())) == ("some/list", [("train", 1), ("val", 1), ("-", 1)])
    assert facts.several_classes == 1


def test_broken_files_are_counted_and_the_audit_goes_on(draw_sets):
    made = draw_sets("a", [("x.png", "train", True, None, ""), ("y.png", "val", False, 2, "")])
    result = audit([made], options=ONE)
    assert [file.readable for file in result.files] == [False, True]
    assert [(fault.code, Path(fault.where).name) for fault in result.faults if fault.code == "undecodable"] == [
        ("undecodable", "x.png")
    ]


def test_an_empty_set(tmp_path):
    result = audit([SampleSet("empty", "table", tmp_path, ())], options=ONE)
    assert (result.files, result.groups, result.leaks, result.shortcuts) == ((), (), (), ())


def test_duplicates_and_patients_stay_in_one_fold(draw_sets, monkeypatch):
    rows = [
        ("a.png", "train", True, 1, "p1"),
        ("b.png", "train", True, 2, "p1"),
        ("c.png", "train", False, 3, ""),
        ("d.png", "train", False, 2, ""),
        ("e.png", "train", False, 5, ""),
    ]
    seen = []

    def spy(name, properties, fractured, clusters):
        seen.append((name, list(fractured), list(clusters)))
        assert all("wrong_extension" in row for row in properties)

    monkeypatch.setattr("fxdet.data.audit.run.find_shortcuts", spy)
    before, made = draw_sets("before", [("z.png", None, None, 9, "")]), draw_sets("a", rows)
    audit([before, made], options=ONE)
    ((name, labels, clusters),) = seen
    assert (name, labels) == ("a", [True, True, False, False, False])
    # a and b are one patient, d is a copy of b.
    assert clusters[0] == clusters[1] == clusters[3]
    assert len(set(clusters)) == 3


def test_only_own_sets_are_judged_by_their_files(draw_sets):
    own = draw_sets("own", [("x.png", "train", True, 1, "")])
    other = draw_sets("other", [("broken.png", "train", True, None, "")])
    assert {fault.set_name for fault in audit([own], [other], ONE).faults} <= {"own"}
    assert {count.set_name for count in audit([own], [other], ONE).classes} <= {"own"}


def test_features_find_what_they_say(draw_sets):
    made = draw_sets(
        "a", [("x.png", "train", True, 1, ""), ("y.png", "val", True, 2, ""), ("z.png", "val", True, 3, "")]
    )
    picture = Image.open(made.samples[0].path)
    picture.rotate(30).save(made.samples[1].path)
    features = np.eye(3, 8)
    features[1] = features[0]
    without = audit([made], options=ONE)
    found = audit([made], options=replace(ONE, embeddings=features))
    assert without.groups == ()
    assert [group.members for group in found.groups] == [(0, 1)]


def test_the_same_files_give_the_same_result(draw_sets, tmp_path):
    made = draw_sets("a", [(f"{n}.png", ("train", "val")[n % 2], n % 3 == 0, n // 2, "") for n in range(12)])
    shutil.copy(made.samples[0].path, made.samples[5].path)
    first, second = (replace(audit([made], options=ONE), seconds=0.0) for _ in range(2))
    assert first == second
