"""What needs no learning: each picture gets the label of the most similar training picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def nearest_labels(
    known: NDArray[Any], labels: NDArray[np.integer], asked: NDArray[Any], block: int = 512
) -> NDArray[np.int64]:
    """Return the label of the nearest known thumbnail for each asked one, shape (M,).

    Nearest by correlation of grey values. It learns nothing about fractures: what it names right beyond chance shows
    that parts share pictures, or that a class has its own look.

    Args:
        known: Thumbnails of training pictures, shape (N, T, T).
        labels: Their class indices, shape (N,).
        asked: Thumbnails, shape (M, T, T).
        block: Asked thumbnails that are compared at once.

    Example:
        >>> known = np.array([[[0, 1], [0, 1]], [[1, 1], [0, 0]]])
        >>> nearest_labels(known, np.array([5, 7]), np.array([[[9, 9], [1, 0]]])).tolist()
        [7]
    """
    if not len(known):
        raise ValueError("nearest_labels.known: got no picture, expected at least one")
    rows, questions = _standardised(known), _standardised(asked)
    found = [(questions[start : start + block] @ rows.T).argmax(axis=1) for start in range(0, len(questions), block)]
    return np.asarray(labels, dtype=np.int64)[np.concatenate(found)] if found else np.zeros(0, dtype=np.int64)


def _standardised(thumbnails: NDArray[Any]) -> NDArray[np.float32]:
    flat = np.asarray(thumbnails, dtype=np.float32).reshape(len(thumbnails), int(np.prod(thumbnails.shape[1:])))
    centred = flat - flat.mean(axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-6), dtype=np.float32)
