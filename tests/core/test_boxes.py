"""Box arithmetic against torchvision and by brute force."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import batched_nms
from torchvision.ops import box_iou as torch_iou

from fxdet.core.boxes import (
    box_area,
    box_iou,
    clip_boxes,
    expand_boxes,
    non_maximum_suppression,
    weighted_box_fusion,
)


def boxes(seed: int, count: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    corner = generator.uniform(0, 50, (count, 2))
    return np.concatenate([corner, corner + generator.uniform(1, 30, (count, 2))], axis=1)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 12), st.integers(0, 12))
def test_overlap_equals_torchvision(seed: int, first: int, second: int) -> None:
    a, b = boxes(seed, first), boxes(seed + 1, second)
    np.testing.assert_allclose(box_iou(a, b), torch_iou(torch.from_numpy(a), torch.from_numpy(b)).numpy(), atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 20), st.floats(0.1, 0.9))
def test_suppression_equals_torchvision(seed: int, count: int, threshold: float) -> None:
    xyxy, generator = boxes(seed, count), np.random.default_rng(seed)
    score, label = generator.permutation(count) / 100.0, generator.integers(0, 3, count)
    expected = batched_nms(torch.from_numpy(xyxy), torch.from_numpy(score), torch.from_numpy(label), threshold)
    assert non_maximum_suppression(xyxy, score, threshold, label).tolist() == expected.tolist()


def test_degenerate_boxes_have_no_area_and_no_overlap() -> None:
    flat = np.array([[5.0, 5, 5, 9], [9, 9, 3, 3]])
    assert box_area(flat).tolist() == [0, 0]
    assert box_iou(flat, flat).tolist() == [[0, 0], [0, 0]]


def test_clipping_keeps_dtype_and_limits() -> None:
    clipped = clip_boxes(np.array([[-3.0, -3, 500, 500]], dtype=np.float32), (20, 30))
    assert clipped.dtype == np.float32
    assert clipped.tolist() == [[0, 0, 30, 20]]


def test_squares_have_a_least_side_and_keep_the_centre() -> None:
    square = expand_boxes(np.array([[10.0, 10, 12, 14]]), 2.0, minimum=20)
    assert square.tolist() == [[1, 2, 21, 22]]


def test_boxes_that_all_views_saw_keep_their_score_and_lone_ones_lose() -> None:
    seen = np.array([[0.0, 0, 10, 10], [0, 0, 10, 10], [50, 50, 60, 60]])
    boxes, scores = weighted_box_fusion(seen, np.array([0.8, 0.8, 0.9]), np.array([0, 1, 1]), 2)
    np.testing.assert_allclose(boxes, [[0, 0, 10, 10], [50, 50, 60, 60]])
    np.testing.assert_allclose(scores, [0.8, 0.45])


def test_a_fused_box_is_the_mean_weighted_by_scores() -> None:
    pair = np.array([[0.0, 0, 10, 10], [0, 2, 10, 12], [0, 40, 10, 50]])
    boxes, _ = weighted_box_fusion(pair, np.array([0.25, 0.75, 0.1]), np.array([0, 1, 1]), 2)
    np.testing.assert_allclose(boxes[0], [0, 1.5, 10, 11.5])


def test_a_view_that_counts_more_pulls_box_and_score() -> None:
    pair = np.array([[0.0, 0, 10, 10], [0, 2, 10, 12], [40, 40, 50, 50], [70, 70, 80, 80]])
    score, view = np.array([0.4, 0.8, 0.6, 0.6]), np.array([0, 1, 0, 1])
    boxes, scores = weighted_box_fusion(pair, score, view, 2, weights=(3, 1))
    # Both: mean (3 × .4 + .8) / 4 = .5 and the box 2 × .8 / (3 × .4 + .8) = .8 px down; alone: .6 × 3/4 and .6 × 1/4.
    np.testing.assert_allclose(scores, [0.5, 0.45, 0.15])
    np.testing.assert_allclose(boxes[0], [0, 0.8, 10, 10.8])
    for weights in ((), (1, 1), (7, 7)):
        np.testing.assert_allclose(weighted_box_fusion(pair, score, view, 2, weights=weights)[1], [0.6, 0.3, 0.3])


@given(seed=st.integers(0, 10_000), count=st.integers(0, 12), views=st.integers(1, 3))
def test_fusion_keeps_within_what_was_found(seed: int, count: int, views: int) -> None:
    generator = np.random.default_rng(seed)
    xyxy, score = boxes(seed, count), generator.uniform(0, 1, count)
    fused, value = weighted_box_fusion(xyxy, score, generator.integers(0, views, count), views)
    assert len(fused) <= count
    assert (np.diff(value) <= 0).all()
    if count:
        assert value.max() <= score.max()
        assert (fused[:, :2] >= xyxy[:, :2].min(0) - 1e-9).all()
        assert (fused[:, 2:] <= xyxy[:, 2:].max(0) + 1e-9).all()
