"""Steps of the pipeline by hand-worked numbers."""

from __future__ import annotations

import numpy as np

from fxdet.core.labels import LabelMap
from fxdet.core.objects import Detections
from fxdet.pipeline.stages import CropRows, Scores, region_boxes, region_of_image


def scores(*regions: list[float]) -> Scores:
    rows = np.array(regions)
    return Scores(np.zeros(len(rows)), rows, LabelMap(("fingers", "wrist")), {})


def bones(count: int) -> Detections:
    boxes = np.array([[0, 0, 5, 5], [5, 5, 9, 9]], dtype=np.float32)[:count]
    score, label = np.ones(count, np.float32), np.zeros(count, np.int64)
    return Detections(boxes, score, label, LabelMap(("bone",)), "region", (10, 10))


def test_the_region_is_the_mean_over_whole_and_region_boxes() -> None:
    given = scores([0.6, 0.4], [0.1, 0.9], [0.2, 0.8])
    np.testing.assert_allclose(region_of_image(given, CropRows(0, slice(1, 2), slice(2, 3))), [0.4, 0.6])


def test_candidates_count_by_their_weight() -> None:
    given, rows = scores([0.6, 0.4], [0.1, 0.9]), CropRows(0, slice(1, 2), slice(2, 2))
    np.testing.assert_allclose(region_of_image(given, rows, np.array([0.5])), [(0.6 + 0.05) / 1.5, (0.4 + 0.45) / 1.5])
    np.testing.assert_allclose(region_of_image(given, rows, np.array([0.0])), [0.6, 0.4])
    np.testing.assert_allclose(region_of_image(given, CropRows(0, slice(1, 1), slice(1, 1)), np.zeros(0)), [0.6, 0.4])


def test_of_several_bones_each_says_what_its_crop_and_the_radiograph_say_together() -> None:
    picture = np.array([0.6, 0.4])
    given = scores([0.6, 0.4], [0.1, 0.9], [0.45, 0.55])
    found = bones(2)
    named = region_boxes(found, CropRows(0, slice(1, 1), slice(1, 3)), given, picture)
    assert [box.region for box in named] == ["wrist", "fingers"]
    np.testing.assert_allclose([box.region_probability for box in named], [(0.9 + 0.4) / 2, (0.45 + 0.6) / 2])
    (one,) = region_boxes(bones(1), CropRows(0, slice(1, 1), slice(1, 2)), given, picture)
    assert (one.region, one.region_probability) == ("fingers", 0.6)
