"""COCO JSON: ``annotations/instances_<part>.json`` beside ``images/<part>/…``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fxdet._version import __version__
from fxdet.core.files import write_json
from fxdet.data.places import part_folder
from fxdet.data.samples import BoxLabel
from fxdet.data.writers.placed import Placed, by_part, lost_labels, strange_parts

PICTURES = "images"
FLAT = False
NEEDS_BOXES = True


def write(folder: Path, name: str, placed: Sequence[Placed], classes: Sequence[str]) -> list[str]:
    """Write one file per part, or ``instances.json`` where there are no parts.

    Pictures are named relative to ``images``. A picture whose boxes are unknown carries ``"box_labels": false``, which
    fxdet reads and others ignore.

    Args:
        folder: The new set's folder.
        name: Name of the set.
        placed: The samples.
        classes: Class names; the category ids count from 1.

    Returns:
        One line for each thing that the format can't hold.
    """
    parts = by_part(placed)
    for part, members in parts.items():
        stem = "instances" if set(parts) == {None} else f"instances_{part_folder(part)}"
        write_json(folder / "annotations" / f"{stem}.json", _content(name, members, classes))
    return [*lost_labels(placed, "COCO"), *strange_parts(placed)]


def _content(name: str, members: Sequence[Placed], classes: Sequence[str]) -> dict[str, Any]:
    annotations: list[dict[str, Any]] = []
    for image_id, item in enumerate(members, start=1):
        for box in item.sample.boxes or ():
            annotations.append(_annotation(len(annotations) + 1, image_id, classes.index(box.label) + 1, box))
    return {
        "info": {"description": name, "contributor": f"fxdet {__version__}"},
        "licenses": [],
        "images": [_image(image_id, item) for image_id, item in enumerate(members, start=1)],
        "annotations": annotations,
        "categories": [
            {"id": number, "name": label, "supercategory": ""} for number, label in enumerate(classes, start=1)
        ],
    }


def _image(image_id: int, item: Placed) -> dict[str, Any]:
    height, width = item.size
    entry: dict[str, Any] = {
        "id": image_id,
        "file_name": item.picture.removeprefix(f"{PICTURES}/"),
        "width": width,
        "height": height,
    }
    return entry if item.sample.boxes is not None else {**entry, "box_labels": False}


def _annotation(number: int, image_id: int, category: int, box: BoxLabel) -> dict[str, Any]:
    x1, y1, x2, y2 = box.xyxy
    outline = [round(edge, 6) for point in box.polygon or () for edge in point]
    return {
        "id": number,
        "image_id": image_id,
        "category_id": category,
        "bbox": [round(edge, 6) for edge in (x1, y1, x2 - x1, y2 - y1)],
        "area": round(polygon_area(box.polygon) if box.polygon else (x2 - x1) * (y2 - y1), 6),
        "segmentation": [outline] if outline else [],
        "iscrowd": 0,
    }


def polygon_area(polygon: Sequence[tuple[float, float]]) -> float:
    """Return the area of an outline, px², by the shoelace formula.

    Example:
        >>> polygon_area([(0, 0), (4, 0), (4, 3)])
        6.0
    """
    shifted = [*polygon[1:], polygon[0]]
    return abs(sum(x * v - u * y for (x, y), (u, v) in zip(polygon, shifted, strict=True))) / 2
