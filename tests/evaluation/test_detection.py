"""Average precision, recall and FROC against pycocotools, brute force and by hand."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from fxdet.evaluation.detection import (
    COCO_IOUS,
    average_precision,
    average_precisions,
    average_recall,
    mean_average_precision,
    precision_by_threshold,
    precision_recall,
)
from fxdet.evaluation.froc import RATES, froc_curve, froc_sensitivity, sensitivity_at_false_positives
from fxdet.evaluation.matching import (
    COCO_SIZES,
    RELATIVE_SIZES,
    ImageBoxes,
    SizeRange,
    centre_affinity,
    match_affinity,
    match_images,
)

BOX, NONE = np.array([[0.0, 0, 10, 10]]), np.zeros((0, 4))
FAR = BOX + 50


def random_boxes(generator: np.random.Generator, count: int, sides: tuple[float, float] = (20, 40)) -> np.ndarray:
    corner = generator.uniform(0, 80, (count, 2))
    return np.concatenate([corner, corner + generator.uniform(*sides, (count, 2))], axis=1)


def random_images(seed: int, count: int = 30, sides: tuple[float, float] = (20, 40)) -> list[ImageBoxes]:
    generator = np.random.default_rng(seed)
    images = []
    for _ in range(count):
        reference = random_boxes(generator, int(generator.integers(0, 4)), sides)
        near = reference + generator.normal(0, 2.5, reference.shape)
        xyxy = np.concatenate([near, random_boxes(generator, int(generator.integers(0, 5)), sides)])
        images.append(ImageBoxes(xyxy, generator.permutation(len(xyxy)) / 10 + generator.uniform(0, 0.01), reference))
    return images


def coco_stats(images: list[ImageBoxes]) -> list[float]:
    """AP, AP50, AP75, AP small, medium, large, AR 1, 10, 100, AR small, medium, large."""

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
    return [float(value) for value in evaluation.stats]


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_equals_pycocotools(seed: int) -> None:
    images = random_images(seed)
    ap, ap50, ap75, *_ = coco_stats(images)
    assert 0.05 < ap50 < 0.95
    assert average_precision(images) == pytest.approx(ap50, abs=1e-9)
    assert average_precision(images, 0.75) == pytest.approx(ap75, abs=1e-9)
    assert mean_average_precision(images) == pytest.approx(ap, abs=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_all_twelve_coco_figures_with_every_size(seed: int) -> None:
    images = random_images(seed + 20, 40, (8, 130))
    stats = coco_stats(images)
    whole = match_images(images, COCO_IOUS)
    assert average_precisions(whole)[0] == pytest.approx(stats[0], abs=1e-9)
    for maximum, want in zip((1, 10, 100), stats[6:9], strict=True):
        assert average_recall(whole, maximum)[0] == pytest.approx(want, abs=1e-9)
    for size, precision, recall in zip(COCO_SIZES, stats[3:6], stats[9:12], strict=True):
        part = match_images(images, COCO_IOUS, size)
        assert part.total > 0
        assert average_precisions(part)[0] == pytest.approx(precision, abs=1e-9)
        assert average_recall(part, 100)[0] == pytest.approx(recall, abs=1e-9)


def test_equal_scores_and_crowded_images_as_pycocotools() -> None:
    generator = np.random.default_rng(9)
    images = []
    for _ in range(6):
        reference = random_boxes(generator, 6, (20, 60))
        xyxy = np.concatenate([reference + generator.normal(0, 4, reference.shape) for _ in range(25)])
        images.append(ImageBoxes(xyxy, generator.integers(1, 4, len(xyxy)) / 4, reference))  # 150 boxes each
    stats = coco_stats(images)
    matches = match_images(images, COCO_IOUS)
    assert average_precisions(matches)[0] == pytest.approx(stats[0], abs=1e-9)
    assert [average_recall(matches, k)[0] for k in (1, 10, 100)] == pytest.approx(stats[6:9], abs=1e-9)


def test_relative_sizes_are_coco_sizes_on_640_by_480() -> None:
    images = random_images(31, 40, (8, 130))
    for relative, coco in zip(RELATIVE_SIZES, COCO_SIZES, strict=True):
        one = match_images(images, COCO_IOUS, relative, [(480, 640)] * len(images))
        two = match_images(images, COCO_IOUS, coco)
        assert one.total == two.total
        assert np.array_equal(one.true, two.true) and np.array_equal(one.ignored, two.ignored)
    with pytest.raises(ValueError, match="expected the images' sizes"):
        match_images(images, COCO_IOUS, RELATIVE_SIZES[0])


def test_no_detection_scores_zero_and_no_reference_is_undefined() -> None:
    assert average_precision([ImageBoxes(NONE, np.zeros(0), BOX)]) == 0.0
    assert np.isnan(average_precision([ImageBoxes(BOX, np.array([0.5]), NONE)]))
    assert np.isnan(average_recall(match_images([ImageBoxes(BOX, np.array([0.5]), NONE)], [0.5]))[0])
    empty = match_images([], [0.5])
    assert np.isnan(average_precisions(empty)[0])
    assert np.isnan(froc_sensitivity(match_affinity([], "iou"))).all()


def test_a_reference_box_is_hit_once() -> None:
    matches = match_images([ImageBoxes(np.repeat(BOX, 2, axis=0), np.array([0.4, 0.9]), BOX)], [0.5])
    assert matches.score.tolist() == [0.9, 0.4]
    assert matches.true.tolist() == [[True, False]]
    assert matches.rank.tolist() == [0, 1]


def test_false_alarms_on_normals_lower_precision_by_hand() -> None:
    images = [ImageBoxes(BOX, np.array([0.5]), BOX), ImageBoxes(BOX, np.array([0.9]), NONE)]
    assert average_precision(images) == pytest.approx(0.5)
    recall, precision, score = precision_recall(match_images(images, [0.5]))
    assert (recall.tolist(), precision.tolist(), score.tolist()) == ([0, 1], [0, 0.5], [0.9, 0.5])


def test_boxes_of_another_size_are_neither_hits_nor_misses() -> None:
    large = np.array([[0.0, 0, 200, 200]])
    images = [ImageBoxes(np.concatenate([BOX, large]), np.array([0.5, 0.9]), np.concatenate([BOX, large]))]
    small = match_images(images, [0.5], SizeRange("small", 0, 1024))
    assert small.total == 1
    assert small.ignored.tolist() == [[True, False]]
    assert average_precisions(small)[0] == 1.0


def test_weights_repeat_images() -> None:
    images = random_images(7, 6)
    weights = np.array([2, 0, 1, 3, 1, 0])
    repeated = [image for image, times in zip(images, weights, strict=True) for _ in range(times)]
    assert average_precision(images, weights=weights) == pytest.approx(average_precision(repeated), abs=1e-12)
    again = match_images(repeated, COCO_IOUS)
    matches = match_images(images, COCO_IOUS)
    assert precision_by_threshold(matches, weights[None])[0] == pytest.approx(precision_by_threshold(again)[0])
    assert average_recall(matches, 10, weights[None])[0] == pytest.approx(average_recall(again, 10)[0])
    for criterion in ("iou", "centre"):
        one = froc_sensitivity(match_affinity(images, criterion), RATES, weights[None].astype(float))
        assert one[0] == pytest.approx(froc_sensitivity(match_affinity(repeated, criterion))[0])


@pytest.mark.parametrize("seed", range(4))
def test_froc_by_trying_every_threshold(seed: int) -> None:
    images = random_images(seed + 40, 25)
    matches = match_affinity(images, "iou")
    tried = []
    for threshold in [*np.unique(matches.score), 9.0]:
        kept = [ImageBoxes(i.xyxy[i.score >= threshold], i.score[i.score >= threshold], i.reference) for i in images]
        part = match_affinity(kept, "iou")
        tried.append(((~part.true).sum() / len(images), part.true.sum() / matches.total))
    wanted = [max(hit for alarms, hit in tried if alarms <= rate + 1e-9) for rate in RATES]
    assert froc_sensitivity(matches)[0] == pytest.approx(wanted)
    assert (np.diff(wanted) >= 0).all()


def test_sensitivity_at_false_positives_by_hand() -> None:
    images = [
        ImageBoxes(np.concatenate([BOX, FAR]), np.array([0.9, 0.8]), BOX),
        ImageBoxes(FAR, np.array([0.7]), BOX),
        ImageBoxes(NONE, np.zeros(0), NONE),
    ]
    assert sensitivity_at_false_positives(images, 0.0) == 0.5
    assert sensitivity_at_false_positives([*images, ImageBoxes(BOX, np.array([0.1]), BOX)], 0.5) == pytest.approx(2 / 3)
    alarms, hits = froc_curve(match_affinity(images, "iou"))
    assert alarms.tolist() == pytest.approx([0, 0, 1 / 3, 2 / 3])
    assert hits.tolist() == [0, 0.5, 0.5, 0.5]


def test_findings_of_one_score_come_together() -> None:
    # A threshold can't let the hit through without the two false ones.
    images = [ImageBoxes(np.concatenate([BOX, FAR, FAR + 20]), np.full(3, 0.5), BOX)]
    assert sensitivity_at_false_positives(images, 1.0) == 0.0
    assert sensitivity_at_false_positives(images, 2.0) == 1.0


def test_centre_counts_where_the_overlap_is_small() -> None:
    within = np.array([[4.0, 4, 6, 6]])
    images = [ImageBoxes(within, np.array([0.5]), BOX)]
    assert froc_sensitivity(match_affinity(images, "iou"), (8,))[0, 0] == 0.0
    assert froc_sensitivity(match_affinity(images, "centre"), (8,))[0, 0] == 1.0
    # Half-open: a centre on the right edge is outside.
    assert centre_affinity(np.array([[9.0, 4, 11, 6]]), BOX)[0, 0] == 0.0
    assert centre_affinity(np.array([[-1.0, 4, 1, 6]]), BOX)[0, 0] > 0.5
    with pytest.raises(ValueError, match="expected 'iou' or 'centre'"):
        match_affinity(images, "middle")


def test_a_hit_of_exactly_the_least_overlap_counts() -> None:
    third = np.array([[0.0, 0, 10, 3]])
    assert sensitivity_at_false_positives([ImageBoxes(third, np.array([0.5]), BOX)], 8) == 1.0
