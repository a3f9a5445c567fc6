"""FracAtlas in its release layout: ``dataset.csv``, ``images/``, ``Annotations/``, the official split.

The COCO file is the reference for boxes: it alone holds the outlines and sub-pixel boxes, while the VOC files round
to whole pixels and the YOLO files to four decimals of the image side.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace
from pathlib import Path

from fxdet.core.errors import DataError
from fxdet.core.findings import Box
from fxdet.core.labels import HAND_REGIONS
from fxdet.data.folders import list_images, relative_name
from fxdet.data.formats.coco import CocoImage, read_coco_file
from fxdet.data.formats.meanings import ClassMeaning
from fxdet.data.formats.reading import ReadOptions, boxes_inside, read_rows, size_or_problem, size_problem
from fxdet.data.samples import BoxLabel, Problem, Sample, SampleSet

REGION_FLAGS: Mapping[str, frozenset[str]] = {
    "hand": HAND_REGIONS,
    "leg": frozenset({"leg"}),
    "hip": frozenset({"hip"}),
    "shoulder": frozenset({"shoulder"}),
}
"""Flag of ``dataset.csv`` → regions; several flags (``mixed``) mean any of their union."""

ARM = frozenset({"hand", "shoulder"})
"""Flags that together span the arm: the pictures show the humerus above all, for which there is no flag."""

CLASS = "fractured"
MEANINGS = {CLASS: ClassMeaning("fracture", frozenset(), True)}
COCO_FILE = Path("Annotations/COCO JSON/COCO_fracture_masks.json")
SPLIT_FOLDER = Path("Utilities/Fracture Split")
VIEWS = ("frontal", "lateral", "oblique")

TURNED = frozenset({"IMG0002628.jpg"})
"""Pictures that were annotated after a quarter turn counter-clockwise (seen by drawing the box both ways)."""


def matches(path: Path) -> str | None:
    """Return what makes ``path`` the FracAtlas release, or None."""
    if (path / "dataset.csv").is_file() and any((path / "images" / f).is_dir() for f in ("Fractured", "Non_fractured")):
        return "dataset.csv beside images/Fractured"
    return None


def read(path: Path, options: ReadOptions) -> SampleSet:
    """Read the release.

    Where ``dataset.csv`` and the folder disagree, the folder and the reference boxes win: the official split, too,
    counts the one such picture (IMG0003298) as fractured.

    Args:
        path: Folder that holds ``dataset.csv``.
        options: Unused; the set has one class.

    Raises:
        DataError: ``dataset.csv`` can't be read or has no ``image_id`` column.
    """
    problems: list[Problem] = []
    table = path / "dataset.csv"
    rows = read_rows(table, problems)
    if not rows or "image_id" not in rows[0][1]:
        raise DataError(f"{table}: column image_id is missing – expected the release's dataset.csv")
    files = {file.name: file for file in list_images(path / "images")}
    read_names: set[str] = set()
    reference = _reference(path, problems)
    parts = _official_parts(path, problems)
    samples: list[Sample] = []
    for number, row in rows:
        name = row["image_id"]
        if name in read_names:
            problems.append(Problem(f"{table}:{number}", f"{name} is listed before, which is kept", "duplicate_id"))
            continue
        if (file := files.pop(name, None)) is None:
            what = f"{name} is listed and not below images/"
            problems.append(Problem(f"{table}:{number}", what, "label_without_image"))
            continue
        read_names.add(name)
        sample = _sample(path, file, row, problems)
        samples.append(_with_boxes(replace(sample, part=parts.get(name)), reference, problems))
    if len(samples) < len(rows):
        problems.extend(_missing_folders(path))
    unlisted = "is not listed in dataset.csv; it is left out"
    problems.extend(Problem(str(file), unlisted, "image_without_label") for file in files.values())
    return SampleSet("fracatlas", "fracatlas", path, tuple(samples), tuple(problems), (CLASS,))


def _missing_folders(root: Path) -> list[Problem]:
    folders = [root / "images" / name for name in ("Fractured", "Non_fractured")]
    what = "is missing, expected the release's pictures"
    return [Problem(str(folder), what, "missing_folder") for folder in folders if not folder.is_dir()]


def regions_of(flags: Set[str]) -> frozenset[str]:
    """Return the regions that a picture with these flags may show.

    Example:
        >>> sorted(regions_of({"hip", "leg"})), "humerus" in regions_of({"hand", "shoulder"})
        (['hip', 'leg'], True)
    """
    humerus = frozenset({"humerus"}) if flags >= ARM else frozenset()
    return humerus.union(*(REGION_FLAGS[flag] for flag in flags))


def _reference(path: Path, problems: list[Problem]) -> dict[str, CocoImage] | None:
    if not (path / COCO_FILE).is_file():
        what = "is missing: no boxes, the COCO file is their reference"
        problems.append(Problem(str(path / COCO_FILE), what, "missing_folder"))
        return None
    try:
        coco = read_coco_file(path / COCO_FILE, MEANINGS)
    except DataError as error:
        problems.append(Problem(str(path / COCO_FILE), f"{error}; boxes are unknown", "bad_line"))
        return None
    problems.extend(coco.problems)
    return {image.file_name: image for image in coco.images}


def _official_parts(path: Path, problems: list[Problem]) -> dict[str, str]:
    """Return file name → part; the official split covers the fractured pictures only."""
    parts: dict[str, str] = {}
    for stem, part in (("train", "train"), ("valid", "val"), ("test", "test")):
        file = path / SPLIT_FOLDER / f"{stem}.csv"
        if not file.is_file():
            what = f"is missing: the official {part} part is unknown"
            problems.append(Problem(str(file), what, "missing_folder"))
            continue
        rows = read_rows(file, problems)
        if not rows:
            problems.append(Problem(str(file), f"part {part} lists no picture, expected at least one", "empty_split"))
        for number, row in rows:
            name = row.get("image_id", "")
            if parts.setdefault(name, part) != part:
                what = f"{name} is in part {parts[name]} as well; {parts[name]} is kept"
                problems.append(Problem(f"{file}:{number}", what, "duplicate_id"))
    return parts


def _sample(root: Path, file: Path, row: Mapping[str, str], problems: list[Problem]) -> Sample:
    in_fractured = file.parent.name == "Fractured"
    if row.get("fractured") not in ("0", "1"):
        got = row.get("fractured", "")
        what = f"fractured: got {got!r}, expected 0 or 1"
        problems.append(Problem(f"{root / 'dataset.csv'}: {file.name}", what, "bad_line"))
    elif (row["fractured"] == "1") != in_fractured:
        problems.append(
            Problem(
                f"{root / 'dataset.csv'}: {file.name}",
                f"fractured is {row['fractured']}, the file lies in {file.parent.name}/; the folder is taken",
                "label_contradiction",
            )
        )
    attributes = {key: row[key] for key in ("hardware", "multiscan", "mixed") if row.get(key)}
    views = "+".join(view for view in VIEWS if row.get(view) == "1")
    return Sample(
        path=file,
        name=relative_name(file, root),
        label=file.parent.name,
        fractured=in_fractured,
        regions=regions_of({flag for flag in REGION_FLAGS if row.get(flag) == "1"}),
        attributes={**attributes, **({"view": views} if views else {})},
    )


def _with_boxes(sample: Sample, reference: Mapping[str, CocoImage] | None, problems: list[Problem]) -> Sample:
    if reference is None:
        return sample
    stated = reference.get(sample.path.name)
    if stated is None:
        if sample.fractured:
            what = "lies in Fractured/ and has no box in the COCO file"
            problems.append(Problem(str(sample.path), what, "image_without_label"))
        return replace(sample, boxes=None if sample.fractured else ())
    size = size_or_problem(sample.path, problems)
    if size is None or stated.size is None or stated.size == size:
        boxes = stated.boxes if size is None else boxes_inside(str(sample.path), stated.boxes, size, problems)
        return replace(sample, boxes=boxes, image_size=size or stated.size)
    turned = _turned_boxes(sample.path.name, stated, size)
    outcome = "the boxes are turned back" if turned else "its boxes are left out"
    problems.append(size_problem(sample.path, stated.size, size, outcome))
    return replace(sample, boxes=turned, image_size=size)


def _turned_boxes(name: str, stated: CocoImage, size: tuple[int, int]) -> tuple[BoxLabel, ...] | None:
    if name not in TURNED or stated.size != size[::-1]:
        return None
    width = size[1]
    return tuple(
        replace(
            box,
            xyxy=turn_back(box.xyxy, width),
            polygon=tuple((width - y, x) for x, y in box.polygon) if box.polygon else None,
        )
        for box in stated.boxes
    )


def turn_back(xyxy: Box, width: int) -> Box:
    """Return a box of a picture turned counter-clockwise in the coordinates of the picture as stored.

    Args:
        xyxy: Box in the turned picture, px.
        width: Width of the picture as stored, px.

    Example:
        >>> turn_back((10, 20, 30, 25), width=100)
        (75, 10, 80, 30)
    """
    x1, y1, x2, y2 = xyxy
    return (width - y2, x1, width - y1, x2)
