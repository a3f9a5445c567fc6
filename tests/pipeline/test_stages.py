"""Steps of the pipeline by hand-worked numbers."""

from __future__ import annotations

import numpy as np

from fxdet.core.labels import LabelMap
from fxdet.pipeline.stages import CropRows, Scores, region_of_image


def scores(*regions: list[float]) -> Scores:
    rows = np.array(regions)
    return Scores(np.zeros(len(rows)), rows, LabelMap(("fingers", "wrist")), {})


def test_the_region_is_the_mean_over_whole_and_region_boxes() -> None:
    given = scores([0.6, 0.4], [0.1, 0.9], [0.2, 0.8])
    np.testing.assert_allclose(region_of_image(given, CropRows(0, slice(1, 2), slice(2, 3))), [0.4, 0.6])


def test_candidates_count_by_their_weight() -> None:
    given, rows = scores([0.6, 0.4], [0.1, 0.9]), CropRows(0, slice(1, 2), slice(2, 2))
    np.testing.assert_allclose(region_of_image(given, rows, np.array([0.5])), [(0.6 + 0.05) / 1.5, (0.4 + 0.45) / 1.5])
    np.testing.assert_allclose(region_of_image(given, rows, np.array([0.0])), [0.6, 0.4])
    np.testing.assert_allclose(region_of_image(given, CropRows(0, slice(1, 1), slice(1, 1)), np.zeros(0)), [0.6, 0.4])
