"""From data sets to the pictures of an epoch: whole radiographs and crops with their allowed classes."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from logging import getLogger
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fxdet.core.boxes import box_iou
from fxdet.core.errors import DataError
from fxdet.core.files import read_json_lines
from fxdet.core.findings import Box
from fxdet.data.folders import relative_name
from fxdet.data.formats import open_samples
from fxdet.data.samples import Sample, SampleSet
from fxdet.data.split_matching import listed_names
from fxdet.data.splits import LeakStamp, split_samples
from fxdet.training.classifier_config import CropOptions, SourceOptions

logger = getLogger(__name__)

ItemKind = Literal["whole", "fracture_box", "candidate", "background"]


@dataclass(frozen=True, slots=True)
class Item:
    """One picture that training may show.

    Attributes:
        sample: The radiograph.
        source: Name of the data set.
        kind: Whole radiograph or a kind of crop.
        fractured: Label of the fracture head; None is missing.
        weight: Expected presentations per epoch, before balancing.
        box: Box of the crop, px; None for the whole, and for ``background``, whose place is drawn anew each time.
    """

    sample: Sample
    source: str
    kind: ItemKind
    fractured: bool | None
    weight: float
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class OpenedSource:
    """A data set with its split applied.

    Attributes:
        options: What the config says of it.
        samples: The radiographs, with parts.
        stamp: The split list, its hash, and whether its parts share groups.
    """

    options: SourceOptions
    samples: SampleSet
    stamp: LeakStamp

    def part(self, names: Iterable[str]) -> tuple[Sample, ...]:
        """Return the radiographs of some parts, after the source's filters."""
        wanted = set(names)
        return tuple(sample for sample in self.samples if sample.part in wanted)


def open_source(options: SourceOptions, allow_leak: bool = False) -> OpenedSource:
    """Read a data set, apply its split list and filters.

    Args:
        options: What the config says of the set.
        allow_leak: Take parts that share groups, whatever the options say.

    Raises:
        DataError: The set, the list or the filter file is wrong, or parts share groups.
    """
    samples = open_samples(options.path, options.layout)
    allow_leak = allow_leak or options.allow_leak
    samples, stamp = split_samples(samples, options.split, allow_leak, options.split_sha256)
    for problem in samples.problems[:5]:
        logger.warning("%s: %s %s", samples.name, problem.where, problem.what)
    return OpenedSource(options, _filtered(samples, options), stamp)


def _filtered(samples: SampleSet, options: SourceOptions) -> SampleSet:
    if options.leave_out is not None:
        try:
            lines = options.leave_out.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise DataError(f"can't read leave_out {options.leave_out} – {error.strerror} – check the path") from error
        samples = _without(
            samples, [line.strip() for line in lines if line.strip() and not line.startswith("#")], options
        )
    if options.fractured is not None:
        samples = samples.where(lambda s: s.fractured is options.fractured)
    if options.regions is not None:
        wanted = frozenset(options.regions)
        samples = samples.where(lambda s: bool(s.regions & wanted))
    return samples


def _without(samples: SampleSet, listed: Sequence[str], options: SourceOptions) -> SampleSet:
    """Return the set without the pictures that are listed by name or by file."""
    files = {sample.name: relative_name(sample.path, samples.root) for sample in samples}
    out, strange = listed_names(
        {**dict.fromkeys(files), **dict.fromkeys(files.values())}, listed, str(options.leave_out)
    )
    if strange:
        what = f"names that fit no picture of {samples.name}: {len(strange)}, the first is {strange[0]}"
        logger.warning("%s: %s – nothing is left out for them", options.leave_out, what)
    return samples.where(lambda s: s.name not in out and files[s.name] not in out)


def make_items(source: OpenedSource, parts: Sequence[str], crops: CropOptions) -> list[Item]:
    """Return all items of some parts of a source, in a stable order."""
    options = source.options
    samples = source.part(parts)
    items = [
        Item(sample, source.samples.name, "whole", sample.fractured, options.whole * options.weight)
        for sample in samples
        if options.whole > 0
    ]
    for sample in samples:
        items.extend(_crop_items(sample, source.samples.name, options))
    if options.candidates is not None and options.candidates_weight > 0:
        items.extend(_candidate_items(samples, source.samples.name, options, crops))
    return items


def _crop_items(sample: Sample, source: str, options: SourceOptions) -> Iterator[Item]:
    if options.fracture_boxes > 0:
        for box in sample.fracture_boxes:
            yield Item(sample, source, "fracture_box", True, options.fracture_boxes * options.weight, box.xyxy)
    # On a fractured radiograph without boxes nobody knows which place is sound.
    if options.background > 0 and (sample.fractured is False or sample.fracture_boxes):
        yield Item(sample, source, "background", False, options.background * options.weight)


