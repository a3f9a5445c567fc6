"""Examples on the pages run: Python blocks as they stand, and all commands of the page about own radiographs."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import fxdet
from fxdet.cli.main import main
from fxdet.core.files import write_json_lines
from fxdet.data.drawn import write_drawn_set
from fxdet.imaging.synthetic import DrawingOptions
from fxdet.training.config import load_config

ROOT = Path(__file__).resolve().parents[1]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


PAGES = [
    str(page.relative_to(ROOT))
    for page in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
    if blocks(page, "python") or ">>> " in page.read_text(encoding="utf-8")
]


@pytest.fixture
def workplace(tmp_path: Path, tiny_pipeline: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with what the examples take for granted, all drawn; a small network is the built-in one."""
    monkeypatch.chdir(tmp_path)
    write_drawn_set(Path("drawn"), [("train", 30)], np.random.default_rng(3), DrawingOptions(size=(96, 96)))
    for words in (
        "data convert drawn/drawn.csv my_set --to csv",
        "data split my_set -o my_split.csv --parts train=.5,val=.5",
    ):
        result = CliRunner().invoke(main, shlex.split(words))
        assert result.exit_code == 0, result.output
    pictures = sorted(Path("my_set").rglob("*.png"))
    Image.open(pictures[0]).save("wrist.png")
    scores = np.random.default_rng(4).random(len(pictures))
    reports = [fxdet.Report(str(path), "0", (96, 96), float(p)) for path, p in zip(pictures, scores, strict=True)]
    write_json_lines(Path("out/reports.jsonl"), [report.to_json() for report in reports])
    load = fxdet.load_pipeline
    monkeypatch.setattr(fxdet, "load_pipeline", lambda name=tiny_pipeline: load(name))
    return tmp_path


@pytest.mark.parametrize("page", PAGES)
def test_python_examples_of_a_page_run(page, workplace):
    names: dict[str, object] = {}
    for number, block in enumerate(blocks(ROOT / page, "python")):
        where = f"{page}, Python block {number + 1}"
        if ">>> " in block:
            example = doctest.DocTestParser().get_doctest(block, names, where, page, 0)
            assert doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(example).failed == 0, where
        else:
            exec(compile(block, where, "exec"), names)


@pytest.mark.parametrize("name", ["cls", "det"])
def test_configurations_for_own_radiographs_fit_the_schema(name, monkeypatch):
    from fxdet.training.classifier_config import ClassifierConfig
    from fxdet.training.detection_config import DetectionConfig

    monkeypatch.setenv("FXDET_SET", "elsewhere/my_set")
    schema = {"cls": ClassifierConfig, "det": DetectionConfig}[name]
    config = load_config(ROOT / "configs" / "own" / f"{name}.yaml", [], schema)
    assert config.sources[0].path == Path("elsewhere/my_set")
    assert (ROOT / config.initial_weights).is_file()


@pytest.mark.slow
def test_page_about_own_radiographs_runs_from_its_top_to_its_end(tmp_path):
    for folder in ("tools", "configs", "fxdet"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for block in blocks(ROOT / "docs" / "your_own.md", "sh"):
        run = subprocess.run(["bash", "-euc", block], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert run.returncode == 0, f"{block}\n{run.stderr}"
    assert "auroc" in (tmp_path / "out" / "judged" / "comparison.md").read_text(encoding="utf-8").lower()
