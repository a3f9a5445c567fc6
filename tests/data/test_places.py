"""Names of converted pictures: kept where they can be, never equal."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fxdet.data.places import picture_stems
from fxdet.data.samples import Sample, SampleSet

PART = st.sampled_from([None, "train", "val", "test", "hold out"])
NAME = st.text(st.characters(blacklist_characters="\x00", blacklist_categories=()), min_size=1, max_size=12)
TRICKY = st.sampled_from(
    ["a.png", "A.PNG", "a.jpg", "train/a.png", "x/a.png", "x_a.png", "../a", "images/x/a.png", "a-2.png", "/abs/a.png"]
)


def stems(*named, flat=False):
    samples = tuple(Sample(Path("f"), name, part) for name, part in named)
    return picture_stems(SampleSet("s", "table", Path("s"), samples), flat)


@pytest.mark.parametrize(
    ("name", "part", "stem"),
    [
        ("a.png", None, "a"),
        ("images/Fractured/IMG 1.jpg", None, "Fractured/IMG 1"),
        ("train/images/a.b.png", "train", "train/a.b"),
        ("images/val/Übung ü.png", "test", "test/Übung ü"),
        ("../up/a.png", None, "up/a"),
        ("/abs/.hidden.png", None, "abs/_.hidden"),
        ("a\nb\\c.png", None, "a_b_c"),
        ("d/\udcff.png", None, "d/_"),
    ],
)
def test_plain_names(name, part, stem):
    assert stems((name, part)) == [stem]


def test_equal_names_in_sub_folders_stay_apart():
    twins = [("a/x.png", "train"), ("b/x.png", "train"), ("b/x.jpg", "train"), ("B/X.png", None)]
    assert stems(*twins) == ["train/a/x", "train/b/x", "train/b/b_x", "unassigned/B/X"]
    assert stems(*twins, flat=True) == ["x", "b_x", "x-2", "X-3"]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(NAME | TRICKY, PART), max_size=12), st.booleans())
def test_stems_are_distinct_safe_and_repeatable(named, flat):
    found = stems(*named, flat=flat)
    assert len({stem.casefold() for stem in found}) == len(named)
    assert found == stems(*named, flat=flat)
    for stem in found:
        pieces = PurePosixPath(stem).parts
        assert not stem.startswith("/")
        assert all(piece not in ("..", ".") and not piece.startswith(".") and piece.isprintable() for piece in pieces)
        stem.encode()
        assert not flat or len(pieces) == 1
