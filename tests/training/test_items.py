from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxdet.core.errors import DataError
from fxdet.core.labels import FRACTURE, HAND_REGIONS, REGIONS
from fxdet.data.samples import BoxLabel, Sample, SampleSet
from fxdet.data.splits import LeakStamp
from fxdet.training.classifier_config import CropOptions, SourceOptions
from fxdet.training.items import (
    Item,
    OpenedSource,
    _filtered,
    allowed_classes,
    balance_fracture,
    draw_epoch,
    judge_candidate,
    make_items,
    read_candidates,
)

HEADS = {"fracture": FRACTURE.names, "region": REGIONS.names}
BOX = BoxLabel((10, 10, 30, 30), "fracture")


def sample(name: str, **known: object) -> Sample:
    return Sample(Path("/data") / name, name, "train", **known)


BROKEN = sample("a/broken.png", fractured=True, boxes=(BOX,), regions=frozenset({"wrist"}))
SOUND = sample("a/sound.png", fractured=False, boxes=(), regions=HAND_REGIONS)
UNBOXED = sample("unboxed.png", fractured=True)


def source(options: SourceOptions) -> OpenedSource:
    samples = SampleSet("set", "table", Path("/data"), (BROKEN, SOUND, UNBOXED))
    return OpenedSource(options, samples, LeakStamp("as published", ""))


def kinds(options: SourceOptions) -> list[tuple[str, str, bool | None]]:
    items = make_items(source(options), ["train"], CropOptions())
    return [(item.sample.path.name, item.kind, item.fractured) for item in items]


@pytest.mark.parametrize(
    ("listed", "left"),
    [
        ("a/b.png", {"c/b.png", "d.png"}),
        ("b.png", {"d.png"}),
        ("d.jpg\n# a note", {"a/b.png", "c/b.png"}),  # made for the set before it was made smaller
        ("old/d.jpg", {"a/b.png", "c/b.png"}),
        ("files/2.png", {"a/b.png", "d.png"}),  # the file of a picture that has another name
    ],
)
def test_pictures_left_out_by_name(tmp_path: Path, caplog, listed: str, left: set[str]):
    (tmp_path / "out.txt").write_text(f"{listed}\n")
    options = SourceOptions(Path("x"), leave_out=tmp_path / "out.txt")
    names = {"a/b.png": "a/b.png", "c/b.png": "files/2.png", "d.png": "d.png"}
    samples = tuple(Sample(tmp_path / file, name, "train") for name, file in names.items())
    assert {each.name for each in _filtered(SampleSet("set", "table", tmp_path, samples), options)} == left
    assert not caplog.records


def test_a_name_that_leaves_nothing_out_is_told(tmp_path: Path, caplog):
    (tmp_path / "out.txt").write_text("gone.png\nx/b.png\nd.png\n")
    options = SourceOptions(Path("x"), leave_out=tmp_path / "out.txt")
    samples = tuple(Sample(tmp_path / name, name, "train") for name in ("a/b.png", "c/b.png", "d.png"))
    assert len(_filtered(SampleSet("set", "table", tmp_path, samples), options)) == 2
    (record,) = caplog.records
    assert "names that fit no picture of set: 2, the first is gone.png" in record.message


def test_every_kind_of_item():
    options = SourceOptions(Path("x"), whole=1, fracture_boxes=1, background=1)
    assert kinds(options) == [
        ("broken.png", "whole", True),
        ("sound.png", "whole", False),
        ("unboxed.png", "whole", True),
        ("broken.png", "fracture_box", True),
        ("broken.png", "background", False),
        ("sound.png", "background", False),
    ]


def test_weights_of_kind_and_source_multiply():
    options = SourceOptions(Path("x"), weight=2, whole=0, fracture_boxes=0.25)
    items = make_items(source(options), ["train"], CropOptions())
    assert [item.weight for item in items] == [0.5]


