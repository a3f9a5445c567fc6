"""Series of contact sheets: what is on them, in which order, with which scores."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fxdet.core.errors import DataError
from fxdet.core.findings import Finding, Report
from fxdet.core.labels import Decision
from fxdet.data.samples import BoxLabel, Sample
from fxdet.data.series import (
    Score,
    chosen,
    read_scores,
    series,
    sorted_by_box,
    sorted_by_image,
    sorted_by_score,
)


def box(label, side):
    return BoxLabel((0.0, 0.0, float(side), float(side)), label)


A = Sample(Path("d/a.png"), "a", "train", "x", True, frozenset({"wrist"}), (box("x", 9), box("y", 2)), (10, 10))
B = Sample(Path("d/b.png"), "b", "val", None, False, boxes=(), image_size=(5, 5))
C = Sample(Path("d/c.png"), "c", image_size=(20, 20))
D = Sample(Path("d/d.png"), "d", "train", boxes=(box("x", 4),), image_size=(1, 3))
ALL = (A, B, C, D)


def names(samples):
    return "".join(sample.name for sample in samples)


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("class", {"no box labels": "c", "no boxes": "b", "x": "ad", "y": "a"}),
        ("part", {"no part": "c", "train": "ad", "val": "b"}),
        ("region", {"region unknown": "bcd", "wrist": "a"}),
        ("fractured", {"fractured": "a", "label unknown": "cd", "not fractured": "b"}),
        ("label", {"no label": "bcd", "x": "a"}),
    ],
)
def test_series(by, expected):
    assert {value: names(found) for value, found in series(ALL, by).items()} == expected


def test_orders():
    assert names(sorted_by_box(ALL)) == "adbc"
    assert names(sorted_by_box(ALL, "x")) == "dabc"
    assert names(sorted_by_image(ALL)) == "dbac"
    scores = {"a": Score(0.2, 0.9), "c": Score(0.7, 0.1), "d": Score(None, 0.0)}
    assert names(sorted_by_score(ALL, scores)) == "cabd"
    assert names(sorted_by_score(ALL, scores, finding=True)) == "acbd"


def test_size_of_an_unreadable_picture_comes_last(tmp_path):
    gone = Sample(tmp_path / "gone.png", "g")
    assert names(sorted_by_image([gone, A])) == "ag"


def test_chosen():
    assert names(chosen(ALL, 2, None)) == "ab"
    assert names(chosen(ALL, 9, 1)) == "abcd"
    picked = [names(chosen(ALL, 2, seed)) for seed in range(8)]
    assert all(len(pick) == 2 and list(pick) == sorted(pick) for pick in picked)
    assert len(set(picked)) > 2


def finding(probability, decision):
    return Finding((1.0, 2.0, 3.0, 4.0), 0.5, probability, 0.5, decision, "wrist", 0.9, 0.5)


def test_scores(tmp_path):
    found = (finding(0.8, Decision.FRACTURE), finding(0.1, Decision.NONE))
    reports = (
        Report(str(tmp_path / "s/a.png"), image_probability=0.9, findings=found),
        Report("elsewhere/b.png", image_probability=0.2),
        Report("d/c.png", error="unreadable"),
        Report("not of this set.png", image_probability=1.0),
    )
    path = tmp_path / "reports.jsonl"
    path.write_text("".join(json.dumps(report.to_json()) + "\n" for report in reports))
    samples = (Sample(tmp_path / "s/a.png", "a"), Sample(tmp_path / "t/a.png", "a2"), B, C)
    assert read_scores(path, samples) == {
        "a": Score(0.9, 0.8, ((1.0, 2.0, 3.0, 4.0),)),
        "b": Score(0.2, 0.0),
        "c": Score(None, 0.0),
    }


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("nonsense\n", "can't read scores"),
        ("[1]\n", "can't read scores"),
        ("", "none of its 0 reports"),
        ('{"source": "x"}\n', "of its 1"),
    ],
)
def test_wrong_scores(tmp_path, text, what):
    (tmp_path / "r.jsonl").write_text(text)
    with pytest.raises(DataError, match=what):
        read_scores(tmp_path / "r.jsonl", ALL)


def test_missing_scores(tmp_path):
    with pytest.raises(DataError, match=r"No such file.* pass the reports.jsonl"):
        read_scores(tmp_path / "gone.jsonl", ALL)
