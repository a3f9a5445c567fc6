from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from fxdet.core.errors import ModelError
from fxdet.zoo import hub
from fxdet.zoo.cards import (
    ModelCard,
    PipelineCard,
    read_card,
    read_pipeline_card,
    seal_card,
    verified_weights,
    write_card,
)
from fxdet.zoo.hub import (
    BUILDERS,
    SHIPPED,
    family_of,
    find_pipeline,
    load_classifier,
    load_localizer,
    pipeline_hash,
    resolve,
)

ROOT = Path(__file__).resolve().parents[2]

CARD = ModelCard(
    "mobilenetv2_100",
    "drawn",
    "classifier",
    "mobilenetv2_100",
    224,
    "best.safetensors",
    "0" * 64,
    heads={"fracture": ("normal", "fractured")},
    preprocess={"size": 224, "mean": 0.449},
    temperature={"fracture": 1.3},
    figures={"auroc": {"value": 0.9, "n": 816}},
    training={"epochs": 3},
)


@pytest.fixture
def folder(tiny_pipeline, tmp_path):
    """A copy of the tiny pipeline that a test may spoil."""
    return shutil.copytree(tiny_pipeline, tmp_path / "pipeline")


def change(path, **values):
    """Change keys of a card on disk; None removes one."""
    data = {**json.loads(path.read_text("utf-8")), **values}
    path.write_text(json.dumps({key: value for key, value in data.items() if value is not None}), "utf-8")


@pytest.mark.parametrize(
    "card", [CARD, replace(CARD, kind="localizer", labels=("fracture", "bone"), heads={}, temperature={})]
)
def test_model_card_survives_the_disk(tmp_path, card):
    write_card(tmp_path / "card.json", card)
    assert read_card(tmp_path / "card.json") == read_card(tmp_path) == card


def test_pipeline_card_survives_the_disk(tmp_path):
    card = PipelineCard("x", "a.json", "b.json", candidate_floor=0.1, figures={"auroc": 0.9})
    write_card(tmp_path / "pipeline.json", card)
    assert read_pipeline_card(tmp_path) == card


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"achitecture": "x"}, "unknown key 'achitecture' – did you mean 'architecture'?"),
        ({"sha256": None}, "key 'sha256' is missing"),
        ({"input_size": "224"}, "field 'input_size' – got '224', expected a whole number"),
        ({"input_size": True}, "expected a whole number"),
        ({"heads": {"fracture": ["a", "a"]}}, "repeated names"),
        ({"heads": {"fracture": "normal"}}, "expected a list"),
        ({"heads": {}}, "ModelCard.heads"),
        ({"temperature": {"fracture": 0.0}}, "expected > 0"),
        ({"unused_heads": ["region"]}, "ModelCard.unused_heads: got ['region'], expected some of ['fracture']"),
        ({"temperature": {"fractured": 1.0}}, "one of the heads"),
        ({"kind": "detector"}, "'localizer' or 'classifier'"),
        ({"weights": "../../etc/passwd"}, "a file name beside the card"),
        ({"sha256": "xyz"}, "64 hexadecimal digits"),
        ({"schema": 99}, "update fxdet"),
    ],
)
def test_a_wrong_model_card_is_one_clear_line(tmp_path, values, message):
    path = tmp_path / "card.json"
    write_card(path, CARD)
    change(path, **values)
    with pytest.raises(ModelError) as caught:
        read_card(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"finding_points": {"definite": 0.1, "doubt": 0.4}}, "field 'finding_points'"),
        ({"finding": {"intercept": 0, "weights": {"cropp": 1}}}, "PipelineCard.finding"),
        ({"finding": {"intercpt": 0, "weights": {}}}, "did you mean 'intercept'?"),
        ({"crosscheck": {"agree_lift": 0.1}}, "CrossCheckLimits.agree_lift"),
        ({"candidate_floor": 2}, "expected 0 to 1"),
        ({"localizer_weights": [1.0, 2.0]}, "expected one above 0 for each localizer"),
        ({"localizer_weights": [-1.0]}, "expected one above 0 for each localizer"),
        ({"localizer": None}, "key 'localizer' is missing"),
    ],
)
def test_a_wrong_pipeline_card_is_one_clear_line(tmp_path, values, message):
    path = tmp_path / "pipeline.json"
    write_card(path, PipelineCard("x", "a.json", "b.json"))
    change(path, **values)
    with pytest.raises(ModelError, match=message.replace("?", r"\?")):
        read_pipeline_card(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "\udcff"])
def test_what_is_no_card_is_one_clear_line(tmp_path, text):
    path = tmp_path / "card.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ModelError, match="card"):
        read_card(path)


def test_a_missing_card_names_the_file(tmp_path):
    with pytest.raises(ModelError, match="no-such"):
        read_card(tmp_path / "no-such.json")


def test_truncated_changed_and_missing_weights_are_refused(tmp_path):
    weights = tmp_path / "best.safetensors"
    weights.write_bytes(b"0123456789")
    card = seal_card(CARD, tmp_path)
    assert verified_weights(card, tmp_path) == weights
    weights.write_bytes(b"01234")
    with pytest.raises(ModelError, match=r"5 bytes.*cut short or changed"):
        verified_weights(card, tmp_path)
    weights.unlink()
    with pytest.raises(ModelError, match="No such file"):
        verified_weights(card, tmp_path)


@pytest.mark.parametrize("place", BUILDERS.values())
def test_every_row_of_the_table_resolves(place):
    assert callable(resolve(place))


