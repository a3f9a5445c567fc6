"""Renaming, merging and dropping the classes of a set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import yaml

from fxdet.core.errors import ConfigError, DataError, did_you_mean
from fxdet.data.samples import BoxLabel, Sample, SampleSet

ClassMap = Mapping[str, str | None]
"""Old class name → new name, or None where the class is dropped; classes that are not named stay."""


def read_class_map(path: Path) -> dict[str, str | None]:
    """Read a YAML mapping of old to new class names; an empty value or ``null`` drops the class.

    Raises:
        ConfigError: The file can't be read or is no such mapping.
    """
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"can't read class map {path}: {reason} – give a YAML mapping, as `old name: new`") from error
    if not isinstance(data, dict):
        raise ConfigError(f"class map {path}: got {type(data).__name__}, expected a mapping, as `old name: new`")
    for old, new in data.items():
        if new is not None and not isinstance(new, (str, int)):
            raise ConfigError(f"class map {path}: {old}: got {new!r}, expected a class name, or null to drop the class")
    return {str(old): None if new is None else str(new) for old, new in data.items()}


def parse_class_map(pairs: Iterable[str]) -> dict[str, str | None]:
    """Return the map that ``old=new`` pairs state; ``old=`` drops a class.

    Raises:
        ConfigError: A pair has no ``=`` or no old name, or a class is named twice.

    Example:
        >>> parse_class_map(["humerus=humerus fracture", "text="])
        {'humerus': 'humerus fracture', 'text': None}
    """
    found: dict[str, str | None] = {}
    for pair in pairs:
        old, equals, new = (piece.strip() for piece in pair.partition("="))
        if not equals or not old:
            raise ConfigError(f"class map: got {pair!r}, expected old=new, or old= to drop the class")
        if old in found:
            raise ConfigError(f"class map: {old!r} is named twice – keep one")
        found[old] = new or None
    return found


def apply_class_map(samples: SampleSet, classes: ClassMap) -> SampleSet:
    """Return the set with classes renamed, merged and dropped.

    A box that takes the name of a class of the set takes its kind, too; under a new name it keeps its own. A picture
    whose boxes are all dropped has no boxes, which is not the same as no box labels. ``fractured`` stays as it was.

    Args:
        samples: The set.
        classes: Old name → new name or None.

    Raises:
        DataError: The map names a class that the set does not have.
    """
    if not classes:
        return samples
    kinds = class_kinds(samples)
    known = [*kinds, *sorted({sample.label for sample in samples if sample.label} - set(kinds))]
    for old in classes:
        if old not in known:
            raise DataError(f"class map: {samples.name} has no class {old!r}{did_you_mean(old, known)}")
    return replace(samples, samples=tuple(_mapped(sample, classes, kinds) for sample in samples))


def class_kinds(samples: Iterable[Sample]) -> dict[str, str]:
    """Return class name → kind of its boxes (the more frequent one where a set mixes them), by name."""
    met: dict[str, Counter[str]] = {}
    for sample in samples:
        for box in sample.boxes or ():
            met.setdefault(box.label, Counter())[box.kind] += 1
    return {label: met[label].most_common(1)[0][0] for label in sorted(met)}


def _mapped(sample: Sample, classes: ClassMap, kinds: Mapping[str, str]) -> Sample:
    label = sample.label if sample.label is None else classes.get(sample.label, sample.label)
    if sample.boxes is None:
        return replace(sample, label=label)
    boxes = tuple(kept for box in sample.boxes if (kept := _mapped_box(box, classes, kinds)) is not None)
    return replace(sample, label=label, boxes=boxes)


def _mapped_box(box: BoxLabel, classes: ClassMap, kinds: Mapping[str, str]) -> BoxLabel | None:
    if box.label not in classes:
        return box
    new = classes[box.label]
    return None if new is None else replace(box, label=new, kind=kinds.get(new, box.kind))
