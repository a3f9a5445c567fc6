"""Files of predictions that say nothing sensible: each is refused in one line that names the place."""

from __future__ import annotations

from pathlib import Path

import pytest

from fxdet.core.errors import DataError
from fxdet.pipeline.predictions import read_predictions


def check_refusal(path: Path, text: str, message: str) -> None:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_predictions(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "nothing is in it"),
        ('{"source": "a.png"', "reports.jsonl:1: not a line of JSON"),
        ("[1]", "expected a report with a source"),
        ("\ufffd\n", "not a line of JSON"),
    ],
)
def test_no_reports(tmp_path: Path, text: str, message: str):
    check_refusal(tmp_path / "reports.jsonl", text, message)


def test_no_file(tmp_path: Path):
    with pytest.raises(DataError, match=r"can't read predictions .*reports.jsonl"):
        read_predictions(tmp_path)
    (tmp_path / "bad.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="expected UTF-8 text"):
        read_predictions(tmp_path / "bad.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "got columns a, b, expected source"),
        ("source,leg\na.png,1\n", "expected source"),
        ("source,fractred\na.png,1\n", "column 'fractred' is unknown – did you mean 'fractured'"),
        ("source,wrsit,leg\na.png,1,0\n", "column 'wrsit' is unknown – did you mean 'wrist'"),
        ("Source,Fractured\na.png,1\n", "column 'Source' is unknown – did you mean 'source'"),
        ("source,Fractured\na.png,1\n", "column 'Fractured' is unknown – did you mean 'fractured'"),
        ("source,fractured,Leg\na.png,1,1\n", "column 'Leg' is unknown – did you mean 'leg'"),
        ("soruce,fractured\na.png,1\n", "column 'soruce' is unknown – did you mean 'source'"),
        ("source,fractured,fractured\na.png,1,0\n", "scores.csv: column 'fractured' is there twice"),
        ("# mine\nname, leg,wrist,leg\na.png,1,0,1\n", "scores.csv: column 'leg' is there twice"),
        ("source,fractured\n", "nothing is in it"),
        ("source,fractured\na.png,high\n", r"scores.csv:2 \(a.png\): fractured: got 'high', expected a number"),
        ("source,fractured\na.png,1.01\n", r"fractured: got '1.01', expected a number in \[0, 1\]"),
        ("source,fractured\na.png,nan\n", "fractured: got 'nan'"),
        ("source,fractured\na.png,\n", "fractured: got ''"),
        ("source,fractured\n,0.5\n", "source is empty"),
        ("source,fractured,normal\na.png,0.5,0.1\n", "probabilities sum up to 0.6000, expected 1"),
        ("source,leg,wrist\na.png,0.5,0.3\n", "region: probabilities sum up to 0.8000"),
        ("source,fractured,rist\na.png,0.5,1\n", "column 'rist' is unknown – did you mean 'wrist'"),
    ],
)
def test_a_wrong_table_is_named(tmp_path: Path, text: str, message: str):
    check_refusal(tmp_path / "scores.csv", text, message)


def test_columns_that_say_nothing_are_named(tmp_path: Path):
    path = tmp_path / "scores.csv"
    path.write_text("source,truth,score\na.png,1,0.5\n", encoding="utf-8")
    assert read_predictions(path).ignored == ("truth",)