@pytest.mark.parametrize(
    ("architecture", "family"),
    [("yolov8n", "yolo"), ("yolo26n", "yolo"), ("fasterrcnn_resnet50_fpn_v2", "fasterrcnn")],
)
def test_family_of_a_localizer(architecture, family):
    card = replace(CARD, kind="localizer", labels=("fracture",), heads={}, temperature={}, architecture=architecture)
    assert family_of(card) == family
    assert family_of(CARD) == "timm"
    with pytest.raises(ModelError, match="did you mean"):
        family_of(replace(card, architecture="yolv8n"))


def test_models_load_with_their_names(folder):
    assert load_localizer(folder / "localizer.json").name == "yolov8n.random"
    classifier = load_classifier(folder / "classifier.json")
    assert (classifier.name, classifier.temperature) == ("mobilenetv3_small_050.random", {"fracture": 1.5})


def test_a_card_of_the_other_kind_is_refused(folder):
    with pytest.raises(ModelError, match="got 'classifier', expected 'localizer'"):
        load_localizer(folder / "classifier.json")


@pytest.mark.parametrize(
    ("name", "load", "values"),
    [
        ("classifier", load_classifier, {"architecture": "mobilenetv3_small_075"}),
        ("classifier", load_classifier, {"architecture": "mobilenetv3_smal_050"}),
        ("classifier", load_classifier, {"heads": {"fracture": ["a", "b", "c"]}, "temperature": {}}),
        ("classifier", load_classifier, {"preprocess": {"sise": 64}}),
        ("localizer", load_localizer, {"labels": ["fracture"]}),
        ("localizer", load_localizer, {"architecture": "yolo11n"}),
    ],
)
def test_weights_that_do_not_fit_the_card_are_one_clear_line(folder, name, load, values):
    change(folder / f"{name}.json", **values)
    with pytest.raises(ModelError) as caught:
        load(folder / f"{name}.json")
    assert "\n" not in str(caught.value)


def test_pipelines_are_found_by_card_and_by_folder(folder):
    assert (
        find_pipeline(folder).localizer
        == find_pipeline(folder / "pipeline.json").localizer
        == folder / "localizer.json"
    )


def test_a_run_folder_replaces_one_half_of_the_builtin(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "BUILTIN_FOLDER", folder)
    run = tmp_path / "run"
    run.mkdir()
    for name, other in (("classifier", "localizer"), ("localizer", "classifier")):
        shutil.copy(folder / f"{name}.json", run / "card.json")
        for place in (run, run / "card.json"):
            parts = find_pipeline(place)
            assert getattr(parts, name) == run / "card.json"
            assert getattr(parts, other) == folder / f"{other}.json"
    assert find_pipeline().card.name == "random"


def test_a_model_alone_says_that_fusion_and_thresholds_are_of_others(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "BUILTIN_FOLDER", folder)
    assert find_pipeline().notes == find_pipeline(folder).notes == ()
    run = shutil.copytree(folder, tmp_path / "run")
    (run / "pipeline.json").unlink()
    for name in ("localizer", "classifier"):
        assert find_pipeline(run / f"{name}.json").notes == ()  # the built-in pipeline was fitted for this very model
        change(run / f"{name}.json", sha256="ab" * 32)
        parts = find_pipeline(run / f"{name}.json")
        assert parts.notes == ("fusion and thresholds were fitted for other models: those of the pipeline random",)
        before = pipeline_hash(parts, {})
        assert pipeline_hash(replace(parts, notes=()), {}) == before


def test_a_localizer_alone_takes_no_weights_of_an_ensemble(folder, monkeypatch):
    monkeypatch.setattr(hub, "BUILTIN_FOLDER", folder)
    change(folder / "pipeline.json", ensemble=["localizer.json"], localizer_weights=[2.0, 1.0])
    parts = find_pipeline(folder / "localizer.json")
    assert (parts.ensemble, parts.card.localizer_weights) == ((), ())
    assert len(parts.notes) == 1


@pytest.mark.parametrize("name", ["no-such-pipeline", "."])
def test_what_is_no_pipeline_is_one_clear_line(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="can't find"):
        find_pipeline(name)


def test_a_missing_builtin_pipeline_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "BUILTIN_FOLDER", tmp_path)
    with pytest.raises(ModelError, match="built-in pipeline"):
        find_pipeline()


def test_the_hash_follows_whatever_changes_results(folder):
    before = pipeline_hash(find_pipeline(folder), {"threshold": None})
    assert before == pipeline_hash(find_pipeline(folder), {"threshold": None})
    assert before != pipeline_hash(find_pipeline(folder), {"threshold": 0.5})
    change(folder / "pipeline.json", candidate_floor=0.07)
    assert before != pipeline_hash(find_pipeline(folder), {"threshold": None})


def test_figures_do_not_change_the_hash(folder):
    before = pipeline_hash(find_pipeline(folder), {"threshold": None})
    change(folder / "pipeline.json", figures={"result": "docs/results/x.json", "parts": {"val": {"n": 3}}})
    assert before == pipeline_hash(find_pipeline(folder), {"threshold": None})


def test_the_shipped_pipeline_has_the_hash_that_its_result_file_states():
    measured = json.loads((ROOT / "docs" / "results" / "builtin.json").read_text("utf-8"))
    options = {"threshold": None, "crosscheck": True, "precision": "bf16"}
    assert pipeline_hash(find_pipeline(), options) == measured["config_hash"] == "1415234213035e24"


def test_shipped_pipelines_are_whole_and_small():
    for name in SHIPPED:
        parts = find_pipeline(name)
        assert parts.card.name == name
        for _, path in parts.models:
            verified_weights(read_card(path), path.parent)
    assert sum(path.stat().st_size for path in hub.BUILTIN_FOLDER.iterdir()) < 25e6
