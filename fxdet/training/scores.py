"""Scores of a trained classifier on a test part, and their figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors.torch import load_file

from fxdet.classify.model import build_network
from fxdet.core.errors import DataError
from fxdet.core.labels import LabelMap
from fxdet.data.samples import Sample
from fxdet.evaluation import confusion as cm
from fxdet.evaluation.binary import decision_figures, probability_figures, ranking_figures
from fxdet.evaluation.estimate import Estimate
from fxdet.evaluation.multiclass import ClassRows, class_figures
from fxdet.evaluation.nearest import nearest_labels
from fxdet.evaluation.resampling import IntervalOptions, Resampling
from fxdet.evaluation.shares import share_estimate
from fxdet.training.classifier_config import ClassifierConfig
from fxdet.training.items import OpenedSource
from fxdet.training.pictures import RadiographStore
from fxdet.training.processes import Processes
from fxdet.training.validation import predict_logits

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


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\n') else text


def joined(parts: Sequence[TestScores]) -> TestScores:
    """Return the scores of several folds as one."""
    return TestScores(
        tuple(name for part in parts for name in part.names),
        tuple(group for part in parts for group in part.groups),
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("times", "truth", "probability", "lookup")
        ),
    )


def score_figures(
    scores: TestScores, head: str, classes: Sequence[str], options: IntervalOptions
) -> tuple[dict[str, Estimate], cm.ConfusionTable]:
    """Return all figures of a test part and its confusion matrix; a picture counts as often as it was published.

    Args:
        scores: The scores.
        head: ``fracture`` or ``region``.
        classes: Class names.
        options: Bootstrap draws and seed.
    """
    rows = np.repeat(np.arange(len(scores.names)), scores.times)
    truth, probability = scores.truth[rows], scores.probability[rows]
    group = np.asarray(scores.groups)[rows]
    lookup = share_estimate(scores.lookup[rows] == truth, group)
    if head == "fracture":
        figures, table = _fracture_figures(truth, probability, group, options)
    else:
        allowed = np.eye(len(classes), dtype=bool)[truth]
        figures, table = class_figures(ClassRows(LabelMap(tuple(classes)), probability, allowed, group), options)
    return {**figures, "lookup_accuracy": lookup}, table


def _fracture_figures(
    truth: NDArray[np.int64], probability: NDArray[np.float64], group: NDArray[Any], options: IntervalOptions
) -> tuple[dict[str, Estimate], cm.ConfusionTable]:
    resampling = Resampling(group, options)
    fractured, called = truth == 1, probability.argmax(axis=1) == 1
    figures = {
        **decision_figures(fractured, called, resampling),
        **ranking_figures(fractured, probability[:, 1], resampling),
        **probability_figures(fractured, probability[:, 1], resampling),
    }
    matrix = cm.confusion(truth, called.astype(np.int64), 2)[0]
    return figures, cm.ConfusionTable.of(matrix, ("normal", "fractured"), "fracture")
