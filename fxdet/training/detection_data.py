"""From data sets to what a detection network trains on: pictures with fracture boxes and weak region boxes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxdet.core.boxes import clip_boxes
from fxdet.core.errors import DataError, ReadError
from fxdet.core.labels import LabelMap
from fxdet.data.formats import open_samples
from fxdet.data.samples import Sample, SampleSet
from fxdet.data.splits import LeakStamp, split_samples
from fxdet.imaging.preprocess import Preprocess
from fxdet.imaging.reading import open_radiograph
from fxdet.localize.located import FRACTURE_LABEL
from fxdet.localize.regions import find_regions
from fxdet.training.detection_config import DetectionConfig, DetectionSource

log = logging.getLogger(__name__)

WEAK_REGION_LABEL = "bone"


@dataclass(frozen=True, slots=True, eq=False)
class DetectionItem:
    """One picture of a training or validation part.

    Attributes:
        path: The file.
        pixels: Grey picture, uint8, shape (H, W), at the file's size.
        xyxy: Boxes, float32, shape (N, 4), px.
        label: Class indices, int64, shape (N,).
        fractured: Whether the picture shows a fracture.
    """

    path: Path
    pixels: NDArray[np.uint8]
    xyxy: NDArray[np.float32]
    label: NDArray[np.int64]
    fractured: bool


@dataclass(frozen=True, slots=True)
class DetectionParts:
    """Samples of both parts, and what identifies them.

    Attributes:
        train: Samples to learn from.
        val: Samples that choose the epoch.
        facts: Per source: set, layout, split list, its SHA-256, parts and counts, as JSON data.
        stamps: Per source: the split list, and whether its parts share groups.
    """

    train: tuple[Sample, ...]
    val: tuple[Sample, ...]
    facts: tuple[dict[str, Any], ...]
    stamps: tuple[LeakStamp, ...] = ()


def collect_parts(config: DetectionConfig) -> DetectionParts:
    """Open all sources and choose the samples of both parts; nothing is decoded yet.

    Raises:
        DataError: A part is empty, or has no fracture box.
    """
    generator = np.random.default_rng(config.seed)
    train: list[Sample] = []
    val: list[Sample] = []
    facts, stamps = [], []
    for source in config.sources:
        allow_leak = config.allow_leak or source.allow_leak
        published = open_samples(source.path, source.layout)
        samples, stamp = split_samples(published, source.split, allow_leak, source.split_sha256)
        chosen = _choose(samples, source.train, source.normals, source, generator)
        judged = _choose(samples, source.val, source.val_normals, source, generator)
        facts.append(_facts(source, samples, stamp, (chosen, judged)))
        stamps.append(stamp)
        train += chosen
        val += judged
    for name, part in (("train", train), ("val", val)):
        if not any(sample.fracture_boxes for sample in part):
            raise DataError(
                f"the {name} part of {[str(s.path) for s in config.sources]} has {len(part)} pictures and no fracture "
                f"box – check 'split' and '{name}' of the sources"
            )
    return DetectionParts(tuple(train), tuple(val), tuple(facts), tuple(stamps))


def load_items(samples: Sequence[Sample], labels: LabelMap) -> list[DetectionItem]:
    """Decode samples once, with their boxes in class indices; unreadable files are left out with a warning."""
    items = []
    for sample in samples:
        try:
            items.append(_load(sample, labels))
        except ReadError as error:
            log.warning("left out: %s", error)
    return items


def _facts(
    source: DetectionSource, samples: SampleSet, stamp: LeakStamp, parts: tuple[list[Sample], list[Sample]]
) -> dict[str, Any]:
    counts = {
        name: {"pictures": len(part), "fractured": sum(bool(sample.fracture_boxes) for sample in part)}
        for name, part in zip(("train", "val"), parts, strict=True)
    }
    return {
        "set": samples.name,
        "layout": samples.layout,
        **stamp.to_json(),
        "train": list(source.train),
        "val": list(source.val),
        "used": counts,
    }


def _choose(
    samples: SampleSet,
    parts: Sequence[str],
    ratio: float | None,
    source: DetectionSource,
    generator: np.random.Generator,
) -> list[Sample]:
    """Return fractured samples with boxes and a drawn share of normals; unknown ones can't be trained on."""
    members = [sample for sample in samples if sample.part in parts]
    fractured = [sample for sample in members if sample.fracture_boxes] if source.fracture_boxes else []
    normal = [sample for sample in members if sample.fractured is False and not sample.fracture_boxes]
    if ratio is not None and len(normal) > round(ratio * len(fractured)):
        drawn = generator.choice(len(normal), size=round(ratio * len(fractured)), replace=False)
        normal = [normal[index] for index in np.sort(drawn)]
    return fractured + normal


def _load(sample: Sample, labels: LabelMap) -> DetectionItem:
    radiograph = open_radiograph(sample.path)
    grey = Preprocess(size=32).grey(radiograph)
    pixels = np.round(grey * 255).astype(np.uint8)
    boxes: list[NDArray[np.float32]] = []
    names: list[int] = []
    if sample.fracture_boxes:
        boxes.append(sample.fracture_xyxy.astype(np.float32))
        names += [labels.index(FRACTURE_LABEL)] * len(sample.fracture_boxes)
    if WEAK_REGION_LABEL in labels.names:
        found = find_regions(grey)
        boxes.append(found)
        names += [labels.index(WEAK_REGION_LABEL)] * len(found)
    xyxy = np.concatenate(boxes) if boxes else np.zeros((0, 4), dtype=np.float32)
    xyxy = clip_boxes(xyxy, radiograph.size).astype(np.float32)
    solid = ((xyxy[:, 2:] - xyxy[:, :2]) >= 1).all(axis=1)
    label = np.array(names, dtype=np.int64)[solid]
    return DetectionItem(sample.path, pixels, xyxy[solid], label, bool(sample.fractured))
