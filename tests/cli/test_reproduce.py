"""``fxdet reproduce`` where it runs no row: published figures checked, filters measured."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner, Result
from PIL import Image

from fxdet.cli.main import main
from fxdet.data.filters import FILTERS


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["reproduce", *map(str, arguments)])


def test_checks_of_one_paper_alone():
    everything, own = (json.loads(invoke(*paper, "--check-published", "--json").output) for paper in ((), ("cnn2024",)))
    assert {check["paper"] for check in own} == {"cnn2024"}
    assert own == [check for check in everything if check["paper"] == "cnn2024"] != everything


def test_checks_of_an_unknown_paper_are_refused():
    result = invoke("team5", "--check-published")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "fxdet: error: PAPER – got 'team5' – did you mean 'team05'?\n"


@pytest.fixture
def pictures(tmp_path: Path, generator: np.random.Generator) -> list[str]:
    """A paper's row over two test pictures, one of which was published twice; return the command's arguments."""
    for name in ("a", "b", "c"):
        Image.fromarray(generator.integers(0, 255, (40, 50), dtype=np.uint8)).save(tmp_path / f"{name}.png")
    (tmp_path / "set.csv").write_text("path,fractured\na.png,1\nb.png,1\nc.png,1\n")
    rows = ("name,file,part", "train/a.png,a.png,train", "b1,b.png,test", "b2,b.png,test", "test/c.png,c.png,test")
    (tmp_path / "split.csv").write_text("\n".join(["# set: made up; seed: none; rule: for a test", *rows, ""]))
    row = {
        "paper": "team05", "tag": "test", "row": "tiny", "name": "tiny", "label": "Tiny", "head": "fracture",
        "heads": {"fracture": ["normal", "fractured"]}, "architecture": "test_resnet", "run": str(tmp_path / "runs"),
        "preprocess": {"size": 32, "fit": "stretch"}, "sources": [{"path": str(tmp_path / "set.csv")}],
        "protocols": {"as-published": {"split": str(tmp_path / "split.csv"), "allow_leak": True}},
    }  # fmt: skip
    (tmp_path / "configs" / "team05").mkdir(parents=True)
    (tmp_path / "configs" / "team05" / "tiny.yaml").write_text(yaml.safe_dump(row))
    return ["team05", "--psnr", "--configs", str(tmp_path / "configs"), "--results", str(tmp_path / "results")]


def test_filters_are_measured_on_the_published_test_part(pictures, tmp_path):
    result = invoke(*pictures)
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "results" / "team05" / "filter_psnr.json").read_text())
    assert (found["split"]["part"], found["pictures"], found["unreadable"]) == ("test", 2, 0)
    assert [compared["jpeg_quality"] for compared in found["compared"]] == [None, 75]
    for compared in found["compared"]:
        assert [line["filter"] for line in compared["filters"]] == list(FILTERS)
        assert all(line["pictures"] == 2 for line in compared["filters"])
    median = found["compared"][0]["filters"][1]
    assert median["psnr_wraparound"]["mean"] > median["psnr"]["mean"]


def test_a_row_without_a_published_protocol_has_no_pictures_to_measure(pictures, tmp_path):
    path = tmp_path / "configs" / "team05" / "tiny.yaml"
    path.write_text(path.read_text().replace("as-published", "grouped"))
    result = invoke(*pictures)
    assert result.exit_code == 2
    assert "has no protocol 'as-published'" in result.stderr
