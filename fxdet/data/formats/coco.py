"""COCO JSON: one file, or one file per part."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fxdet.core.boxes import box_bounds
from fxdet.core.errors import DataError
from fxdet.data.folders import PART_NAMES, list_images, part_of, relative_name, sub_folders
from fxdet.data.formats.meanings import ClassMeaning, class_meanings
from fxdet.data.formats.reading import (
    AnnotationError,
    ReadOptions,
    annotation_problem,
    boxes_inside,
    check_box,
    fractured_by_boxes,
    read_json,
    regions_by_boxes,
    size_or_problem,
    size_problem,
)
from fxdet.data.samples import BoxLabel, Problem, Sample, SampleSet

Polygon = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class CocoImage:
    """One picture of a COCO file: stated name, height and width, px, boxes, and whether its boxes are known at all."""

    file_name: str
    size: tuple[int, int] | None
    boxes: tuple[BoxLabel, ...]
    labelled: bool = True


@dataclass(frozen=True, slots=True)
class CocoFile:
    """Content of a COCO file."""

    names: tuple[str, ...] = ()
    images: tuple[CocoImage, ...] = ()
    problems: tuple[Problem, ...] = field(default=())


def coco_names(data: Mapping[str, Any]) -> dict[Any, str]:
    """Return category id → name."""
    return {entry["id"]: str(entry.get("name", entry["id"])) for entry in _entries(data, "categories")}


def _entries(data: Any, key: str) -> list[dict[str, Any]]:
    """Return the objects of a list that have an id; whatever else stands there can't be referred to."""
    stated = data.get(key) if isinstance(data, dict) else None
    entries = stated if isinstance(stated, list) else []
    return [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), (int, str))]


def read_coco_file(path: Path, meanings: Mapping[str, ClassMeaning]) -> CocoFile:
    """Read one COCO file; wrong annotations become problems.

    Args:
        path: The file.
        meanings: Class name → meaning.

    Raises:
        DataError: The file is no COCO file.
    """
    data = read_json(path)
    if not isinstance(data, dict) or not isinstance(data.get("images"), list):
        raise DataError(f"{path}: expected a COCO file with `images`, `annotations` and `categories`")
    names = coco_names(data)
    problems: list[Problem] = []
    images = _distinct(path, _entries(data, "images"), problems)
    known = {image["id"] for image in images}
    annotations = data.get("annotations") or []
    if not isinstance(annotations, list):
        raise DataError(f"{path}: annotations: got {type(annotations).__name__}, expected a list")
    boxes: dict[Any, list[BoxLabel]] = defaultdict(list)
    for index, annotation in enumerate(annotations):
        try:
            if annotation["image_id"] not in known:
                raise AnnotationError(f"image_id {annotation['image_id']!r} is not in `images`", "label_without_image")
            boxes[annotation["image_id"]].append(_box(annotation, names, meanings))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            problems.append(annotation_problem(f"{path}: annotations[{index}]", error))
    stated = tuple(_image(image, boxes) for image in images if image.get("file_name"))
    if not stated:
        problems.append(Problem(str(path), "`images` names no picture, expected at least one", "empty_split"))
    return CocoFile(tuple(names.values()), stated, tuple(problems))


def _distinct(path: Path, images: list[dict[str, Any]], problems: list[Problem]) -> list[dict[str, Any]]:
    """Return the first image of each id: what is annotated under a shared id can't be told apart."""
    first: dict[Any, dict[str, Any]] = {}
    for image in images:
        kept = first.setdefault(image["id"], image)
        if kept is not image:
            what = f"id {image['id']!r} of {image.get('file_name')} is that of {kept.get('file_name')}, which is kept"
            problems.append(Problem(f"{path}: images", what, "duplicate_id"))
    return list(first.values())


def _image(image: Mapping[str, Any], boxes: Mapping[Any, list[BoxLabel]]) -> CocoImage:
    height, width = image.get("height"), image.get("width")
    size = (height, width) if isinstance(height, int) and isinstance(width, int) and height > 0 < width else None
    # fxdet writes "box_labels": false where the boxes of a picture are unknown; COCO itself has no word for it.
    labelled = image.get("box_labels") is not False
    return CocoImage(str(image["file_name"]), size, tuple(boxes.get(image.get("id"), ())), labelled)


def _box(annotation: Mapping[str, Any], names: Mapping[Any, str], meanings: Mapping[str, ClassMeaning]) -> BoxLabel:
    category = annotation["category_id"]
    if category not in names:
        raise AnnotationError(f"category_id {category!r} is unknown, expected one of {list(names)[:20]}", "class_id")
    polygon = _polygon(annotation.get("segmentation"))
    stated = annotation.get("bbox")
    if stated:
        x, y, width, height = (float(edge) for edge in stated)
        box = (x, y, x + width, y + height)
    elif polygon:
        box = box_bounds(np.array(polygon))
    else:
        raise ValueError("neither `bbox` nor `segmentation` is stated")
    check_box(f"bbox {stated!r}", box, "finite x, y and width, height above 0")
    name = names[category]
    return BoxLabel(box, name, meanings[name].kind if name in meanings else "other", polygon)


def _polygon(segmentation: Any) -> Polygon | None:
    """Return the outline; several outlines (or a run-length mask) have no single one."""
    if not isinstance(segmentation, list) or len(segmentation) != 1:
        return None
    outline: Sequence[float] = segmentation[0]
    if len(outline) < 6 or len(outline) % 2:
        return None
    points = tuple((float(x), float(y)) for x, y in zip(outline[::2], outline[1::2], strict=True))
    if not all(map(math.isfinite, (edge for point in points for edge in point))):
        raise AnnotationError("segmentation: got a coordinate that is not finite, expected numbers, px", "nan")
    return points


