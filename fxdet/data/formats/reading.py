"""What every format reader is given, and the small steps they share."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from fxdet.core.errors import DataError, ReadError
from fxdet.core.findings import Box
from fxdet.data.csv_rows import numbered_rows
from fxdet.data.folders import image_size
from fxdet.data.formats.meanings import ClassMeaning
from fxdet.data.samples import BoxLabel, Problem

ROUNDING = 1.5
"""How far an edge may lie outside the picture without a problem, px (tools count pixels from 0 or from 1)."""

UNREADABLE = "\ufffd"
"""Stands where bytes are no UTF-8."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Options of all readers.

    Attributes:
        meanings: The caller's meanings of class names; they win over the built-in ones.
    """

    meanings: Mapping[str, ClassMeaning] = field(default_factory=dict)


class AnnotationError(ValueError):
    """One wrong line or annotation; ``code`` is its kind, a key of :data:`fxdet.data.audit.faults.FAULTS`."""

    def __init__(self, what: str, code: str = "bad_line") -> None:
        super().__init__(what)
        self.code = code


def annotation_problem(where: str, error: Exception) -> Problem:
    """Return the problem that an annotation's error stands for; one without a code is a bad line."""
    what = f"field {error} is missing" if isinstance(error, KeyError) else str(error)
    return Problem(where, what, error.code if isinstance(error, AnnotationError) else "bad_line")


def check_box(what: str, xyxy: Box, expected: str) -> Box:
    """Return a box, or say what is wrong with it.

    Args:
        what: The box as stated, for the message.
        xyxy: Its edges, px.
        expected: What was expected, for the message.

    Raises:
        AnnotationError: An edge is not finite, or the box has no area.
    """
    if not all(map(math.isfinite, xyxy)):
        raise AnnotationError(f"{what}: got a coordinate that is not finite, expected {expected}", "nan")
    if xyxy[2] <= xyxy[0] or xyxy[3] <= xyxy[1]:
        raise AnnotationError(f"{what}: got a box without area, expected {expected}", "box_degenerate")
    return xyxy


def size_problem(path: Path, stated: tuple[int, int], size: tuple[int, int], outcome: str) -> Problem:
    """Return the problem of a picture whose annotation states another size.

    Args:
        path: The picture.
        stated: Height and width as annotated, px.
        size: Height and width of the file, px.
        outcome: What becomes of its boxes.
    """
    what = f"annotated as {stated[1]} × {stated[0]} px, the file is {size[1]} × {size[0]} px; {outcome}"
    return Problem(str(path), what, "size_swapped" if stated == size[::-1] else "size_mismatch")


def read_text(path: Path, errors: Literal["strict", "replace"] = "strict") -> str:
    """Return a text file's content; a byte order mark is dropped.

    Args:
        path: The file.
        errors: ``replace`` puts U+FFFD where the bytes are no UTF-8, so that one bad line does not lose the others.

    Raises:
        DataError: The file can't be read, or is not UTF-8 where that is asked for.
    """
    try:
        return path.read_text(encoding="utf-8-sig", errors=errors)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"can't read {path}: {error} – expected UTF-8 text") from error


def lines_of(path: Path) -> list[str]:
    """Return the lines of a list file; bytes that are no UTF-8 become U+FFFD, which no file is named after.

    Raises:
        DataError: The file can't be read.
    """
    return read_text(path, "replace").splitlines()


def read_rows(path: Path, problems: list[Problem] | None = None) -> list[tuple[int, dict[str, str]]]:
    """Return (line number, row) of a CSV file.

    Args:
        path: The file.
        problems: Gets an entry for each row that can't be read, and the others are returned; without it one such row
            is an error.

    Raises:
        DataError: The file can't be read or is no CSV.
    """
    rows = numbered_rows(read_text(path, "strict" if problems is None else "replace"), str(path))
    if problems is None:
        return rows
    if rows and any(UNREADABLE in column for column in rows[0][1]):
        raise DataError(f"can't read {path}: its header is not UTF-8 – expected UTF-8 text")
    good: list[tuple[int, dict[str, str]]] = []
    for number, row in rows:
        if any(UNREADABLE in cell for cell in row.values()):
            what = f"got {str(list(row.values())[:3])[:60]}, expected UTF-8 text; the row is left out"
            problems.append(Problem(f"{path}:{number}", what, "bad_line"))
        else:
            good.append((number, row))
    return good


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
        problems.append(Problem(str(path), str(error), "undecodable"))
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
            got = f"box {_rounded(box.xyxy)} lies outside the {width} × {height} px picture; it is left out"
            problems.append(Problem(where, got, "box_outside"))
            continue
        if max(abs(a - b) for a, b in zip(cut, box.xyxy, strict=True)) > ROUNDING:
            got = f"box {_rounded(box.xyxy)} reaches over the border of the {width} × {height} px picture; it is cut"
            problems.append(Problem(where, got, "box_outside"))
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
