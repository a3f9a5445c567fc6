"""``fxdet zoo``: what is printed, and with what exit code."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from fxdet.cli import zoo_push
from fxdet.cli.main import main
from fxdet.zoo import catalogue as catalogue_module
from fxdet.zoo import hub, pushing
from fxdet.zoo.cards import read_card, write_card
from fxdet.zoo.catalogue import catalogue
from fxdet.zoo.folders import lay_out

ROOT = Path(__file__).resolve().parents[2]


def invoke(*arguments: object, **environment: str):
    return CliRunner().invoke(main, ["zoo", *map(str, arguments)], env={"COLUMNS": "80", **environment})


@pytest.fixture
def store(tiny_pipeline, tmp_path):
    """A folder of the hub's layout with the tiny pipeline and its localizer."""
    lay_out(tiny_pipeline / "pipeline.json", tmp_path / "store" / "random")
    lay_out(tiny_pipeline / "localizer.json", tmp_path / "store" / "yolov8n.random")
    return tmp_path / "store"


def test_without_a_command_everything_is_listed():
    assert invoke().stdout == invoke("list").stdout
    assert "fxdet zoo show NAME" in invoke().stderr


@pytest.mark.parametrize("columns", [60, 80, 100, 120, 200])
def test_the_list_fits_the_terminal(columns):
    lines = invoke("list", COLUMNS=str(columns)).stdout.splitlines()
    rows = catalogue()
    assert [line.split()[0] for line in lines] == ["name", *(row.name for row in rows)]
    assert all(row.state in line for row, line in zip(rows, lines[1:], strict=True))
    assert max(map(len, lines)) <= max(columns, 80)
    assert ("what for" in lines[0]) == (columns >= 110)


def test_the_list_by_kind_and_as_json():
    rows = json.loads(invoke("list", "--kind", "localizer", "--json").stdout)
    assert {row["kind"] for row in rows} == {"localizer"}
    assert [row["name"] for row in rows] == [row.name for row in catalogue() if row.kind == "localizer"]
    assert str(ROOT) not in json.dumps(rows)
    assert {row["weights"] for row in rows} >= {"shipped"}


def test_listing_starts_without_torch():
    code = "import sys; from fxdet.cli.main import main\ntry:\n    main(['zoo'])\nexcept SystemExit: pass\n"
    code += "sys.exit('torch' in sys.modules or 'huggingface_hub' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, "builtin" in done.stdout) == (0, True)


def test_show_checks_weights_and_tells_all_of_a_pipeline(tiny_pipeline):
    result = invoke("show", tiny_pipeline)
    assert result.exit_code == 0
    assert "pipeline random" in result.stdout
    assert "yolov8n.random" in result.stdout
    assert result.stdout.count(", verified") == 2
    data = json.loads(invoke("show", tiny_pipeline, "--json").stdout)
    assert data["classifier"]["architecture"] == "mobilenetv3_small_050"
    assert data["pipeline"]["name"] == "random"


def test_show_of_a_shipped_model_tells_where_its_figures_come_from():
    text = invoke("show", "mobilenetv2_100.builtin").stdout
    told = " ".join(text.split())
    assert "figures from docs/results/builtin_classifier_stage3_log.csv of the repository" in told
    assert "further figures in docs/results/builtin.json of the repository" in told
    for part in (
        "configs/cls/builtin_mobilenetv2_100_stage3.yaml",
        "0.925–0.964",
        "verified",
    ):
        assert part in text
    assert max(map(len, text.splitlines())) <= 100


def test_show_of_a_pipeline_tells_its_figures_and_the_file_they_come_from(tiny_pipeline):
    told = invoke("show", "builtin").stdout.split("localizer yolov8n.both\n")[0]
    assert "figures from  docs/results/builtin.json of the repository" in told
    row = next(line.split() for line in told.splitlines() if "fracatlas/grouped test  " in line and " auroc " in line)
    result = json.loads((Path(__file__).resolve().parents[2] / "docs" / "results" / "builtin.json").read_text("utf-8"))
    found = result["parts"]["fracatlas/grouped test"]["auroc"]
    interval = "–".join(f"{limit:.3f}" for limit in found["interval"])
    assert row == ["fracatlas/grouped", "test", "auroc", f"{found['value']:.3f}", interval, "816"]
    assert "none measured yet" in invoke("show", tiny_pipeline).stdout.split("\nlocalizer ")[0]


