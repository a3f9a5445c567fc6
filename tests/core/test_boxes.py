"""Box arithmetic against torchvision and by brute force."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import batched_nms
from torchvision.ops import box_iou as torch_iou

from fxdet.core.boxes import box_area, box_iou, clip_boxes, expand_boxes, non_maximum_suppression


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
