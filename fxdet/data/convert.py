"""Data sets from one format into another, with their pictures linked, copied or made smaller."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from fxdet._version import __version__
from fxdet.core.errors import ConfigError, DataError, FxdetError, OutputError
from fxdet.core.files import sha256_bytes, write_text
from fxdet.data.class_map import ClassMap, apply_class_map, class_kinds
from fxdet.data.compact import CompactOptions
from fxdet.data.formats.recognise import MEANINGS_FILE
from fxdet.data.moving import Move, Moved, move_picture, plan_moves
from fxdet.data.samples import Sample, SampleSet
from fxdet.data.staging import open_stage, publish
from fxdet.data.stated_meanings import meanings_text, stated_meanings
from fxdet.data.writers.placed import Placed, Writer, writer

Images = Literal["copy", "link", "none"]
FAILURES = "failures.csv"

Track = Callable[[Sequence[Move]], Iterable[Move]]
"""Wraps the pictures to come, for a progress bar."""


@dataclass(frozen=True, slots=True)
class ConvertOptions:
    """What becomes of a set.

    Attributes:
        target: Format, a key of :data:`fxdet.data.writers.TARGETS`.
        images: ``copy`` or ``link`` the pictures, or leave them where they are (``none``).
        compact: Make the pictures smaller, or None to leave them as they are.
        classes: Classes to rename or drop.
        outlines: Keep outlines where the format can.
        overwrite: Write into a folder that is not empty.
    """

    target: str
    images: Images = "copy"
    compact: CompactOptions | None = None
    classes: ClassMap = field(default_factory=dict)
    outlines: bool = True
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.compact is not None and self.images != "copy":
            what = f"images: got {self.images!r}, expected 'copy' where pictures are made smaller"
            raise ConfigError(f"can't convert: {what} – drop --images, or --max-side, --grey, --quality and --format")


@dataclass(frozen=True, slots=True)
class Conversion:
    """What was written.

    Attributes:
        folder: The new set.
        pictures, boxes: How many were written.
        picture_bytes: Size of the pictures that were written, bytes; 0 where they were linked or left.
        failures: Name and reason of each picture that could not be read; they are left out.
        notes: One line for each thing that the user should know.
        resumed: Pictures that an interrupted run had written.
    """

    folder: Path
    pictures: int
    boxes: int
    picture_bytes: int
    failures: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    resumed: int = 0


def convert(samples: SampleSet, destination: Path, options: ConvertOptions, track: Track | None = None) -> Conversion:
    """Write a set in another format; the folder appears in full or not at all.

    An interrupted conversion is taken up where it ended when it is called again with the same options. Pictures that
    can't be read are left out and listed in ``failures.csv``.

    Args:
        samples: The set, as :func:`fxdet.data.formats.open_samples` read it.
        destination: A new or empty folder.
        options: What becomes of the set.
        track: Wraps the list of pictures, for a progress bar.

    Raises:
        ConfigError: The format is unknown.
        DataError: The set is empty, a box is not finite, a class name can't be written, the format needs boxes and
            there are none, or no picture can be read.
        OutputError: The destination lies in the set, is not empty, or can't be written.
    """
    target = writer(options.target)
    mapped = apply_class_map(samples, options.classes)
    classes = _classes(mapped, options.classes)
    _check(mapped, classes, target, options.target)
    check_destination(samples, destination)
    moves = plan_moves(mapped, target.FLAT, target.PICTURES)
    stage, _ = open_stage(destination, _settings(samples, options, moves), options.overwrite)
    moved: list[Moved] = []
    failures: list[tuple[str, str]] = []
    for move in track(moves) if track else moves:
        try:
            moved.append(move_picture(move, stage, options.images, options.compact))
        except OutputError:
            raise
        except FxdetError as error:
            failures.append((str(move.sample.path), str(error)))
    if not moved:
        raise DataError(f"none of the {len(moves)} pictures of {samples.root} can be read: {failures[0][1]}")
    notes = _write(samples.name, stage, moved, target, classes, options)
    notes += [*_problem_notes(samples), *_picture_notes(moved, options)]
    if failures:
        _write_failures(stage / FAILURES, failures)
    result = Conversion(
        folder=destination,
        pictures=len(moved),
        boxes=sum(len(item.placed.sample.boxes or ()) for item in moved),
        picture_bytes=sum(item.bytes for item in moved),
        failures=tuple(failures),
        notes=tuple(notes),
        resumed=sum(item.resumed for item in moved),
    )
    publish(stage, destination, _record(samples, options, classes, result))
    return result


def check_destination(samples: SampleSet, destination: Path) -> None:
    """Make sure that no picture is read from where the new set is written.

    Raises:
        OutputError: One lies inside the other.
    """
    place, root = destination.resolve(), samples.root.resolve()
    source = root if root.is_dir() else root.parent
    if place == source or (root.is_dir() and place.is_relative_to(source)):
        raise OutputError(
            f"can't write to {destination}: it lies inside the set {samples.root} – choose another folder"
        )
    if place.exists():
        inside = next((item.path for item in samples if item.path.resolve().is_relative_to(place)), None)
        if inside is not None or source.is_relative_to(place):
            what = f"the set {samples.root} lies inside it" if inside is None else f"it holds {inside} of the set"
            raise OutputError(f"can't write to {destination}: {what} – choose another folder")


def _classes(samples: SampleSet, classes: ClassMap) -> tuple[str, ...]:
    """Return the class names: in the set's own order where it has one, then those that only boxes have."""
    stated = [classes.get(name, name) for name in samples.classes]
    names = dict.fromkeys(name for name in stated if name is not None)
    return tuple(dict.fromkeys([*names, *class_kinds(samples)]))


