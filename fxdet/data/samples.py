"""One labelled radiograph on disk, and a set of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fxdet.core.findings import Box
from fxdet.core.labels import REGIONS


@dataclass(frozen=True, slots=True)
class BoxLabel:
    """A labelled box as a data set states it.

    Attributes:
        xyxy: x1, y1, x2, y2, px of the radiograph as stored.
        label: Name of the set's class.
        kind: ``fracture`` for a fracture, ``region`` for a bone region, ``other`` for anything else.
        polygon: Outline as (x, y) points, px, where the set has one.
    """

    xyxy: Box
    label: str
    kind: str = "fracture"
    polygon: tuple[tuple[float, float], ...] | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One radiograph of a set with all that is known of it; None and empty mean unknown.

    Attributes:
        path: The file.
        name: Unique name within the set (path below the set's root, with ``/``).
        part: Split part as published (``train``, ``val``, ``test``) or None.
        label: The set's own class name, as published.
        fractured: True, False, or None where the set does not say.
        regions: Regions that the picture may show; one name is certain, several mean "any of these",
            empty is unknown.
        boxes: Labelled boxes; None where the set has no box labels, () where it says "no boxes".
        image_size: Height and width as the annotations state them, px.
        group: Patient, study or near-duplicate cluster; the sample's own name where unknown.
        attributes: Whatever else the set states (view, hardware, source …).
    """

    path: Path
    name: str
    part: str | None = None
    label: str | None = None
    fractured: bool | None = None
    regions: frozenset[str] = frozenset()
    boxes: tuple[BoxLabel, ...] | None = None
    image_size: tuple[int, int] | None = None
    group: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = self.regions - set(REGIONS.names)
        if unknown:
            raise ValueError(f"Sample.regions: got {sorted(unknown)}, expected names of {REGIONS.names}")
        if not self.group:
            object.__setattr__(self, "group", self.name)

    @property
    def fracture_boxes(self) -> tuple[BoxLabel, ...]:
        """Boxes of kind ``fracture``; empty where there are none or none are known."""
        return tuple(box for box in self.boxes or () if box.kind == "fracture")

    @property
    def fracture_xyxy(self) -> NDArray[np.float64]:
        """The same as an array, float64, shape (N, 4), px."""
        return np.array([box.xyxy for box in self.fracture_boxes], dtype=np.float64).reshape(-1, 4)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a set.

    Attributes:
        where: File, and line where there is one.
        what: What came and what was expected.
        code: Kind of problem, a key of :data:`fxdet.data.audit.faults.FAULTS`.
    """

    where: str
    what: str
    code: str = "other"


@dataclass(frozen=True, slots=True)
class SampleSet:
    """Samples of one data set, in a stable order.

    Attributes:
        name: Name of the set, e.g. ``fracatlas``.
        layout: Layout that was recognised, e.g. ``fracatlas``, ``yolo``, ``coco``.
        root: Folder or file that was opened.
        samples: The samples.
        problems: Missing files and wrong annotations that were met.
        classes: Names of the box classes in the set's own order, where it lists them.
    """

    name: str
    layout: str
    root: Path
    samples: tuple[Sample, ...]
    problems: tuple[Problem, ...] = ()
    classes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.samples)

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples)

    def where(self, keep: Callable[[Sample], bool]) -> SampleSet:
        """Return the set with only the samples for which ``keep`` is true."""
        return replace(self, samples=tuple(sample for sample in self.samples if keep(sample)))

    def part(self, name: str) -> SampleSet:
        """Return the samples of one split part."""
        return self.where(lambda sample: sample.part == name)

    def counts(self) -> dict[str, int]:
        """Return how many samples each part has; ``-`` stands for no part."""
        return dict(Counter(sample.part or "-" for sample in self.samples))
