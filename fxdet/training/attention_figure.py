"""Grad-CAM of a paper's networks on drawn radiographs: patients' pictures stay out of the repository."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from fxdet.core.errors import DataError
from fxdet.core.files import atomic_write
from fxdet.imaging.reading import radiograph_from_array
from fxdet.imaging.synthetic import DrawingOptions, DrawnRadiograph, draw_radiograph
from fxdet.training.paper_attention import Looked, classifier_of, look_at, weights_of
from fxdet.training.paper_config import PaperRow
from fxdet.training.reproduction import Selection, result_keys, run_folder

OVERLAYS = "attention.jpg"
"""Name of the figure beside a paper's results."""

_DRAWN = ("forearm", "humerus", "leg")
_SEED = 7


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    looked: list[Looked]


def draw_row_attention(rows: Sequence[PaperRow], selection: Selection, folder: Path) -> Path:
    """Draw where the networks of all rows that have weights look on drawn fractures; return the file.

    Args:
        rows: Rows with the head ``fracture``.
        selection: Which of their runs.
        folder: Where the file goes.

    Raises:
        DataError: No row has weights.
    """
    generator = np.random.default_rng(_SEED)
    drawn = [draw_radiograph(generator, DrawingOptions((360, 300), region, True)) for region in _DRAWN]
    columns = list(_columns(rows, selection, drawn))
    if not columns:
        raise DataError(f"Grad-CAM overlays – no row of {folder.name} has weights – run one first")
    figure = Figure(figsize=(2.0 * (len(columns) + 1), 2.45 * len(drawn)), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(drawn), len(columns) + 1, squeeze=False)
    for place, picture in enumerate(drawn):
        _draw_picture(grid[place, 0], picture, None)
        for axes, column in zip(grid[place, 1:], columns, strict=True):
            _draw_picture(axes, picture, column.looked[place])
    for axes, title in zip(grid[0], ("drawn, with its fracture", *(column.title for column in columns)), strict=True):
        axes.set_title(title, fontsize=9)
    with atomic_write(folder / OVERLAYS, "wb") as handle:
        figure.savefig(handle, format="jpg", pil_kwargs={"quality": 85})
    return folder / OVERLAYS


def _columns(rows: Sequence[PaperRow], selection: Selection, drawn: Sequence[DrawnRadiograph]) -> Iterator[_Column]:
    radiographs = [radiograph_from_array(picture.pixels, str(place)) for place, picture in enumerate(drawn)]
    for row in (row for row in rows if row.head == "fracture"):
        for key in result_keys(row, selection):
            weights = weights_of(run_folder(row, key), row)
            if weights is not None:
                yield _Column(f"{row.label}\n{key.protocol}", look_at(classifier_of(row, weights), radiographs))


def _draw_picture(axes: Any, picture: DrawnRadiograph, looked: Looked | None) -> None:
    height, width = picture.pixels.shape
    axes.imshow(picture.pixels, cmap="gray")
    if looked is not None and looked.grid.any():
        axes.imshow(looked.grid, cmap="inferno", alpha=0.55, extent=(0, width, height, 0), interpolation="bilinear")
        axes.plot(*looked.peak, "x", color="white", markersize=7)
    elif looked is not None:  # no place speaks for a fracture
        axes.text(width / 2, height * 0.95, "none", color="white", ha="center", fontsize=9)
    for x1, y1, x2, y2 in picture.fracture_boxes:
        axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor="#56B4E9", linewidth=1.5))
    axes.set(xticks=(), yticks=(), xlim=(0, width), ylim=(height, 0))
