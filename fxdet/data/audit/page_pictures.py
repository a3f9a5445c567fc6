"""Which groups a page shows, in which order, and their pictures as data URIs, all laid the same way."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fxdet.core.errors import FxdetError
from fxdet.data.audit.results import AuditResult, DuplicateGroup
from fxdet.data.audit.turns import Way, apply_turn, ways_onto
from fxdet.data.audit.verdicts import set_of
from fxdet.data.browse import to_eight_bit
from fxdet.imaging.reading import open_radiograph

PICTURES_PER_GROUP = 4
"""Most pictures of one group; the others are named."""

SIDE = 240
"""Longest side of a picture on the page, px."""

QUALITY = 72
"""JPEG quality of the pictures: about 7 kB each."""


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """One picture of a group as the page shows it.

    Attributes:
        file: Index into :attr:`AuditResult.files`.
        uri: The JPEG as a data URI, or None where it can't be read.
        turn: How it was laid onto the first picture of the group; ``0`` where it lies the same way.
        similarity: Of the weakest link on the way to the first picture; None for the first itself.
    """

    file: int
    uri: str | None
    turn: str
    similarity: float | None


@dataclass(frozen=True, slots=True)
class ShownGroup:
    """One group of the page.

    Attributes:
        group: The group.
        kinds: ``leak``, ``conflict``, and the tie.
        pictures: Up to :data:`PICTURES_PER_GROUP`, those of different parts and labels first.
    """

    group: DuplicateGroup
    kinds: tuple[str, ...]
    pictures: tuple[ShownPicture, ...]


def kinds_of(group: DuplicateGroup, result: AuditResult) -> tuple[str, ...]:
    """Return what a reader can filter a group by: ``leak``, ``conflict``, and ``bytes``, ``pixels`` or ``near``."""
    names = {*group.parts, *(f"{set_of(part)}/*" for part in group.parts)}
    leaks = any(leak.part in names and leak.source in names for leak in result.leaks if leak.near)
    return (*(["leak"] if leaks else []), *(["conflict"] if group.conflict else []), group.tie)


def ordered_groups(result: AuditResult) -> list[DuplicateGroup]:
    """Return the groups: leaks with opposite labels, conflicts, leaks, then the others, the largest first in each."""

    def rank(group: DuplicateGroup) -> tuple[int, int, int]:
        kinds = kinds_of(group, result)
        return (-2 * ("conflict" in kinds) - ("leak" in kinds), -len(group.members), group.members[0])

    return sorted(result.groups, key=rank)


def show_groups(groups: Sequence[DuplicateGroup], result: AuditResult) -> Iterator[ShownGroup]:
    """Yield groups with their pictures read from disk."""
    for group in groups:
        chosen = _chosen(group, result)
        ways = ways_onto(chosen[0], group.links)
        pictures = []
        for index in chosen:
            way = ways.get(index, Way())
            uri = picture_uri(result.files[index].path, way.turn)
            pictures.append(ShownPicture(index, uri, way.turn, None if index == chosen[0] else way.similarity))
        yield ShownGroup(group, kinds_of(group, result), tuple(pictures))


def picture_uri(path: str, turn: str = "0", side: int = SIDE) -> str | None:
    """Return a radiograph as the data URI of a small grey JPEG, or None where it can't be read.

    Args:
        path: The file.
        turn: How to lay it.
        side: Longest side, px; smaller pictures keep their size.
    """
    try:
        radiograph = open_radiograph(path)
    except FxdetError:
        return None
    grey = apply_turn(_shrunk(to_eight_bit(radiograph.pixels), side), turn)
    done, data = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode() if done else None


def _shrunk(grey: NDArray[Any], side: int) -> NDArray[np.uint8]:
    scale = side / max(grey.shape)
    if scale >= 1:
        return np.asarray(grey, dtype=np.uint8)
    size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _chosen(group: DuplicateGroup, result: AuditResult) -> list[int]:
    """Return the members to show: one per part and label first, then the others, in order."""
    order = {"test": 0, "val": 1, "valid": 1, "train": 2}
    seen: dict[tuple[str, str | None, bool | None], int] = {}
    for index in group.members:
        file = result.files[index]
        seen.setdefault((file.set_name, file.part, file.fractured), index)
    first = sorted(seen.values(), key=lambda index: (order.get(result.files[index].part or "", 3), index))
    rest = [index for index in group.members if index not in set(first)]
    return [*first, *rest][:PICTURES_PER_GROUP]
