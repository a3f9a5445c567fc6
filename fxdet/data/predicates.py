"""Filters for :meth:`SampleSet.where`: functions that say whether a sample is kept."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase

from fxdet.core.errors import DataError, did_you_mean
from fxdet.core.labels import REGIONS
from fxdet.data.samples import Sample

Predicate = Callable[[Sample], bool]


def in_part(*parts: str) -> Predicate:
    """Keep samples of one of the parts."""
    return lambda sample: sample.part in parts


def in_fold(*folds: int) -> Predicate:
    """Keep samples of one of the folds that a split list set."""
    wanted = {str(fold) for fold in folds}
    return lambda sample: sample.attributes.get("fold") in wanted


def fractured_is(state: bool | None) -> Predicate:
    """Keep samples that are fractured (True), not fractured (False), or unknown (None)."""
    return lambda sample: sample.fractured is state


def may_show(region: str) -> Predicate:
    """Keep samples that may show a region, alone or as one of several.

    Raises:
        DataError: The region is unknown.
    """
    if region not in REGIONS.names:
        raise DataError(f"region {region!r} is unknown{did_you_mean(region, REGIONS)}")
    return lambda sample: region in sample.regions


def has_boxes(kind: str | None = None) -> Predicate:
    """Keep samples with at least one box, of a kind where one is given."""
    return lambda sample: any(kind in (None, box.kind) for box in sample.boxes or ())


def has_box_labels(sample: Sample) -> bool:
    """Keep samples whose boxes are known, including those that are known to have none."""
    return sample.boxes is not None


def name_like(pattern: str) -> Predicate:
    """Keep samples whose name fits a pattern with ``*`` and ``?``, case counts.

    Example:
        >>> from pathlib import Path
        >>> name_like("*/IMG00*")(Sample(Path("a"), "images/IMG0001.jpg"))
        True
    """
    return lambda sample: fnmatchcase(sample.name, pattern)


def all_of(*predicates: Predicate) -> Predicate:
    """Keep samples that every predicate keeps."""
    return lambda sample: all(predicate(sample) for predicate in predicates)


def any_of(*predicates: Predicate) -> Predicate:
    """Keep samples that at least one predicate keeps."""
    return lambda sample: any(predicate(sample) for predicate in predicates)


def negate(predicate: Predicate) -> Predicate:
    """Keep what the predicate drops."""
    return lambda sample: not predicate(sample)


def matching(
    part: str | None = None, region: str | None = None, fractured: bool | None = None, boxes: bool = False
) -> Predicate:
    """Return a predicate for all that is asked for; what is left out is not asked.

    Args:
        part: Part of the split.
        region: A region that the picture may show.
        fractured: Only fractured, or only not fractured, pictures.
        boxes: Only pictures with boxes.

    Raises:
        DataError: The region is unknown.
    """
    wanted: list[Predicate] = []
    if part:
        wanted.append(in_part(part))
    if region:
        wanted.append(may_show(region))
    if fractured is not None:
        wanted.append(fractured_is(fractured))
    if boxes:
        wanted.append(has_boxes())
    return all_of(*wanted)
