"""Lines of YOLO label files: boxes and polygons as shares of the image."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from fxdet.core.findings import Box
from fxdet.data.formats.meanings import ClassMeaning
from fxdet.data.formats.reading import AnnotationError, annotation_problem
from fxdet.data.samples import BoxLabel, Problem

TOLERANCE = 0.01
"""Share of the image by which a coordinate may lie outside (rounding in exports); it is cut back silently."""


def parse_labels(
    path: Path, text: str, image_size: tuple[int, int], names: Sequence[str], meanings: Mapping[str, ClassMeaning]
) -> tuple[tuple[BoxLabel, ...], list[Problem]]:
    """Read the lines of one label file.

    Args:
        path: The label file, for the problems' ``file:line``.
        text: Its content.
        image_size: Height and width of the picture, px.
        names: Class names by id.
        meanings: Class name → meaning.

    Returns:
        The boxes of the good lines, and one problem per bad line.
    """
    boxes: list[BoxLabel] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            box = _parse_line(line, image_size, names, meanings)
            if box in boxes:
                raise AnnotationError("the line repeats an earlier one; it is left out", "box_duplicated")
        except ValueError as error:
            problems.append(annotation_problem(f"{path}:{number}", error))
        else:
            boxes.append(box)
    return tuple(boxes), problems


def _parse_line(
    line: str, image_size: tuple[int, int], names: Sequence[str], meanings: Mapping[str, ClassMeaning]
) -> BoxLabel:
    cells = line.split()
    if len(cells) < 5 or (len(cells) > 5 and (len(cells) < 7 or len(cells) % 2 == 0)):
        raise ValueError(
            f"got {len(cells)} columns, expected 5 (class, centre x, centre y, width, height) "
            "or class and at least 3 points"
        )
    label = _class_name(cells[0], names)
    shares = [_number(cell) for cell in cells[1:]]
    kind = meanings[label].kind if label in meanings else "other"
    if len(cells) == 5:
        return BoxLabel(_box_from_centre(shares, image_size), label, kind)
    polygon = _polygon(shares, image_size)
    xs, ys = [x for x, _ in polygon], [y for _, y in polygon]
    return BoxLabel(_with_area((min(xs), min(ys), max(xs), max(ys))), label, kind, polygon)


def _class_name(cell: str, names: Sequence[str]) -> str:
    index = _number(cell)
    if index != int(index) or not 0 <= index < len(names):
        raise AnnotationError(f"class id {cell[:20]!r} is unknown, expected 0–{len(names) - 1}", "class_id")
    return names[int(index)]


def _number(cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        raise ValueError(f"got {cell[:20]!r}, expected a number") from None
    if not math.isfinite(value):
        raise AnnotationError(f"got {cell[:20]!r}, expected a finite number", "nan")
    return value


def _inside(share: float) -> float:
    if not -TOLERANCE <= share <= 1 + TOLERANCE:
        raise AnnotationError(f"coordinate {share:g} lies outside the image, expected a share of 0–1", "box_outside")
    return min(max(share, 0.0), 1.0)


def _box_from_centre(shares: Sequence[float], image_size: tuple[int, int]) -> Box:
    x, y, w, h = shares
    if w <= 0 or h <= 0:
        raise AnnotationError(f"width {w:g} and height {h:g}: expected both above 0", "box_degenerate")
    height, width = image_size
    x1, y1, x2, y2 = _inside(x - w / 2), _inside(y - h / 2), _inside(x + w / 2), _inside(y + h / 2)
    return _with_area((x1 * width, y1 * height, x2 * width, y2 * height))


def _polygon(shares: Sequence[float], image_size: tuple[int, int]) -> tuple[tuple[float, float], ...]:
    height, width = image_size
    return tuple((_inside(x) * width, _inside(y) * height) for x, y in zip(shares[::2], shares[1::2], strict=True))


def _with_area(box: Box) -> Box:
    if not (box[2] > box[0] and box[3] > box[1]):
        raise AnnotationError(f"box {tuple(round(edge, 1) for edge in box)} px has no area", "box_degenerate")
    return box
