"""What the classes of a set mean, as its samples say, for a file beside formats that hold class names alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import yaml

from fxdet.data.class_map import class_kinds
from fxdet.data.formats.meanings import ClassMeaning, meaning_of
from fxdet.data.samples import Sample


def stated_meanings(samples: Sequence[Sample], classes: Sequence[str]) -> dict[str, ClassMeaning] | None:
    """Return the meaning of each class, or None where a reader gets the same from the names alone.

    The kind is that of the class's boxes, the regions are those that all pictures with such a box may show.

    Args:
        samples: The samples.
        classes: Class names that the format will hold.
    """
    by_words, kinds = {name: meaning_of(name) for name in classes}, class_kinds(samples)
    stated = dict(by_words)
    for label, kind in kinds.items():
        shared = [sample.regions for sample in samples if any(box.label == label for box in sample.boxes or ())]
        regions = frozenset.intersection(*shared) or by_words[label].regions
        stated[label] = ClassMeaning(kind, regions, True if kind == "fracture" else None)
    same = all(
        stated[name].kind == by_words[name].kind and stated[name].regions == by_words[name].regions for name in kinds
    )
    return None if same else stated


def meanings_text(meanings: Mapping[str, ClassMeaning]) -> str:
    """Return meanings as YAML that :func:`fxdet.data.formats.meanings.read_meanings` reads."""
    data = {
        name: {"kind": meaning.kind, "regions": sorted(meaning.regions), "fractured": meaning.fractured}
        for name, meaning in meanings.items()
    }
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
