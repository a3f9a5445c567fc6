"""``fxdet evaluate`` and ``fxdet compare`` from the command line, on a tiny set with the reports of no model."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fxdet.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location("evaluated", ROOT / "tests/pipeline/evaluated.py")
made = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("evaluate")
    data = made.write_set(place / "set").parent
    made.write_reports(place / "run", data)
    made.write_reports(place / "other", data, 0.3)
    made.write_scores(place / "scores.csv", data)
    return place


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def evaluated(folder: Path) -> tuple[Path, Result]:
    result = run(
        "evaluate", folder / "run", folder / "set/samples.csv", "-o", folder / "out", "--part", "test",
        "--validation-part", "val", "--draws", 40, "--looks", 2, "--worst", 3,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    return folder / "out", result


def test_terminal_is_calm_and_says_what_was_evaluated(evaluated: tuple[Path, Result]):
    lines = evaluated[1].stdout.splitlines()
    assert lines[0].endswith("test: 13 radiographs in 13 groups, 6 fractured, 7 normal; 6 reference boxes")
    assert "split as published" in lines[1] and "no group is shared" in lines[1]
    assert "points and temperatures chosen on val" in lines[2]
    assert lines[3] == "look number 2 at this part"
    assert lines[5].startswith("fractured or not")
    assert lines[6].startswith("AUROC")
    assert lines[-1].endswith("not a diagnosis")
    assert evaluated[1].stderr == ""


def test_what_could_not_be_chosen_is_told(folder: Path):
    table = folder / "set/no_positives.csv"
    lines = (folder / "set/samples.csv").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if ",val," not in line or ",0,wrist,val" in line or ",0,leg,val" in line]
    table.write_text("\n".join(kept) + "\n", encoding="utf-8")
    words = ["--part", "test", "--validation-part", "val", "--draws", 40, "--no-plots", "--worst", 0]
    result = run("evaluate", folder / "run", table, "-o", folder / "out3", "--allow-unknown", *words)
    assert result.exit_code == 0, result.output
    assert "points and temperatures chosen on val, but points of pipeline, classifier and localizer" in result.stdout
    assert "could not be chosen: no fractured radiograph among 7" in result.stdout


def test_files(evaluated: tuple[Path, Result]):
    out, _ = evaluated
    data = json.loads((out / "evaluation.json").read_text(encoding="utf-8"))
    assert (data["part"], data["looks"], data["split"]["leaky"]) == ("test", 2, False)
    assert len(data["split"]["sha256"]) == len(data["predictions"]["sha256"]) == 64
    assert data["predictions"]["config_hash"] == ["abc"]
    assert data["counts"]["predictions_of_other_parts"] == 27
    assert data["figures"]["ranking/pipeline"]["auroc"]["n"] == 13
    assert str(out.parent) not in (out / "evaluation.json").read_text(encoding="utf-8")  # no place of this machine
    for name in ("figures", "comparisons", "subgroups", "images", "boxes"):
        rows = (out / f"{name}.csv").read_text(encoding="utf-8").splitlines()
        assert len(rows) > 1, name
    for name in ("roc", "precision_recall", "box_precision_recall", "froc", "reliability_pipeline", "confusion_region"):
        assert (out / "plots" / f"{name}.png").is_file() and (out / "plots" / f"{name}.svg").is_file()
    page = (out / "worst.html").read_text(encoding="utf-8")
    assert "Worst false alarms" in page and "look number 2 at this part" in page
    assert (out / "evaluation.md").read_text(encoding="utf-8").startswith("# Evaluation\n")


def test_one_radiograph_under_two_spellings_is_an_error_of_one_line(folder: Path):
    lines = (folder / "scores.csv").read_text(encoding="utf-8").splitlines()
    again = lines[2].replace("pictures/", "", 1)
    assert again != lines[2]
    (folder / "spelt.csv").write_text("\n".join([*lines, again]) + "\n", encoding="utf-8")
    result = run("evaluate", folder / "spelt.csv", folder / "set/samples.csv", "-o", folder / "spelt", "--draws", 40)
    assert result.exit_code == 2
    assert "pictures/01.png and 01.png: the same radiograph is predicted twice – keep one of them" in result.stderr
    assert result.stderr.count("\n") == 1 and not (folder / "spelt").exists()


def test_json_is_the_file(folder: Path, evaluated: tuple[Path, Result]):
    words = ["--draws", 40, "--no-plots", "--worst", 0, "--json"]
    result = run("evaluate", folder / "scores.csv", folder / "set/samples.csv", "-o", folder / "csv", *words)
    assert json.loads(result.stdout) == json.loads((folder / "csv/evaluation.json").read_text(encoding="utf-8"))
    assert not (folder / "csv/plots").exists() and not (folder / "csv/worst.html").exists()


def test_compare(folder: Path, evaluated: tuple[Path, Result]):
    words = ["--draws", 40, "--no-plots", "--worst", 0, "--part", "test"]
    run("evaluate", folder / "other", folder / "set/samples.csv", "-o", folder / "out2", *words)
    result = run("compare", folder / "out", folder / "out2", "--draws", 40, "-o", folder / "compare.md")
    assert result.exit_code == 0, result.output
    assert "AUROC: out − out2" in result.stdout and "on 13 shared radiographs" in result.stdout
    assert "| AUROC: out − out2 |" in (folder / "compare.md").read_text(encoding="utf-8")
    data = json.loads(run("compare", folder / "out", folder / "out2", "--draws", 40, "--json").stdout)
    assert {test["figure"] for test in data["tests"]} >= {"AUROC", "AUPRC", "AP50", "sensitivity", "specificity"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["evaluate", "gone.jsonl", "set/samples.csv", "-o", "x"], "can't read predictions"),
        (["evaluate", "run", "set/samples.csv", "-o", "x", "--part", "tset"], "did you mean 'test'"),
        (["evaluate", "run", "set/samples.csv", "-o", "x", "--part", "val", "--validation-part", "val"], "chosen on"),
        (["compare", "out"], "got one run, expected two or more"),
        (["compare", "out", "run"], "name a folder of fxdet evaluate"),
    ],
)
def test_errors_are_one_line(
    folder: Path, evaluated: tuple[Path, Result], monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
):
    monkeypatch.chdir(folder)
    result = run(*words)
    assert result.exit_code == 2
    assert message in result.stderr and result.stderr.count("\n") == 1
    assert not (folder / "x").exists()


def test_the_tool_is_the_command():
    result = subprocess.run(
        [sys.executable, ROOT / "tools/evaluate.py", "--help"], capture_output=True, text=True, check=True
    )
    assert "PREDICTIONS" in result.stdout and "--validation-part" in result.stdout


def test_evaluation_loads_neither_torch_nor_scipy():
    code = (
        "import sys, fxdet.evaluation.whole, fxdet.evaluation.tables\n"
        "import fxdet.pipeline.evaluating, fxdet.pipeline.comparing\n"
        "sys.stdout.write(' '.join(n for n in ('torch', 'scipy', 'sklearn', 'matplotlib') if n in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == ""
