"""A data set of drawn radiographs on disk, for tests and for a first training without any data."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from fxdet.core.files import atomic_write, write_text
from fxdet.imaging.synthetic import DrawingOptions, DrawnRadiograph, draw_set

TABLE = "drawn.csv"
"""Name of the table, which :func:`fxdet.data.formats.open_samples` reads."""


def write_drawn_set(
    folder: Path,
    counts: Iterable[tuple[str, int]],
    generator: np.random.Generator,
    options: DrawingOptions | None = None,
) -> Path:
    """Draw a data set: PNG files and a table with part, region, fracture and box.

    Args:
        folder: Where it goes.
        counts: Part and number of radiographs of each part; regions and fractures are balanced within a part.
        generator: Source of all randomness.
        options: What to draw.

    Returns:
        The table.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["path", "part", "region", "fractured", "x1", "y1", "x2", "y2"])
    for part, count in counts:
        for index, drawn in enumerate(draw_set(generator, count, options)):
            name = f"{part}/{index:05d}.png"
            with atomic_write(folder / name, "wb") as handle:
                Image.fromarray(drawn.pixels).save(handle, format="PNG")
            writer.writerow([name, part, drawn.region, int(drawn.fractured), *_box(drawn)])
    write_text(folder / TABLE, text.getvalue())
    return folder / TABLE


def _box(drawn: DrawnRadiograph) -> list[str]:
    return [f"{value:.1f}" for value in drawn.fracture_boxes[0]] if len(drawn.fracture_boxes) else [""] * 4