def matches(path: Path) -> str | None:
    """Return what makes ``path`` a COCO set, or None."""
    found = _files(path)
    return found[0].name if found else None


def _files(path: Path) -> list[Path]:
    """Return the COCO files of a set: the file, those of ``annotations/`` or of the part folders."""
    if path.is_file():
        return [path] if path.suffix.lower() == ".json" else []
    folders = [path, path / "annotations", *sub_folders(path)]
    files = sorted({file for folder in folders if folder.is_dir() for file in folder.glob("*.json")})
    return [file for file in files if _looks_like_coco(file)]


def _looks_like_coco(file: Path) -> bool:
    # A COCO file may be large: its keys are looked for in the text, the file is parsed once by the reader.
    with open(file, encoding="utf-8", errors="replace") as handle:
        text = handle.read()
    return '"images"' in text and '"categories"' in text


def read(path: Path, options: ReadOptions) -> SampleSet:
    """Read one COCO file, or a folder with one file per part.

    Args:
        path: File, or folder with ``annotations/*.json`` or ``train/_annotations.coco.json``.
        options: Meanings of class names.

    Raises:
        DataError: There is no COCO file, or it can't be read.
    """
    files = _files(path)
    if not files:
        raise DataError(f"{path}: no COCO file – expected JSON with `images`, `annotations` and `categories`")
    root = path if path.is_dir() else path.parent
    names = dict.fromkeys(name for file in files for name in _stated_names(file))
    meanings = class_meanings(sorted(names), options.meanings)
    problems: list[Problem] = []
    samples: dict[str, Sample] = {}
    by_name: dict[str, list[Path]] = {}
    for image in list_images(root):
        by_name.setdefault(image.name, []).append(image)
    for file, content in _contents(files, meanings, problems):
        found = {stated: place for stated in content.images if (place := _find(file, stated.file_name, by_name))}
        if content.images and not found:
            what = f"none of its {len(content.images)} pictures exists, the first is {content.images[0].file_name}"
            problems.append(Problem(str(file), what, "missing_folder"))
        for stated in content.images:
            if stated in found:
                sample = _sample(root, file, found[stated], stated, meanings, problems)
                if samples.setdefault(sample.name, sample) is not sample:
                    what = f"{stated.file_name} was read before; the first entry is kept"
                    problems.append(Problem(str(file), what, "duplicate_id"))
            elif found:
                problems.append(Problem(str(file), f"{stated.file_name} does not exist", "label_without_image"))
    problems.extend(_unlisted(root, by_name, samples.values()))
    if not samples:
        raise DataError(f"{path}: none of the listed pictures exists below {root} – pass the folder that holds them")
    return SampleSet(root.name, "coco", path, tuple(samples.values()), tuple(problems), tuple(names))


def _unlisted(root: Path, by_name: Mapping[str, list[Path]], samples: Iterable[Sample]) -> Iterator[Problem]:
    """Yield the pictures that lie beside listed ones and are in no COCO file."""
    listed = {sample.path for sample in samples}
    folders = {place.parent for place in listed}
    for image in sorted(place for places in by_name.values() for place in places):
        if image.parent in folders and image not in listed:
            what = "is in no COCO file under an id of its own; it is left out"
            yield Problem(str(image), what, "image_without_label")


def _contents(
    files: list[Path], meanings: Mapping[str, ClassMeaning], problems: list[Problem]
) -> Iterator[tuple[Path, CocoFile]]:
    """Yield each file with its content; where there are several, one that can't be read is a problem."""
    for file in files:
        try:
            content = read_coco_file(file, meanings)
        except DataError as error:
            if len(files) == 1:
                raise
            problems.append(Problem(str(file), str(error), "bad_line"))
            continue
        problems.extend(content.problems)
        yield file, content


def _stated_names(file: Path) -> list[str]:
    """Return the class names of a file; one that can't be read is told by :func:`_contents`."""
    try:
        data = read_json(file)
    except DataError:
        return []
    return list(coco_names(data).values()) if isinstance(data, dict) else []


def _find(file: Path, name: str, by_name: Mapping[str, list[Path]]) -> Path | None:
    """Return the picture: beside the file, in an image folder near it, or the only one of this name."""
    part = _part(file)
    near = [file.parent / name, file.parent.parent / name, file.parent.parent / "images" / name]
    near += [file.parent.parent / str(part) / name, file.parent.parent / "images" / str(part) / name]
    found = next((place for place in near if place.is_file()), None)
    anywhere = by_name.get(Path(name).name, [])
    return found or (anywhere[0] if len(anywhere) == 1 else None)


def _part(file: Path) -> str | None:
    """Return the part that the file's name or folder states, as ``instances_train2017.json``."""
    words = re.findall("[a-z]+", file.stem.lower())
    return next((PART_NAMES[word] for word in [*words, file.parent.name.lower()] if word in PART_NAMES), None)


def _sample(
    root: Path,
    file: Path,
    image: Path,
    stated: CocoImage,
    meanings: Mapping[str, ClassMeaning],
    problems: list[Problem],
) -> Sample:
    size = size_or_problem(image, problems)
    boxes: tuple[BoxLabel, ...] | None = None
    if size is not None and stated.size is not None and stated.size != size:
        problems.append(size_problem(image, stated.size, size, "its boxes are left out"))
    elif size is not None and stated.labelled:
        boxes = boxes_inside(str(image), stated.boxes, size, problems)
    return Sample(
        path=image,
        name=relative_name(image, root),
        part=_part(file) or part_of(image, root),
        label="+".join(sorted({box.label for box in boxes or ()})) or None,
        fractured=fractured_by_boxes(boxes, meanings),
        regions=regions_by_boxes(boxes, meanings),
        boxes=boxes,
        image_size=size or stated.size,
    )
