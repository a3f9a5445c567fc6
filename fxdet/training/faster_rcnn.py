"""Training of torchvision's Faster R-CNN on the shared loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN

from fxdet.core.errors import ConfigError, TrainingError
from fxdet.core.labels import LabelMap
from fxdet.core.objects import Radiograph
from fxdet.data.augment import AugmentOptions, detection_augment
from fxdet.evaluation.detection import ImageBoxes, average_precision, mean_average_precision
from fxdet.imaging.preprocess import Preprocess
from fxdet.localize.faster_rcnn import FasterRcnnLocalizer, build_faster_rcnn
from fxdet.localize.located import FRACTURE_LABEL
from fxdet.training.detection_config import DetectionConfig
from fxdet.training.detection_data import DetectionItem, DetectionParts, collect_parts, load_items
from fxdet.training.epochs import RunResult
from fxdet.training.faster_rcnn_data import TargetBatch, TargetBatches, TargetOptions
from fxdet.training.loop import Callback, run_training
from fxdet.training.options import LoopOptions, OptimiserOptions, ScheduleOptions, TrainingOptions
from fxdet.training.processes import Processes, unwrap
from fxdet.training.run_folder import RunFolder

MONITOR = "fitness"
"""Chooses the best epoch, as for YOLO: mean of AP50 and AP50:95 of the fracture class."""

_OPTIMISERS: dict[str, Literal["adamw", "adam", "sgd"]] = {"AdamW": "adamw", "Adam": "adam", "SGD": "sgd"}


def train_faster_rcnn(
    config: DetectionConfig,
    folder: RunFolder,
    processes: Processes,
    callbacks: Sequence[Callback] = (),
    resume: bool = False,
    parts: DetectionParts | None = None,
) -> RunResult:
    """Train a Faster R-CNN; the folder then holds ``best.safetensors`` and ``last.pt``.

    Args:
        config: The run.
        folder: Prepared run folder.
        processes: This process among all.
        callbacks: What looks at every epoch.
        resume: Take up ``last.pt``.
        parts: Samples of both parts, where they are chosen already.

    Raises:
        ConfigError: The config asks for something that only YOLO's trainer has.
        DataError: A part is empty, or has no fracture box.
        ModelError: The architecture is unknown, or initial weights do not fit.
        TrainingError: No picture could be read, the loss is no number, or a resumed state does not fit.
    """
    check_faster_rcnn(config)
    parts = parts or collect_parts(config)
    labels = LabelMap(config.labels)
    train, val = load_items(parts.train, labels), load_items(parts.val, labels)
    for name, items in (("train", train), ("val", val)):
        if not items:
            raise TrainingError(f"no picture of the {name} part could be read – check the paths of the sources")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = build_faster_rcnn(config.architecture, labels, _start(config), Preprocess(config.input_size))
    task = FasterRcnnTask(network, config, train, val, processes)
    return run_training(task, loop_options(config), folder, processes, callbacks, resume)


def check_faster_rcnn(config: DetectionConfig) -> None:
    """Refuse what Faster R-CNN's training does not do, before anything is read.

    Raises:
        ConfigError: Mosaic or mixup is on.
    """
    for name in ("mosaic", "mixup"):
        value = getattr(config.augment, name)
        if value:
            raise ConfigError(f"augment.{name} – got {value}, expected 0 – only YOLO's training has it; set it to 0")


def _start(config: DetectionConfig) -> Path | Literal["hub"] | None:
    if config.initial_weights == "none":
        return None
    return "hub" if config.initial_weights == "hub" else Path(config.initial_weights)


def loop_options(config: DetectionConfig) -> TrainingOptions:
    """Return the shared loop's options for a localizer's config."""
    return TrainingOptions(
        loop=LoopOptions(
            epochs=config.epochs,
            batch_size=config.batch_size,
            seed=config.seed,
            precision=config.precision,
            monitor=MONITOR,
            patience=config.patience,
            workers=config.workers,
            threads=config.threads,
        ),
        optimiser=OptimiserOptions(
            name=_OPTIMISERS[config.optimizer], learning_rate=config.learning_rate, weight_decay=config.weight_decay
        ),
        schedule=ScheduleOptions(
            name="cosine", warmup_epochs=config.warmup_epochs, final_factor=config.final_learning_rate
        ),
        freeze=config.freeze,
    )


class FasterRcnnTask:
    """What the loop trains: see :class:`fxdet.training.loop.Task`."""

    network: nn.Module

    def __init__(
        self,
        network: FasterRCNN,
        config: DetectionConfig,
        train: Sequence[DetectionItem],
        val: Sequence[DetectionItem],
        processes: Processes,
    ) -> None:
        self.network = network
        self._config, self._val, self._device = config, val, processes.device
        self._labels = LabelMap(config.labels)
        options = TargetOptions(
            config.input_size, config.batch_size, config.seed, processes.rank, processes.world, config.workers
        )
        self._batches = TargetBatches(train, detection_augment(augment_options(config)), options)

    @property
    def steps_per_epoch(self) -> int:
        """Steps per epoch."""
        return len(self._batches)

    def batches(self, epoch: int) -> Iterator[TargetBatch]:
        """Yield this process's batches of an epoch."""
        return self._batches.epoch(epoch)

    def loss(self, network: nn.Module, batch: TargetBatch) -> Tensor:
        """Return the sum of the four losses: objectness and boxes of proposals, classes and boxes of detections."""
        pictures, targets = batch
        moved = [{name: value.to(self._device) for name, value in target.items()} for target in targets]
        losses: dict[str, Tensor] = network([picture.to(self._device) for picture in pictures], moved)
        return torch.stack([value.float() for value in losses.values()]).sum()

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return AP50 and AP50:95 of each class over the validation part, and the fracture class's mean of both."""
        detector = unwrap(network)
        assert isinstance(detector, FasterRCNN)
        localizer = FasterRcnnLocalizer(
            detector, self._labels, "validation", Preprocess(self._config.input_size), str(self._device)
        )
        figures: dict[str, float] = {}
        for name, boxes in _boxes_by_class(localizer, self._val).items():
            if any(len(image.reference) for image in boxes):
                figures[f"{name}_AP50"] = average_precision(boxes)
                figures[f"{name}_AP50-95"] = mean_average_precision(boxes)
        fitness = (figures.get("fracture_AP50", 0.0) + figures.get("fracture_AP50-95", 0.0)) / 2
        return {MONITOR: fitness, **figures}

    def about(self) -> dict[str, str]:
        """Return what goes into the header of the weight file."""
        config = self._config
        name = f"{config.name}.{config.tag}"
        return {"name": name, "architecture": config.architecture, "labels": ",".join(config.labels)}


