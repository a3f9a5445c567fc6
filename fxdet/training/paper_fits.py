"""One training of a paper's row and its scores on the test part; finished ones are read back from the run folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors.torch import load_file

from fxdet.classify.model import build_network
from fxdet.core.errors import DataError, TrainingError
from fxdet.core.files import write_json
from fxdet.data.samples import Sample
from fxdet.evaluation.nearest import nearest_labels
from fxdet.training.classification import run_classifier
from fxdet.training.classifier_config import ClassifierConfig
from fxdet.training.epochs import RunResult
from fxdet.training.items import OpenedSource, open_source
from fxdet.training.paper_config import config_hash
from fxdet.training.pictures import RadiographStore
from fxdet.training.processes import Processes
from fxdet.training.run_folder import RunFolder, write_weights
from fxdet.training.validation import predict_logits

SCORES = "scores.json"
"""File of a run folder that says that the training is finished and tested."""

LAST = "last.safetensors"
"""Weights of the last epoch, where these are tested or trained on."""

_THUMBNAIL = 24
"""Side of the thumbnails of the look-up without learning, px."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What is tested after a training.

    Attributes:
        head: Head that is judged.
        weights: ``best`` or ``last``.
        part: Part of the split that is tested.
    """

    head: str
    weights: str
    part: str = "test"


@dataclass(frozen=True, slots=True, eq=False)
class TestScores:
    """Probabilities of distinct test pictures.

    Attributes:
        names: Name of each picture (of the first, where it was published under several), N.
        groups: Its group, N.
        times: How many names of the test part it stands for, shape (N,).
        truth: Class index, shape (N,).
        probability: Shape (N, K), rows sum to 1.
        lookup: Class index that the nearest training picture gives, shape (N,).
    """

    names: tuple[str, ...]
    groups: tuple[str, ...]
    times: NDArray[np.int64]
    truth: NDArray[np.int64]
    probability: NDArray[np.float64]
    lookup: NDArray[np.int64]

    def to_rows(self) -> list[str]:
        """Return one CSV line per picture: name, group, times, truth, look-up, probabilities of four digits."""
        columns = zip(self.names, self.groups, self.times, self.truth, self.lookup, self.probability, strict=True)
        return [
            ",".join([_quoted(name), _quoted(group), *(str(int(v)) for v in whole), *(f"{p:.4f}" for p in row)])
            for name, group, *whole, row in columns
        ]


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


def score_part(
    config: ClassifierConfig,
    weights: Path,
    judged: Judged,
    source: OpenedSource,
    processes: Processes,
    store: RadiographStore,
) -> TestScores:
    """Score the distinct pictures of a part; repeated ones are weights.

    Raises:
        DataError: The part has no labelled picture.
    """
    classes = config.heads[judged.head]
    distinct = distinct_pictures(source.part((judged.part,)), judged.head, classes)
    if not distinct:
        what = f"part '{judged.part}' has no picture with a {judged.head} label"
        raise DataError(f"{source.stamp.split}: {what} – take another split list")
    network = build_network(config.architecture, {head: len(names) for head, names in config.heads.items()})
    network.load_state_dict(load_file(weights))
    network = network.to(processes.device).eval()
    samples = [sample for sample, _, _ in distinct]
    pixels = np.stack([_picture(config, store, sample) for sample in samples])
    batch = max(16, config.loop.batch_size)
    logits = predict_logits(network, pixels, config.preprocess, processes.device, batch)[judged.head]
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    trained = distinct_pictures(source.part(config.sources[0].train), judged.head, classes)
    known = np.stack([_thumbnail(store, sample) for sample, _, _ in trained])
    asked = np.stack([_thumbnail(store, sample) for sample in samples])
    return TestScores(
        tuple(sample.name for sample in samples),
        tuple(sample.group for sample in samples),
        np.array([times for _, _, times in distinct], dtype=np.int64),
        np.array([label for _, label, _ in distinct], dtype=np.int64),
        powers / powers.sum(axis=1, keepdims=True),
        nearest_labels(known, np.array([label for _, label, _ in trained]), asked),
    )


def distinct_pictures(samples: Sequence[Sample], head: str, classes: Sequence[str]) -> list[tuple[Sample, int, int]]:
    """Return each file and label once as (sample, class index, number of names); unlabelled ones are left out."""
    found: dict[tuple[Path, int], tuple[Sample, int]] = {}
    for sample in samples:
        label = _label(sample, head, classes)
        if label is not None:
            first, times = found.get((sample.path, label), (sample, 0))
            found[sample.path, label] = (first, times + 1)
    return [(sample, label, times) for (_, label), (sample, times) in found.items()]


def _label(sample: Sample, head: str, classes: Sequence[str]) -> int | None:
    if head == "fracture":
        return None if sample.fractured is None else int(sample.fractured)
    named = [classes.index(region) for region in sample.regions if region in classes]
    return named[0] if len(named) == 1 and len(sample.regions) == 1 else None


def _picture(config: ClassifierConfig, store: RadiographStore, sample: Sample) -> NDArray[np.uint8]:
    grey = config.preprocess.whole(store[sample.path].radiograph).pixels[0]
    return np.asarray(np.rint(grey * 255).astype(np.uint8))


def _thumbnail(store: RadiographStore, sample: Sample) -> NDArray[np.uint8]:
    pixels = store[sample.path].radiograph.pixels
    return np.asarray(cv2.resize(pixels, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA), dtype=np.uint8)


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


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\n') else text


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
