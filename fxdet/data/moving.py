"""One picture of a converted set: from its old place to its new one, with its boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fxdet.core.errors import ReadError
from fxdet.data.compact import SUFFIXES, CompactOptions, compact_picture, compact_size, scaled_boxes
from fxdet.data.folders import image_size
from fxdet.data.places import picture_stems
from fxdet.data.samples import BoxLabel, Sample, SampleSet
from fxdet.data.staging import copy_picture, link_picture, write_picture_bytes
from fxdet.data.writers.placed import Placed
from fxdet.imaging.headers import FileKind, file_kind
from fxdet.imaging.pixels import TRUNCATED
from fxdet.imaging.reading import RADIOGRAPH_SUFFIXES

LEAST_SIDE = 1e-3
"""Boxes thinner than this, px, have no area: formats with decimals would round them away."""

_SUFFIXES = {
    FileKind.JPEG: ".jpg",
    FileKind.PNG: ".png",
    FileKind.TIFF: ".tif",
    FileKind.BMP: ".bmp",
    FileKind.WEBP: ".webp",
    FileKind.DICOM: ".dcm",
}


@dataclass(frozen=True, slots=True)
class Move:
    """A picture and where it goes: ``stem`` is a path below ``folder``, which lies in the new set."""

    sample: Sample
    folder: str
    stem: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A picture at its new place.

    Attributes:
        placed: The sample as it is written.
        bytes: Size of the new file; 0 for a link.
        boxes_lost: Boxes outside the picture or without area.
        truncated: Whether the source was cut short (known where pictures are made anew).
        resumed: Whether an interrupted run had written it.
    """

    placed: Placed
    bytes: int = 0
    boxes_lost: int = 0
    truncated: bool = False
    resumed: bool = False


def plan_moves(samples: SampleSet, flat: bool, folder: str) -> list[Move]:
    """Return for each sample where it goes.

    Args:
        samples: The set.
        flat: Whether the format has no sub-folders.
        folder: The format's folder of pictures.
    """
    stems = picture_stems(samples, flat)
    return [Move(sample, folder, stem) for sample, stem in zip(samples, stems, strict=True)]


def move_picture(move: Move, stage: Path, images: str, compact: CompactOptions | None) -> Moved:
    """Link, copy or draw anew one picture, and fit its boxes.

    Args:
        move: The picture.
        stage: Folder that the new set is built in.
        images: ``copy``, ``link`` or ``none``.
        compact: How it is made smaller, or None.

    Raises:
        ReadError: The picture can't be read.
        OutputError: The new one can't be written.
    """
    if compact is not None:
        return _compacted(move, stage, compact)
    path = move.sample.path
    size = image_size(path)
    if images == "none":
        return _moved(move, str(path.resolve()), size, size)
    target = f"{move.folder}/{move.stem}{_suffix(path)}"
    place = stage / target
    resumed = place.exists()
    if not resumed and images == "link":
        link_picture(path, place)
    elif not resumed:
        copy_picture(path, place)
    moved = _moved(move, target, size, size)
    return replace(moved, bytes=place.stat().st_size if images == "copy" else 0, resumed=resumed)


def _suffix(path: Path) -> str:
    """Return the file's ending, or the one of its content where a reader of folders would not take it for a picture."""
    if path.suffix.lower() in RADIOGRAPH_SUFFIXES:
        return path.suffix
    with open(path, "rb") as handle:
        return _SUFFIXES[file_kind(handle.read(4096))]


def _compacted(move: Move, stage: Path, compact: CompactOptions) -> Moved:
    for suffix in SUFFIXES:
        place = stage / f"{move.folder}/{move.stem}{suffix}"
        if place.exists():
            source_size, size = image_size(move.sample.path), image_size(place)
            if size == compact_size(source_size, compact.max_side):
                moved = _moved(move, f"{move.folder}/{move.stem}{suffix}", source_size, size)
                return replace(moved, bytes=place.stat().st_size, resumed=True)
    picture = compact_picture(move.sample.path, compact)
    target = f"{move.folder}/{move.stem}{picture.suffix}"
    write_picture_bytes(stage / target, picture.data)
    moved = _moved(move, target, picture.source_size, picture.size)
    return replace(moved, bytes=len(picture.data), truncated=TRUNCATED in picture.warnings)


def _moved(move: Move, picture: str, source_size: tuple[int, int], size: tuple[int, int]) -> Moved:
    stated = move.sample.image_size
    boxes = move.sample.boxes
    if boxes and stated is not None and stated != source_size:
        got = f"annotated as {stated[1]} × {stated[0]} px, the file is {source_size[1]} × {source_size[0]} px"
        raise ReadError(f"can't place the boxes of {move.sample.path}: {got} – correct the annotation")
    fitted = None if boxes is None else fitted_boxes(boxes, source_size)
    scaled = None if fitted is None else scaled_boxes(fitted, source_size, size)
    sample = replace(move.sample, boxes=scaled, image_size=size)
    return Moved(Placed(sample, picture, move.stem), boxes_lost=len(boxes or ()) - len(fitted or ()))


def fitted_boxes(boxes: Sequence[BoxLabel], size: tuple[int, int]) -> tuple[BoxLabel, ...]:
    """Return boxes cut at the border of the picture; those outside it or without area are left out.

    Args:
        boxes: Boxes, px, finite.
        size: Height and width of the picture, px.

    Example:
        >>> [box.xyxy for box in fitted_boxes([BoxLabel((-2, 3, 50, 9), "a"), BoxLabel((60, 1, 70, 2), "a")], (20, 40))]
        [(0.0, 3.0, 40.0, 9.0)]
    """
    height, width = size
    kept = []
    for box in boxes:
        x1, x2 = (min(max(float(edge), 0.0), float(width)) for edge in box.xyxy[::2])
        y1, y2 = (min(max(float(edge), 0.0), float(height)) for edge in box.xyxy[1::2])
        if x2 - x1 >= LEAST_SIDE and y2 - y1 >= LEAST_SIDE:
            kept.append(replace(box, xyxy=(x1, y1, x2, y2)))
    return tuple(kept)