def _candidate_items(
    samples: Sequence[Sample], source: str, options: SourceOptions, crops: CropOptions
) -> Iterator[Item]:
    assert options.candidates is not None
    by_name = read_candidates(options.candidates)
    met = 0
    for sample in samples:
        boxes = by_name.get(sample.name, by_name.get(PurePosixPath(sample.name).name, []))
        met += len(boxes)
        for box in boxes:
            known, fractured = judge_candidate(box, sample, crops)
            if known:
                yield Item(sample, source, "candidate", fractured, options.candidates_weight * options.weight, box)
    if not met:
        raise DataError(f"candidates {options.candidates} – no name fits a radiograph of {source} – check the names")


def judge_candidate(box: Box, sample: Sample, crops: CropOptions) -> tuple[bool, bool]:
    """Return whether it is known what a candidate shows, and if so whether it is a fracture."""
    if sample.fractured is False:
        return True, False
    if not sample.fracture_boxes:
        return False, False
    truth = sample.fracture_xyxy
    overlap = float(box_iou(np.array([box], dtype=np.float64), truth).max())
    if overlap >= crops.positive_iou:
        return True, True
    return overlap <= crops.negative_iou, False


def read_candidates(path: Path) -> dict[str, list[Box]]:
    """Read boxes of a localizer: name → boxes, px.

    JSON lines hold ``name`` and ``box``, or the ``source`` and ``findings`` of ``fxdet predict``; CSV holds
    ``name, x1, y1, x2, y2``.

    Raises:
        DataError: The file can't be read, or a row lacks a field.
    """
    found: dict[str, list[Box]] = {}
    try:
        for number, row in enumerate(_candidate_rows(path), start=1):
            for name, box in _row_boxes(row, f"{path}:{number}"):
                found.setdefault(name, []).append(box)
    except (OSError, ValueError) as error:
        raise DataError(f"can't read candidates {path} – {error} – expected JSON lines or CSV") from error
    return found


def _candidate_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    if path.suffix.lower() == ".csv":
        with open(path, encoding="utf-8", newline="") as handle:
            yield from csv.DictReader(handle)
    else:
        yield from read_json_lines(path)


def _row_boxes(row: Mapping[str, Any], where: str) -> Iterator[tuple[str, Box]]:
    try:
        if "findings" in row:
            name = PurePosixPath(str(row["source"])).name
            boxes = [finding["box"] for finding in row["findings"]]
        else:
            name = str(row["name"])
            boxes = [row["box"] if "box" in row else [row[key] for key in ("x1", "y1", "x2", "y2")]]
        for box in boxes:
            x1, y1, x2, y2 = (float(value) for value in box)
            yield name, (x1, y1, x2, y2)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{where}: got {dict(row)!r:.120}, expected name and box (or x1, y1, x2, y2)") from error


def allowed_classes(item: Item, heads: Mapping[str, tuple[str, ...]]) -> dict[str, NDArray[np.bool_]]:
    """Return head → boolean row over its classes; all True is a missing label.

    The ``fracture`` head takes the item's label, ``region`` the sample's regions, any other head the sample's
    attribute of that name. A label that the head does not list counts as missing.
    """
    rows = {}
    for head, names in heads.items():
        if head == "fracture":
            allowed = set() if item.fractured is None else {names[int(item.fractured)]}
        elif head == "region":
            allowed = set(item.sample.regions)
        else:
            allowed = {item.sample.attributes[head]} if head in item.sample.attributes else set()
        row = np.array([name in allowed for name in names])
        rows[head] = row if row.any() else np.ones(len(names), dtype=bool)
    return rows


def balance_fracture(items: Sequence[Item]) -> list[Item]:
    """Return the items with weights changed so that both fracture classes weigh the same in total."""
    totals = {value: sum(i.weight for i in items if i.fractured is value) for value in (False, True)}
    if not all(totals.values()):
        return list(items)
    mean = sum(totals.values()) / 2
    return [
        item if item.fractured is None else replace(item, weight=item.weight * mean / totals[item.fractured])
        for item in items
    ]


def draw_epoch(weights: NDArray[np.float64], count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return ``count`` indices in random order, each as often as its weight says.

    Systematic sampling: with expected number w an index comes floor(w) or ceil(w) times, so that an epoch of weight 1
    each shows everything exactly once.

    Args:
        weights: Shape (N,), >= 0.
        count: How many.
        generator: Source of randomness.

    Example:
        >>> sorted(draw_epoch(np.array([1.0, 2.0]), 3, np.random.default_rng(0)).tolist())
        [0, 1, 1]
    """
    order = generator.permutation(len(weights))
    edges = np.cumsum(weights[order])
    places = (np.arange(count) + generator.random()) * edges[-1] / count
    drawn = order[np.minimum(np.searchsorted(edges, places, side="right"), len(order) - 1)]
    return np.asarray(generator.permutation(drawn), dtype=np.int64)
