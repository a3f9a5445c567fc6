"""A training and its scores on the test part; finished ones are read back from the run folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fxdet.core.errors import TrainingError
from fxdet.core.files import write_json
from fxdet.training.classification import run_classifier
from fxdet.training.classifier_config import ClassifierConfig
from fxdet.training.config_hash import config_hash
from fxdet.training.epochs import RunResult
from fxdet.training.items import OpenedSource, open_source
from fxdet.training.pictures import RadiographStore
from fxdet.training.processes import Processes
from fxdet.training.run_folder import RunFolder, write_weights
from fxdet.training.scores import Judged, TestScores, score_part

SCORES = "scores.json"
"""File of a run folder that says that the training is finished and tested."""

LAST = "last.safetensors"
"""Weights of the last epoch, where these are tested or trained on."""


@dataclass(frozen=True, slots=True, eq=False)
class FitResult:
    """A finished training with its scores.

    Attributes:
        scores: On the test part.
        about: History, environment, split, hashes, counts and seconds, as JSON data.
    """

    scores: TestScores
    about: Mapping[str, Any]


def run_fit(
    config: ClassifierConfig, judged: Judged, processes: Processes, store: RadiographStore, chained: bool = False
) -> FitResult:
    """Train, or go on training, and test; what is already finished is read back.

    Args:
        config: The training, with its own run folder.
        judged: What is tested.
        processes: This process; only one is supported.
        store: Decoded radiographs, shared by all trainings of the same preprocess and filter.
        chained: Keep the last weights, since another training goes on from them.

    Raises:
        TrainingError: The run folder holds another configuration's scores.
    """
    done = config.run / SCORES
    if done.exists():
        return _read_back(done, config)
    result = run_classifier(config, True, processes, store)
    folder = RunFolder(config.run)
    if judged.weights == "last" or chained:
        _keep_last(folder, config)
    weights = config.run / LAST if judged.weights == "last" else folder.best
    source = open_source(config.sources[0])
    scores = score_part(config, weights, judged, source, processes, store)
    about = _about(config, judged, folder, source, result)
    write_json(done, {"hash": config_hash(config), "about": about, "scores": _scores_json(scores)})
    folder.last.unlink(missing_ok=True)  # the optimiser's state is twice the network, and no longer needed
    return _read_back(done, config)  # rounded, as every later call finds it


def _keep_last(folder: RunFolder, config: ClassifierConfig) -> None:
    state = folder.read_state()
    if state is None:
        raise TrainingError(f"{folder.last} is missing – start this row again with --restart")
    heads = json.dumps({head: list(names) for head, names in config.heads.items()})
    write_weights(folder.path / LAST, state["network"], {"architecture": config.architecture, "heads": heads})


def _about(
    config: ClassifierConfig, judged: Judged, folder: RunFolder, source: OpenedSource, result: RunResult
) -> dict[str, Any]:
    trained = source.part(config.sources[0].train)
    shown = config.sampling.presentations or len(trained)
    per_epoch = max(1, shown // config.loop.batch_size) * min(config.loop.batch_size, shown)
    seconds = sum(per_epoch / max(record.images_per_second, 1e-9) for record in result.history)
    return {
        "filter": config.filter or "none",
        "judged": judged.weights,
        "best_epoch": result.best_epoch + 1,
        "epochs": len(result.history),
        "pictures": {"training_names": len(trained), "training_files": len({sample.path for sample in trained})},
        "training_seconds": round(seconds, 3),
        "history": [_rounded(record.row()) for record in result.history],
        "split": json.loads((folder.path / "split.json").read_text(encoding="utf-8"))["sources"][0],
        "environment": json.loads((folder.path / "environment.json").read_text(encoding="utf-8")),
    }


def _rounded(row: Mapping[str, float]) -> dict[str, float]:
    return {name: float(f"{value:.5g}") for name, value in row.items()}


def _scores_json(scores: TestScores) -> dict[str, Any]:
    return {
        "names": list(scores.names),
        "groups": list(scores.groups),
        "times": scores.times.tolist(),
        "truth": scores.truth.tolist(),
        "probability": [[round(value, 6) for value in row] for row in scores.probability.tolist()],
        "lookup": scores.lookup.tolist(),
    }


def _read_back(path: Path, config: ClassifierConfig) -> FitResult:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["hash"] != config_hash(config):
            raise TrainingError(
                f"{path.parent} was trained with another configuration – set 'run' to another folder, or --restart"
            )
        scores = data["scores"]
        probability = np.array(scores["probability"], dtype=np.float64)
        read = TestScores(
            tuple(scores["names"]),
            tuple(scores["groups"]),
            np.array(scores["times"], dtype=np.int64),
            np.array(scores["truth"], dtype=np.int64),
            probability / probability.sum(axis=1, keepdims=True),
            np.array(scores["lookup"], dtype=np.int64),
        )
        return FitResult(read, data["about"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"can't read {path} – {error} – remove it, or use --restart") from error