def test_show_leaves_out_what_a_model_is_not_meant_for_and_says_at_which_size_it_was_validated():
    regions = invoke("show", "mobilenetv2_100.regions").stdout
    assert "normal, fractured (not used)" in regions
    assert "region_top1" in regions
    assert not any(word in regions for word in ("accuracy", "auroc", "temperature fracture"))
    assert "576 px (validation figures: at 512 px)" in invoke("show", "yolov8n.fracatlas").stdout


def test_show_of_what_is_not_trained_yet():
    text = invoke("show", "fasterrcnn_resnet50_fpn_v2.fracatlas").stdout
    assert "not trained yet" in text
    assert "python tools/train_det.py configs/det/faster_rcnn_resnet50_v2.yaml" in text
    data = json.loads(invoke("show", "fasterrcnn_resnet50_fpn_v2.fracatlas", "--json").stdout)
    assert data["catalogue"]["weights"] == "not trained yet"


def test_show_of_unknown_missing_and_damaged_models(tiny_pipeline, tmp_path, monkeypatch):
    assert "did you mean 'yolov8n.builtin'?" in invoke("show", "yolov8n.builtn").stderr
    folder = shutil.copytree(tiny_pipeline, tmp_path / "pipeline")
    (folder / "classifier.safetensors").write_bytes(b"cut")
    damaged = invoke("show", folder)
    assert (damaged.exit_code, damaged.stdout) == (2, "")
    assert "cut short or changed" in damaged.stderr
    (folder / "classifier.safetensors").unlink()
    assert "not here" in invoke("show", folder / "classifier.json").stdout
    monkeypatch.setattr(hub, "BUILTIN_FOLDER", tmp_path)
    assert invoke("show").exit_code == 2


def test_weights_beside_the_package(tmp_path):
    shown = " ".join(invoke("show", "yolo11n.fracatlas").stdout.split())
    assert "weights/yolo11n.fracatlas; fxdet zoo fetch yolo11n.fracatlas brings them" in shown
    assert "python tools/train_det.py configs/det/yolo11n.yaml" in shown
    assert invoke("fetch", "yolo11n.fracatlas", "-o", tmp_path).exit_code == 0
    files = ("card.json", "model.safetensors", "README.md", "config.yaml", "log.csv")
    for name in files:
        given = catalogue_module.WEIGHTS_FOLDER / "yolo11n.fracatlas" / name
        assert (tmp_path / "yolo11n.fracatlas" / name).read_bytes() == given.read_bytes()


def test_an_installed_package_has_nothing_beside_it(tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue_module, "WEIGHTS_FOLDER", tmp_path / "weights")
    assert "not here: the commands below make them" in invoke("show", "yolo11n.fracatlas").stdout
    result = invoke("fetch", "yolo11n.fracatlas", "-o", tmp_path / "zoo")
    assert result.exit_code == 2
    assert "it is in the repository's folder weights – run fxdet from a clone" in result.stderr
    assert "no weights are here" in invoke("verify", "yolo11n.fracatlas").stderr


def test_fetch_from_a_folder_named_by_the_environment(store, tmp_path):
    result = invoke("fetch", "random", "-o", tmp_path / "zoo", FXDET_ZOO=str(store))
    assert result.exit_code == 0, result.output
    assert f"--pipeline {tmp_path / 'zoo' / 'random'}" in result.stdout
    again = invoke("fetch", "random", "-o", tmp_path / "zoo", "--from", store)
    assert "was there before" in again.stdout


def test_fetch_and_add_say_that_a_model_alone_runs_on_the_thresholds_of_others(store, run, tmp_path):
    told = "note: fusion and thresholds were fitted for other models: those of the pipeline builtin"
    assert told in invoke("fetch", "yolov8n.random", "-o", tmp_path / "zoo", "--from", store).stdout
    assert told in invoke("add", run, "-o", tmp_path / "mine").stdout
    assert "warns of it" in (tmp_path / "mine" / "mobilenetv3_small_050.random" / "README.md").read_text("utf-8")
    assert told not in invoke("fetch", "random", "-o", tmp_path / "zoo", "--from", store).stdout
    assert "warns of it" not in (tmp_path / "zoo" / "random" / "README.md").read_text("utf-8")


