"""A part of a data set and models by name, for the scripts that compare models."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fxdet.core.errors import ConfigError
from fxdet.data.drawn import write_drawn_set
from fxdet.imaging.synthetic import DrawingOptions
from fxdet.pipeline.compared_models import PartQuery, add_to_result, open_models, open_part
from fxdet.zoo.cards import read_card

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = DrawingOptions(size=(64, 64))
    folder = tmp_path_factory.mktemp("drawn")
    return write_drawn_set(folder, [("train", 4), ("val", 8)], np.random.default_rng(0), options)


def test_a_part_holds_what_was_asked_for(drawn: Path) -> None:
    every = open_part(PartQuery(drawn, None, "val", boxes=True))
    fractured = open_part(PartQuery(drawn, None, "val", boxes=True, fractured=True))
    assert every.to_json()["n"] == 8
    assert {sample.part for sample in every.samples} == {"val"}
    assert 0 < fractured.to_json()["n"] == every.to_json()["fractured"] < 8
    assert str(PartQuery(drawn, None, "val", fractured=True)) == f"{drawn.name} val, fractured"


def test_an_empty_part_names_the_others(drawn: Path) -> None:
    with pytest.raises(ConfigError, match=r"--part – got 'vla', .* expected one of train, val"):
        open_part(PartQuery(drawn, None, "vla"))


def test_a_model_named_twice_is_refused_before_anything_is_loaded(tiny_pipeline: Path) -> None:
    card = tiny_pipeline / "classifier.json"
    cards, models = open_models([card], lambda path: path.name)
    assert models == {read_card(card).full_name: "classifier.json"}
    assert list(cards) == list(models)
    with pytest.raises(ConfigError, match="expected each name once"):
        open_models([card, card], lambda path: pytest.fail("loaded"))


def test_results_grow_by_part_and_by_entry(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    add_to_result(path, "a val", {"n": 2, "trials": {"x": 1, "y": 1}}, {})
    add_to_result(path, "b val", {"n": 9, "trials": {"x": 3}}, {})
    add_to_result(path, "a val", {"n": 3, "trials": {"y": 2}}, {})
    parts = json.loads(path.read_text())["parts"]
    assert parts == {"a val": {"n": 3, "trials": {"x": 1, "y": 2}}, "b val": {"n": 9, "trials": {"x": 3}}}


@pytest.mark.parametrize(
    ("script", "options"),
    [
        ("try_fusion.py", ["--trial", "x", "--part", "test"]),
        ("compare_localizers.py", ["--part", "nowhere"]),
        ("compare_classifiers.py", ["--part", "nowhere"]),
    ],
)
def test_a_wrong_part_is_one_line_and_exit_code_2(
    drawn: Path, tiny_pipeline: Path, tmp_path: Path, script: str, options: list[str]
) -> None:
    card = str(tiny_pipeline / ("classifier.json" if "class" in script else "localizer.json"))
    command = [sys.executable, str(ROOT / "tools" / script), card, "--data", str(drawn), *options]
    run = subprocess.run([*command, "-o", str(tmp_path / "o.json")], capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1
    assert "error: --part – got" in run.stderr
    assert not (tmp_path / "o.json").exists()
