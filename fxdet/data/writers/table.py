"""A plain CSV, ``samples.csv``: one row per picture, or per box of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from fxdet.core.files import write_text
from fxdet.core.labels import HAND_REGIONS
from fxdet.data.formats.table import FOLDER_FILE
from fxdet.data.samples import Sample
from fxdet.data.writers.placed import Placed, outlines, plain

PICTURES = "images"
FLAT = False
NEEDS_BOXES = False

COLUMNS = ("path", "part", "group", "fractured", "region", "label", "x1", "y1", "x2", "y2", "box_labels")


def write(folder: Path, name: str, placed: Sequence[Placed], classes: Sequence[str]) -> list[str]:
    """Write the table; ``box_labels`` is 0 for pictures whose boxes are unknown.

    Args:
        folder: The new set's folder.
        name: Unused.
        placed: The samples.
        classes: Unused; each row states its class.

    Returns:
        One line for each thing that the format can't hold.
    """
    extra = sorted({key for item in placed for key in item.sample.attributes} - set(COLUMNS))
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow([*COLUMNS, *extra])
    for item in placed:
        head, tail = _head(item), [_one_line(item.sample.attributes.get(key, "")) for key in extra]
        for cells in _box_cells(item.sample):
            table.writerow([*head, *cells, *tail])
    write_text(folder / FOLDER_FILE, text.getvalue())
    lost = outlines(placed)
    return [f"outlines ({lost:,}) have no place in CSV; their boxes are kept"] if lost else []


def _head(item: Placed) -> list[str]:
    sample = item.sample
    return [
        item.picture,
        _one_line(sample.part or ""),
        "" if sample.group == sample.name else _one_line(sample.group),
        {True: "1", False: "0", None: ""}[sample.fractured],
        _region_cell(sample.regions),
    ]


def _region_cell(regions: frozenset[str]) -> str:
    rest = sorted(regions - HAND_REGIONS) if regions >= HAND_REGIONS else sorted(regions)
    return "|".join(["hand", *rest] if regions >= HAND_REGIONS else rest)


def _box_cells(sample: Sample) -> list[list[str]]:
    if not sample.boxes:
        return [[_one_line(sample.label or ""), "", "", "", "", "0" if sample.boxes is None else "1"]]
    return [[box.label, *map(plain, box.xyxy), "1"] for box in sample.boxes]


def _one_line(text: str) -> str:
    return " ".join(text.split())