@pytest.mark.parametrize("zoo", ["me/nothing", "store", "no such folder"])
def test_what_is_here_is_fetched_from_here_whatever_the_environment_names(store, tmp_path, zoo):
    place = str(store) if zoo == "store" else zoo
    for name in ("builtin", "mobilenetv2_100.stage1"):  # in the package; beside it
        result = invoke("fetch", name, "-o", tmp_path / "zoo", FXDET_ZOO=place)
        assert result.exit_code == 0, result.output
    typed = invoke("fetch", "fast", "-o", tmp_path / "zoo", "--from", store)
    assert typed.exit_code == 2 and "can't find fast in folder" in typed.stderr
    typed = invoke("fetch", "fast", "-o", tmp_path / "zoo", "--revision", "v1", FXDET_ZOO=str(store))
    assert typed.exit_code == 2 and "can't find fast in folder" in typed.stderr


def test_fetch_tells_all_commands_that_make_a_model(tmp_path):
    told = invoke("fetch", "resnet10t.drawn", "-o", tmp_path / "zoo").stderr
    assert told.index("python tools/draw_data.py") < told.index(
        " && python tools/train_cls.py configs/cls/drawn_tiny.yaml"
    )


def test_fetch_of_what_can_not_be_had(store, tmp_path):
    nowhere = invoke("fetch", "resnet10t.drawn", "-o", tmp_path / "zoo")
    assert nowhere.exit_code == 2
    assert "pass --from with a hub repository or a folder, or set FXDET_ZOO" in nowhere.stderr
    wrong = invoke("fetch", "random", "-o", tmp_path / "zoo", "--from", tmp_path / "nothing")
    assert "expected OWNER/NAME" in wrong.stderr
    assert not (tmp_path / "zoo").exists()


def test_verify_of_what_is_shipped():
    result = invoke("verify")
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    at_hand = {row.name for row in catalogue() if row.bundled or row.in_repository}
    assert {line[0] for line in lines} == at_hand
    assert {line[1] for line in lines} == {"fits"}


def test_verify_finds_a_changed_byte(store):
    path = store / "yolov8n.random" / "localizer.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    card = read_card(store / "yolov8n.random")
    result = invoke("verify", store / "random", store / "yolov8n.random")
    assert result.exit_code == 1
    assert "DIFFERS" in result.stdout
    assert f"expected {card.sha256[:12]}" in result.stdout
    found = json.loads(invoke("verify", store / "yolov8n.random", "--json").stdout)
    assert [item["fits"] for item in found] == [False]


def test_verify_of_a_folder_of_folders_and_of_a_weight_file(store):
    whole = json.loads(invoke("verify", store, "--json").stdout)
    assert [(item["name"], item["fits"]) for item in whole] == [
        ("random", True), ("yolov8n.random", True), ("mobilenetv3_small_050.random", True), ("yolov8n.random", True),
    ]  # fmt: skip
    one = invoke("verify", store / "yolov8n.random" / "localizer.safetensors", "--json")
    assert [(item["name"], item["fits"]) for item in json.loads(one.stdout)] == [("yolov8n.random", True)]
    (store / "yolov8n.random" / "card.json").unlink()
    lost = invoke("verify", store / "yolov8n.random" / "localizer.safetensors")
    assert lost.exit_code == 2
    assert "no card beside it names these weights" in lost.stderr


def test_verify_of_what_is_not_here():
    result = invoke("verify", "resnet10t.drawn")
    assert result.exit_code == 2
    assert "no weights are here" in result.stderr


@pytest.fixture
def run(tiny_pipeline, tmp_path):
    """A finished run folder of the tiny classifier."""
    folder = tmp_path / "run"
    folder.mkdir()
    shutil.copy(tiny_pipeline / "classifier.safetensors", folder / "best.safetensors")
    write_card(folder / "card.json", replace(read_card(tiny_pipeline / "classifier.json"), weights="best.safetensors"))
    return folder


