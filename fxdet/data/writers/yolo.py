"""YOLO as Ultralytics reads it: ``data.yaml``, ``images/<part>/…`` beside ``labels/<part>/…``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml

from fxdet.core.boxes import box_bounds
from fxdet.core.files import write_text
from fxdet.data.places import UNASSIGNED, part_folder
from fxdet.data.samples import BoxLabel
from fxdet.data.writers.placed import Placed, by_part, lost_labels, strange_parts, write_label_file

PICTURES = "images"
FLAT = False
NEEDS_BOXES = True

BOUNDS_TOLERANCE = 0.5
"""How far an outline's bounds may be from its box, px: YOLO has no box beside an outline, its bounds are the box."""


def write(folder: Path, name: str, placed: Sequence[Placed], classes: Sequence[str]) -> list[str]:
    """Write ``data.yaml`` and one label file per picture with known boxes.

    No label file means that the boxes are unknown, an empty one that there are none. A file holds only outlines or
    only boxes, since Ultralytics refuses a mix: beside outlines, a plain box is written by its four corners.

    Args:
        folder: The new set's folder.
        name: Name of the set.
        placed: The samples.
        classes: Class names by id.

    Returns:
        One line for each thing that the format can't hold.
    """
    for item in placed:
        if item.sample.boxes is not None:
            path = folder / "labels" / f"{item.label_stem}.txt"
            write_label_file(path, label_text(item.sample.boxes, item.size, classes))
    parts = by_part(placed)
    whole = set(parts) == {None}
    keys = {part or UNASSIGNED: PICTURES if whole else f"{PICTURES}/{part_folder(part)}" for part in parts}
    content = {**keys, "nc": len(classes), "names": dict(enumerate(classes))}
    header = f"# {' '.join(name.split())}, written by fxdet\n"
    write_text(folder / "data.yaml", header + yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    return [*_left_out(placed), *_part_lines(parts), *lost_labels(placed, "YOLO"), *strange_parts(placed)]


def label_text(boxes: Sequence[BoxLabel], size: tuple[int, int], classes: Sequence[str]) -> str:
    r"""Return the lines of a label file.

    Args:
        boxes: Boxes inside the picture, px.
        size: Height and width of the picture, px.
        classes: Class names by id.

    Example:
        >>> label_text([BoxLabel((10, 20, 30, 60), "a")], (100, 200), ["a"])
        '0 0.1 0.4 0.1 0.4\n'
    """
    outlined = any(_has_outline(box) for box in boxes)
    rows = [_outline_row(box, size) if outlined else _box_row(box, size) for box in boxes]
    return "".join(
        " ".join([str(classes.index(box.label)), *map(_share, row)]) + "\n"
        for box, row in zip(boxes, rows, strict=True)
    )


def _share(value: float) -> str:
    # Nine decimals: a hundred-thousandth of a pixel on a radiograph of 10,000.
    return f"{min(max(value, 0.0), 1.0):.9f}".rstrip("0").rstrip(".")


def _box_row(box: BoxLabel, size: tuple[int, int]) -> list[float]:
    height, width = size
    x1, y1, x2, y2 = box.xyxy
    return [(x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height]


def _outline_row(box: BoxLabel, size: tuple[int, int]) -> list[float]:
    height, width = size
    x1, y1, x2, y2 = box.xyxy
    corners = ((x1, y1), (x2, y1), (x2, y2), (x1, y2))
    points = box.polygon if box.polygon and _has_outline(box) else corners
    return [edge for x, y in points for edge in (x / width, y / height)]


def _has_outline(box: BoxLabel) -> bool:
    """Tell whether a box can be written as its outline without changing the box."""
    if box.polygon is None or len(box.polygon) < 3:
        return False
    bounds = box_bounds(np.array(box.polygon))
    return max(abs(a - b) for a, b in zip(bounds, box.xyxy, strict=True)) <= BOUNDS_TOLERANCE


def _left_out(placed: Sequence[Placed]) -> list[str]:
    boxes = [box for item in placed for box in item.sample.boxes or ()]
    lines = []
    if wrong := sum(box.polygon is not None and not _has_outline(box) for box in boxes):
        lines.append(f"outlines whose bounds are not the box ({wrong:,}) are left out: YOLO can't hold both")
    mixed = sum(
        any(map(_has_outline, item.sample.boxes or ())) and not all(map(_has_outline, item.sample.boxes or ()))
        for item in placed
    )
    if mixed:
        lines.append(f"boxes beside outlines (in {mixed:,} pictures) are written as rectangles: YOLO can't hold both")
    if unknown := sum(item.sample.boxes is None for item in placed):
        what = "have no label file: fxdet reads them as unknown, Ultralytics as free of objects"
        lines.append(f"pictures without box labels ({unknown:,}) {what}")
    return lines


def _part_lines(parts: dict[str | None, list[Placed]]) -> list[str]:
    missing = [part for part in ("train", "val") if part not in parts]
    lines = []
    if missing:
        lines.append(f"no part {' and '.join(missing)}, which Ultralytics needs in data.yaml – pass a --split")
    if None in parts and len(parts) > 1:
        what = f"are in {PICTURES}/{UNASSIGNED}, which only fxdet reads"
        lines.append(f"pictures without a part ({len(parts[None]):,}) {what}")
    return lines
