"""Figures of a sample set: parts, regions, box classes, sizes of the files, and what is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median

from fxdet.core.errors import FxdetError
from fxdet.core.labels import HAND_REGIONS
from fxdet.data.folders import image_size
from fxdet.data.samples import BoxLabel, Problem, Sample, SampleSet
from fxdet.imaging.pixels import TRUNCATED
from fxdet.imaging.reading import open_radiograph


@dataclass(frozen=True, slots=True)
class Count:
    """How many samples of a part or region there are, by what is known of them.

    Attributes:
        name: Name of the part or of the regions.
        samples: All of them.
        groups: Distinct groups (patients, studies, clusters).
        fractured: Fractured ones.
        normal: Not fractured ones.
        unknown: Those whose set does not say.
        with_boxes: Samples with at least one box.
        boxes: Boxes of these.
    """

    name: str
    samples: int
    groups: int
    fractured: int
    normal: int
    unknown: int
    with_boxes: int
    boxes: int


@dataclass(frozen=True, slots=True)
class ClassCount:
    """One class of boxes: how many boxes and samples, median width and height, px."""

    label: str
    kind: str
    boxes: int
    samples: int
    median_width: float
    median_height: float


@dataclass(frozen=True, slots=True)
class SizeSummary:
    """Sizes of the files, each (height, width), px, ordered by number of pixels, and the most common ones."""

    files: int
    smallest: tuple[int, int]
    median: tuple[int, int]
    largest: tuple[int, int]
    common: tuple[tuple[tuple[int, int], int], ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """All figures of a set; ``shared_groups`` counts the groups that lie in more than one part."""

    name: str
    layout: str
    root: str
    total: Count
    parts: tuple[Count, ...]
    regions: tuple[Count, ...]
    classes: tuple[ClassCount, ...]
    shared_groups: int
    box_labels_unknown: int
    sizes: SizeSummary | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class FileCheck:
    """What looking at one file gave: its height and width, px, or problems."""

    sample: Sample
    size: tuple[int, int] | None
    problems: tuple[Problem, ...] = ()


def check_files(samples: Iterable[Sample], decode: bool = False) -> Iterator[FileCheck]:
    """Look at each file, one at a time.

    Args:
        samples: The samples.
        decode: Decode the whole picture (finds truncated files); else only the header is read.

    Yields:
        One check per sample.
    """
    for sample in samples:
        where = str(sample.path)
        try:
            if decode:
                radiograph = open_radiograph(sample.path)
                yield FileCheck(sample, radiograph.size, tuple(_warned(where, text) for text in radiograph.warnings))
            else:
                yield FileCheck(sample, image_size(sample.path))
        except FxdetError as error:
            yield FileCheck(sample, None, (Problem(where, str(error), "undecodable"),))


def _warned(where: str, text: str) -> Problem:
    return Problem(where, text, "truncated" if text == TRUNCATED else "other")


def summarise(samples: SampleSet, checks: Iterable[FileCheck] = ()) -> Summary:
    """Count a set.

    Args:
        samples: The set.
        checks: Outcome of :func:`check_files`; without it the sizes are unknown.
    """
    sizes: list[tuple[int, int]] = []
    # The reader has met some of the same files: one problem per file and message.
    problems = dict.fromkeys(samples.problems)
    for check in checks:
        problems.update(dict.fromkeys(check.problems))
        if check.size is not None:
            sizes.append(check.size)
    by_part = _split_by(samples, [(sample.part or "-", sample) for sample in samples])
    by_region = _split_by(samples, [(region_name(sample.regions), sample) for sample in samples])
    return Summary(
        name=samples.name,
        layout=samples.layout,
        root=str(samples.root),
        total=_count("all", samples.samples),
        parts=tuple(sorted(by_part, key=_part_order)),
        regions=tuple(sorted(by_region, key=lambda count: (count.name == "-", -count.samples))),
        classes=_classes(samples),
        shared_groups=_shared_groups(samples),
        box_labels_unknown=sum(sample.boxes is None for sample in samples),
        sizes=_sizes(sizes),
        problems=tuple(problems),
    )


def region_name(regions: frozenset[str]) -> str:
    """Return a short name of a set of regions; ``hand`` stands for its four.

    Example:
        >>> region_name(frozenset({"elbow", "fingers", "forearm", "wrist", "shoulder"})), region_name(frozenset())
        ('hand/shoulder', '-')
    """
    if regions >= HAND_REGIONS:
        return "/".join(["hand", *sorted(regions - HAND_REGIONS)])
    return "/".join(sorted(regions)) or "-"


def _part_order(count: Count) -> tuple[int, str]:
    order = ("train", "val", "test")
    return (order.index(count.name) if count.name in order else 3 + (count.name == "-"), count.name)


def _split_by(samples: SampleSet, keyed: list[tuple[str, Sample]]) -> list[Count]:
    by_key: dict[str, list[Sample]] = {}
    for key, sample in keyed:
        by_key.setdefault(key, []).append(sample)
    return [_count(key, found) for key, found in by_key.items()]


def _count(name: str, samples: Iterable[Sample]) -> Count:
    rows = list(samples)
    states = Counter(sample.fractured for sample in rows)
    boxes = [len(sample.boxes or ()) for sample in rows]
    return Count(
        name=name,
        samples=len(rows),
        groups=len({sample.group for sample in rows}),
        fractured=states[True],
        normal=states[False],
        unknown=states[None],
        with_boxes=sum(number > 0 for number in boxes),
        boxes=sum(boxes),
    )


def _classes(samples: SampleSet) -> tuple[ClassCount, ...]:
    boxes: dict[tuple[str, str], list[BoxLabel]] = {}
    holders: Counter[tuple[str, str]] = Counter()
    for sample in samples:
        for box in sample.boxes or ():
            boxes.setdefault((box.label, box.kind), []).append(box)
        holders.update({(box.label, box.kind) for box in sample.boxes or ()})
    counts = [
        ClassCount(
            label,
            kind,
            len(found),
            holders[label, kind],
            median(box.xyxy[2] - box.xyxy[0] for box in found),
            median(box.xyxy[3] - box.xyxy[1] for box in found),
        )
        for (label, kind), found in boxes.items()
    ]
    return tuple(sorted(counts, key=lambda count: (-count.boxes, count.label)))


def _shared_groups(samples: SampleSet) -> int:
    parts: dict[str, set[str]] = {}
    for sample in samples:
        if sample.part is not None:
            parts.setdefault(sample.group, set()).add(sample.part)
    return sum(len(met) > 1 for met in parts.values())


def _sizes(sizes: list[tuple[int, int]]) -> SizeSummary | None:
    if not sizes:
        return None
    ordered = sorted(sizes, key=lambda size: (size[0] * size[1], size))
    common = tuple(Counter(ordered).most_common(3))
    return SizeSummary(len(ordered), ordered[0], ordered[len(ordered) // 2], ordered[-1], common)
