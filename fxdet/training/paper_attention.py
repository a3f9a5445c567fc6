"""Where the networks of a paper's rows looked, against reference boxes of radiographs that have some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from fxdet.classify.cam import attention_maps
from fxdet.classify.model import TimmClassifier, build_network
from fxdet.core.errors import DataError, ReadError
from fxdet.core.files import sha256_file, write_json
from fxdet.core.labels import LabelMap
from fxdet.core.objects import Crops, Radiograph
from fxdet.data.formats import open_samples
from fxdet.data.samples import Sample
from fxdet.data.splits import split_samples
from fxdet.evaluation.attention import AttentionRows, attention_figures
from fxdet.evaluation.resampling import IntervalOptions
from fxdet.imaging.geometry import apply_affine, invert_affine
from fxdet.imaging.reading import open_radiograph
from fxdet.training.fits import LAST
from fxdet.training.paper_config import PaperRow
from fxdet.training.reproduction import Selection, result_keys, run_folder

ATTENTION = "attention.json"
"""Name of the file with the Grad-CAM figures, beside a paper's results."""

RANDOM = "random weights"
"""What the figures of a network without training are called."""

_CELLS = 32
_BLOCK = 16


def write_row_attention(rows: Sequence[PaperRow], selection: Selection, folder: Path, data: tuple[Path, str]) -> Path:
    """Write the Grad-CAM figures of all rows that have weights, and of random weights; return the file.

    Args:
        rows: Rows with the head ``fracture``.
        selection: Which of their runs.
        folder: Where the file goes.
        data: Set with fracture boxes, and the split list whose part ``test`` is looked at.

    Raises:
        DataError: No row has weights, or the set has no boxes.
    """
    path, split = data
    samples, stamp = split_samples(open_samples(path), split)
    looked_at = [sample for sample in samples if sample.part == "test" and sample.fracture_boxes]
    found = []
    for row in (row for row in rows if row.head == "fracture"):
        for key in result_keys(row, selection):
            weights = weights_of(run_folder(row, key), row)
            if weights is not None:
                about = {"row": row.row, "run": key.name, "weights_sha256": sha256_file(weights)}
                found.append({**about, "figures": attention_of_row(row, weights, looked_at)})
        if found and found[-1]["row"] == row.row:
            found.append({"row": row.row, "run": RANDOM, "figures": attention_of_row(row, None, looked_at)})
    if not found:
        raise DataError(f"Grad-CAM figures – no row of {folder.name} has weights – run one first")
    write_json(folder / ATTENTION, {"schema": 1, "set": samples.name, "split": stamp.to_json(), "rows": found})
    return folder / ATTENTION


def weights_of(folder: Path, row: PaperRow) -> Path | None:
    """Return the tested weights of a run's first fold, or None where they are gone or not there yet."""
    name = LAST if row.judged == "last" else "best.safetensors"
    return next(iter(sorted(folder.glob(f"*/{name}"))), None)


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """Attention of one network on one radiograph.

    Attributes:
        grid: Attention over the radiograph, shape (32, 32), sum 1, or 0 without any.
        peak: Place of the strongest attention, px of the radiograph.
    """

    grid: NDArray[np.float64]
    peak: tuple[float, float]


def attention_of_row(row: PaperRow, weights: Path | None, samples: Sequence[Sample]) -> dict[str, Any]:
    """Return energy inside the reference boxes and the pointing game of a row's network, with intervals.

    Args:
        row: The row; its ``fracture`` head is explained.
        weights: Its weights; None takes random ones, for comparison.
        samples: Radiographs with fracture boxes.

    Raises:
        DataError: No sample has a box, or a file can't be read.
    """
    boxed = [sample for sample in samples if sample.fracture_boxes]
    if not boxed:
        raise DataError("Grad-CAM figures – got no radiograph with a fracture box – name a set that has boxes")
    classifier = classifier_of(row, weights)
    looked: list[Looked] = []
    sizes: list[tuple[int, int]] = []
    for start in range(0, len(boxed), _BLOCK):
        found = look(classifier, boxed[start : start + _BLOCK])
        looked.extend(item for item, _ in found)
        sizes.extend(size for _, size in found)
    rows = AttentionRows(
        [item.grid for item in looked],
        np.array([item.peak for item in looked]),
        [sample.fracture_xyxy for sample in boxed],
        sizes,
        np.array([sample.group for sample in boxed]),
    )
    return {name: estimate.to_json() for name, estimate in attention_figures(rows, IntervalOptions()).items()}


def classifier_of(row: PaperRow, weights: Path | None) -> TimmClassifier:
    """Return a row's network with its weights, or with random ones."""
    labels = {head: LabelMap(names) for head, names in row.heads.items()}
    with torch.random.fork_rng():
        torch.manual_seed(row.loop.seed)
        network = build_network(row.architecture, labels)
    if weights is not None:
        network.load_state_dict(load_file(weights))
    return TimmClassifier(network, row.preprocess, labels, name=row.row)


def look(classifier: TimmClassifier, samples: Sequence[Sample]) -> list[tuple[Looked, tuple[int, int]]]:
    """Return the attention on some radiographs, each with its size (height, width), px.

    Raises:
        DataError: A file can't be read.
    """
    try:
        radiographs = [open_radiograph(sample.path) for sample in samples]
    except ReadError as error:
        raise DataError(f"Grad-CAM figures – {error} – mend the file") from error
    looked = look_at(classifier, radiographs)
    return [(item, radiograph.size) for item, radiograph in zip(looked, radiographs, strict=True)]


def look_at(classifier: TimmClassifier, radiographs: Sequence[Radiograph]) -> list[Looked]:
    """Return the attention on open radiographs."""
    wholes = [classifier.preprocess.whole(radiograph) for radiograph in radiographs]
    crops = Crops(
        np.concatenate([crop.pixels for crop in wholes]),
        np.concatenate([crop.box for crop in wholes]),
        np.concatenate([crop.parent for crop in wholes]),
        np.concatenate([crop.to_image for crop in wholes]),
    )
    maps = attention_maps(classifier, crops)
    return [
        _on_radiograph(attention, matrix, radiograph.size)
        for attention, matrix, radiograph in zip(maps, crops.to_image, radiographs, strict=True)
    ]


def _on_radiograph(attention: NDArray[np.float32], to_image: NDArray[np.float64], size: tuple[int, int]) -> Looked:
    """Return the part of a map that lies on the radiograph: a letterbox has borders."""
    height, width = size
    x1, y1, x2, y2 = apply_affine(invert_affine(to_image), np.array([[0.0, 0.0, width, height]]))[0]
    side = attention.shape[0]
    left, right = max(0, round(x1)), min(side, max(round(x2), round(x1) + 1))
    top, bottom = max(0, round(y1)), min(side, max(round(y2), round(y1) + 1))
    inside = attention[top:bottom, left:right]
    grid = np.asarray(cv2.resize(inside, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA), dtype=np.float64)
    row, column = np.unravel_index(int(inside.argmax()), inside.shape)
    peak = to_image[:, :2] @ np.array([left + column + 0.5, top + row + 0.5]) + to_image[:, 2]
    total = float(grid.sum())
    return Looked(grid / total if total > 0 else grid, (float(peak[0]), float(peak[1])))
