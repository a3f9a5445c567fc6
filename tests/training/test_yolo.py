"""Training of YOLO through ultralytics: learns on drawn data, resumes exactly, says what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from fxdet.core.errors import ConfigError, DataError, ModelError, TrainingError
from fxdet.training.detection import train_detector
from fxdet.training.detection_data import DetectionItem
from fxdet.training.yolo import YoloTrainer
from fxdet.training.yolo_data import EpochSampler, RadiographDataset

CONFIG = """\
name: yolov8n
tag: drawn
architecture: yolov8n
run: {run}
initial_weights: none
audit: false
sources:
  - path: {data}
    normals: null
    val_normals: null
input_size: 96
epochs: {epochs}
batch_size: 8
learning_rate: 2.0e-3
precision: fp32
threads: 1
workers: 0
augment: {{mosaic: 0.5, close_mosaic: 1}}
"""


def write_config(folder: Path, data: Path, run: str, epochs: int) -> Path:
    path = folder / f"{run}.yaml"
    path.write_text(CONFIG.format(run=folder / run, data=data, epochs=epochs), encoding="utf-8")
    return path


class Killed(Exception):
    """Stands for a process that was killed."""


@pytest.fixture(scope="module")
def drawn_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A YOLO export of drawn radiographs: bright bars with a dark gap as fracture."""
    import cv2

    root = tmp_path_factory.mktemp("drawn")
    generator = np.random.default_rng(0)
    for part, count in (("train", 24), ("valid", 12)):
        for kind in ("images", "labels"):
            (root / part / kind).mkdir(parents=True)
        for index in range(count):
            pixels = generator.normal(30, 5, (96, 96))
            left = int(generator.integers(20, 50))
            pixels[4:92, left : left + 22] = 180
            rows = ""
            if index % 2:
                top = int(generator.integers(20, 60))
                pixels[top + 4 : top + 9, left - 2 : left + 24] = 30
                rows = f"0 {(left + 11) / 96} {(top + 6.5) / 96} {30 / 96} {18 / 96}\n"
            cv2.imwrite(str(root / part / "images" / f"{index}.png"), np.clip(pixels, 0, 255).astype(np.uint8))
            (root / part / "labels" / f"{index}.txt").write_text(rows, encoding="utf-8")
    (root / "data.yaml").write_text("train: train/images\nval: valid/images\nnames: ['fracture']\n", encoding="utf-8")
    return root


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
    with pytest.raises(TrainingError, match="nothing to resume"):
        train_detector(tmp_path / "run.yaml", resume=True)
    with pytest.raises(TrainingError, match="--resume"):
        train_detector(tmp_path / "run.yaml")


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
