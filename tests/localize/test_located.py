from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fxdet.core.labels import LabelMap
from fxdet.localize.located import RawBoxes, split_kinds

LABELS = LabelMap(("wrist", "fracture", "elbow"))


def test_no_boxes():
    located = split_kinds(RawBoxes(np.zeros((0, 4)), np.zeros(0), np.zeros(0)), LABELS, (10, 20), "m.t")
    assert len(located.regions) == len(located.fractures) == 0
    assert located.regions.labels.names == ("wrist", "elbow")
    assert located.fractures.labels.names == ("fracture",)


def test_kinds_are_split_sorted_and_renumbered():
    xyxy = np.array([[0, 0, 5, 5], [1, 1, 6, 6], [2, 2, 7, 7], [3, 3, 8, 8]])
    raw = RawBoxes(xyxy, np.array([0.2, 0.9, 0.8, 0.95]), np.array([2, 1, 0, 1]))
    located = split_kinds(raw, LABELS, (10, 20), "m.t")
    assert located.regions.xyxy.tolist() == xyxy[[2, 0]].tolist()
    assert [located.regions.labels[index] for index in located.regions.label] == ["wrist", "elbow"]
    assert located.fractures.xyxy.tolist() == xyxy[[3, 1]].tolist()
    assert located.fractures.score.tolist() == pytest.approx([0.95, 0.9])
    assert located.fractures.label.tolist() == [0, 0]
    assert located.fractures.model == "m.t"


def test_boxes_are_cut_at_the_border_and_those_outside_left_out():
    xyxy = np.array([[-3, -4, 30, 5], [25, 0, 40, 5], [4, 4, 4, 9]])
    located = split_kinds(RawBoxes(xyxy, np.full(3, 0.5), np.ones(3)), LABELS, (10, 20), "m.t")
    assert located.fractures.xyxy.tolist() == [[0, 0, 20, 5]]


@pytest.mark.parametrize(("names", "kind"), [(("fracture",), "regions"), (("wrist",), "fractures")])
def test_a_kind_that_the_network_does_not_know_is_empty(names, kind):
    raw = RawBoxes(np.array([[0, 0, 5, 5]]), np.array([0.5]), np.array([0]))
    located = split_kinds(raw, LabelMap(names), (10, 20), "m.t")
    assert len(getattr(located, kind)) == 0
    assert len(located.regions) + len(located.fractures) == 1


@given(
    hnp.arrays(np.float32, (7, 4), elements=st.floats(-1e6, 1e6, width=32)),
    hnp.arrays(np.float32, 7, elements=st.floats(0, 1, width=32)),
    hnp.arrays(np.int64, 7, elements=st.integers(0, 2)),
)
def test_any_boxes_give_valid_detections(xyxy, score, label):
    located = split_kinds(RawBoxes(xyxy, score, label), LABELS, (10, 20), "m.t")
    for found in (located.regions, located.fractures):
        assert (found.xyxy >= 0).all()
        assert (found.xyxy <= [20, 10, 20, 10]).all()
        assert (np.diff(found.score) <= 0).all()
    assert len(located.regions) + len(located.fractures) <= 7