def test_add_then_predict_takes_it(run, tmp_path):
    result = invoke("add", run, "-o", tmp_path / "mine", "--tag", "own", "--half")
    assert result.exit_code == 0, result.output
    assert f"next: fxdet predict radiographs/ -o out --pipeline {tmp_path / 'mine' / 'mobilenetv3_small_050.own'}" in (
        result.stdout
    )
    shown = invoke("show", tmp_path / "mine" / "mobilenetv3_small_050.own").stdout
    assert "stored width" in shown


def test_add_stamps_a_leaky_run_and_writes_a_row(run, tmp_path):
    card = read_card(run)
    write_card(run / "card.json", replace(card, training={"leaky": True}))
    (tmp_path / "catalogue.json").write_text('{"rows": []}', "utf-8")
    options = ["--catalogue", tmp_path / "catalogue.json", "--config", "configs/x.yaml", "--command", "make it"]
    result = invoke("add", run, "-o", tmp_path / "mine", *options)
    assert "stamped: LEAKY" in result.stdout
    assert [row.name for row in catalogue(tmp_path / "catalogue.json")] == ["mobilenetv3_small_050.random"]
    lacking = invoke("add", run, "-o", tmp_path / "mine2", "--tag", "new", *options[:2])
    assert lacking.exit_code == 2
    assert "expected --config and --command for a new one" in lacking.stderr
    assert not (tmp_path / "mine2").exists()


def test_add_names_files_of_the_row_relative_to_the_repository(run, tmp_path, monkeypatch):
    (tmp_path / "catalogue.json").write_text('{"rows": []}', "utf-8")
    (tmp_path / "repository").mkdir()
    monkeypatch.chdir(tmp_path / "repository")
    for place in (tmp_path / "outside.json", tmp_path / "repository" / "figures.json"):
        place.write_text('{"parts": {}}', "utf-8")
    options = ["--catalogue", tmp_path / "catalogue.json", "--config", "configs/x.yaml", "--command", "make it"]
    result = invoke("add", run, "-o", tmp_path / "mine", *options, "--result", tmp_path / "outside.json")
    assert result.exit_code == 2
    assert "--result" in result.stderr and "expected a file below the current folder" in result.stderr
    assert not (tmp_path / "mine").exists()
    inside = tmp_path / "repository" / "figures.json"
    assert invoke("add", run, "-o", tmp_path / "mine", *options, "--result", inside).exit_code == 0
    assert catalogue(tmp_path / "catalogue.json")[0].result == "figures.json"
    again = invoke("add", run, "-o", tmp_path / "mine2", "--half", *options[:2])
    assert again.exit_code == 0, again.output
    assert "figures.json is of other weights" in again.stdout
    assert catalogue(tmp_path / "catalogue.json")[0].config == "configs/x.yaml"


def test_push_dry_and_for_good(store, monkeypatch):
    dry = invoke("push", store, "--repository", "me/zoo", "--dry-run")
    assert dry.exit_code == 0
    assert "nothing was uploaded to me/zoo" in dry.stdout
    assert "yolov8n.random/localizer.safetensors" in dry.stdout
    sent = []
    monkeypatch.setattr(pushing, "push", lambda upload, uploader: sent.append((upload, uploader)) or "https://hub/c/1")
    done = invoke("push", store / "random", FXDET_ZOO="me/zoo")
    assert "uploaded: https://hub/c/1" in done.stdout
    assert [(upload.models[0].name, uploader.repository) for upload, uploader in sent] == [("random", "me/zoo")]


def test_push_to_a_folder_that_the_environment_names_is_refused(store):
    told = invoke("push", store, "--dry-run", FXDET_ZOO=str(store))
    assert told.exit_code == 2
    assert f"got the folder '{store}', expected OWNER/NAME" in told.stderr
    assert "pass --repository" in told.stderr


def test_push_needs_a_repository(store):
    assert "Missing option '--repository'" in invoke("push", store).stderr
    assert "expected OWNER/NAME" in invoke("push", store, "--repository", "zoo").stderr
    assert zoo_push.push.help
