"""Hand-over objects refuse what does not fit, and name the field."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from fxdet.core.labels import FRACTURE, REGIONS, LabelMap
from fxdet.core.objects import ClassScores, Crops, Detections, Radiograph

LABELS = LabelMap(("fracture",))


def detections(xyxy: object = ((0, 0, 1, 1),), score: object = (0.5,), label: object = (0,)) -> Detections:
    return Detections(np.array(xyxy), np.array(score), np.array(label), LABELS, "fracture", (10, 10))


def test_arrays_are_read_only_copies() -> None:
    pixels = np.zeros((4, 5), dtype=np.uint8)
    radiograph = Radiograph(pixels, "a", "")
    pixels[:] = 9
    assert radiograph.pixels.max() == 0
    with pytest.raises(ValueError, match="read-only"):
        radiograph.pixels[0, 0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        radiograph.source = "b"  # type: ignore[misc]


def test_no_boxes_is_a_valid_result() -> None:
    assert len(detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int))) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"score": (0.5, 0.4)}, r"Detections.score: got shape \(2,\), expected \(1,\)"),
        ({"score": (1.5,)}, r"Detections.score: .* expected values in \[0, 1\]"),
        ({"label": (3,)}, r"Detections.label: expected 0 to 0"),
        ({"xyxy": ((0, 0, np.nan, 1),)}, r"Detections.xyxy: got NaN"),
        ({"xyxy": np.zeros((2, 4)), "score": (0.1, 0.9), "label": (0, 0)}, "descending"),
    ],
)
def test_wrong_detections_name_the_field(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        detections(**change)


def test_wrong_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="kind"):
        Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int), LABELS, "tumour", (1, 1))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.zeros((3, 3)), "dtype float64"),
        (np.zeros((3, 3, 3), np.uint8), r"shape \(3, 3, 3\)"),
        (np.zeros((0, 3), np.uint8), "empty"),
    ],
)
def test_wrong_pixels_are_refused(pixels: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Radiograph(pixels, "a", "")


def test_crops_need_one_box_each() -> None:
    with pytest.raises(ValueError, match=r"Crops.box: got shape \(1, 4\)"):
        Crops(np.zeros((2, 8, 8)), np.zeros((1, 4)), np.zeros(2), np.zeros((2, 2, 3)))


def test_probabilities_are_a_softmax_over_the_temperature() -> None:
    logits = {"fracture": np.array([[0.0, 2.0], [1000.0, 0.0]])}
    scores = ClassScores(logits, {"fracture": FRACTURE}, {"fracture": 2.0})
    expected = 1 / (1 + np.exp(-1.0))
    np.testing.assert_allclose(scores.probability("fracture"), [[1 - expected, expected], [1, 0]], atol=1e-12)


def test_a_head_without_labels_is_refused() -> None:
    with pytest.raises(ValueError, match="region"):
        ClassScores({"region": np.zeros((1, 8))}, {"fracture": FRACTURE})


def test_label_maps_suggest_the_nearest_name() -> None:
    with pytest.raises(ValueError, match="did you mean 'humerus'"):
        REGIONS.index("humerous")
    with pytest.raises(ValueError, match="repeated"):
        LabelMap(("a", "a"))
