"""Average precision against pycocotools and by hand."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from fxdet.evaluation.detection import (
    ImageBoxes,
    average_precision,
    match_boxes,
    mean_average_precision,
    sensitivity_at_false_positives,
)


def random_boxes(generator: np.random.Generator, count: int) -> np.ndarray:
    corner = generator.uniform(0, 80, (count, 2))
    return np.concatenate([corner, corner + generator.uniform(20, 40, (count, 2))], axis=1)


def random_images(seed: int, count: int = 30) -> list[ImageBoxes]:
    generator = np.random.default_rng(seed)
    images = []
    for _ in range(count):
        reference = random_boxes(generator, int(generator.integers(0, 4)))
        near = reference + generator.normal(0, 2.5, reference.shape)
        xyxy = np.concatenate([near, random_boxes(generator, int(generator.integers(0, 5)))])
        images.append(ImageBoxes(xyxy, generator.permutation(len(xyxy)) / 10 + generator.uniform(0, 0.01), reference))
    return images


def coco_figures(images: list[ImageBoxes]) -> tuple[float, float]:
    def rows(boxes: np.ndarray) -> list[list[float]]:
        return [[float(b[0]), float(b[1]), float(b[2] - b[0]), float(b[3] - b[1])] for b in boxes]

    annotations, results = [], []
    for index, image in enumerate(images):
        for box in rows(image.reference):
            row = {"image_id": index, "category_id": 1, "bbox": box, "area": box[2] * box[3], "iscrowd": 0}
            annotations.append({"id": len(annotations) + 1, **row})
        for box, score in zip(rows(image.xyxy), image.score, strict=True):
            results.append({"image_id": index, "category_id": 1, "bbox": box, "score": float(score)})
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": index, "width": 200, "height": 200} for index in range(len(images))],
            "annotations": annotations,
            "categories": [{"id": 1, "name": "fracture"}],
            "info": {},
        }
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[1]), float(evaluation.stats[0])


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_equals_pycocotools(seed: int) -> None:
    images = random_images(seed)
    ap50, ap = coco_figures(images)
    assert 0.05 < ap50 < 0.95
    assert average_precision(images) == pytest.approx(ap50, abs=1e-9)
    assert mean_average_precision(images) == pytest.approx(ap, abs=1e-9)


def test_no_detection_scores_zero_and_no_reference_is_undefined() -> None:
    box, none = np.array([[0.0, 0, 10, 10]]), np.zeros((0, 4))
    assert average_precision([ImageBoxes(none, np.zeros(0), box)]) == 0.0
    assert np.isnan(average_precision([ImageBoxes(box, np.array([0.5]), none)]))


def test_a_reference_box_is_hit_once() -> None:
    box = np.array([[0.0, 0, 10, 10]])
    score, true = match_boxes(ImageBoxes(np.repeat(box, 2, axis=0), np.array([0.4, 0.9]), box), 0.5)
    assert score.tolist() == [0.9, 0.4]
    assert true.tolist() == [True, False]


def test_false_alarms_on_normals_lower_precision_by_hand() -> None:
    box, none = np.array([[0.0, 0, 10, 10]]), np.zeros((0, 4))
    images = [ImageBoxes(box, np.array([0.5]), box), ImageBoxes(box, np.array([0.9]), none)]
    assert average_precision(images) == pytest.approx(0.5)


def test_weights_repeat_images() -> None:
    images = random_images(7, 6)
    weights = np.array([2, 0, 1, 3, 1, 0])
    repeated = [image for image, times in zip(images, weights, strict=True) for _ in range(times)]
    assert average_precision(images, weights=weights) == pytest.approx(average_precision(repeated), abs=1e-12)


def test_sensitivity_at_false_positives_by_hand() -> None:
    box, far, none = np.array([[0.0, 0, 10, 10]]), np.array([[50.0, 50, 60, 60]]), np.zeros((0, 4))
    images = [
        ImageBoxes(np.concatenate([box, far]), np.array([0.9, 0.8]), box),
        ImageBoxes(far, np.array([0.7]), box),
        ImageBoxes(none, np.zeros(0), none),
    ]
    assert sensitivity_at_false_positives(images, 0.0) == 0.5
    assert sensitivity_at_false_positives([*images, ImageBoxes(box, np.array([0.1]), box)], 0.5) == pytest.approx(2 / 3)
