"""The log of experiments: every row is well-formed and its figure stands where it says."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fxdet.core.errors import DataError
from fxdet.training.experiments import COLUMNS, Experiment, append_experiment, read_experiments, write_experiments

ROOT = Path(__file__).resolve().parents[2]
LOG = ROOT / "docs" / "results" / "experiments.csv"
ROW = Experiment(
    "2026-11-21", "wider input, 640 px", "–", "–", "3 epochs", "–", "fracatlas/grouped val", 407, "AP50", 0.5, 0.4, 0.6,
    False, "docs/builtin.md", 'said "no"',
)  # fmt: skip


def test_the_log_is_well_formed():
    rows = read_experiments(LOG)
    assert len(rows) >= 60
    assert len(set(rows)) == len(rows)
    for row in rows:
        # Figures without a file are of the first day; there are to be no more of them.
        assert (ROOT / row.source).is_file() or (row.source == "–" and row.date == "2026-11-21"), row
        for place in re.findall(r"(?:tools|configs)/[\w./-]+\.(?:py|yaml)", row.command):
            assert (ROOT / place).is_file(), row


def test_every_figure_stands_in_its_source():
    for row in read_experiments(LOG):
        if row.source == "–":
            continue
        text = (ROOT / row.source).read_text("utf-8")
        numbers = re.findall(r"(?<![\w.])\d*\.\d{2,}", text)
        assert any(same_figure(str(row.value), number) for number in numbers), row


def same_figure(first: str, second: str) -> bool:
    """Whether two numbers are one, as far as the shorter goes."""
    digits = min(len(text.partition(".")[2]) for text in (first, second))
    return round(float(first), digits) == round(float(second), digits)


def test_rows_survive_the_disk(tmp_path):
    rows = (ROW, replace(ROW, low=None, high=None, chosen=True, note=""))
    write_experiments(rows, tmp_path / "log.csv")
    assert read_experiments(tmp_path / "log.csv") == rows


def test_a_row_is_added_once(tmp_path):
    append_experiment(ROW, tmp_path / "log.csv")
    append_experiment(replace(ROW, metric="AP50:95"), tmp_path / "log.csv")
    assert [row.metric for row in read_experiments(tmp_path / "log.csv")] == ["AP50", "AP50:95"]
    with pytest.raises(DataError, match="has this row already"):
        append_experiment(ROW, tmp_path / "log.csv")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("date", "21.11.2026", "expected YYYY-MM-DD"),
        ("n", "0", "expected at least 1"),
        ("n", "many", "invalid literal"),
        ("value", "", "could not convert"),
        ("low", "–", "got one limit"),
        ("low", "0.55", "expected it to hold the value"),
        ("chosen", "maybe", "expected yes or no"),
        ("part", "fracatlas/grouped test", "test parts choose nothing"),
        ("command", " ", "command: got nothing"),
    ],
)
def test_a_wrong_row_is_named_with_its_line(tmp_path, name, text, message):
    path = tmp_path / "log.csv"
    write_experiments([replace(ROW, experiment="a", note="")], path)
    head, line = path.read_text("utf-8").splitlines()
    cells = line.split(",")
    cells[COLUMNS.index(name)] = text
    path.write_text("\n".join([head, line, ",".join(cells), ""]), "utf-8")
    with pytest.raises(DataError, match=message) as caught:
        read_experiments(path)
    assert f"{path}:3" in str(caught.value)


@pytest.mark.parametrize("text", ["", "a,b\n", ",".join(COLUMNS) + "\nx\n", ",".join(COLUMNS) + '\n"x\n'])
def test_what_is_no_log_is_one_clear_line(tmp_path, text):
    (tmp_path / "log.csv").write_text(text, "utf-8")
    with pytest.raises(DataError):
        read_experiments(tmp_path / "log.csv")
    with pytest.raises(DataError):
        read_experiments(tmp_path / "none.csv")


def test_the_tool_adds_a_row_and_refuses_a_test_part(tmp_path):
    command = [sys.executable, str(ROOT / "tools" / "log_experiment.py"), "--log", str(tmp_path / "log.csv")]
    command += ["--experiment", "x", "--n", "407", "--metric", "AP50", "--value", "0.5", "--source", "docs/builtin.md"]
    done = subprocess.run([*command, "--part", "val", "--interval", "0.4", "0.6"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (row,) = read_experiments(tmp_path / "log.csv")
    assert (row.value, row.low, row.high, row.chosen, row.command) == (0.5, 0.4, 0.6, False, "–")
    refused = subprocess.run([*command, "--part", "grouped test"], capture_output=True, text=True)
    assert refused.returncode == 1
    assert "test parts choose nothing" in refused.stderr
