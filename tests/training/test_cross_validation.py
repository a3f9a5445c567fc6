"""Cross-validation: each picture scored once, by the network that did not see it."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from sklearn.metrics import roc_auc_score

from fxdet.cli.main import main
from fxdet.core.errors import ConfigError
from fxdet.training.classifier_config import ClassifierConfig
from fxdet.training.config import load_config
from fxdet.training.cross_validation import cross_validate, folds_of, of_fold
from fxdet.training.processes import Processes

Config = Callable[..., Path]
LOOP = {"epochs": 2, "batch_size": 16, "ema_decay": 0, "precision": "fp32"}


@pytest.fixture(scope="module")
def folded(tmp_path_factory: pytest.TempPathFactory, drawn_set: Path) -> Path:
    """A split list of three folds over the drawn set."""
    with open(drawn_set, encoding="utf-8", newline="") as file:
        names = [row["path"] for row in csv.DictReader(file)]
    path = tmp_path_factory.mktemp("folds") / "folds.csv"
    lines = ["# set: drawn; seed: 1; rule: by turns", "name,group,part,fold"]
    lines += [f"{name},g{number},train,{number % 3}" for number, name in enumerate(names)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def settings(drawn_set: Path, folded: Path) -> dict[str, object]:
    source = {"path": str(drawn_set), "split": str(folded), "whole": 1.0}
    return {"sources": [source], "loop": LOOP, "heads": {"fracture": ["normal", "fractured"]}}


def test_every_picture_is_scored_once_by_the_network_that_did_not_see_it(config: Config, drawn_set: Path, folded: Path):
    said: list[str] = []
    path = cross_validate(config(**settings(drawn_set, folded)), say=said.append)
    result = json.loads(path.read_text(encoding="utf-8"))
    rows = list(csv.reader(result["scores"]))
    with open(folded, encoding="utf-8") as file:
        fold_of = {row["name"]: int(row["fold"]) for row in csv.DictReader(line for line in file if line[0] != "#")}
    assert sorted(row[0] for row in rows) == sorted(fold_of)
    assert len(said) == 3
    assert [part["fold"] for part in result["folds"]] == [0, 1, 2]
    pooled: list[tuple[int, float]] = []
    for part in result["folds"]:
        scores = json.loads((path.parent / f"fold{part['fold']}" / "scores.json").read_text(encoding="utf-8"))["scores"]
        assert {fold_of[name] for name in scores["names"]} == {part["fold"]}
        here = [(label, row[1]) for label, row in zip(scores["truth"], scores["probability"], strict=True)]
        assert part["figures"]["auroc"]["value"] == pytest.approx(roc_auc_score(*zip(*here, strict=True)), abs=2e-3)
        pooled += here
    assert result["figures"]["auroc"]["value"] == pytest.approx(roc_auc_score(*zip(*pooled, strict=True)), abs=2e-3)
    each = [part["figures"]["auroc"]["value"] for part in result["folds"]]
    assert result["over_folds"]["auroc"]["mean"] == pytest.approx(np.mean(each), abs=1e-5)
    assert result["over_folds"]["auroc"]["standard_deviation"] == pytest.approx(np.std(each, ddof=1), abs=1e-5)


def test_finished_folds_are_kept_and_restart_throws_them_away(config: Config, drawn_set: Path, folded: Path):
    path = config(**settings(drawn_set, folded), run=str(folded.parent / "kept"))
    first = json.loads(cross_validate(path).read_text(encoding="utf-8"))
    said: list[str] = []
    again = json.loads(cross_validate(path, say=said.append).read_text(encoding="utf-8"))
    assert not said
    assert (again["scores"], again["folds"]) == (first["scores"], first["folds"])
    outcome = CliRunner().invoke(main, ["train", "folds", str(path), "--restart", "--device", "cpu"])
    assert outcome.exit_code == 0, outcome.output
    assert "fold 0 of 3" in outcome.stderr
    auroc, accuracy, place = outcome.stdout.splitlines()
    assert auroc.startswith("auroc: ") and "n = 128; folds " in auroc and accuracy.startswith("accuracy: ")
    assert place.endswith("folds.json")


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (None, r"sources\.0\.split – got none, expected a split list with folds"),
        ("bonefracture/as-published", "'bonefracture/as-published' has 0 folds, expected a whole list with 3 or more"),
        ("fracatlas/grouped@1", "expected a whole list with 3 or more"),
    ],
)
def test_a_list_without_folds_is_refused(config: Config, drawn_set: Path, split: str | None, message: str):
    with pytest.raises(ConfigError, match=message):
        cross_validate(config(sources=[{"path": str(drawn_set), "split": split}]))


def test_the_configuration_that_comes_with_the_repository():
    path = Path(__file__).parents[2] / "configs" / "folds" / "fracatlas_mobilenetv2_100.yaml"
    read = load_config(path, ["run=somewhere"], ClassifierConfig)
    assert folds_of(read) == (0, 1, 2, 3, 4)
    second = of_fold(read, 2)
    assert (second.sources[0].split, second.run) == ("fracatlas/grouped-strict@2", Path("somewhere/fold2"))


def test_several_processes_are_refused():
    Processes(torch.device("cpu")).require_one("fxdet train folds")
    with pytest.raises(ConfigError, match="fxdet train folds runs in one process – start it without torchrun"):
        Processes(torch.device("cpu"), rank=1, world=2).require_one("fxdet train folds")
