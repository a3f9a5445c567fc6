"""What a localizer and a classifier must offer; each has a ``Fake…`` twin for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np

from fxdet.core.labels import FRACTURE, REGIONS, LabelMap
from fxdet.core.objects import ClassScores, Crops, Detections, Radiograph


@dataclass(frozen=True, slots=True)
class Located:
    """Both kinds of boxes that a localizer finds on one radiograph."""

    regions: Detections
    fractures: Detections


@runtime_checkable
class Localizer(Protocol):
    """Finds bone regions and fracture candidates."""

    name: str

    def locate(self, radiographs: Sequence[Radiograph]) -> list[Located]:
        """Return one :class:`Located` per radiograph, in order, in pixels of the radiograph as read."""
        ...


@runtime_checkable
class Classifier(Protocol):
    """Scores crops with named heads."""

    name: str

    def classify(self, crops: Crops) -> ClassScores:
        """Return scores for all M crops."""
        ...


@dataclass(slots=True)
class FakeLocalizer:
    """Returns one fixed candidate and one region as shares of the image; for tests and examples."""

    fracture: tuple[float, float, float, float] | None = (0.4, 0.4, 0.6, 0.6)
    region: tuple[float, float, float, float] | None = (0.1, 0.1, 0.9, 0.9)
    score: float = 0.8
    name: str = "fake.localizer"
    region_labels: LabelMap = field(default=LabelMap(("bone",)))

    def locate(self, radiographs: Sequence[Radiograph]) -> list[Located]:
        """Return the fixed boxes scaled to each radiograph."""
        return [Located(self._boxes(r, "region"), self._boxes(r, "fracture")) for r in radiographs]

    def _boxes(self, radiograph: Radiograph, kind: str) -> Detections:
        share = self.fracture if kind == "fracture" else self.region
        height, width = radiograph.size
        rows = [] if share is None else [np.array(share) * [width, height, width, height]]
        return Detections(
            xyxy=np.array(rows, dtype=np.float32).reshape(-1, 4),
            score=np.full(len(rows), self.score, dtype=np.float32),
            label=np.zeros(len(rows), dtype=np.int64),
            labels=LabelMap(("fracture",)) if kind == "fracture" else self.region_labels,
            kind="fracture" if kind == "fracture" else "region",
            image_size=radiograph.size,
            model=self.name,
        )


@dataclass(slots=True)
class FakeClassifier:
    """Takes the mean brightness of a crop for the fracture logit; for tests and examples."""

    name: str = "fake.classifier"

    def classify(self, crops: Crops) -> ClassScores:
        """Return logits that depend on the crop's mean alone."""
        mean = crops.pixels.mean(axis=(1, 2)) if len(crops) else np.zeros(0, dtype=np.float32)
        fracture = np.stack([-mean, mean], axis=1)
        region = np.zeros((len(crops), len(REGIONS)), dtype=np.float32)
        labels = {"fracture": FRACTURE, "region": REGIONS}
        return ClassScores({"fracture": fracture, "region": region}, labels)
