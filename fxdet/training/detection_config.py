"""Schema of a localizer's training config; every key of ``configs/det/*.yaml`` stands here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fxdet.core.labels import LabelMap
from fxdet.training.options import SILENT, FreezeStage

_DEVICE = re.compile(r"cpu|cuda(:\d+)?|\d+(,\d+)*")


@dataclass(frozen=True, slots=True)
class DetectionSource:
    """One data set and what of it is used.

    Attributes:
        path: Folder of the set.
        layout: Its layout; None recognises it.
        split: Built-in split name or CSV file, with ``@`` and a fold where one is wanted; None takes the parts as
            published.
        split_sha256: Expected hash of a split file.
        allow_leak: Take parts that share a group.
        train: Parts that are trained on.
        val: Parts that choose the epoch.
        normals: Pictures without a fracture per fractured one in training, drawn by the seed; None takes all.
        val_normals: The same for validation.
        fracture_boxes: Whether the set's fracture boxes are used. False leaves the fractured pictures out, so that
            only their regions could be learned from normals.
    """

    path: Path
    layout: str | None = None
    split: str | None = None
    train: tuple[str, ...] = ("train",)
    val: tuple[str, ...] = ("val",)
    normals: float | None = 1.0
    val_normals: float | None = 1.0
    fracture_boxes: bool = True
    split_sha256: str | None = field(default=None, metadata=SILENT)
    allow_leak: bool = field(default=False, metadata=SILENT)


@dataclass(frozen=True, slots=True)
class DetectionAugment:
    """Geometry by ultralytics' mosaic and perspective (or ours, for Faster R-CNN), greys by ``data.augment``.

    Attributes:
        mosaic: Probability of a four-picture mosaic, 0–1.
        close_mosaic: Last epochs without mosaic.
        mixup: Probability of mixing two pictures, 0–1.
        degrees: Largest rotation, degrees.
        translate: Largest shift, share of the side.
        scale: Largest relative change of size.
        flip_horizontal, flip_vertical: Probabilities, 0–1.
        brightness, contrast: Largest relative change of greys.
        clahe, blur: Probabilities of local contrast equalisation and of a slight blur, 0–1.
    """

    mosaic: float = 1.0
    close_mosaic: int = 5
    mixup: float = 0.0
    degrees: float = 10.0
    translate: float = 0.1
    scale: float = 0.4
    flip_horizontal: float = 0.5
    flip_vertical: float = 0.2
    brightness: float = 0.2
    contrast: float = 0.2
    clahe: float = 0.05
    blur: float = 0.05

    def __post_init__(self) -> None:
        limits = {"close_mosaic": float("inf"), "degrees": 180.0}
        for name in self.__dataclass_fields__:
            value, limit = getattr(self, name), limits.get(name, 1.0)
            if not 0 <= value <= limit:
                raise ValueError(f"{name}: got {value}, expected 0 to {limit:g}")


@dataclass(frozen=True, slots=True)
class DetectionConfig:
    """A localizer's training run.

    Attributes:
        name: Network's name on the card, e.g. ``yolov8n``.
        tag: What it is trained on, e.g. ``fracatlas``.
        architecture: ``yolov8n`` …, ``fasterrcnn_mobilenetv2_100_fpn``, ``fasterrcnn_mobilenet_v3_large_fpn``,
            ``fasterrcnn_resnet50_fpn_v2``.
        run: Folder of the run.
        sources: Data sets.
        labels: Class names: ``fracture``, and ``bone`` for the weak region boxes.
        initial_weights: safetensors file, ``hub`` for the published weights, or ``none`` for a random start.
        input_size: Longest side of the input, px; a multiple of 32 for YOLO.
        epochs, batch_size: Length and step size.
        optimizer: Name of the optimiser.
        learning_rate: Highest learning rate.
        final_learning_rate: Last learning rate as a share of the highest.
        warmup_epochs: Epochs of linear warm-up.
        weight_decay: Weight decay.
        patience: Epochs without a better validation figure before the run stops.
        precision: ``auto`` takes bf16 where the processor computes it natively.
        threads: Threads of the processor for the network; 0 takes all cores.
        workers: Processes that prepare pictures; 0 does it between the steps.
        device: YOLO alone: ``0,1`` for several GPUs, ``cuda:1`` for that one; ``cpu`` leaves it to ``--device``.
        seed: Seed of everything random.
        augment: Augmentation.
        freeze: Faster R-CNN alone: layers that stand still until an epoch, as ``backbone.body.blocks.0``.
        audit: Look for validation pictures among the training pictures before anything else.
        allow_leak: Go on although parts share pictures or groups; every result is stamped with it.
        licence, description: For the card.
    """

    name: str
    tag: str
    architecture: str
    run: Path
    sources: tuple[DetectionSource, ...]
    labels: tuple[str, ...] = ("fracture", "bone")
    initial_weights: str = "hub"
    input_size: int = 640
    epochs: int = 100
    batch_size: int = 16
    optimizer: Literal["AdamW", "Adam", "SGD"] = "AdamW"
    learning_rate: float = 1e-3
    final_learning_rate: float = 0.02
    warmup_epochs: float = 1.0
    weight_decay: float = 5e-4
    patience: int = 30
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    threads: int = 0
    workers: int = 1
    device: str = "cpu"
    seed: int = 0
    augment: DetectionAugment = field(default_factory=DetectionAugment)
    licence: str = "AGPL-3.0-only"
    description: str = ""
    freeze: tuple[FreezeStage, ...] = field(default=(), metadata=SILENT)
    audit: bool = field(default=True, metadata=SILENT)
    allow_leak: bool = field(default=False, metadata=SILENT)

    def __post_init__(self) -> None:
        if not self.sources:
            raise ValueError("sources: got none, expected at least one data set")
        LabelMap(self.labels)
        if "fracture" not in self.labels:
            raise ValueError(f"labels: got {self.labels}, expected 'fracture' among them")
        if not _DEVICE.fullmatch(self.device):
            raise ValueError(f"device: got {self.device!r}, expected 'cpu', 'cuda', 'cuda:1' or '0,1'")
        if self.device != "cpu" and not self.is_yolo:
            raise ValueError(
                f"device: got {self.device!r}, expected none for {self.architecture} – it computes where --device says,"
                " on several GPUs through torchrun"
            )
        if self.freeze and self.is_yolo:
            raise ValueError(f"freeze: got {len(self.freeze)} stages, expected none for {self.architecture}")
        if self.input_size % 32:
            raise ValueError(f"input_size: got {self.input_size}, expected a multiple of 32")
        for name in ("epochs", "batch_size", "input_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: got {getattr(self, name)}, expected at least 1")
        if not 0 < self.learning_rate <= 1:
            raise ValueError(f"learning_rate: got {self.learning_rate}, expected above 0, at most 1")

    @property
    def is_yolo(self) -> bool:
        """Whether ultralytics trains the network, with processes of its own on several GPUs."""
        return self.architecture.startswith("yolo")
