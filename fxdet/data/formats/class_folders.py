"""Folders named after classes: ``train|val|test/<class>/…`` or ``<class>/…``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fxdet.core.errors import DataError
from fxdet.data.folders import PART_NAMES, list_images, relative_name, sub_folders
from fxdet.data.formats.meanings import class_meanings
from fxdet.data.formats.reading import ReadOptions
from fxdet.data.samples import Problem, Sample, SampleSet


def _class_folders(root: Path) -> Iterator[tuple[str | None, Path]]:
    for folder in sub_folders(root):
        part = PART_NAMES.get(folder.name.lower())
        if part is None:
            yield None, folder
        else:
            yield from ((part, inner) for inner in sub_folders(folder))


def matches(path: Path) -> str | None:
    """Return what makes ``path`` a set of class folders, or None."""
    found = [folder.name for _, folder in _class_folders(path) if any(True for _ in _first_image(folder))]
    if not found or {"images", "labels"} & set(found):
        return None
    return f"class folders {', '.join(sorted(set(found))[:4])}"


def _first_image(folder: Path) -> list[Path]:
    return list_images(folder)[:1]


def read(path: Path, options: ReadOptions) -> SampleSet:
    """Read the pictures of all class folders; the folder's name says region and fractured where its words do.

    Args:
        path: The set's folder.
        options: Meanings of class names.

    Raises:
        DataError: There are no pictures in class folders.
    """
    folders = list(_class_folders(path))
    meanings = class_meanings({folder.name for _, folder in folders}, options.meanings)
    samples: list[Sample] = []
    problems: list[Problem] = [
        Problem(str(folder), "holds no class folders, expected at least one", "empty_split")
        for folder in sub_folders(path)
        if folder.name.lower() in PART_NAMES and not sub_folders(folder)
    ]
    for part, folder in folders:
        meaning = meanings[folder.name]
        images = list_images(folder)
        if not images:
            problems.append(Problem(str(folder), "holds no pictures, expected at least one", "empty_split"))
        samples.extend(
            Sample(
                path=image,
                name=relative_name(image, path),
                part=part,
                label=folder.name,
                fractured=meaning.fractured,
                regions=meaning.regions,
            )
            for image in images
        )
    if not samples:
        raise DataError(f"no pictures in {path} – expected folders named after classes, as train/fractured/…")
    return SampleSet(path.name, "class_folders", path, tuple(samples), tuple(problems))
