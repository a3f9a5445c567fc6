from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from fxdet.cli.main import main
from fxdet.data.formats import open_samples

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("kind", ["cls", "det"])
def test_a_wrong_key_is_one_line(tmp_path: Path, kind: str):
    config = tmp_path / "c.yaml"
    config.write_text("name: a\narchitectur: b\n")
    result = CliRunner().invoke(main, ["train", kind, str(config)])
    assert result.exit_code == 2
    assert result.output.splitlines() == [
        f"fxdet: error: {config}:2: unknown key 'architectur' – did you mean 'architecture'?"
    ]


def test_an_unknown_device_is_one_line(tmp_path: Path):
    result = CliRunner().invoke(main, ["train", "cls", "none.yaml", "--device", "gpu"])
    assert result.exit_code == 2
    assert "--device – got 'gpu', expected auto, cpu, cuda" in result.output


def test_help_of_the_tools_from_any_folder(tmp_path: Path):
    for name in ("train_cls.py", "train_det.py"):
        done = subprocess.run(
            [sys.executable, str(ROOT / "tools" / name), "--help"], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0 and "--resume" in done.stdout


def test_drawn_data_for_a_first_training(tmp_path: Path):
    command = [sys.executable, str(ROOT / "tools" / "draw_data.py"), str(tmp_path / "d")]
    subprocess.run([*command, "--train", "16", "--val", "16", "--side", "64"], check=True, capture_output=True)
    samples = open_samples(tmp_path / "d" / "drawn.csv")
    assert samples.counts() == {"train": 16, "val": 16} and not samples.problems
    assert all(bool(sample.fracture_boxes) == sample.fractured for sample in samples)
