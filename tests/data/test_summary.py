"""Figures of a set, file checks, and filters."""

from __future__ import annotations

from pathlib import Path

import pytest

from fxdet.core.errors import DataError
from fxdet.data import predicates
from fxdet.data.samples import BoxLabel, Problem, Sample, SampleSet
from fxdet.data.summary import ClassCount, Count, check_files, summarise


def sample(name, part=None, fractured=None, regions=(), boxes=None, **more):
    return Sample(Path(name), name, part, None, fractured, frozenset(regions), boxes, **more)


BOX = BoxLabel((0, 0, 10, 20), "fracture")
WIDE = BoxLabel((0, 0, 30, 20), "fracture")
METAL = BoxLabel((0, 0, 1, 1), "metal", "other")
SAMPLES = SampleSet(
    "s",
    "table",
    Path("root"),
    (
        sample("a", "test", True, ["leg"], (BOX, WIDE, METAL), group="p1"),
        sample("b", "train", False, ["leg", "hip"], (), group="p1"),
        sample("c", "train", None, ["leg"], None, attributes={"fold": "2"}),
        sample("d", None, False),
    ),
    (Problem("x:1", "bad"),),
)


def test_counts():
    summary = summarise(SAMPLES)
    assert summary.total == Count("all", 4, 3, 1, 2, 1, 1, 3)
    assert [(part.name, part.samples, part.groups) for part in summary.parts] == [
        ("train", 2, 2),
        ("test", 1, 1),
        ("-", 1, 1),
    ]
    assert [(region.name, region.samples) for region in summary.regions] == [("leg", 2), ("hip/leg", 1), ("-", 1)]
    assert summary.classes == (
        ClassCount("fracture", "fracture", 2, 1, 20, 20),
        ClassCount("metal", "other", 1, 1, 1, 1),
    )
    assert (summary.shared_groups, summary.box_labels_unknown, summary.sizes) == (1, 2, None)
    assert summary.problems == (Problem("x:1", "bad"),)


def test_empty_set():
    summary = summarise(SampleSet("s", "table", Path("root"), ()))
    assert (summary.total.samples, summary.parts, summary.classes) == (0, (), ())


def test_checked_files(draw, write, tmp_path):
    paths = [draw("a.png", 30, 10), draw("b.png", 50, 40), write("c.png", "text"), tmp_path / "gone.png"]
    checks = list(check_files([Sample(path, path.name) for path in paths]))
    assert [check.size for check in checks] == [(10, 30), (40, 50), None, None]
    summary = summarise(SAMPLES, [*checks, *checks])
    assert (summary.sizes.files, summary.sizes.smallest, summary.sizes.largest) == (4, (10, 30), (40, 50))
    # Twice looked at, once told.
    assert len(summary.problems) == 3


def test_decoding_finds_what_the_header_hides(draw):
    whole = draw("a.jpg", 300, 300)
    cut = whole.with_name("cut.jpg")
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    samples = [Sample(cut, "cut.jpg")]
    assert [check.problems for check in check_files(samples)] == [()]
    decoded = next(check_files(samples, decode=True))
    assert decoded.size == (300, 300)
    assert "truncated" in decoded.problems[0].what


@pytest.mark.parametrize(
    ("keep", "names"),
    [
        (predicates.in_part("train"), "bc"),
        (predicates.in_part("train", "test"), "abc"),
        (predicates.in_fold(2), "c"),
        (predicates.fractured_is(True), "a"),
        (predicates.fractured_is(False), "bd"),
        (predicates.fractured_is(None), "c"),
        (predicates.may_show("leg"), "abc"),
        (predicates.has_boxes(), "a"),
        (predicates.has_boxes("region"), ""),
        (predicates.has_box_labels, "ab"),
        (predicates.name_like("[ad]"), "ad"),
        (predicates.all_of(), "abcd"),
        (predicates.all_of(predicates.may_show("leg"), predicates.negate(predicates.in_part("test"))), "bc"),
        (predicates.any_of(predicates.may_show("hip"), predicates.fractured_is(None)), "bc"),
    ],
)
def test_filters(keep, names):
    assert "".join(found.name for found in SAMPLES.where(keep)) == names


def test_unknown_region():
    with pytest.raises(DataError, match="did you mean 'wrist'"):
        predicates.may_show("wirst")
