"""Training of YOLO through ultralytics: learns on drawn data, resumes exactly, says what is wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from fxdet.core.errors import ConfigError, DataError, ModelError, TrainingError
from fxdet.training import yolo
from fxdet.training.detection import train_detector
from fxdet.training.detection_config import DetectionConfig
from fxdet.training.detection_data import DetectionItem
from fxdet.training.run_folder import RunFolder
from fxdet.training.yolo import YoloTrainer
from fxdet.training.yolo_data import EpochSampler, RadiographDataset
from tests.training.drawn_export import write_config, write_drawn_export


class Killed(Exception):
    """Stands for a process that was killed."""


@pytest.fixture(scope="module")
def drawn_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_drawn_export(tmp_path_factory.mktemp("drawn"))


def test_a_resumed_run_ends_like_an_uninterrupted_one(
    drawn_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train_detector(write_config(tmp_path, drawn_set, "whole", 3))
    cut = write_config(tmp_path, drawn_set, "cut", 3)

    from fxdet.training.callbacks import CsvLog

    def die(self: CsvLog, history: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(CsvLog, "epoch_ended", die)
        with pytest.raises(Killed):
            train_detector(cut)
    resumed = train_detector(cut, resume=True)
    assert len(resumed.history) == 3
    assert [record.loss for record in resumed.history] == [record.loss for record in whole.history]
    first, second = load_file(tmp_path / "whole" / "best.safetensors"), load_file(tmp_path / "cut" / "best.safetensors")
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_run_folder_tells_everything(drawn_set: Path, tmp_path: Path) -> None:
    train_detector(write_config(tmp_path, drawn_set, "run", 1))
    folder = tmp_path / "run"
    names = {path.name for path in folder.iterdir()}
    assert {"config.yaml", "environment.json", "split.json", "log.csv", "curves.png", "best.safetensors"} <= names
    assert {"last.pt", "card.json", "tensorboard"} <= names
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    assert card["kind"] == "localizer"
    assert card["labels"] == ["fracture", "bone"]
    used = card["training"]["sources"][0]["used"]
    assert used == {"train": {"pictures": 24, "fractured": 12}, "val": {"pictures": 12, "fractured": 6}}
    assert "ultralytics" not in names
    # A run killed between its last epoch and its card is finished by --resume.
    (folder / "card.json").unlink()
    before = (folder / "last.pt").read_bytes()
    again = train_detector(tmp_path / "run.yaml", resume=True)
    assert json.loads((folder / "card.json").read_text(encoding="utf-8")) == card
    assert (folder / "last.pt").read_bytes() == before
    assert len(again.history) == 1
    with pytest.raises(TrainingError, match="--resume"):
        train_detector(tmp_path / "run.yaml")


def test_of_equal_epochs_the_first_keeps_its_weights(
    drawn_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The card names the first of them, so its weights must be that epoch's."""
    validate, write = YoloTrainer.validate, yolo.write_half_weights
    written: list[int] = []

    def always_alike(self: YoloTrainer) -> tuple[dict[str, float], float]:
        metrics, _ = validate(self)
        self.best_fitness = 0.25
        return {**metrics, "fitness": 0.25}, 0.25

    def noted(folder: RunFolder, network: torch.nn.Module, config: DetectionConfig) -> None:
        written.append(len(written))
        write(folder, network, config)

    monkeypatch.setattr(YoloTrainer, "validate", always_alike)
    monkeypatch.setattr(yolo, "write_half_weights", noted)
    result = train_detector(write_config(tmp_path, drawn_set, "alike", 2))
    assert result.best_epoch == 0
    assert written == [0]


