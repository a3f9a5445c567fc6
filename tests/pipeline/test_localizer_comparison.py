"""Localizers side by side, by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from fxdet.core.labels import LabelMap
from fxdet.core.objects import Detections
from fxdet.core.protocols import FakeLocalizer, Located
from fxdet.data.samples import BoxLabel, Sample
from fxdet.pipeline.localizer_comparison import compare_localizers
from fxdet.pipeline.measuring import MeasureOptions, measure_localizer

OPTIONS = MeasureOptions(samples=200)
BOX, FAR = (10.0, 10.0, 30.0, 30.0), (60.0, 60.0, 90.0, 90.0)


@dataclass
class Says:
    """Says one box on every radiograph, with a score for each."""

    boxes: list[tuple[float, float, float, float]]
    scores: list[float]
    name: str = "says"

    def locate(self, radiographs):
        return [self._one(radiograph) for radiograph in radiographs]

    def _one(self, radiograph):
        index = int(Path(radiograph.source).stem)
        found = Detections(
            xyxy=np.array([self.boxes[index]], np.float32),
            score=np.array([self.scores[index]], np.float32),
            label=np.zeros(1, np.int64),
            labels=LabelMap(("fracture",)),
            kind="fracture",
            image_size=radiograph.size,
        )
        return Located(FakeLocalizer(region=None).locate([radiograph])[0].regions, found)


@pytest.fixture
def samples(tmp_path) -> list[Sample]:
    made = []
    for index in range(4):
        path = tmp_path / f"{index}.png"
        cv2.imwrite(str(path), np.random.default_rng(index).integers(0, 255, (100, 100), np.uint8))
        boxes = (BoxLabel(BOX, "fractured"),) if index < 2 else ()
        made.append(Sample(path, path.name, fractured=index < 2, boxes=boxes, group=str(index)))
    return made


RIGHT = Says([BOX, BOX, FAR, FAR], [0.9, 0.8, 0.2, 0.1])
HALF = Says([BOX, FAR, FAR, FAR], [0.9, 0.8, 0.2, 0.1])


def test_figures_are_those_of_each_alone(samples):
    found = compare_localizers({"right": RIGHT, "half": HALF}, samples, OPTIONS)
    assert found["localizers"]["right"]["ap50"]["value"] == 1.0
    assert found["localizers"]["half"]["ap50"]["value"] == pytest.approx(51 / 101, abs=1e-4)
    assert found["localizers"]["half"]["sensitivity_at_0.5_false_positives"]["value"] == 0.5
    for name, localizer in (("right", RIGHT), ("half", HALF)):
        alone = measure_localizer(localizer, samples, OPTIONS)
        assert found["localizers"][name]["ap50"] == alone["detector_ap50"]
        assert found["localizers"][name]["ap50_95"] == alone["detector_ap50_95"]


def test_the_others_are_tested_against_the_first(samples):
    found = compare_localizers({"half": HALF, "right": RIGHT, "again": HALF}, samples, OPTIONS)
    right, again = found["comparisons"]
    assert (right["first"], right["second"], again["first"]) == ("right", "half", "again")
    assert right["difference"]["value"] == pytest.approx(1 - 51 / 101, abs=1e-4)
    assert again["difference"]["value"] == 0
    assert again["p"] == 1
    assert right["p_holm"] >= right["p"]


def test_one_alone_has_nothing_to_be_tested_against(samples):
    assert compare_localizers({"right": RIGHT}, samples, OPTIONS)["comparisons"] == []
