"""What the scripts that compare models share: a part of a data set, and the models by name."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fxdet.core.errors import ConfigError
from fxdet.core.files import write_json
from fxdet.data.formats import open_samples
from fxdet.data.samples import Sample
from fxdet.data.splits import LeakStamp, split_samples
from fxdet.zoo.cards import ModelCard, read_card

SCHEMA = 1
Model = TypeVar("Model")


@dataclass(frozen=True, slots=True)
class PartQuery:
    """Which radiographs models are compared on.

    Attributes:
        data: Folder of the set.
        split: Built-in split name or CSV file; None takes the parts as published.
        part: One of its parts.
        boxes: Only radiographs whose boxes are known, fractured or not.
        fractured: Only fractured ones.
        allow_leak: Go on although parts share groups.
    """

    data: Path
    split: str | None
    part: str
    boxes: bool = False
    fractured: bool = False
    allow_leak: bool = False

    def __str__(self) -> str:
        return f"{self.split or self.data.name} {self.part}{', fractured' if self.fractured else ''}"


@dataclass(frozen=True, slots=True)
class ComparedPart:
    """The radiographs and where they come from."""

    samples: tuple[Sample, ...]
    stamp: LeakStamp

    def to_json(self) -> dict[str, Any]:
        """Return n, how many are fractured, and the stamp of the split."""
        fractured = sum(bool(sample.fractured) for sample in self.samples)
        return {"n": len(self.samples), "fractured": fractured, **self.stamp.to_json()}


def open_part(query: PartQuery) -> ComparedPart:
    """Return the radiographs of a query.

    Raises:
        ConfigError: There are none.
        DataError: The set or the split can't be opened, or its parts share groups.
    """
    samples, stamp = split_samples(open_samples(query.data), query.split, query.allow_leak)
    members = [sample for sample in samples if sample.part == query.part]
    if query.boxes:
        members = [sample for sample in members if sample.boxes is not None]
    if query.fractured:
        members = [sample for sample in members if sample.fractured]
    if not members:
        parts = ", ".join(sorted({sample.part for sample in samples if sample.part}))
        wanted = " with known boxes" if query.boxes else ""
        raise ConfigError(f"--part – got '{query.part}', which has no radiographs{wanted}, expected one of {parts}")
    return ComparedPart(tuple(members), stamp)


def open_models(paths: Sequence[Path], load: Callable[[Path], Model]) -> tuple[dict[str, ModelCard], dict[str, Model]]:
    """Return cards and models by full name.

    Args:
        paths: Run folders, model folders or cards.
        load: Opens one.

    Raises:
        ConfigError: Two have the same name.
        ModelError: One can't be loaded.
    """
    cards = {path: read_card(path) for path in paths}
    names = [card.full_name for card in cards.values()]
    if len(set(names)) < len(paths):
        raise ConfigError(f"MODELS – got {', '.join(names)}, expected each name once")
    by_name = {card.full_name: card for card in cards.values()}
    return by_name, {card.full_name: load(path) for path, card in cards.items()}


def add_to_result(path: Path, part: str, found: dict[str, Any], cards: dict[str, ModelCard]) -> None:
    """Add a part's figures to a result file; other parts stay, and so do other entries of the same part's mappings."""
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    parts, models = known.get("parts", {}), known.get("models", {})
    earlier = parts.get(part, {})
    kept = {
        key: {**earlier[key], **value}
        for key, value in found.items()
        if isinstance(value, dict) and isinstance(earlier.get(key), dict)
    }
    parts[part] = found | kept
    models |= {name: {"sha256": card.sha256, "input_size": card.input_size} for name, card in cards.items()}
    write_json(path, {"schema": SCHEMA, "models": models, "parts": parts})
