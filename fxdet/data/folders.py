"""Listing of image files below a folder, and their sizes from the file headers."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from fxdet.core.errors import FxdetError, ReadError
from fxdet.imaging.reading import RADIOGRAPH_SUFFIXES, open_radiograph

PART_NAMES = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
"""Folder name → part."""

HEADER_ERRORS = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
"""What PIL raises at a header that it can't read."""


def is_image(path: Path) -> bool:
    """Return whether the name ends like a picture and is no hidden file (``._name`` of some archives)."""
    return path.suffix.lower() in RADIOGRAPH_SUFFIXES and not path.name.startswith(".")


def walk_files(root: Path) -> Iterator[Path]:
    """Yield the files below ``root`` in a stable order.

    Links to folders are followed; a folder that was already entered (a link loop) is entered once only.

    Raises:
        OSError: A folder can't be listed.
    """
    seen: set[tuple[int, int]] = set()
    for folder, folders, files in os.walk(root, onerror=_raise, followlinks=True):
        status = Path(folder).stat()
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders.sort()
        yield from (Path(folder) / name for name in sorted(files))


def _raise(error: OSError) -> None:
    raise error


def list_images(root: Path) -> list[Path]:
    """Return the picture files below ``root``, sorted by path."""
    return sorted(path for path in walk_files(root) if is_image(path))


def sub_folders(root: Path) -> list[Path]:
    """Return the folders directly below ``root``, sorted, without hidden ones."""
    if not root.is_dir():
        return []
    return sorted(entry for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def relative_name(path: Path, root: Path) -> str:
    """Return ``path`` below ``root`` with ``/``; an outside path stays as it is."""
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        return path.as_posix()


def image_size(path: Path) -> tuple[int, int]:
    """Return height and width, px, of the picture as stored (no EXIF rotation); only the header is read.

    Raises:
        ReadError: The file is missing or no picture.
    """
    try:
        return _size_in_header(path)
    except HEADER_ERRORS as error:
        return _decoded_size(path, error)


def header_size(path: Path) -> tuple[int, int] | None:
    """Return the same where it takes no decoding; None for a DICOM file, no picture, and no file."""
    try:
        return _size_in_header(path)
    except HEADER_ERRORS:
        return None


def _size_in_header(path: Path) -> tuple[int, int]:
    with warnings.catch_warnings():
        # PIL warns of many pixels; only the header is read here.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(path) as image:
            return image.height, image.width


def _decoded_size(path: Path, error: Exception) -> tuple[int, int]:
    # What PIL does not know may still be a DICOM file, which the reader decodes.
    if not path.is_file():
        raise ReadError(f"can't read {path}: no such file – check the data set's folder") from error
    try:
        return open_radiograph(path).size
    except FxdetError as reason:
        raise ReadError(str(reason)) from error


def part_of(path: Path, root: Path) -> str | None:
    """Return the part that a folder between ``root`` and the file names, or None."""
    folders = Path(relative_name(path, root)).parts[:-1]
    return next((PART_NAMES[name.lower()] for name in folders if name.lower() in PART_NAMES), None)