def test_the_best_weights_are_written_before_the_state_that_counts_on_them(
    drawn_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(self: RunFolder, state: object) -> None:
        assert self.best.exists()
        raise Killed

    monkeypatch.setattr(RunFolder, "write_state", die)
    with pytest.raises(Killed):
        train_detector(write_config(tmp_path, drawn_set, "killed", 1))


def test_a_run_that_stopped_early_is_over(drawn_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = write_config(tmp_path, drawn_set, "early", 9)
    monkeypatch.setattr(YoloTrainer, "validate", falling_fitness(YoloTrainer.validate))
    first = train_detector(config, ["patience=1"])
    assert len(first.history) == 2
    assert len(train_detector(config, ["patience=1"], resume=True).history) == 2


def falling_fitness(validate):
    def judged(self: YoloTrainer) -> tuple[dict[str, float], float]:
        metrics, _ = validate(self)
        fitness = 0.5 / (self.epoch + 1)
        self.best_fitness = max(self.best_fitness or 0.0, fitness)
        return {**metrics, "fitness": fitness}, fitness

    return judged


@pytest.mark.slow
def test_a_short_training_learns_drawn_fractures(drawn_set: Path, tmp_path: Path) -> None:
    changes = ["augment.mosaic=0", "patience=40", "labels=[fracture]"]
    result = train_detector(write_config(tmp_path, drawn_set, "learn", 40), changes)
    assert result.history[result.best_epoch].figures["fracture_AP50"] > 0.5


def test_a_nan_loss_names_the_epoch(drawn_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = write_config(tmp_path, drawn_set, "nan", 2)
    clean = YoloTrainer.preprocess_batch

    def poisoned(self: YoloTrainer, batch: dict[str, object]) -> dict[str, object]:
        batch = clean(self, batch)
        batch["img"] = batch["img"] * float("nan")
        return batch

    monkeypatch.setattr(YoloTrainer, "preprocess_batch", poisoned)
    with pytest.raises(TrainingError, match="NaN or infinite in epoch 1"):
        train_detector(config)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("input_size=100", r"input_size: got 100, expected a multiple of 32"),
        ("learning_rate=1e30", r"learning_rate: got 1e\+30, expected above 0, at most 1"),
        ("augment.mosaic=2", r"augment.mosaic: got 2.0, expected 0 to 1"),
        ("labels=[bone]", r"labels: .*expected 'fracture' among them"),
        ("freeze=[{layers: model.0, until_epoch: 1}]", r"freeze: got 1 stages, expected none for yolov8n"),
        ("epoch=3", r"unknown key 'epoch' – did you mean 'epochs'"),
    ],
)
def test_a_wrong_value_is_refused_by_name(drawn_set: Path, tmp_path: Path, change: str, message: str) -> None:
    config = write_config(tmp_path, drawn_set, "wrong", 1)
    with pytest.raises(ConfigError, match=message):
        train_detector(config, [change])


def test_a_set_without_fractures_is_refused(drawn_set: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path, drawn_set, "none", 1)
    with pytest.raises(DataError, match="no fracture box"):
        train_detector(config, ["sources.0.train=[test]"])


def test_missing_weights_are_named(drawn_set: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path, drawn_set, "weights", 1)
    with pytest.raises(ModelError, match=r"no file nowhere\.safetensors"):
        train_detector(config, ["initial_weights=nowhere.safetensors"])


def test_pictures_follow_their_labels_when_batches_are_rectangular() -> None:
    from ultralytics.cfg import get_cfg  # after fxdet, which undoes what importing ultralytics patches

    shapes = [(90, 40), (40, 90), (64, 64), (80, 40)]
    items = [
        DetectionItem(
            Path(f"{index}.png"),
            np.full(shape, index, np.uint8),
            np.array([[0, 0, 9, 9]], np.float32),
            np.array([0]),
            True,
        )
        for index, shape in enumerate(shapes)
    ]
    options = {"imgsz": 64, "batch_size": 2, "augment": False, "hyp": get_cfg(), "rect": True, "stride": 32, "pad": 0.0}
    dataset = RadiographDataset(items, None, {**options, "data": {"names": {0: "fracture"}, "channels": 1}})
    assert [label["im_file"] for label in dataset.labels] != [str(item.path) for item in items]
    for index, label in enumerate(dataset.labels):
        picture, stored, _ = dataset.load_image(index)
        assert picture.max() == int(Path(label["im_file"]).stem)
        assert stored == shapes[picture.max()]


def test_the_sampler_depends_on_seed_and_epoch_alone() -> None:
    first, second = EpochSampler(10, seed=1), EpochSampler(10, seed=1)
    assert sorted(first) == list(range(10))
    second.set_epoch(1)
    assert list(first) != list(second)
    first.set_epoch(1)
    assert list(first) == list(second)


def test_processes_share_an_epoch_without_overlap() -> None:
    parts = [list(EpochSampler(11, 0, rank, 2)) for rank in (0, 1)]
    assert len(parts[0]) == len(parts[1]) == 5
    assert not set(parts[0]) & set(parts[1])


def test_without_a_number_every_usable_processor_works(drawn_set: Path, tmp_path: Path, monkeypatch) -> None:
    from fxdet.training.callbacks import CsvLog

    seen: list[int] = []
    monkeypatch.setattr(yolo, "usable_processors", lambda: 3)
    monkeypatch.setattr(CsvLog, "epoch_ended", lambda self, history: seen.append(torch.get_num_threads()))
    path = write_config(tmp_path, drawn_set, "threads", 1)
    path.write_text(re.sub(r"(?m)^threads:.*$", "threads: 0", path.read_text(encoding="utf-8")), encoding="utf-8")
    train_detector(path)
    assert seen == [3]
