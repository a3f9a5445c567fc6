"""Configurations of the papers' rows: all load, fit the published tables, and freeze what their networks have."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml

from fxdet.classify.model import build_network
from fxdet.core.errors import ConfigError
from fxdet.evaluation.papers import PAPERS, PUBLISHED_ROWS
from fxdet.training.classifier_config import ClassifierConfig
from fxdet.training.config import config_to_yaml, load_config
from fxdet.training.config_hash import config_hash
from fxdet.training.optimise import frozen_names
from fxdet.training.paper_config import read_row, row_files, training_config
from fxdet.training.reproduction import Selection, result_keys

CONFIGS = Path(__file__).parents[2] / "configs" / "papers"
FILES = sorted(path for path in CONFIGS.glob("*/*.yaml") if path.stem != "base")
IDS = [f"{path.parent.name}/{path.stem}" for path in FILES]


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_every_row_loads_and_belongs_to_its_folder(path: Path):
    row = read_row(path)
    assert (row.paper, row.row) == (path.parent.name, path.stem) and row.label
    assert "as-published" in row.protocols and "grouped" in row.protocols
    assert row.protocols["as-published"].allow_leak and not row.protocols["grouped"].allow_leak
    assert row.initial_weights == ("none" if row.architecture in ("team05_cnn", "cnn2024_keras") else "hub")
    for protocol in row.protocols.values():
        config = training_config(row, protocol, 3, "clahe")
        assert (config.loop.seed, config.filter, config.sources[0].split) == (3, "clahe", protocol.split)


def test_there_is_one_row_per_published_row_and_three_more():
    mine = {(path.parent.name, path.stem) for path in FILES}
    published = {(row.paper, row.row) for row in PUBLISHED_ROWS}
    shown = {("team05", "custom_cnn_as_script"), ("team05", "resnet18_as_script")}
    # What the protocol gives with first weights that are at hand everywhere.
    assert mine - published == {*shown, ("team05", "mobilenetv2_100")}
    assert published <= mine


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_every_row_loads_as_reduced(path: Path):
    row, reduced = read_row(path), read_row(path, ["loop.threads=1"], reduced=True)
    assert bool(row.reduced) == (reduced != read_row(path, ["loop.threads=1"])), "a change that changes nothing"
    assert (reduced.row, reduced.heads, reduced.loop.threads) == (row.row, row.heads, 1)


def test_the_caller_has_the_last_word_on_a_reduced_row():
    path = CONFIGS / "team05" / "resnet18.yaml"
    assert read_row(path, reduced=True).preprocess.size < read_row(path).preprocess.size
    assert read_row(path, ["preprocess.size=80"], reduced=True).preprocess.size == 80


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_frozen_layers_exist_and_leave_something(path: Path):
    row = read_row(path)
    with torch.device("meta"):
        network = build_network(row.architecture, {head: len(names) for head, names in row.heads.items()})
    frozen = frozen_names(network, row.freeze, 0)
    assert bool(frozen) == (row.paper == "sriram2026" or (row.row == "vgg16" and row.paper == "tamboli2026"))
    if frozen:
        assert any(name.startswith("backbone") for name, _ in network.named_parameters() if name not in frozen)


def test_the_team05_rows_are_those_of_the_script():
    row = read_row(CONFIGS / "team05" / "custom_cnn.yaml")
    assert (row.optimiser.name, row.optimiser.learning_rate, row.optimiser.weight_decay) == ("adam", 0.01, 0.01)
    assert (row.loop.epochs, row.loop.batch_size, row.judged, row.fault) == (20, 32, "last", "none")
    other = read_row(CONFIGS / "team05" / "resnet18.yaml")
    assert (other.optimiser.learning_rate, other.optimiser.weight_decay, other.augment.rotate) == (1e-4, 0, 10)
    assert set(other.filters) == {"none", "clahe", "median", "bilateral", "gaussian", "clahe_median"}
    shown = read_row(CONFIGS / "team05" / "custom_cnn_as_script.yaml")
    assert shown.fault == "optimiser_holds_another_network" and len(shown.chain) == 5
    assert {"clahe", "none"} <= set(shown.chain) and shown.tag.startswith("faulty")


def test_the_augmentation_of_cnn2024_is_that_of_the_paper():
    row = read_row(CONFIGS / "cnn2024" / "keras_cnn.yaml")
    a = row.augment
    assert (a.rotate, a.translate, a.shear, a.scale, a.flip, a.border) == (40, 0.2, 0.2, 0.2, 0.5, "nearest")
    assert (row.preprocess.mean, row.preprocess.std, row.loop.epochs) == (0, 1, 11)
    assert row.protocols["shuffled-folds"].shuffled_folds == len(row.protocols["grouped"].folds) == 5


def test_the_fault_can_not_be_used_by_accident():
    with pytest.raises(ConfigError, match=r"fault: got optimiser_holds.*expected a tag that begins with 'faulty'"):
        read_row(CONFIGS / "team05" / "custom_cnn.yaml", ["fault=optimiser_holds_another_network"])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("paper=team5", "did you mean 'team05'"),
        ("filters=[clae]", "did you mean 'clahe'"),
        ("chain=[blur]", "chain: got 'blur'"),
        ("filter=clahe", "use 'filters'"),
        ("head=fracture", "expected one of the heads"),
        ("seeds=[]", "seeds: got none"),
        ("row=resnet81", "expected the file's name 'resnet18'"),
        ("protocols.grouped.shuffled_folds=5", "allow_leak: true"),
        ("protocols.grouped.splitt=a", "did you mean"),
        ("protocols.grouped.split=null", "a list for the folds"),
    ],
)
def test_clear_errors(override: str, message: str):
    with pytest.raises(ConfigError, match=message):
        read_row(CONFIGS / "team05" / "resnet18.yaml", [override])


def test_rows_are_found_by_name():
    assert [path.stem for path in row_files(CONFIGS, "team05", ["vgg16", "resnet18"])] == ["vgg16", "resnet18"]
    assert len(row_files(CONFIGS, "tamboli2026")) == 4 and "base" not in {p.stem for p in row_files(CONFIGS, "cnn2024")}
    with pytest.raises(ConfigError, match="did you mean 'resnet18'"):
        row_files(CONFIGS, "team05", ["resnet-18"])
    with pytest.raises(ConfigError, match="did you mean 'team05'"):
        row_files(CONFIGS, "team5")
    assert sorted(path.name for path in CONFIGS.iterdir()) == sorted(PAPERS)


def test_the_hash_knows_what_matters():
    row = read_row(CONFIGS / "team05" / "resnet18.yaml")
    grouped, published = row.protocols["grouped"], row.protocols["as-published"]
    one = config_hash(training_config(row, grouped, 7, "none"))
    moved = read_row(CONFIGS / "team05" / "resnet18.yaml", ["run=elsewhere", "loop.workers=3", "label=x"])
    assert config_hash(training_config(moved, grouped, 7, "none")) == one
    others = [
        config_hash(training_config(row, published, 7, "none")),
        config_hash(training_config(row, grouped, 8, "none")),
        config_hash(training_config(row, grouped, 7, "clahe")),
        config_hash(training_config(read_row(CONFIGS / "team05" / "vgg16.yaml"), grouped, 7, "none")),
    ]
    assert len({one, *others}) == 5


@pytest.mark.parametrize("name", ["pretrain_on_bonefracture", "pretrain_on_fracatlas"])
def test_pretraining_configs_load(name: str):
    config = load_config(CONFIGS.parent / "cls" / f"{name}.yaml", [], ClassifierConfig)
    assert config.initial_weights == "none" and config.preprocess.fit == "stretch"


def test_new_keys_at_their_defaults_stay_out_of_resolved_configs(tmp_path: Path):
    path = CONFIGS.parent / "cls" / "drawn_tiny.yaml"
    text = config_to_yaml(load_config(path, [], ClassifierConfig))
    for key in ("filter:", "fault:", "shear:", "border:", "fit:", "decay_everything:"):
        assert key not in text
    changed = load_config(path, ["filter=clahe", "preprocess.fit=stretch", "augment.shear=1"], ClassifierConfig)
    data = yaml.safe_load(config_to_yaml(changed))
    assert (data["filter"], data["preprocess"]["fit"], data["augment"]["shear"]) == ("clahe", "stretch", 1.0)
    (tmp_path / "again.yaml").write_text(config_to_yaml(changed))
    assert load_config(tmp_path / "again.yaml", [], ClassifierConfig) == changed


def test_outside_the_repository_the_folder_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"can't find .*papers – it lies in fxdet's repository"):
        row_files(tmp_path / "papers", "team05")


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(filters=("clahee",)), r"--filter – got 'clahee' – did you mean 'clahe'"),
        (Selection(protocols=("publshed",)), r"--protocol – resnet18 has no 'publshed'"),
    ],
)
def test_a_wrong_choice_is_refused_before_anything_runs(selection, message):
    with pytest.raises(ConfigError, match=message):
        result_keys(read_row(CONFIGS / "team05" / "resnet18.yaml"), selection)
