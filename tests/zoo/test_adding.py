"""From a run folder to a model's folder, its README, a row of the catalogue, and an upload."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import yaml
from safetensors.torch import load_file

from fxdet.core.errors import ModelError, OutputError
from fxdet.core.files import sha256_file
from fxdet.zoo.adding import AddOptions, add_run, without_places
from fxdet.zoo.adding_rows import RowOptions, add_row, check_row
from fxdet.zoo.card_facts import figure_rows, leak_line, result_rows, source_rows
from fxdet.zoo.cards import read_card, write_card
from fxdet.zoo.catalogue import catalogue, find_row, refreshed_row, write_catalogue
from fxdet.zoo.fetching import FolderSource, fetch
from fxdet.zoo.folders import lay_out, read_folder
from fxdet.zoo.hub import find_pipeline, load_classifier
from fxdet.zoo.pushing import prepare_upload, push
from fxdet.zoo.readme import model_readme, pipeline_readme
from fxdet.zoo.repository import HubUploader

SOURCE = {
    "set": "fracatlas", "split": "fracatlas/grouped-strict", "sha256": "ab" * 32, "train": ["train"], "val": ["val"],
    "counts": {"train": 2804, "val": 403, "test": 816},
}  # fmt: skip
CLEAN = {"train": 2804, "val": 403, "shared": 0, "example": "", "allowed": False}
LEAKY = {"train": 574, "val": 82, "shared": 16, "example": "b.jpg = a.jpg", "allowed": True}
RESULT = {"parts": {"fracatlas/grouped test": {"n": 816, "auroc": {"value": 0.9, "interval": [0.86, 0.93], "n": 816}}}}


@pytest.fixture
def run(tiny_pipeline, tmp_path):
    """A finished run folder of the tiny classifier."""
    folder = tmp_path / "run"
    folder.mkdir()
    shutil.copy(tiny_pipeline / "classifier.safetensors", folder / "best.safetensors")
    card = read_card(tiny_pipeline / "classifier.json")
    training = {"sources": [SOURCE], "audit": CLEAN, "leaky": False, "epochs": 3}
    figures = {"validation": {"epoch_figures": {"auroc": 0.9, "ap": 0.8}, "auroc": {"value": 0.9, "n": 403}}}
    write_card(folder / "card.json", replace(card, weights="best.safetensors", training=training, figures=figures))
    config = {"run": str(folder), "sources": [{"path": "/home/me/data/FracAtlas", "split": "fracatlas/grouped-strict"}]}
    (folder / "config.yaml").write_text(yaml.safe_dump(config), "utf-8")
    (folder / "log.csv").write_text("epoch,loss\n0,1\n", "utf-8")
    (folder / "last.pt").write_bytes(b"state")
    (folder / "environment.json").write_text('{"device": "cpu", "processor": "Some processor"}', "utf-8")
    return folder


def retrain(run: Path, **training) -> None:
    card = read_card(run)
    write_card(run / "card.json", replace(card, training={**card.training, **training}))


def test_a_run_becomes_a_folder_that_predict_takes(run, tmp_path):
    found = add_run(run, tmp_path / "zoo")
    assert found.path == tmp_path / "zoo" / "mobilenetv3_small_050.random"
    assert {path.name for path in found.path.iterdir()} == {
        "card.json", "model.safetensors", "README.md", "config.yaml", "log.csv",
    }  # fmt: skip
    assert (found.path / "model.safetensors").read_bytes() == (run / "best.safetensors").read_bytes()
    assert load_classifier(found.path).name == "mobilenetv3_small_050.random"
    assert find_pipeline(found.path).classifier == found.path / "card.json"
    assert found.card.training["hardware"] == "Some processor"
    assert [path.name for path in (tmp_path / "zoo").iterdir()] == [found.path.name]


def test_names_licence_and_width_can_be_changed(run, tmp_path):
    options = AddOptions("net", "mine", "MIT", "For tests", half=True)
    found = add_run(run, tmp_path / "zoo", options)
    assert (found.name, found.card.licence, found.card.description) == ("net.mine", "MIT", "For tests")
    state = load_file(found.path / "model.safetensors")
    assert {str(value.dtype) for value in state.values() if value.is_floating_point()} == {"torch.float16"}
    assert found.card.sha256 == sha256_file(found.path / "model.safetensors") != read_card(run).sha256
    assert "measured before they were halved" in " ".join((found.path / "README.md").read_text("utf-8").split())


def test_no_path_of_this_machine_gets_into_the_folder(run, tmp_path):
    found = add_run(run, tmp_path / "zoo")
    for name in ("card.json", "README.md", "config.yaml", "log.csv"):
        text = (found.path / name).read_text("utf-8")
        assert str(tmp_path) not in text
        assert "/home" not in text
    assert yaml.safe_load((found.path / "config.yaml").read_text("utf-8")) == {
        "run": "run", "sources": [{"path": "FracAtlas", "split": "fracatlas/grouped-strict"}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("/a/b", "b"),
        ("~/a/b", "b"),
        (r"C:\a\b", "b"),
        ("../a/b", "../a/b"),
        ("a/b", "a/b"),
        (3, 3),
        (None, None),
        ("run /a/b/c --data=/d/e and ~/f", "run c --data=e and f"),
        ("https://a.org/b/c, b/c", "https://a.org/b/c, b/c"),
        ("1 / 2 or 3/4 of 5 /s", "1 / 2 or 3/4 of 5 /s"),
        (r"in D:\a\b c", "in b c"),
    ],
)
def test_places_are_cut(value, expected):
    assert yaml.safe_load(without_places(yaml.safe_dump({"x": [value]}))) == {"x": [expected]}


def test_the_readme_says_what_a_reader_must_know(run, tmp_path):
    (tmp_path / "result.json").write_text(json.dumps(RESULT), "utf-8")
    found = add_run(run, tmp_path / "zoo", AddOptions(result=tmp_path / "result.json"))
    text = (found.path / "README.md").read_text("utf-8")
    front = yaml.safe_load(text.split("---")[1])
    assert (front["license"], front["pipeline_tag"]) == ("agpl-3.0", "image-classification")
    for part in ("## Intended use", "## Limits", "## Data", "## Figures", "no\nmedical device", found.card.sha256):
        assert part in text
    assert "| fracatlas/grouped test | auroc | 0.900 | 0.860–0.930 | 816 |" in text
    assert "| fracatlas | fracatlas/grouped-strict | abababababab | 2,804 | 403 |" in text
    assert "None of the 403 validation pictures is among the 2,804 training pictures" in text
    assert f"fxdet predict radiographs/ -o out --pipeline zoo/{found.name}" in text
    assert "CC BY 4.0" in text
    assert "LEAKY" not in text


def test_a_licence_that_the_hub_does_not_know_is_named(run, tmp_path):
    found = add_run(run, tmp_path / "zoo", AddOptions(licence="LicenseRef-Odd-1.0"))
    front = yaml.safe_load((found.path / "README.md").read_text("utf-8").split("---")[1])
    assert (front["license"], front["license_name"]) == ("other", "LicenseRef-Odd-1.0")


def test_a_leaky_run_is_stamped(run, tmp_path):
    retrain(run, leaky=True, audit=LEAKY)
    found = add_run(run, tmp_path / "zoo")
    text = (found.path / "README.md").read_text("utf-8")
    assert "> **LEAKY: 16 of 82 validation pictures are among the training pictures" in text
    assert found.card.training["leaky"] is True


@pytest.mark.parametrize(
    ("options", "training", "message"),
    [
        (AddOptions(tag="faulty-frozen"), {}, "shows the published fault"),
        (AddOptions(), {"fault": "optimiser_holds_another_network"}, "shows the published fault"),
        (AddOptions(), {"filter": "clahe"}, "filtered by 'clahe'"),
    ],
)
def test_networks_that_show_a_paper_are_refused(run, tmp_path, options, training, message):
    retrain(run, **training)
    with pytest.raises(ModelError, match=message):
        add_run(run, tmp_path / "zoo", options)
    assert not (tmp_path / "zoo").exists()


def test_what_is_not_finished_changed_or_there_is_refused(run, tmp_path):
    add_run(run, tmp_path / "zoo")
    with pytest.raises(OutputError, match="exists – nothing is overwritten"):
        add_run(run, tmp_path / "zoo")
    (run / "best.safetensors").write_bytes(b"other")
    with pytest.raises(ModelError, match="expected"):
        add_run(run, tmp_path / "other")
    (run / "card.json").unlink()
    with pytest.raises(ModelError, match=r"no card.json.*finished run folder"):
        add_run(run, tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(("text", "message"), [("[1]", "expected an object"), ("{", "expected JSON")])
def test_a_result_that_is_no_json_leaves_nothing(run, tmp_path, text, message):
    (tmp_path / "result.json").write_text(text, "utf-8")
    with pytest.raises(ModelError, match=message) as caught:
        add_run(run, tmp_path / "zoo", AddOptions(result=tmp_path / "result.json"))
    assert str(tmp_path / "result.json") in str(caught.value)
    assert not (tmp_path / "zoo").exists()


def test_no_path_of_this_machine_comes_with_the_figures(run, tmp_path):
    told = {"reports": "/home/me/out/reports.jsonl", "command": "measure /home/me/out -o figures.json", **RESULT}
    told["parts"] = {**RESULT["parts"], "/home/me/mine": RESULT["parts"]["fracatlas/grouped test"]}
    (tmp_path / "result.json").write_text(json.dumps(told), "utf-8")
    found = add_run(run, tmp_path / "zoo", AddOptions(result=tmp_path / "result.json"))
    kept = json.loads((found.path / "results.json").read_text("utf-8"))
    assert (kept["reports"], kept["command"]) == ("reports.jsonl", "measure out -o figures.json")
    assert list(kept["parts"]) == ["fracatlas/grouped test", "mine"]
    assert kept["parts"]["fracatlas/grouped test"] == RESULT["parts"]["fracatlas/grouped test"]
    assert not any(
        "/home" in file.read_text("utf-8") for file in found.path.iterdir() if file.suffix in (".json", ".md", ".yaml")
    )


@pytest.mark.parametrize(
    "options", [AddOptions(tag="x/../../escaped"), AddOptions(tag="../x y"), AddOptions(name="/abs"), AddOptions("a b")]
)
def test_a_name_that_leads_elsewhere_is_refused(run, tmp_path, options):
    with pytest.raises(ModelError, match=r"--name or --tag.*expected letters, digits"):
        add_run(run, tmp_path / "inner" / "zoo", options)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


@pytest.mark.parametrize(("licence", "message"), [("foo", "expected an SPDX name"), ("mit", "expected 'MIT'")])
def test_a_licence_that_spdx_does_not_know_is_refused(run, tmp_path, licence, message):
    with pytest.raises(ModelError, match=f"--licence – got '{licence}', {message}"):
        add_run(run, tmp_path / "zoo", AddOptions(licence=licence))
    assert not (tmp_path / "zoo").exists()


def test_a_row_is_added_and_replaced(run, tmp_path):
    file = tmp_path / "package" / "catalogue.json"
    file.parent.mkdir()
    file.write_text('{"rows": []}', "utf-8")
    for tag in ("one", "two"):
        add_row(add_run(run, tmp_path / "zoo", AddOptions(tag=tag)), file, RowOptions("configs/x.yaml", ("make it",)))
    again = add_run(run, tmp_path / "zoo2", AddOptions(tag="one", description="Again"))
    add_row(again, file, RowOptions("configs/x.yaml", ("make it", "and again"), "docs/results/x.json"))
    rows = catalogue(file)
    assert [row.name for row in rows] == ["mobilenetv3_small_050.one", "mobilenetv3_small_050.two"]
    assert (rows[0].description, rows[0].result, rows[0].state) == ("Again", "docs/results/x.json", "by command")
    assert rows[0].card == file.parent / "by_command" / "mobilenetv3_small_050.one.json"
    assert [refreshed_row(row) for row in rows] == list(rows)


@pytest.fixture
def known(run, tmp_path):
    """A catalogue that has the tiny classifier in the repository, its card at a place of its own."""
    file = tmp_path / "package" / "catalogue.json"
    file.parent.mkdir()
    file.write_text('{"rows": []}', "utf-8")
    found = add_run(run, tmp_path / "first")
    row = add_row(found, file, RowOptions("configs/x.yaml", ("make it",), "docs/results/x.json"))
    place = file.parent / "mine" / "card of it.json"
    place.parent.mkdir()
    place.write_bytes(row.card.read_bytes())
    row.card.unlink()
    write_catalogue([replace(row, card=place, in_repository=True, revision="abc")], file)
    return file


def test_a_row_keeps_what_is_not_said_anew(run, known, tmp_path):
    before = catalogue(known)[0]
    add_row(add_run(run, tmp_path / "same"), known)
    assert catalogue(known)[0] == before
    retrained = add_run(run, tmp_path / "other", AddOptions(half=True, description="Half of it"))
    row = add_row(retrained, known)
    assert catalogue(known) == (row,)
    kept = ("config", "commands", "result", "in_repository", "card")
    assert [getattr(row, name) for name in kept] == [getattr(before, name) for name in kept]
    assert (row.revision, row.sha256) == (None, retrained.card.sha256)  # the hub's commit has the weights before
    assert read_card(row.card) == retrained.card
    assert list((known.parent / "by_command").iterdir()) == []


def test_a_row_that_can_not_be_is_refused_before_anything_is_written(run, known):
    new = AddOptions(tag="new")
    with pytest.raises(ModelError, match=r"no row of mobilenetv3_small_050.new, expected --config and --command"):
        check_row(run, new, known, RowOptions(config="configs/x.yaml"))
    for options in (RowOptions("/home/me/x.yaml", ("make it",)), RowOptions("x.yaml", ("make it",), "../x.json")):
        with pytest.raises(ModelError, match="relative to the repository"):
            check_row(run, new, known, options)
    check_row(run, new, known, RowOptions("x.yaml", ("make it",), "x.json"))
    check_row(run, AddOptions(), known, RowOptions())
    write_catalogue([replace(catalogue(known)[0], bundled=True, in_repository=False)], known)
    with pytest.raises(ModelError, match=r"the package ships it.*update_catalogue"):
        check_row(run, AddOptions(), known, RowOptions())


@dataclass
class FakeHub:
    """Takes uploads into a folder, as a repository would."""

    folder: Path
    repository: str = "me/zoo"
    messages: list[str] = field(default_factory=list)

    def upload(self, files: Mapping[str, Path | bytes], message: str) -> str:
        for path, content in files.items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_bytes(content if isinstance(content, bytes) else content.read_bytes())
        self.messages.append(message)
        return f"https://hub/{self.repository}/commit/1"


def test_what_was_pushed_can_be_fetched(run, tiny_pipeline, tmp_path):
    model = add_run(run, tmp_path / "mine")
    lay_out(tiny_pipeline / "pipeline.json", tmp_path / "mine" / "random")
    (model.path / "last.pt").write_bytes(b"not for others")
    hub = FakeHub(tmp_path / "hub")
    assert push(prepare_upload(tmp_path / "mine"), hub) == "https://hub/me/zoo/commit/1"
    assert hub.messages == [f"Add {model.name}, random"]
    assert not list((tmp_path / "hub").rglob("last.pt"))
    assert "fxdet zoo fetch" in (tmp_path / "hub" / "README.md").read_text("utf-8")
    for name in (model.name, "random"):
        fetched = fetch(name, FolderSource(tmp_path / "hub"), tmp_path / "zoo").folder
        original = read_folder(tmp_path / "mine" / name)
        assert fetched.card == original.card
        for file in (*original.needed, *original.extras):
            assert (fetched.path / file).read_bytes() == (original.path / file).read_bytes()


def test_one_folder_can_be_pushed_alone(run, tmp_path):
    model = add_run(run, tmp_path / "mine")
    upload = prepare_upload(model.path)
    assert set(upload.files) == {"README.md", *(f"{model.name}/{name}" for name in (*model.needed, *model.extras))}
    assert upload.size > model.size


def test_nothing_wrong_is_pushed(run, tmp_path):
    model = add_run(run, tmp_path / "mine")
    (model.path / "README.md").rename(tmp_path / "README.md")
    with pytest.raises(ModelError, match=r"has no README.md"):
        prepare_upload(model.path)
    (tmp_path / "README.md").rename(model.path / "README.md")
    (model.path / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(ModelError, match="expected"):
        prepare_upload(tmp_path / "mine")
    with pytest.raises(ModelError, match="no model in it"):
        prepare_upload(run / "nothing")


class FakeApi:
    """Stands for huggingface_hub.HfApi."""

    calls: list[tuple[str, object]]

    def __init__(self) -> None:
        FakeApi.calls = []

    def create_repo(self, repository, *, private, exist_ok):
        FakeApi.calls.append(("create_repo", (repository, private, exist_ok)))

    def create_commit(self, repository, operations, *, commit_message):
        FakeApi.calls.append(("create_commit", (repository, operations, commit_message)))
        return type("Commit", (), {"commit_url": "https://hub/commit/2"})()


def test_the_uploader_makes_one_commit_with_the_librarys_own_token(run, tmp_path, monkeypatch):
    import huggingface_hub

    upload = prepare_upload(add_run(run, tmp_path / "mine").path)
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "hf_token")
    monkeypatch.setattr(huggingface_hub, "HfApi", FakeApi)
    assert push(upload, HubUploader("me/zoo", private=True)) == "https://hub/commit/2"
    (first, made), (second, (repository, operations, message)) = FakeApi.calls
    assert (first, made, second) == ("create_repo", ("me/zoo", True, True), "create_commit")
    assert (repository, message) == ("me/zoo", upload.message)
    assert {operation.path_in_repo for operation in operations} == set(upload.files)


def test_without_a_token_one_clear_line(run, tmp_path, monkeypatch):
    import huggingface_hub

    upload = prepare_upload(add_run(run, tmp_path / "mine").path)
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    with pytest.raises(ModelError, match="run: hf auth login"):
        push(upload, HubUploader("me/zoo"))


def test_figures_of_a_card_and_of_a_result_file():
    card = read_card(find_row("yolov8n.both").card)
    rows = {row.what: row for row in figure_rows(card)}
    assert rows["fracture_AP50"].cells() == ("validation", "fracture_AP50", "0.398", "–", "399")
    assert source_rows(card)[2] == ("BoneFractureYolo8", "as published", "c5167583d7a9", "2,165", "259")
    classifier = read_card(find_row("mobilenetv2_100.builtin").card)
    aurocs = [row for row in figure_rows(classifier) if row.what == "auroc"]
    assert [row.cells() for row in aurocs] == [("validation", "auroc", "0.945", "0.925–0.964", "755")]
    result = {"parts": {"a": {"n": 3, "x": {"value": None, "interval": [None, None], "n": 0}, "split": "s"}}}
    assert [row.cells() for row in result_rows(result)] == [("a", "x", "–", "–", "0")]


def test_leaks_are_told_plainly():
    card = read_card(find_row("yolov8n.both").card)
    assert "Not audited" in leak_line(replace(card, training={}))
    assert leak_line(replace(card, training={"leaky": True})).startswith("LEAKY: validation pictures are among")


def test_a_models_readme_names_the_log_of_its_figures():
    text = model_readme(read_card(find_row("yolov8n.both").card), 1)
    assert "from `docs/results/builtin_localizer_stage3_log.csv` of the repository" in text
    assert "LEAKY: 1 of 399 validation pictures" in text
    assert "docs/results" not in model_readme(replace(read_card(find_row("yolov8n.both").card), figures={}), 1)


def test_a_readme_leaves_out_a_head_that_is_not_used():
    text = model_readme(read_card(find_row("mobilenetv2_100.regions").card), 1)
    assert "normal, fractured (not used)" in text
    assert "accuracy" not in text
    assert "temperature of `fracture`" not in text


def test_a_pipelines_readme_has_its_figures_with_their_file_or_says_that_there_are_none():
    parts = find_pipeline()
    models = [read_card(path) for _, path in parts.models]
    text = pipeline_readme(parts.card, models)
    found = parts.card.figures["parts"]["fracatlas/grouped test"]["auroc"]
    interval = "–".join(f"{limit:.3f}" for limit in found["interval"])
    assert f"| fracatlas/grouped test | auroc | {found['value']:.3f} | {interval} | 816 |" in text
    assert "copied from `docs/results/builtin.json` of the repository" in text
    said = text.split("said below")[1]
    assert all(f"- {model.full_name}: {leak_line(model)}" in said for model in models)
    bare = pipeline_readme(replace(parts.card, figures={}), models)
    assert "None were measured of this pipeline as a whole." in bare
