"""Annotation formats of one set side by side: COCO, Pascal VOC and YOLO files that describe the same pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from fxdet.core.errors import DataError
from fxdet.data.audit.results import Fault
from fxdet.data.folders import walk_files
from fxdet.data.formats.coco import read_coco_file
from fxdet.data.formats.reading import read_text
from fxdet.data.formats.voc import read_voc_file
from fxdet.data.formats.yolo_labels import parse_labels
from fxdet.data.samples import BoxLabel, Sample, SampleSet

TOLERANCE = 1.5
"""Largest distance of edges, px, that still counts as rounding: VOC files hold whole pixels, from 0 or from 1, and YOLO
files often four decimals of a side."""

FORMATS = ("COCO", "VOC", "YOLO")
"""In the order in which one of them is the reference: COCO alone keeps fractions of a pixel."""

_YOLO_FOLDERS = frozenset({"yolo", "labels", "labels_yolo", "yolo_labels"})
_CLASS_IDS = tuple(str(index) for index in range(1000))
"""Names of YOLO classes: only their boxes are compared, as their names stand elsewhere or nowhere."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """What one format says of one picture.

    Attributes:
        where: The file.
        size: Height and width as stated, px, or None where the format states none.
        boxes: Its boxes, px of a picture of that size.
    """

    where: Path
    size: tuple[int, int] | None
    boxes: tuple[BoxLabel, ...]

    @property
    def xyxy(self) -> NDArray[np.float64]:
        """The boxes as an array, float64, shape (N, 4), px."""
        return np.array([box.xyxy for box in self.boxes], dtype=np.float64).reshape(-1, 4)


ByStem = dict[str, Annotation]


def find_disagreements(samples: SampleSet) -> tuple[Fault, ...]:
    """Return where two annotation formats of a set say different things of one picture.

    The formats are looked for below the set's root and go by the stem of the picture's name; stems that several
    pictures share are left out. Numbers of boxes, their edges (up to :data:`TOLERANCE`) and stated sizes are compared,
    and class names where both formats have them.
    """
    formats = read_formats(samples)
    if len(formats) < 2:
        return ()
    found: list[Fault] = []
    for sample in _with_own_stem(samples):
        stem = sample.path.stem
        stated = {name: by_stem[stem] for name, by_stem in formats.items() if stem in by_stem}
        if not any(annotation.boxes for annotation in stated.values()):
            continue
        what = [f"no file in {name}, {_boxes(stated)}" for name in formats if name not in stated]
        what += [text for text in _differences(stated)]
        found += [Fault(samples.name, "formats_disagree", str(sample.path), text) for text in what]
    return tuple(found)


def _boxes(stated: Mapping[str, Annotation]) -> str:
    return ", ".join(f"{len(annotation.boxes)} boxes in {name}" for name, annotation in stated.items())


def _with_own_stem(samples: SampleSet) -> list[Sample]:
    by_stem: dict[str, list[Sample]] = {}
    for sample in samples:
        by_stem.setdefault(sample.path.stem, []).append(sample)
    return [found[0] for found in by_stem.values() if len(found) == 1]


def read_formats(samples: SampleSet) -> dict[str, ByStem]:
    """Return format → stem of a picture's name → annotation, for the formats that lie below the set's root.

    What can't be read is left out: the reader of the set has told of its own format, and the comparison tells of
    pictures that a format lacks.
    """
    if not samples.root.is_dir():
        return {}
    files: dict[str, list[Path]] = {name: [] for name in FORMATS}
    for file in walk_files(samples.root):
        name = _format_of(file)
        if name is not None:
            files[name].append(file)
    if sum(bool(found) for found in files.values()) < 2:
        return {}
    coco, voc = _read_coco(files["COCO"]), _read_voc(files["VOC"])
    sizes = {sample.path.stem: sample.image_size for sample in samples if sample.image_size is not None}
    sizes |= {stem: found.size for known in (voc, coco) for stem, found in known.items() if found.size is not None}
    found = {"COCO": coco, "VOC": voc, "YOLO": _read_yolo(files["YOLO"], sizes)}
    return {name: by_stem for name, by_stem in found.items() if by_stem}


def _format_of(file: Path) -> str | None:
    suffix = file.suffix.lower()
    if suffix == ".json":
        return "COCO"
    if suffix == ".xml":
        return "VOC"
    in_labels = any(parent.name.lower() in _YOLO_FOLDERS for parent in file.parents[:3])
    return "YOLO" if suffix == ".txt" and in_labels else None


def _read_coco(files: Sequence[Path]) -> ByStem:
    found: ByStem = {}
    for file in files:
        try:
            content = read_coco_file(file, {})
        except DataError:  # some other JSON file
            continue
        for image in content.images:
            found.setdefault(Path(image.file_name).stem, Annotation(file, image.size, image.boxes))
    return found


def _read_voc(files: Sequence[Path]) -> ByStem:
    found: ByStem = {}
    for file in files:
        try:
            content = read_voc_file(file, {})
        except DataError:
            continue
        found.setdefault(file.stem, Annotation(file, content.size, content.boxes))
    return found


def _read_yolo(files: Sequence[Path], sizes: Mapping[str, tuple[int, int]]) -> ByStem:
    found: ByStem = {}
    for file in files:
        if file.stem not in sizes:
            continue
        try:
            text = read_text(file)
        except DataError:
            continue
        boxes, _ = parse_labels(file, text, sizes[file.stem], _CLASS_IDS, {})
        found.setdefault(file.stem, Annotation(file, None, boxes))
    return found


def _differences(stated: Mapping[str, Annotation]) -> Iterator[str]:
    """Yield how the other formats differ from the first."""
    (reference, first), *others = stated.items()
    for name, other in others:
        if first.size is not None and other.size is not None and first.size != other.size:
            sizes = [f"{size[1]} × {size[0]} px" for size in (first.size, other.size)]
            yield f"{reference} states {sizes[0]}, {name} {sizes[1]}"
        if len(first.boxes) != len(other.boxes):
            yield f"{len(first.boxes)} boxes in {reference}, {len(other.boxes)} in {name}"
            continue
        yield from _moved(reference, first, name, other)


def _moved(reference: str, first: Annotation, name: str, other: Annotation) -> Iterator[str]:
    distance = np.abs(first.xyxy[:, None] - other.xyxy[None]).max(axis=2)
    for row, column in zip(*linear_sum_assignment(distance), strict=True):
        box, twin = first.boxes[row], other.boxes[column]
        if distance[row, column] > TOLERANCE:
            edges = " / ".join(", ".join(f"{edge:.1f}" for edge in each.xyxy) for each in (box, twin))
            far = f"{distance[row, column]:.1f} px apart, expected at most {TOLERANCE}"
            yield f"box of {reference} / {name} {edges}: {far}"
        elif name != "YOLO" and box.label != twin.label:
            yield f"class {box.label} in {reference}, {twin.label} in {name}"