def _check(samples: SampleSet, classes: Sequence[str], target: Writer, name: str) -> None:
    if not len(samples):
        raise DataError(f"can't convert {samples.root}: it holds no pictures")
    unlabelled = all(sample.boxes is None for sample in samples)
    if target.NEEDS_BOXES and (unlabelled or not classes):
        what = "has no box labels" if unlabelled else "has no boxes, so that its classes are unknown"
        raise DataError(f"can't convert {samples.root} to {name}: the set {what} – write --to fxdet or --to csv")
    for label in classes:
        if not label.isprintable() or not label or label != label.strip():
            raise DataError(f"can't convert {samples.root}: class name {label!r} can't be written – rename it by --map")
    for sample in samples:
        _check_boxes(sample)


def _check_boxes(sample: Sample) -> None:
    for number, box in enumerate(sample.boxes or (), start=1):
        edges = [*box.xyxy, *(edge for point in box.polygon or () for edge in point)]
        if not all(map(math.isfinite, edges)):
            got = ", ".join(f"{edge:g}" for edge in box.xyxy)
            what = f"box {number} ({box.label}): got {got}, expected finite numbers, px"
            raise DataError(f"can't convert {sample.path}: {what} – correct the annotation")


def _write(
    name: str, stage: Path, moved: Sequence[Moved], target: Writer, classes: Sequence[str], options: ConvertOptions
) -> list[str]:
    """Write the label files, and the meanings of the classes where their names do not say them."""
    placed = [item.placed if options.outlines else _without_outlines(item.placed) for item in moved]
    notes = target.write(stage, name, placed, classes)
    meanings = stated_meanings([item.sample for item in placed], classes)
    if options.target != "fxdet" and meanings is not None:
        write_text(stage / MEANINGS_FILE, meanings_text(meanings))
        notes.append(f"{MEANINGS_FILE} says what the class names mean, as their words do not; fxdet reads it")
    return notes


def _without_outlines(item: Placed) -> Placed:
    boxes = item.sample.boxes
    plain = None if boxes is None else tuple(replace(box, polygon=None) for box in boxes)
    return replace(item, sample=replace(item.sample, boxes=plain))


def _problem_notes(samples: SampleSet) -> list[str]:
    """Say that the reader left something out: a label that could not be read is not in the new set either."""
    if not samples.problems:
        return []
    count, first = len(samples.problems), samples.problems[0]
    return [f"problems of the set ({count:,}), listed by fxdet data info; the first is {first.where}: {first.what}"]


def _picture_notes(moved: Sequence[Moved], options: ConvertOptions) -> list[str]:
    notes = []
    if lost := sum(item.boxes_lost for item in moved):
        notes.append(f"boxes outside their picture or without area ({lost:,}) are left out")
    if truncated := sum(item.truncated for item in moved):
        notes.append(f"truncated pictures ({truncated:,}): what they lack is empty in the copies")
    if options.images == "none" and options.target in ("yolo", "voc"):
        notes.append("the label files are alone: lay the pictures beside them under the same names")
    return notes


def _write_failures(path: Path, failures: Iterable[tuple[str, str]]) -> None:
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["source", "reason"])
    table.writerows(failures)
    write_text(path, text.getvalue().encode("utf-8", "backslashreplace").decode("utf-8"))


def _settings(samples: SampleSet, options: ConvertOptions, moves: Sequence[Move]) -> dict[str, Any]:
    """Return what the pictures depend on: an interrupted run with the same can be taken up."""
    places = "\n".join(f"{move.sample.path}\t{move.stem}" for move in moves)
    pictures = sha256_bytes(places.encode("utf-8", "surrogatepass"))
    compact = None if options.compact is None else asdict(options.compact)
    return {"version": __version__, "images": options.images, "compact": compact, "pictures": pictures}


def _record(samples: SampleSet, options: ConvertOptions, classes: Sequence[str], result: Conversion) -> dict[str, Any]:
    return {
        "fxdet": __version__,
        "source": str(samples.root).encode("utf-8", "backslashreplace").decode("utf-8"),
        "layout": samples.layout,
        "format": options.target,
        "pictures": {
            "placed": options.images,
            "compact": None if options.compact is None else asdict(options.compact),
            "count": result.pictures,
            "failed": len(result.failures),
        },
        "classes": {"names": list(classes), "map": dict(options.classes)},
        "boxes": result.boxes,
        "notes": list(result.notes),
    }
