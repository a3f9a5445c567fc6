"""What every format reader is given, and the small steps they share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fxdet.core.errors import DataError, ReadError
from fxdet.core.findings import Box
from fxdet.data.csv_rows import numbered_rows
from fxdet.data.folders import image_size
from fxdet.data.formats.meanings import ClassMeaning
from fxdet.data.samples import BoxLabel, Problem

ROUNDING = 1.5
"""How far an edge may lie outside the picture without a problem, px (tools count pixels from 0 or from 1)."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Options of all readers.

    Attributes:
        meanings: The caller's meanings of class names; they win over the built-in ones.
    """

    meanings: Mapping[str, ClassMeaning] = field(default_factory=dict)


def read_text(path: Path) -> str:
    """Return a text file's content; a byte order mark is dropped.

    Raises:
        DataError: The file can't be read or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"can't read {path}: {error} – expected UTF-8 text") from error


def read_rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Return (line number, row) of a CSV file.

    Raises:
        DataError: The file can't be read or is no CSV.
    """
    return numbered_rows(read_text(path), str(path))


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        DataError: The file can't be read or is not JSON.
    """
    try:
        return json.loads(read_text(path))
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError(f"can't read {path}: {error} – expected JSON") from error


def size_or_problem(path: Path, problems: list[Problem]) -> tuple[int, int] | None:
    """Return height and width of a picture, or note why it has none."""
    try:
        return image_size(path)
    except ReadError as error:
        problems.append(Problem(str(path), str(error)))
        return None


def boxes_inside(
    where: str, boxes: tuple[BoxLabel, ...], image_size: tuple[int, int], problems: list[Problem]
) -> tuple[BoxLabel, ...]:
    """Return the boxes cut at the image border; more than a rounding error outside is a problem.

    Args:
        where: File for the problems.
        boxes: Boxes as stated, px.
        image_size: Height and width, px.
        problems: Gets an entry for each box that lies outside, wholly or in part.
    """
    height, width = image_size
    inside: list[BoxLabel] = []
    for box in boxes:
        x1, y1, x2, y2 = box.xyxy
        cut = (max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height)))
        if cut[2] <= cut[0] or cut[3] <= cut[1]:
            problems.append(Problem(where, f"box {_rounded(box.xyxy)} lies outside the {width} × {height} px picture"))
            continue
        if max(abs(a - b) for a, b in zip(cut, box.xyxy, strict=True)) > ROUNDING:
            got = f"box {_rounded(box.xyxy)} reaches over the border of the {width} × {height} px picture; it is cut"
            problems.append(Problem(where, got))
        inside.append(box if cut == box.xyxy else replace(box, xyxy=cut))
    return tuple(inside)


def _rounded(xyxy: Box) -> str:
    return ", ".join(f"{edge:.1f}" for edge in xyxy)


def fractured_by_boxes(boxes: tuple[BoxLabel, ...] | None, meanings: Mapping[str, ClassMeaning]) -> bool | None:
    """Return whether an image is fractured as its boxes say.

    An image of a set that marks fractures and without a fracture box has no marked fracture: False.
    Without box labels, or in a set that marks no fractures, it is None.
    """
    if boxes is None or not any(meaning.kind == "fracture" for meaning in meanings.values()):
        return None
    return any(box.kind == "fracture" for box in boxes)


def regions_by_boxes(boxes: tuple[BoxLabel, ...] | None, meanings: Mapping[str, ClassMeaning]) -> frozenset[str]:
    """Return the union of the regions that the classes of the boxes name."""
    named = (meanings[box.label].regions for box in boxes or () if box.label in meanings)
    return frozenset().union(*named)
