"""A plain CSV: one row per picture, or per box of it.

Columns: ``path`` (required; relative to the CSV's folder), ``fractured`` (1/0, true/false, yes/no, or empty),
``region`` (a region, ``hand``, or several with ``|`` between), ``part``, ``group``, and for a box ``x1, y1, x2, y2``
(px) and ``label``. Rows of one path are one picture. Where the box columns exist, a picture without numbers in them
has no boxes; where they don't, boxes are unknown. Other columns are kept as attributes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from fxdet.core.errors import DataError, did_you_mean
from fxdet.data.folders import PART_NAMES
from fxdet.data.formats.meanings import REGION_WORDS, ClassMeaning, class_meanings
from fxdet.data.formats.reading import ReadOptions, boxes_inside, read_rows, size_or_problem
from fxdet.data.samples import BoxLabel, Problem, Sample, SampleSet

BOX_COLUMNS = ("x1", "y1", "x2", "y2")
COLUMNS = ("path", "fractured", "region", "part", "group", *BOX_COLUMNS, "label")
TRUTH = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False, "": None}


def matches(path: Path) -> str | None:
    """Return what makes ``path`` a plain CSV, or None."""
    return path.name if path.is_file() and path.suffix.lower() == ".csv" else None


def read(path: Path, options: ReadOptions) -> SampleSet:
    """Read the file; a wrong cell becomes a problem and counts as empty.

    Args:
        path: The CSV file.
        options: Meanings of the box labels.

    Raises:
        DataError: The file can't be read, is empty or has no ``path`` column.
    """
    rows = read_rows(path)
    if not rows:
        raise DataError(f"{path}: no rows – expected columns {', '.join(COLUMNS)}")
    columns = list(rows[0][1])
    if "path" not in columns:
        near = did_you_mean(columns[0] if columns else "", ("path",))
        raise DataError(f"{path}: column path is missing, got {', '.join(columns) or 'none'}{near}")
    problems: list[Problem] = []
    meanings = class_meanings(sorted({row.get("label") or "fracture" for _, row in rows}), options.meanings)
    by_path: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for number, row in rows:
        if row["path"]:
            by_path.setdefault(row["path"], []).append((number, row))
        else:
            problems.append(Problem(f"{path}:{number}", "path is empty"))
    samples = tuple(_sample(path, name, lines, meanings, problems) for name, lines in by_path.items())
    return SampleSet(path.stem, "table", path, samples, tuple(problems))


def _sample(
    table: Path,
    name: str,
    lines: list[tuple[int, dict[str, str]]],
    meanings: Mapping[str, ClassMeaning],
    problems: list[Problem],
) -> Sample:
    number, row = lines[0]
    where = f"{table}:{number}"
    for later, other in lines[1:]:
        differing = [key for key in ("fractured", "region", "part", "group") if other.get(key) != row.get(key)]
        if differing:
            key = differing[0]
            got = f"{key} is {other.get(key)!r}, line {number} says {row.get(key)!r} of {name}; line {number} is taken"
            problems.append(Problem(f"{table}:{later}", got))
    file = table.parent / name
    boxes = _boxes(table, lines, meanings, problems)
    size = None
    if not file.is_file():
        problems.append(Problem(where, f"{name} does not exist"))
    elif boxes and (size := size_or_problem(file, problems)) is not None:
        boxes = boxes_inside(where, boxes, size, problems)
    return Sample(
        path=file,
        name=name.replace("\\", "/"),
        part=PART_NAMES.get(row.get("part", "").lower(), row.get("part") or None),
        label=row.get("label") or None,
        fractured=_truth(where, row.get("fractured", ""), problems),
        regions=_regions(where, row.get("region", ""), problems),
        boxes=boxes,
        image_size=size,
        group=row.get("group", ""),
        attributes={key: value for key, value in row.items() if key not in COLUMNS and value},
    )


def _truth(where: str, cell: str, problems: list[Problem]) -> bool | None:
    if cell.lower() not in TRUTH:
        problems.append(Problem(where, f"fractured: got {cell!r}, expected 1, 0 or empty"))
    return TRUTH.get(cell.lower())


def _regions(where: str, cell: str, problems: list[Problem]) -> frozenset[str]:
    regions: set[str] = set()
    for word in cell.lower().split("|") if cell else ():
        if word.strip() not in REGION_WORDS:
            near = did_you_mean(word.strip(), REGION_WORDS)
            problems.append(Problem(where, f"region {word.strip()!r} is unknown{near}"))
            return frozenset()
        regions |= REGION_WORDS[word.strip()]
    return frozenset(regions)


def _boxes(
    table: Path,
    lines: list[tuple[int, dict[str, str]]],
    meanings: Mapping[str, ClassMeaning],
    problems: list[Problem],
) -> tuple[BoxLabel, ...] | None:
    if not all(column in lines[0][1] for column in BOX_COLUMNS):
        return None
    boxes: list[BoxLabel] = []
    for number, row in lines:
        cells = [row[column] for column in BOX_COLUMNS]
        if not any(cells):
            continue
        label = row.get("label") or "fracture"
        try:
            x1, y1, x2, y2 = (float(cell) for cell in cells)
        except ValueError:
            problems.append(Problem(f"{table}:{number}", f"box {','.join(cells)}: expected four numbers, px"))
            continue
        if not (all(map(math.isfinite, (x1, y1, x2, y2))) and 0 <= x1 < x2 and 0 <= y1 < y2):
            got = f"box {','.join(cells)}: expected 0 <= x1 < x2 and 0 <= y1 < y2"
            problems.append(Problem(f"{table}:{number}", got))
            continue
        boxes.append(BoxLabel((x1, y1, x2, y2), label, meanings[label].kind))
    return tuple(boxes)
