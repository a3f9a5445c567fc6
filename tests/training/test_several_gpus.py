"""Several processes: YOLO's, which ultralytics starts, and torchrun's; tested without any GPU."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fxdet.core.errors import ConfigError, TrainingError
from fxdet.data.drawn import write_drawn_set
from fxdet.imaging.synthetic import DrawingOptions
from fxdet.training.detection import train_detector
from fxdet.training.processes import Processes
from fxdet.training.run_folder import RunFolder
from fxdet.training.yolo import YoloTrainer
from tests.training.drawn_export import write_config, write_drawn_export


@pytest.fixture(scope="module")
def drawn_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_drawn_export(tmp_path_factory.mktemp("drawn"))


def pretend_gpus(patch: pytest.MonkeyPatch, count: int) -> None:
    patch.setattr(torch.cuda, "device_count", lambda: count)


def test_launching_processes_leaves_the_run_folder_as_it_is(
    drawn_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ultralytics empties its folder before it starts them; config.yaml, which they read, and last.pt must stay."""
    from ultralytics.utils import dist  # after fxdet, which undoes what importing ultralytics patches

    config = write_config(tmp_path, drawn_set, "run", 1)
    seen = {}

    def launch(self: YoloTrainer) -> None:
        (self.folder.path / "last.pt").write_bytes(b"the state of an earlier epoch")
        self.world_size = 2
        command, file = dist.generate_ddp_command(self)
        dist.ddp_cleanup(self, file)
        seen["command"] = command
        seen["files"] = {path.name for path in self.folder.path.iterdir()}
        raise subprocess.CalledProcessError(3, command)

    monkeypatch.setattr(YoloTrainer, "train", launch)
    with pytest.raises(TrainingError, match="ended with code 3"):
        train_detector(config)
    assert {"config.yaml", "split.json", "last.pt"} <= seen["files"]
    assert "--nproc_per_node" in seen["command"]
    assert (tmp_path / "run" / "last.pt").read_bytes() == b"the state of an earlier epoch"


