"""A plain CSV: one row per picture, or per box of it.

Columns: ``path`` (required; relative to the CSV's folder), ``fractured`` (1/0, true/false, yes/no, or empty),
``region`` (a region, ``hand``, or several with ``|`` between), ``part``, ``group``, and for a box ``x1, y1, x2, y2``
(px) and ``label``. Rows of one path are one picture. Where the box columns exist, a picture without numbers in them
has no boxes, but for one with 0 in the column ``box_labels``; where they don't, boxes are unknown. Other columns are
kept as attributes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fxdet.core.errors import DataError, did_you_mean
from fxdet.core.findings import Box
from fxdet.data.folders import PART_NAMES
from fxdet.data.formats.meanings import REGION_WORDS, ClassMeaning, class_meanings
from fxdet.data.formats.reading import (
    AnnotationError,
    ReadOptions,
    annotation_problem,
    boxes_inside,
    check_box,
    read_rows,
    size_or_problem,
)
from fxdet.data.samples import BoxLabel, Problem, Sample, SampleSet

BOX_COLUMNS = ("x1", "y1", "x2", "y2")
COLUMNS = ("path", "fractured", "region", "part", "group", *BOX_COLUMNS, "label", "box_labels")
FOLDER_FILE = "samples.csv"
"""Name by which a table is found in a folder."""

TRUTH = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False, "": None}


def matches(path: Path) -> str | None:
    """Return what makes ``path`` a plain CSV, or None."""
    file = path / FOLDER_FILE if path.is_dir() else path
    return file.name if file.is_file() and file.suffix.lower() == ".csv" else None


def read(path: Path, options: ReadOptions) -> SampleSet:
    """Read the file; a wrong cell becomes a problem and counts as empty.

    Args:
        path: The CSV file, or a folder that holds it as ``samples.csv``.
        options: Meanings of the box labels.

    Raises:
        DataError: The file can't be read, is empty or has no ``path`` column.
    """
    problems: list[Problem] = []
    path = path / FOLDER_FILE if path.is_dir() else path
    rows = read_rows(path, problems)
    if not rows:
        raise DataError(f"{path}: no rows – expected columns {', '.join(COLUMNS)}")
    columns = list(rows[0][1])
    if "path" not in columns:
        near = did_you_mean(columns[0] if columns else "", ("path",))
        raise DataError(f"{path}: column path is missing, got {', '.join(columns) or 'none'}{near}")
    meanings = class_meanings(sorted({row.get("label") or "fracture" for _, row in rows}), options.meanings)
    by_path: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for number, row in rows:
        if row["path"]:
            by_path.setdefault(row["path"], []).append((number, row))
        else:
            problems.append(Problem(f"{path}:{number}", "path is empty, expected a file name", "bad_line"))
    samples = tuple(_sample(path, name, lines, meanings, problems) for name, lines in by_path.items())
    name = path.parent.name if path.name == FOLDER_FILE else path.stem
    return SampleSet(name, "table", path, samples, tuple(problems))


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
            problems.append(
                Problem(f"{table}:{later}", got, "label_contradiction" if key == "fractured" else "bad_line")
            )
    file = table.parent / name
    boxes = _boxes(table, lines, meanings, problems)
    size = None
    if not file.is_file():
        problems.append(Problem(where, f"{name} does not exist", "label_without_image"))
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
        problems.append(Problem(where, f"fractured: got {cell!r}, expected 1, 0 or empty", "bad_line"))
    return TRUTH.get(cell.lower())


def _regions(where: str, cell: str, problems: list[Problem]) -> frozenset[str]:
    regions: set[str] = set()
    for word in cell.lower().split("|") if cell else ():
        if word.strip() not in REGION_WORDS:
            near = did_you_mean(word.strip(), REGION_WORDS)
            problems.append(Problem(where, f"region {word.strip()!r} is unknown{near}", "class_id"))
            return frozenset()
        regions |= REGION_WORDS[word.strip()]
    return frozenset(regions)


def _boxes(
    table: Path,
    lines: list[tuple[int, dict[str, str]]],
    meanings: Mapping[str, ClassMeaning],
    problems: list[Problem],
) -> tuple[BoxLabel, ...] | None:
    if not all(column in lines[0][1] for column in BOX_COLUMNS) or lines[0][1].get("box_labels") == "0":
        return None
    boxes: list[BoxLabel] = []
    for number, row in lines:
        cells = [row[column] for column in BOX_COLUMNS]
        if not any(cells):
            continue
        label = row.get("label") or "fracture"
        try:
            boxes.append(BoxLabel(_box(cells), label, meanings[label].kind))
        except ValueError as error:
            problems.append(annotation_problem(f"{table}:{number}", error))
    return tuple(boxes)


def _box(cells: list[str]) -> Box:
    what, expected = f"box {','.join(cells)}", "0 <= x1 < x2 and 0 <= y1 < y2"
    try:
        x1, y1, x2, y2 = (float(cell) for cell in cells)
    except ValueError:
        raise AnnotationError(f"{what}: expected four numbers, px") from None
    check_box(what, (x1, y1, x2, y2), expected)
    if x1 < 0 or y1 < 0:
        raise AnnotationError(f"{what}: got an edge below 0, expected {expected}", "box_outside")
    return x1, y1, x2, y2
