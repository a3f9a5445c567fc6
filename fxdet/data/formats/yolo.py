"""Ultralytics and Roboflow YOLO exports: ``data.yaml``, ``images`` beside ``labels``, boxes or polygons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fxdet.core.errors import DataError
from fxdet.data.folders import PART_NAMES, is_image, list_images, relative_name, sub_folders
from fxdet.data.formats.meanings import ClassMeaning, class_meanings
from fxdet.data.formats.reading import (
    ReadOptions,
    fractured_by_boxes,
    lines_of,
    read_text,
    regions_by_boxes,
    size_or_problem,
)
from fxdet.data.formats.yolo_labels import parse_labels
from fxdet.data.samples import BoxLabel, Problem, Sample, SampleSet

PART_KEYS = ("train", "val", "valid", "test", "unassigned")
"""Keys of the YAML file that name folders of pictures; those of the last one, which fxdet writes, are in no part."""

NAME_LISTS = ("classes.txt", "labels.txt")
"""Files that list the class names where there is no YAML file."""


@dataclass(frozen=True, slots=True)
class _Export:
    """What ``data.yaml`` and the folders say: where the pictures lie, and the class names."""

    root: Path
    names: tuple[str, ...]
    entries: tuple[tuple[str | None, Path], ...]


def find_yaml(path: Path) -> Path | None:
    """Return the YAML file of an export: the file itself, ``data.yaml``, or the only YAML file with ``names``."""
    if path.is_file():
        return path if path.suffix.lower() in (".yaml", ".yml") else None
    for name in ("data.yaml", "data.yml", "dataset.yaml"):
        if (path / name).is_file():
            return path / name
    return next((file for file in sorted(path.glob("*.y*ml")) if _holds_names(file)), None)


def _holds_names(file: Path) -> bool:
    # Any YAML file may lie beside pictures: one in another encoding is no export's, and no error.
    return "names:" in file.read_text(encoding="utf-8", errors="replace")


def matches(path: Path) -> str | None:
    """Return what makes ``path`` a YOLO export, or None."""
    if (file := find_yaml(path)) is not None:
        return file.name
    if path.is_dir() and any(labels.is_dir() for labels, _ in _pairs(path)):
        return "images/ beside labels/"
    return None


def read(path: Path, options: ReadOptions) -> SampleSet:
    """Read an export.

    An image without a label file is unlabelled (``boxes`` None); an empty label file says "no boxes" (``()``).

    Args:
        path: The export's folder or its YAML file.
        options: Meanings of class names.

    Raises:
        DataError: The YAML file is no export's, or no pictures are found.
    """
    problems: list[Problem] = []
    export = _read_export(path, problems)
    meanings = class_meanings(export.names, options.meanings)
    parts = _parts(export, problems)
    _check_names(list(parts), problems)
    samples = [_sample(image, part, export, meanings, problems) for image, part in parts.items()]
    if not samples:
        raise DataError(f"no pictures in {path} – expected folders such as train/images beside train/labels")
    return SampleSet(export.root.name, "yolo", export.root, tuple(samples), tuple(problems), export.names)


def _parts(export: _Export, problems: list[Problem]) -> dict[Path, str | None]:
    """Return picture → part; a picture that is listed twice stays where it came first."""
    parts: dict[Path, str | None] = {}
    for part, entry in export.entries:
        images = _images(entry, export.root, problems)
        if not images:
            what = f"part {part or '-'} holds no pictures, expected at least one"
            problems.append(Problem(str(entry), what, "empty_split"))
        for image in images:
            if image in parts:
                what = f"{image.name} is listed before, in part {parts[image] or '-'}, where it is kept"
                problems.append(Problem(str(entry), what, "duplicate_id"))
            parts.setdefault(image, part)
    return parts


def _check_names(images: list[Path], problems: list[Problem]) -> None:
    """Note pictures that share a label file, and label files without picture beside those that have one."""
    by_label: dict[Path, Path] = {}
    for image in images:
        other = by_label.setdefault(label_path(image), image)
        if other != image:
            problems.append(Problem(str(image), f"shares its label file with {other.name}", "duplicate_id"))
    for folder in sorted({label.parent for label in by_label}):
        for file in sorted(folder.glob("*.txt")) if folder.is_dir() else ():
            if file not in by_label and file.name not in NAME_LISTS:
                problems.append(Problem(str(file), "has no picture", "label_without_image"))


def _read_export(path: Path, problems: list[Problem]) -> _Export:
    file = find_yaml(path)
    if file is None:
        entries = tuple((part, images) for (_, images), part in _folder_parts(path))
        names = _names_without_yaml(path, entries)
        return _Export(path, names, entries)
    try:
        data = yaml.safe_load(read_text(file))
    except yaml.YAMLError as error:
        raise DataError(f"can't read {file}: {' '.join(str(error).split())} – expected YAML") from error
    if not isinstance(data, dict) or "names" not in data:
        raise DataError(f"{file}: expected a mapping with `names` and `train` – pass the export's data.yaml")
    return _Export(file.parent, _names(file, data["names"]), tuple(_entries(file, data, problems)))


def _names(file: Path, names: Any) -> tuple[str, ...]:
    if isinstance(names, dict):
        try:
            by_index = {int(key): str(value) for key, value in names.items()}
        except (TypeError, ValueError) as error:
            raise DataError(f"{file}: names: got keys {list(names)[:5]}, expected class ids 0, 1, …") from error
        return tuple(by_index.get(index, str(index)) for index in range(max(by_index, default=-1) + 1))
    if isinstance(names, list) and names:
        return tuple(str(name) for name in names)
    raise DataError(f"{file}: names: got {names!r}, expected a list or a mapping of class ids")


def _entries(file: Path, data: Mapping[str, Any], problems: list[Problem]) -> Iterator[tuple[str | None, Path]]:
    met: set[Path] = set()
    for key in PART_KEYS:
        stated = data.get(key) or []
        for entry in stated if isinstance(stated, list) else [stated]:
            found = _resolve(file.parent, str(data.get("path") or ""), str(entry), key)
            if found is None:
                what = f"{entry} does not exist – its pictures are missing"
                problems.append(Problem(f"{file}: {key}", what, "missing_folder"))
            elif found.resolve() not in met:
                met.add(found.resolve())
                yield PART_NAMES.get(key), found


def _resolve(root: Path, base: str, entry: str, key: str) -> Path | None:
    """Return where an entry lies; exports are moved about, so the folder beside the YAML file counts too."""
    plain = entry.replace("\\", "/")
    stripped = plain
    while stripped.startswith(("../", "./", "/")):
        stripped = stripped.split("/", 1)[1]
    places = [root / base / plain, root / plain, root / base / stripped, root / stripped, root / key / "images"]
    return next((place for place in places if place.exists()), None)


def _pairs(root: Path) -> Iterator[tuple[Path, Path]]:
    """Yield (labels, images) folders as they may lie: part/images, images/part, images."""
    for folder in [root, *sub_folders(root)]:
        if (folder / "images").is_dir():
            yield folder / "labels", folder / "images"


def _folder_parts(root: Path) -> Iterator[tuple[tuple[Path, Path], str | None]]:
    for labels, images in _pairs(root):
        parts = [folder for folder in sub_folders(images) if folder.name.lower() in PART_NAMES]
        for folder in parts:
            yield (labels / folder.name, folder), PART_NAMES[folder.name.lower()]
        if not parts:
            yield (labels, images), PART_NAMES.get(images.parent.name.lower())


def _names_without_yaml(root: Path, entries: Sequence[tuple[str | None, Path]]) -> tuple[str, ...]:
    """Return the names of ``classes.txt`` or ``labels.txt``, else the numbers that the label files use."""
    for name in (*NAME_LISTS, "labels/classes.txt"):
        if (root / name).is_file():
            return tuple(line.strip() for line in read_text(root / name).splitlines() if line.strip())
    highest = 0
    for _, folder in entries:
        for image in list_images(folder):
            label = label_path(image)
            lines = lines_of(label) if label.is_file() else []
            first = [line.split()[0] for line in lines if line.split()]
            highest = max([highest, *(int(cell) for cell in first if cell.isdecimal() and len(cell) < 4)])
    return tuple(str(index) for index in range(highest + 1))


def _images(entry: Path, root: Path, problems: list[Problem]) -> list[Path]:
    if entry.is_dir():
        return list_images(entry)
    images: list[Path] = []
    for number, line in enumerate(lines_of(entry), start=1):
        if not line.strip():
            continue
        places = [entry.parent / line.strip(), root / line.strip()]
        found = next((place for place in places if place.is_file() and is_image(place)), None)
        if found is None:
            what = f"{line.strip()} does not exist or is no picture"
            problems.append(Problem(f"{entry}:{number}", what, "label_without_image"))
        else:
            images.append(found)
    return images


def label_path(image: Path) -> Path:
    """Return where the label file of a picture lies: the last ``images`` folder becomes ``labels``.

    Example:
        >>> label_path(Path("set/train/images/a.jpg")).as_posix()
        'set/train/labels/a.txt'
    """
    folders = list(image.parent.parts)
    for index in range(len(folders) - 1, -1, -1):
        if folders[index] == "images":
            folders[index] = "labels"
            break
    return Path(*folders, image.stem + ".txt")


def _sample(
    image: Path, part: str | None, export: _Export, meanings: Mapping[str, ClassMeaning], problems: list[Problem]
) -> Sample:
    size = size_or_problem(image, problems)
    boxes = _boxes(image, size, export.names, meanings, problems)
    labels = sorted({box.label for box in boxes or ()}, key=export.names.index)
    return Sample(
        path=image,
        name=relative_name(image, export.root),
        part=part,
        label="+".join(labels) or None,
        fractured=fractured_by_boxes(boxes, meanings),
        regions=regions_by_boxes(boxes, meanings),
        boxes=boxes,
        image_size=size,
    )


def _boxes(
    image: Path,
    size: tuple[int, int] | None,
    names: Sequence[str],
    meanings: Mapping[str, ClassMeaning],
    problems: list[Problem],
) -> tuple[BoxLabel, ...] | None:
    label = label_path(image)
    if size is None or not label.is_file():
        return None
    try:
        text = read_text(label, "replace")
    except DataError as error:
        problems.append(Problem(str(label), str(error), "bad_line"))
        return None
    boxes, bad = parse_labels(label, text, size, names, meanings)
    problems.extend(bad)
    # Where every line is bad nothing is known: "no boxes" would be a lie.
    return None if bad and not boxes else boxes
