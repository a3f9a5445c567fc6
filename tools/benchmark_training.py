#!/usr/bin/env python
"""Time training beside ``yolo train`` and timm's ``train.py``: same network, pictures, size, batch and machine.

Each trainer runs on drawn radiographs for one epoch and for more; the difference of the two wall-clock times is what an
epoch costs, validation on a few pictures included, and start-up left out. Trainers take turns, and the shortest time of
each counts: whatever else a machine does only ever adds to it. Run it on a machine that does nothing else; timm's
script is not part of its package: https://github.com/huggingface/pytorch-image-models/blob/main/train.py

``python tools/benchmark_training.py --timm-script train.py``
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from pathlib import Path
from time import perf_counter

import click
import numpy as np
import timm
import torch
import ultralytics
import yaml
from tqdm import tqdm

# A checkout that is not installed works, too.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fxdet.core.files import write_json
from fxdet.data.convert import ConvertOptions, convert
from fxdet.data.drawn import write_drawn_set
from fxdet.data.formats import open_samples
from fxdet.imaging.synthetic import DrawingOptions
from fxdet.training.precision import choose_precision
from fxdet.training.run_folder import describe_environment

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "docs" / "results" / "training_speed.json"
CLASSIFIERS = ("resnet18", "mobilenetv2_100")
VAL = 16
"""Radiographs of the validation part: as few as the trainers take."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One trainer on one network.

    Attributes:
        trainer: What is run.
        network, size, batch: What is trained, px and pictures per step.
        precision: As the trainer was asked for.
        command: Epochs and a new folder → command line.
    """

    trainer: str
    network: str
    size: int
    batch: int
    precision: str
    command: Callable[[int, Path], list[str]]


@click.command()
@click.option("--timm-script", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="timm's train.py.")
@click.option("--pictures", default=128, show_default=True, type=click.IntRange(64), help="Drawn for training.")
@click.option("--epochs", default=4, show_default=True, type=click.IntRange(2), help="Of the longer run.")
@click.option("--repeats", default=1, show_default=True, type=click.IntRange(1), help="Turns of every trainer.")
@click.option("--network", "networks", multiple=True, help="Time this one alone; the file's other rows stay.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=RESULT, help="Result file.")
def main(
    timm_script: Path | None, pictures: int, epochs: int, repeats: int, networks: tuple[str, ...], output: Path
) -> None:
    """Time every trainer and write one result file."""
    packages = {module.__name__: module.__version__ for module in (torch, timm, ultralytics)}
    environment = describe_environment(torch.device("cpu"), choose_precision("auto", torch.device("cpu")))
    about = {"schema": 1, "processor": environment["processor"], "cores": os.cpu_count(), "packages": packages}
    others = _others(output, about, networks) if networks else []
    with tempfile.TemporaryDirectory() as place:
        data = Path(place) / "drawn"
        write_drawn_set(data, [("train", pictures), ("val", VAL)], np.random.default_rng(7), DrawingOptions((454, 373)))
        _for_timm(data)
        convert(open_samples(data / "drawn.csv"), data / "yolo", ConvertOptions("yolo"))
        classifiers = [trial for network in CLASSIFIERS for trial in _classifier(network, data, timm_script)]
        trials = [*classifiers, *_localizers(data)]
        chosen = [trial for trial in trials if trial.network in (networks or (trial.network,))]
        rows = _measured(chosen, pictures, epochs, repeats)
    write_json(output, {**about, "rows": [*rows, *others]})
    click.echo(output)


def _others(output: Path, about: dict[str, object], networks: tuple[str, ...]) -> list[dict[str, object]]:
    """Return the rows of the networks that are not timed now, which must be of the same machine and packages."""
    stored = json.loads(output.read_text(encoding="utf-8"))
    if any(stored[name] != value for name, value in about.items()):
        raise click.ClickException(f"{output} was measured on another machine or with other packages – time all anew")
    return [row for row in stored["rows"] if row["network"] not in networks]


def _measured(trials: list[Trial], pictures: int, epochs: int, repeats: int) -> list[dict[str, object]]:
    """Return pictures per second of every trainer, from the shortest of its short and of its long runs."""
    turns = [(trial, count) for _ in range(repeats) for trial in trials for count in (1, epochs)]
    times: dict[tuple[int, int], float] = {}
    for trial, count in tqdm(turns, unit="run", disable=None):
        key = id(trial), count
        times[key] = min(times.get(key, inf), _seconds(trial, count))
    return [_row(trial, pictures, (times[id(trial), epochs] - times[id(trial), 1]) / (epochs - 1)) for trial in trials]


def _row(trial: Trial, pictures: int, seconds: float) -> dict[str, object]:
    rate = pictures / max(seconds, 1e-9)
    tqdm.write(f"{trial.network} {trial.precision} {trial.trainer}: {rate:.1f} pictures/s", file=sys.stderr)
    return {
        "trainer": trial.trainer, "network": trial.network, "size": trial.size, "batch": trial.batch,
        "precision": trial.precision, "pictures": pictures, "pictures_per_second": round(rate, 2),
    }  # fmt: skip


def _seconds(trial: Trial, epochs: int) -> float:
    with tempfile.TemporaryDirectory() as place:
        started = perf_counter()
        # ultralytics sets OMP_NUM_THREADS as it is imported here; the trainers are to choose for themselves.
        variables = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
        command = trial.command(epochs, Path(place))
        done = subprocess.run(command, capture_output=True, text=True, cwd=place, env=variables)
        if done.returncode:
            raise click.ClickException(f"{trial.trainer} ended with {done.returncode}:\n{done.stderr[-2000:]}")
        return perf_counter() - started


def _classifier(network: str, data: Path, timm_script: Path | None) -> list[Trial]:
    size, batch = 224, 32
    precision = _precisions()[0]

    def ours(epochs: int, place: Path) -> list[str]:
        config = {
            "name": network, "tag": "speed", "architecture": network, "run": str(place / "run"),
            "initial_weights": "none", "preprocess": {"size": size}, "heads": {"fracture": ["normal", "fractured"]},
            "sources": [{"path": str(data / "drawn.csv"), "whole": 1.0}], "audit": False,
            "loop": {"epochs": epochs, "batch_size": batch, "precision": precision},
        }  # fmt: skip
        return [sys.executable, str(ROOT / "tools" / "train_cls.py"), _yaml(place, config), "--device", "cpu"]

    def theirs(epochs: int, place: Path) -> list[str]:
        amp = ["--amp", "--amp-dtype", "bfloat16"] if precision == "bf16" else []
        options = ["--model", network, "--num-classes", "2", "--img-size", str(size), "-b", str(batch), *amp]
        options += ["--epochs", str(epochs), "--device", "cpu", "--channels-last", "-j", str(os.cpu_count())]
        options += ["--warmup-epochs", "0", "--cooldown-epochs", "0", "--output", str(place / "run")]
        return [sys.executable, str(Path(str(timm_script)).resolve()), str(data / "by_class"), *options]

    trials = [Trial("fxdet", network, size, batch, precision, ours)]
    if timm_script is not None:
        trials.append(Trial("timm train.py", network, size, batch, precision, theirs))
    return trials


def _localizers(data: Path) -> list[Trial]:
    network, size, batch = "yolov8n", 416, 16

    def theirs(epochs: int, place: Path) -> list[str]:
        options = {"model": f"{network}.yaml", "data": str(data / "yolo" / "data.yaml"), "imgsz": size, "batch": batch}
        more = {"device": "cpu", "workers": os.cpu_count(), "plots": False, "project": str(place), "cache": "ram"}
        given = [f"{key}={value}" for key, value in {**options, **more, "epochs": epochs, "close_mosaic": 0}.items()]
        return [str(Path(sys.executable).parent / "yolo"), "detect", "train", *given]

    trials = [Trial("yolo train", network, size, batch, "fp32", theirs)]
    for precision in _precisions():

        def ours(epochs: int, place: Path, precision: str = precision) -> list[str]:
            config = {
                "name": network, "tag": "speed", "architecture": network, "run": str(place / "run"),
                "initial_weights": "none", "input_size": size, "batch_size": batch, "epochs": epochs, "audit": False,
                "precision": precision, "workers": os.cpu_count(), "augment": {"close_mosaic": 0},
                "sources": [{"path": str(data / "drawn.csv"), "normals": None, "val_normals": None}],
            }  # fmt: skip
            return [sys.executable, str(ROOT / "tools" / "train_det.py"), _yaml(place, config), "--device", "cpu"]

        trials.insert(-1, Trial("fxdet", network, size, batch, precision, ours))
    return trials


def _precisions() -> list[str]:
    """Return fp32, and before it bf16 where this processor computes that natively."""
    return list(dict.fromkeys([choose_precision("auto", torch.device("cpu")), "fp32"]))


def _yaml(place: Path, config: dict[str, object]) -> str:
    path = place / "config.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return str(path)


def _for_timm(data: Path) -> None:
    """Write the pictures as ``by_class/{train,validation}/CLASS``."""
    for sample in open_samples(data / "drawn.csv"):
        part = "validation" if sample.part == "val" else "train"
        folder = data / "by_class" / part / ("fractured" if sample.fractured else "normal")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(sample.path, folder)


if __name__ == "__main__":
    main()