def test_what_other_processes_did_reaches_log_and_curves(
    drawn_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = YoloTrainer.train

    def elsewhere(self: YoloTrainer) -> None:
        self.observers = ()
        train(self)
        self.history = []

    monkeypatch.setattr(YoloTrainer, "train", elsewhere)
    result = train_detector(write_config(tmp_path, drawn_set, "run", 2))
    assert len(result.history) == 2
    with (tmp_path / "run" / "log.csv").open(encoding="utf-8") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["0", "1"]
    assert (tmp_path / "run" / "curves.png").exists()
    assert any((tmp_path / "run" / "tensorboard").iterdir())


def test_each_process_validates_its_own_share(drawn_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []

    def look(self: YoloTrainer) -> None:
        for self.world_size in (0, 2):
            ranks = range(max(1, self.world_size))
            loaders = [self.get_dataloader("val", 4, rank, "val") for rank in ranks]
            shown.append([sorted(label["im_file"] for label in loader.dataset.labels) for loader in loaders])
        RunFolder(self.config.run).write_state({"history": [{"epoch": 0, "loss": 0, "learning_rate": 0,
                                                             "images_per_second": 0, "fitness": 0}]})  # fmt: skip
        self.folder.write_best(torch.nn.Linear(1, 1), {})

    monkeypatch.setattr(YoloTrainer, "train", look)
    train_detector(write_config(tmp_path, drawn_set, "run", 1))
    alone, shared = shown
    assert len(alone[0]) == 12
    assert sorted(shared[0] + shared[1]) == alone[0]
    assert abs(len(shared[0]) - len(shared[1])) <= 1


@pytest.mark.parametrize(
    ("change", "processes", "message"),
    [
        ("device=0,1", Processes(torch.device("cpu")), "found 1 CUDA devices"),
        ("device=cuda:1", Processes(torch.device("cpu")), "found 1 CUDA devices"),
        ("device=gpu", Processes(torch.device("cpu")), "device: got 'gpu', expected"),
        ("device=cpu", Processes(torch.device("cpu"), 1, 2), "a YOLO starts its own processes"),
    ],
)
def test_a_device_that_can_not_be_is_refused(drawn_set, tmp_path, monkeypatch, change, processes, message):
    pretend_gpus(monkeypatch, 1)
    with pytest.raises(ConfigError, match=message):
        train_detector(write_config(tmp_path, drawn_set, "run", 1), [change], processes=processes)
    assert not (tmp_path / "run").exists()


def test_a_faster_rcnn_takes_no_device_of_its_own(drawn_set, tmp_path):
    changes = ["device=0,1", "architecture=fasterrcnn_mobilenet_v3_large_fpn"]
    with pytest.raises(ConfigError, match=r"device: got '0,1', expected none .* torchrun"):
        train_detector(write_config(tmp_path, drawn_set, "run", 1), changes)


@pytest.mark.parametrize(("own", "expected"), [("cpu", "1"), ("0", "0")])
def test_a_yolo_computes_where_the_option_says_unless_its_config_does(drawn_set, tmp_path, monkeypatch, own, expected):
    pretend_gpus(monkeypatch, 2)
    asked = SimpleNamespace()

    def note(config, observers):
        asked.device = config.device
        raise TrainingError("seen")

    monkeypatch.setattr("fxdet.training.detection.train_yolo", note)
    monkeypatch.setattr("fxdet.training.detection._write_facts", lambda *parts: "")  # asks the GPU for its name
    with pytest.raises(TrainingError, match="seen"):
        config = write_config(tmp_path, drawn_set, "run", 1)
        train_detector(config, [f"device='{own}'"], processes=Processes(torch.device("cuda", 1)))
    assert asked.device == expected


@pytest.mark.slow
def test_two_processes_train_one_yolo_and_resume(
    drawn_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.training.cpu_trainer import STOP_AFTER, CpuTrainer

    monkeypatch.setattr("fxdet.training.yolo.YoloTrainer", CpuTrainer)
    whole = train_detector(write_config(tmp_path, drawn_set, "whole", 2))
    assert len(whole.history) == 2
    assert (tmp_path / "whole" / "log.csv").read_text(encoding="utf-8").count("\n") == 3

    cut = write_config(tmp_path, drawn_set, "cut", 2)
    with monkeypatch.context() as patch, pytest.raises(TrainingError, match="go on with --resume"):
        patch.setenv(STOP_AFTER, "0")
        train_detector(cut)
    assert len(RunFolder(tmp_path / "cut").read_state()["history"]) == 1
    resumed = train_detector(cut, resume=True)
    assert [record.loss for record in resumed.history] == [record.loss for record in whole.history]
    first, second = (RunFolder(tmp_path / name).read_state()["ema"] for name in ("whole", "cut"))
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.slow
def test_torchrun_trains_one_classifier_in_two_processes(tmp_path: Path) -> None:
    options = DrawingOptions(size=(96, 96))
    write_drawn_set(tmp_path / "drawn", [("train", 32), ("val", 16)], np.random.default_rng(0), options)
    changes = ["preprocess.size=64", "loop.epochs=2", "loop.batch_size=8", "loop.threads=1", "loop.precision=fp32",
               "audit=false", f"run={tmp_path / 'run'}", "allow_empty_classes=true",
               f"sources=[{{path: {tmp_path / 'drawn' / 'drawn.csv'}, whole: 1.0}}]"]  # fmt: skip
    config = Path(__file__).parents[2] / "configs" / "cls" / "drawn_tiny.yaml"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "fxdet", "train", "cls", str(config), "--device", "cpu"]
    command += [part for change in changes for part in ("--set", change)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    result = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, env=environment)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("best epoch") == 1
    assert "FutureWarning" not in result.stderr
    assert len(RunFolder(tmp_path / "run").read_state()["history"]) == 2
    assert (tmp_path / "run" / "card.json").exists()