def _boxes_by_class(localizer: FasterRcnnLocalizer, items: Sequence[DetectionItem]) -> dict[str, list[ImageBoxes]]:
    """Return class → found and labelled boxes of every picture, px of the radiograph."""
    located = localizer.locate([Radiograph(item.pixels, str(item.path), "") for item in items])
    found: dict[str, list[ImageBoxes]] = {}
    for index, name in enumerate(localizer.labels):
        rows = []
        for item, result in zip(items, located, strict=True):
            kind = result.fractures if name == FRACTURE_LABEL else result.regions
            own = np.array([kind.labels[label] == name for label in kind.label], dtype=bool)
            rows.append(ImageBoxes(kind.xyxy[own], kind.score[own], item.xyxy[item.label == index]))
        found[name] = rows
    return found


def augment_options(config: DetectionConfig) -> AugmentOptions:
    """Return our augmentation for a localizer's config."""
    augment = config.augment
    return AugmentOptions(
        flip=augment.flip_horizontal,
        vertical_flip=augment.flip_vertical,
        rotate=augment.degrees,
        scale=augment.scale,
        translate=augment.translate,
        brightness=augment.brightness,
        contrast=augment.contrast,
        clahe=augment.clahe,
        blur=augment.blur,
        dropout=0.0,
    )
