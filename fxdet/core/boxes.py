"""Arithmetic on boxes: float arrays (N, 4) as x1, y1, x2, y2 in pixels, half-open."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def box_area(xyxy: Floats) -> Floats:
    """Return areas, shape (N,), px²; inverted boxes have area 0.

    Example:
        >>> box_area(np.array([[0.0, 0.0, 2.0, 3.0]]))
        array([6.])
    """
    sides = np.clip(xyxy[:, 2:] - xyxy[:, :2], 0, None)
    return np.asarray(sides[:, 0] * sides[:, 1])


def box_intersection(a: Floats, b: Floats) -> Floats:
    """Return pairwise intersection areas, shape (N, M), px²."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    sides = np.clip(high - low, 0, None)
    return np.asarray(sides[..., 0] * sides[..., 1])


def box_iou(a: Floats, b: Floats) -> Floats:
    """Return pairwise intersection over union, shape (N, M), 0–1.

    Example:
        >>> box_iou(np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 0, 3, 2], [5, 5, 6, 6]])).round(3)
        array([[0.333, 0.   ]])
    """
    overlap = box_intersection(a, b)
    union = box_area(a)[:, None] + box_area(b)[None, :] - overlap
    return np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0)


def clip_boxes(xyxy: Floats, image_size: tuple[int, int]) -> Floats:
    """Return boxes cut at the image border; ``image_size`` is (height, width), px.

    Example:
        >>> clip_boxes(np.array([[-5.0, 2, 30, 8]]), (10, 20))
        array([[ 0.,  2., 20.,  8.]])
    """
    height, width = image_size
    limit = np.array([width, height, width, height], dtype=xyxy.dtype)
    return np.clip(xyxy, 0, limit)


def non_maximum_suppression(
    xyxy: Floats, score: Floats, iou_threshold: float, label: NDArray[np.integer] | None = None
) -> NDArray[np.int64]:
    """Return indices to keep, best score first (greedy suppression, within each label).

    Args:
        xyxy: Boxes, shape (N, 4), px.
        score: Scores, shape (N,).
        iou_threshold: Boxes that overlap a better one by more than this are dropped, 0–1.
        label: Class indices, shape (N,); boxes of different labels never suppress each other.

    Example:
        >>> boxes = np.array([[0.0, 0, 10, 10], [1, 0, 11, 10], [20, 20, 30, 30]])
        >>> non_maximum_suppression(boxes, np.array([0.5, 0.9, 0.3]), 0.5).tolist()
        [1, 2]
    """
    order = np.argsort(-score, kind="stable")
    keep: list[int] = []
    while order.size:
        best, rest = order[0], order[1:]
        keep.append(int(best))
        overlaps = box_iou(xyxy[best][None], xyxy[rest])[0] > iou_threshold
        if label is not None:
            overlaps &= label[rest] == label[best]
        order = rest[~overlaps]
    return np.asarray(keep, dtype=np.int64)


def expand_boxes(xyxy: Floats, factor: float, minimum: float = 0.0) -> Floats:
    """Return square boxes around the same centres: ``factor`` × the longer side, at least ``minimum`` px.

    The squares may reach over the image border; cropping pads there.

    Example:
        >>> expand_boxes(np.array([[10.0, 10, 20, 14]]), 2.0)
        array([[ 5.,  2., 25., 22.]])
    """
    centre = (xyxy[:, :2] + xyxy[:, 2:]) / 2
    side = np.maximum((xyxy[:, 2:] - xyxy[:, :2]).max(axis=1) * factor, minimum)
    half = side[:, None] / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def box_bounds(points: Floats) -> tuple[float, float, float, float]:
    """Return the tight box of a polygon given as points, shape (P, 2).

    Example:
        >>> box_bounds(np.array([[1.0, 5.0], [4.0, 2.0], [3.0, 9.0]]))
        (1.0, 2.0, 4.0, 9.0)
    """
    low, high = points.min(axis=0), points.max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def weighted_box_fusion(
    xyxy: Floats,
    score: Floats,
    view: NDArray[np.integer],
    views: int,
    iou_threshold: float = 0.55,
    weights: Sequence[float] = (),
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Merge what several views of one radiograph (or several models) found into one list.

    Boxes are taken best first. Each joins the cluster whose mean box it overlaps most and by more than the threshold,
    or starts a new one; a cluster's box is the mean of its members weighted by their scores. Its score is the mean of
    the members' scores times the share of views among them: what one view alone saw counts less (after Solovyev, Wang
    and Gabruseva 2021, Image and Vision Computing 107, 104117, whose factor counts members). A view's weight multiplies
    in all three places: in the mean of the boxes, in the mean of the scores, and in the share.

    Args:
        xyxy: Boxes of all views, shape (N, 4), px.
        score: Scores, shape (N,), 0–1.
        view: Index of the view that each box comes from, shape (N,).
        views: Number of views, whether they found anything or not.
        iou_threshold: Least overlap with a cluster's box, 0–1.
        weights: How much each view counts, shape (views,), above 0; all alike by default.

    Returns:
        Boxes (M, 4), px, and scores (M,), best first.

    Example:
        >>> two = np.array([[0.0, 0, 10, 10], [2, 0, 12, 10]])
        >>> boxes, scores = weighted_box_fusion(two, np.array([0.9, 0.3]), np.array([0, 1]), 2)
        >>> boxes.tolist(), scores.round(3).tolist()
        ([[0.5, 0.0, 10.5, 10.0]], [0.6])
    """
    counts = np.asarray(weights or np.ones(views), dtype=np.float64)
    own = counts[view]
    pull = np.maximum(score * own, 1e-9)
    clusters: list[list[int]] = []
    means = np.zeros((0, 4))
    for index in np.argsort(-score, kind="stable"):
        overlap = box_iou(xyxy[index][None].astype(np.float64), means)[0]
        best = int(overlap.argmax()) if overlap.size else -1
        if best < 0 or overlap[best] <= iou_threshold:
            clusters.append([int(index)])
            means = np.concatenate([means, xyxy[index][None].astype(np.float64)])
            continue
        clusters[best].append(int(index))
        means[best] = np.average(xyxy[clusters[best]], axis=0, weights=pull[clusters[best]])
    share = [float(counts[np.unique(view[rows])].sum() / counts.sum()) for rows in clusters]
    fused = np.array([float(np.average(score[rows], weights=own[rows])) for rows in clusters]) * np.array(share)
    order = np.argsort(-fused, kind="stable")
    return means[order], np.asarray(fused[order], dtype=np.float64)