def test_candidates_are_judged_by_overlap():
    options = CropOptions(positive_iou=0.3, negative_iou=0.05)
    assert judge_candidate((10, 10, 30, 28), BROKEN, options) == (True, True)
    assert judge_candidate((50, 50, 70, 70), BROKEN, options) == (True, False)
    assert judge_candidate((20, 20, 40, 40), BROKEN, options)[0] is False  # IoU 1/7: neither
    assert judge_candidate((10, 10, 30, 30), SOUND, options) == (True, False)
    assert judge_candidate((10, 10, 30, 30), UNBOXED, options)[0] is False


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.csv", "name,x1,y1,x2,y2,score\nbroken.png,10,10,30,30,0.5\na/sound.png,1,2,3,4,0.1\n"),
        (
            "c.jsonl",
            '{"name": "broken.png", "box": [10, 10, 30, 30]}\n'
            '{"name": "a/sound.png", "x1": 1, "y1": 2, "x2": 3, "y2": 4}\n',
        ),
        (
            "c.jsonl",
            json.dumps({"source": "/x/broken.png", "findings": [{"box": [10, 10, 30, 30]}]})
            + "\n"
            + json.dumps({"source": "sound.png", "findings": [{"box": [1, 2, 3, 4]}]})
            + "\n",
        ),
    ],
    ids=["csv", "json-lines", "reports"],
)
def test_candidate_files(tmp_path: Path, name: str, text: str):
    path = tmp_path / name
    path.write_text(text)
    boxes = {Path(key).name: value for key, value in read_candidates(path).items()}
    assert boxes == {"broken.png": [(10.0, 10.0, 30.0, 30.0)], "sound.png": [(1.0, 2.0, 3.0, 4.0)]}
    options = SourceOptions(Path("x"), whole=0, candidates=path, candidates_weight=1)
    assert kinds(options) == [("broken.png", "candidate", True), ("sound.png", "candidate", False)]


def test_wrong_candidate_files(tmp_path: Path):
    path = tmp_path / "c.csv"
    path.write_text("name,x1\na,1\n")
    with pytest.raises(DataError, match=r"c\.csv:1: got"):
        read_candidates(path)
    path.write_text("name,x1,y1,x2,y2\nother.png,1,2,3,4\n")
    options = SourceOptions(Path("x"), whole=0, candidates=path, candidates_weight=1)
    with pytest.raises(DataError, match="no name fits"):
        kinds(options)


def test_labels_missing_single_and_sets():
    rows = allowed_classes(Item(SOUND, "set", "whole", False, 1.0), HEADS)
    assert rows["fracture"].tolist() == [True, False]
    assert {REGIONS[i] for i in np.flatnonzero(rows["region"])} == set(HAND_REGIONS)
    rows = allowed_classes(Item(UNBOXED, "set", "whole", None, 1.0), HEADS)
    assert rows["fracture"].all() and rows["region"].all()


def test_a_label_that_the_head_does_not_list_is_missing():
    heads = {"region": ("hip", "leg"), "view": ("frontal", "lateral")}
    rows = allowed_classes(Item(BROKEN, "set", "whole", True, 1.0), heads)
    assert rows["region"].all() and rows["view"].all()
    seen = sample("x.png", attributes={"view": "lateral"})
    assert allowed_classes(Item(seen, "set", "whole", None, 1.0), heads)["view"].tolist() == [False, True]


def test_balance_gives_both_classes_the_same_weight():
    items = [Item(BROKEN, "s", "whole", True, 1.0), *[Item(SOUND, "s", "whole", False, 0.5)] * 6]
    items.append(Item(UNBOXED, "s", "whole", None, 0.7))
    balanced = balance_fracture(items)
    totals = {value: sum(i.weight for i in balanced if i.fractured is value) for value in (True, False, None)}
    assert totals == pytest.approx({True: 2.0, False: 2.0, None: 0.7})


@given(st.lists(st.floats(0, 5), min_size=1, max_size=30), st.integers(1, 60), st.integers(0, 99))
def test_an_epoch_shows_everything_as_often_as_its_weight_says(weights: list[float], count: int, seed: int):
    values = np.array(weights) + 1e-3
    drawn = draw_epoch(values, count, np.random.default_rng(seed))
    times = np.bincount(drawn, minlength=len(values))
    expected = values / values.sum() * count
    assert times.sum() == count
    assert (times >= np.floor(expected - 1e-6)).all() and (times <= np.ceil(expected + 1e-6)).all()


def test_items_without_weight_never_come():
    for seed in range(50):
        assert set(draw_epoch(np.array([0.0, 1.0, 0.0]), 5, np.random.default_rng(seed)).tolist()) == {1}
