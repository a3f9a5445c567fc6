"""Several views and several localizers as one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from fxdet.core.labels import LabelMap
from fxdet.core.objects import Radiograph
from fxdet.core.protocols import FakeLocalizer, Located
from fxdet.imaging.reading import radiograph_from_array
from fxdet.localize.views import FusedLocalizer, FusionOptions, mirror_radiograph


class BrightestSpot:
    """Boxes the brightest pixel with a margin of five."""

    name = "brightest.spot"

    def locate(self, radiographs: Sequence[Radiograph]) -> list[Located]:
        found = []
        for radiograph in radiographs:
            y, x = np.unravel_index(radiograph.pixels.argmax(), radiograph.size)
            height, width = radiograph.size
            box = ((x - 5) / width, (y - 5) / height, (x + 6) / width, (y + 6) / height)
            found += FakeLocalizer(fracture=box, region=None).locate([radiograph])
        return found


def spotted(x: int = 20, y: int = 30) -> Radiograph:
    pixels = np.zeros((90, 70), np.uint8)
    pixels[y, x] = 255
    return radiograph_from_array(pixels)


def test_the_mirrored_view_is_turned_back_onto_the_radiograph() -> None:
    [found] = FusedLocalizer([BrightestSpot()]).locate([spotted()])
    np.testing.assert_allclose(found.fractures.xyxy, [[15, 25, 26, 36]], atol=1e-4)
    np.testing.assert_allclose(found.fractures.score, [0.8], atol=1e-6)
    assert found.fractures.model == "brightest.spot"
    assert len(found.regions) == 0


def test_what_one_of_two_views_sees_loses_half_its_score() -> None:
    # The fixed box of the fake lies elsewhere once the picture is mirrored: two lone boxes.
    one_sided = FakeLocalizer(fracture=(0.1, 0.1, 0.3, 0.3), region=None)
    [found] = FusedLocalizer([one_sided]).locate([spotted()])
    np.testing.assert_allclose(found.fractures.score, [0.4, 0.4])
    assert sorted(found.fractures.xyxy[:, 0].round().tolist()) == [7, 49]


def test_two_localizers_without_mirroring() -> None:
    pair = [FakeLocalizer(score=0.8), FakeLocalizer(score=0.4, fracture=None)]
    [found] = FusedLocalizer(pair, FusionOptions(mirrored=False)).locate([spotted()])
    np.testing.assert_allclose(found.fractures.score, [0.4])
    np.testing.assert_allclose(found.regions.score, [0.6])


def test_a_localizer_that_counts_more() -> None:
    pair = [FakeLocalizer(score=0.8, fracture=None), FakeLocalizer(score=0.4)]
    [found] = FusedLocalizer(pair, FusionOptions(mirrored=False, weights=(1, 3))).locate([spotted()])
    np.testing.assert_allclose(found.fractures.score, [0.4 * 3 / 4])
    np.testing.assert_allclose(found.regions.score, [(0.8 + 3 * 0.4) / 4])
    [both_ways] = FusedLocalizer([BrightestSpot(), BrightestSpot()], FusionOptions(weights=(1, 3))).locate([spotted()])
    np.testing.assert_allclose(both_ways.fractures.score, [0.8], atol=1e-6)
    for weights in ((1.0,), (1.0, 0.0)):
        with pytest.raises(ValueError, match="expected one above 0 for each"):
            FusedLocalizer(pair, FusionOptions(weights=weights))


def test_mirroring_twice_changes_nothing() -> None:
    radiograph = spotted()
    np.testing.assert_array_equal(mirror_radiograph(mirror_radiograph(radiograph)).pixels, radiograph.pixels)


def test_nothing_found_and_nothing_asked() -> None:
    blind = FusedLocalizer([FakeLocalizer(fracture=None, region=None)])
    assert len(blind.locate([spotted()])[0].fractures) == 0
    assert blind.locate([]) == []


def test_localizers_must_name_the_same_classes() -> None:
    pair = [FakeLocalizer(), FakeLocalizer(region_labels=LabelMap(("wrist",)))]
    with pytest.raises(ValueError, match="expected the same"):
        FusedLocalizer(pair, FusionOptions(mirrored=False)).locate([spotted()])
    with pytest.raises(ValueError, match="got no localizer"):
        FusedLocalizer([])
