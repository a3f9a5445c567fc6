"""Features of whole radiographs as a classifier sees them, for the search for pictures that look alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fxdet.classify.model import TimmClassifier
from fxdet.core.errors import ReadError
from fxdet.core.objects import Crops
from fxdet.imaging.preprocess import Preprocess
from fxdet.imaging.reading import open_radiograph
from fxdet.pipeline.stages import join_crops


def embed_files(classifier: TimmClassifier, paths: Sequence[Path]) -> NDArray[np.float32]:
    """Return the features of whole radiographs.

    Args:
        classifier: Whose features; it letterboxes each radiograph to its own size.
        paths: The files.

    Returns:
        One row per file, float32, shape (N, D); rows of files that can't be read are NaN.
    """
    rows: list[NDArray[np.float32]] = []
    with tqdm(total=len(paths), desc="embedding", unit=" files", disable=None, leave=False) as bar:
        for start in range(0, len(paths), classifier.batch_size):
            crops = [_whole(classifier.preprocess, path) for path in paths[start : start + classifier.batch_size]]
            blank = _blank(classifier.preprocess.size)
            found = classifier.embed(join_crops([blank if crop is None else crop for crop in crops])).copy()
            found[[crop is None for crop in crops]] = np.nan
            rows.append(found)
            bar.update(len(crops))
    return np.concatenate(rows) if rows else np.zeros((0, 0), np.float32)


def _whole(preprocess: Preprocess, path: Path) -> Crops | None:
    try:
        return preprocess.whole(open_radiograph(path))
    except ReadError:
        return None


def _blank(side: int) -> Crops:
    """Return what stands in for a file that can't be read, so that a batch is never empty."""
    pixels, box = np.zeros((1, side, side), np.float32), np.zeros((1, 4), np.float32)
    return Crops(pixels, box, np.array([-1]), np.zeros((1, 2, 3)))
