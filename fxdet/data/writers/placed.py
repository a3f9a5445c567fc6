"""What every writer is given, and the small steps they share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from fxdet.core.errors import ConfigError, did_you_mean
from fxdet.core.files import atomic_write
from fxdet.data.samples import Sample

TARGETS: Mapping[str, str] = {
    "coco": "fxdet.data.writers.coco",
    "yolo": "fxdet.data.writers.yolo",
    "voc": "fxdet.data.writers.voc",
    "csv": "fxdet.data.writers.table",
    "fxdet": "fxdet.data.writers.manifest",
}
"""Name of a format → module that writes it."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A sample at its new place.

    Attributes:
        sample: The sample; its boxes lie inside the picture as it now is, ``image_size`` is that picture's.
        picture: Where the picture lies: below the new set's folder, with ``/``; absolute where it stays where it was.
        label_stem: Path below the folder of the label files, without ending.
    """

    sample: Sample
    picture: str
    label_stem: str

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture, px."""
        if self.sample.image_size is None:
            raise ValueError(f"Placed.sample: {self.sample.name} has no image_size")
        return self.sample.image_size


class Writer(Protocol):
    """A module that writes one format.

    ``PICTURES`` is its folder for pictures; ``FLAT`` says whether that has no sub-folders; ``NEEDS_BOXES`` whether the
    format says nothing without boxes.
    """

    PICTURES: str
    FLAT: bool
    NEEDS_BOXES: bool

    def write(self, folder: Path, name: str, placed: Sequence[Placed], classes: Sequence[str]) -> list[str]:
        """Write the files of the set ``name`` and return one line for each thing that the format can't hold."""
        ...


def writer(target: str) -> Writer:
    """Return the writer of a format.

    Raises:
        ConfigError: There is no such format.
    """
    if target not in TARGETS:
        raise ConfigError(f"format {target!r} is unknown{did_you_mean(target, TARGETS)}")
    return cast(Writer, import_module(TARGETS[target]))


def write_label_file(path: Path, text: str) -> None:
    """Write one of thousands of small files, whole or not at all, without waiting for the disk.

    Raises:
        OutputError: The folder can't be written, or the disk is full.
    """
    with atomic_write(path, durable=False) as handle:
        handle.write(text)


def plain(value: float) -> str:
    """Return a number to a millionth, without trailing zeros.

    Example:
        >>> plain(12.0), plain(0.1 + 0.2), plain(-0.0)
        ('12', '0.3', '0')
    """
    return f"{round(value, 6) + 0.0:.6f}".rstrip("0").rstrip(".")


def by_part(placed: Iterable[Placed]) -> dict[str | None, list[Placed]]:
    """Return part → its samples; train, val and test first, None last."""
    parts: dict[str | None, list[Placed]] = {}
    for item in placed:
        parts.setdefault(item.sample.part, []).append(item)
    order = ("train", "val", "test")
    ranks = {part: (order.index(part) if part in order else 3 + (part is None), part or "") for part in parts}
    return {part: parts[part] for part in sorted(parts, key=lambda part: ranks[part])}


def strange_parts(placed: Sequence[Placed]) -> list[str]:
    """Return a line on parts that only train, val and test stand for in most formats."""
    others = sorted({item.sample.part or "" for item in placed} - {"", "train", "val", "test"})
    return [f"part {', '.join(others)}: only train, val and test are read back as parts"] if others else []


def lost_labels(placed: Sequence[Placed], target: str) -> list[str]:
    """Return lines on what a format that holds only boxes and class names leaves out."""
    samples = [item.sample for item in placed]
    lost = [
        name
        for name, known in (
            ("regions", any(sample.regions for sample in samples)),
            ("groups", any(sample.group != sample.name for sample in samples)),
            ("attributes", any(sample.attributes for sample in samples)),
        )
        if known
    ]
    lines = [f"{', '.join(lost)} have no place in {target}; --to fxdet and --to csv keep them"] if lost else []
    differing = sum(_says_otherwise(sample) for sample in samples)
    if differing:
        lines.append(f"fractured has no place in {target}; pictures whose boxes do not say the same: {differing:,}")
    return lines


def _says_otherwise(sample: Sample) -> bool:
    if sample.fractured is None:
        return False
    return sample.boxes is None or bool(sample.fracture_boxes) != sample.fractured


def outlines(placed: Iterable[Placed]) -> int:
    """Return how many boxes have an outline."""
    return sum(box.polygon is not None for item in placed for box in item.sample.boxes or ())
