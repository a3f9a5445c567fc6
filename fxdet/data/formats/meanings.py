"""What a set's class name says: kind of box, regions it may show, fractured or not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from fxdet.core.errors import DataError, did_you_mean
from fxdet.core.labels import HAND_REGIONS, REGIONS

KINDS = ("fracture", "region", "other")
MEANING_KEYS = ("kind", "regions", "fractured")


@dataclass(frozen=True, slots=True)
class ClassMeaning:
    """Meaning of one class name.

    Attributes:
        kind: Kind of a box of this class: ``fracture``, ``region`` or ``other``.
        regions: Regions that a picture of this class may show; empty where the name does not say.
        fractured: Whether the name says fractured (True), not fractured (False) or neither (None).
    """

    kind: str = "other"
    regions: frozenset[str] = field(default_factory=frozenset)
    fractured: bool | None = None


def _fracture(region: str) -> ClassMeaning:
    return ClassMeaning("fracture", frozenset({region}), True)


def _other(region: str) -> ClassMeaning:
    return ClassMeaning("other", frozenset({region}), None)


CLASS_MEANINGS: Mapping[str, Mapping[str, ClassMeaning]] = {
    # Version 4 of this Roboflow set marks humerus fractures with class 4, `humerus`; class 3 is nearly unused.
    "bonefracture": {
        "elbow positive": _fracture("elbow"),
        "fingers positive": _fracture("fingers"),
        "forearm fracture": _fracture("forearm"),
        "humerus fracture": _fracture("humerus"),
        "humerus": _fracture("humerus"),
        "shoulder fracture": _fracture("shoulder"),
        "wrist positive": _fracture("wrist"),
    },
    # Every picture of this set is a child's wrist; only the class `fracture` marks one.
    "grazpedwri": {
        "boneanomaly": _other("wrist"),
        "bonelesion": _other("wrist"),
        "foreignbody": _other("wrist"),
        "fracture": _fracture("wrist"),
        "metal": _other("wrist"),
        "periostealreaction": _other("wrist"),
        "pronatorsign": _other("wrist"),
        "softtissue": _other("wrist"),
        "text": _other("wrist"),
    },
}
"""Set → class name → meaning. A set's table applies where its class list is exactly the table's."""

REGION_WORDS: Mapping[str, frozenset[str]] = {
    **{name: frozenset({name}) for name in REGIONS},
    "finger": frozenset({"fingers"}),
    "hand": HAND_REGIONS,
    "clavicle": frozenset({"shoulder"}),
    "pelvis": frozenset({"hip"}),
    "femur": frozenset({"hip", "leg"}),
    "knee": frozenset({"leg"}),
    "tibia": frozenset({"leg"}),
    "ankle": frozenset({"leg"}),
    "foot": frozenset({"leg"}),
}
"""Word of a class name → regions that such a picture may show (``leg`` reaches from the knee to the toes)."""

_NEGATED = re.compile(r"(?:\bnot?|\bnon|\bun|\bwithout)[ _-]*(?:a[ _-]+)?fractur|\bnegative\b|\bnormal\b|\bhealthy\b")
_FRACTURED = re.compile(r"fractur|\bpositive\b")


def meaning_of(name: str) -> ClassMeaning:
    """Return what a class name says by its words alone.

    Example:
        >>> meaning_of("wrist positive").fractured, meaning_of("not fractured").fractured, meaning_of("screw").kind
        (True, False, 'other')
    """
    words = re.sub(r"[_\W]+", " ", name.lower()).strip()
    found = [REGION_WORDS[word] for word in words.split() if word in REGION_WORDS]
    regions = frozenset().union(*found)
    if _NEGATED.search(words):
        return ClassMeaning("region" if regions else "other", regions, False)
    if _FRACTURED.search(words):
        return ClassMeaning("fracture", regions, True)
    return ClassMeaning("region" if regions else "other", regions)


def class_meanings(names: Iterable[str], own: Mapping[str, ClassMeaning] | None = None) -> dict[str, ClassMeaning]:
    """Return the meaning of each class of a set: the caller's own table, a known set's table, then the words.

    Args:
        names: Class names of the set.
        own: The caller's meanings; they win.
    """
    names = list(names)
    known = next((table for table in CLASS_MEANINGS.values() if set(table) == set(names)), {})
    tables = {**known, **(own or {})}
    return {name: tables.get(name) or meaning_of(name) for name in names}


def read_meanings(path: Path) -> dict[str, ClassMeaning]:
    """Read a mapping file (YAML): class name → ``{kind, regions, fractured}``, all optional.

    Raises:
        DataError: The file is no such mapping, or names an unknown key, kind or region.
    """
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DataError(f"can't read class meanings {path}: {error} – give a YAML mapping of class names") from error
    if not isinstance(data, dict):
        raise DataError(f"class meanings {path}: got {type(data).__name__}, expected a mapping of class names")
    return {str(name): _meaning(path, str(name), value) for name, value in data.items()}


def _meaning(path: Path, name: str, value: object) -> ClassMeaning:
    if not isinstance(value, dict):
        raise DataError(f"class meanings {path}: {name}: got {value!r}, expected {{kind, regions, fractured}}")
    where = f"class meanings {path}: {name}"
    for key in value:
        if key not in MEANING_KEYS:
            raise DataError(f"{where}: unknown key {key!r}{did_you_mean(str(key), MEANING_KEYS)}")
    kind, fractured = value.get("kind", "other"), value.get("fractured")
    if kind not in KINDS:
        raise DataError(f"{where}: kind {kind!r} is unknown{did_you_mean(str(kind), KINDS)}")
    if fractured not in (True, False, None):
        raise DataError(f"{where}: fractured: got {fractured!r}, expected true, false or null")
    stated = value.get("regions") or []
    regions = frozenset([stated] if isinstance(stated, str) else map(str, stated))
    if unknown := sorted(regions - set(REGIONS)):
        raise DataError(f"{where}: region {unknown[0]!r} is unknown{did_you_mean(unknown[0], REGIONS)}")
    return ClassMeaning(str(kind), regions, fractured)
