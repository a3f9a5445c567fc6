"""Contact sheets of an audit's groups: the pictures that show the same radiograph, one row per group."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fxdet.core.errors import DataError
from fxdet.data.audit.results import AuditedFile, DuplicateGroup, Link
from fxdet.data.browse import BACKGROUND, Picture, Tile, contact_sheet, with_heading
from fxdet.data.samples import Sample
from fxdet.data.series import FRACTURED
from fxdet.data.sheet_tiles import SheetOptions, full_tile, legend_of

TIES = {"bytes": "same bytes", "pixels": "same pixels", "near": "near-duplicates"}


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group with its files, in the group's order."""

    number: int
    group: DuplicateGroup
    files: tuple[AuditedFile, ...]


def read_groups(path: Path) -> list[GroupRow]:
    """Read the groups of an ``audit.json``; opposite labels first, then those in several parts, then the others.

    Raises:
        DataError: The file can't be read or is no audit.
    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        files = tuple(AuditedFile(**entry) for entry in data["files"])
        groups = [_group(entry) for entry in data["groups"]]
        rows = [GroupRow(n, g, tuple(files[index] for index in g.members)) for n, g in enumerate(groups, start=1)]
    except (OSError, ValueError, TypeError, KeyError, IndexError) as error:
        reason = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        raise DataError(f"can't read audit {path}: {reason} – pass the audit.json of fxdet data audit") from error
    return sorted(rows, key=lambda row: (not row.group.conflict, len(row.group.parts) < 2, -len(row.files)))


def _group(entry: Mapping[str, Any]) -> DuplicateGroup:
    links = tuple(Link(**link) for link in entry["links"])
    return DuplicateGroup(
        **{**entry, "members": tuple(entry["members"]), "links": links, "parts": tuple(entry["parts"])}
    )


def rows_with(rows: Sequence[GroupRow], samples: Collection[Sample]) -> list[GroupRow]:
    """Return the groups with at least one picture among ``samples``."""
    known = {str(sample.path.resolve()) for sample in samples}
    return [row for row in rows if any(str(Path(file.path).resolve()) in known for file in row.files)]


def group_pages(
    rows: Sequence[GroupRow], samples: Collection[Sample], title: str, options: SheetOptions
) -> Iterator[Picture]:
    """Yield pages with one row per group; a group with more pictures than columns goes on in the next row.

    Args:
        rows: The groups.
        samples: The set; its boxes are drawn, pictures of other sets have none.
        title: What the sheets are; the page's number is added.
        options: How the sheets look; ``rows`` groups stand on a page.
    """
    known = {str(sample.path.resolve()): sample for sample in samples}
    total = -(-len(rows) // options.rows)
    for number, start in enumerate(range(0, len(rows), options.rows), start=1):
        strips, tiles = [], []
        members = rows[start : start + options.rows]
        width = min(options.columns, max(len(row.files) for row in members)) * options.tile_size
        for row in members:
            drawn = [_tile(row, index, known, options) for index in range(len(row.files))]
            tiles += drawn
            strip = _widened(contact_sheet(drawn, options.columns, options.tile_size), width)
            strips.append(with_heading(strip, _heading(row)))
        page = np.concatenate(strips)
        yield with_heading(page, f"{title} · page {number} of {total}", legend_of(tiles))


def _tile(row: GroupRow, index: int, known: Mapping[str, Sample], options: SheetOptions) -> Tile:
    file = row.files[index]
    sample = known.get(str(Path(file.path).resolve())) or Sample(Path(file.path), file.name)
    tile = full_tile(sample, options)
    state = FRACTURED[file.fractured] if file.readable else "unreadable"
    lines = [Path(file.name).name, f"{file.set_name}/{file.part or '-'} · {state}", _tie_line(row, index)]
    return Tile(tile.pixels, "\n".join(lines), tile.boxes)


def _tie_line(row: GroupRow, index: int) -> str:
    """Return how a picture hangs together with one before it; the first one says nothing."""
    member = row.group.members[index]
    earlier = row.group.members[:index]
    links = [link for link in row.group.links if member in (link.first, link.second)]
    back = [link for link in links if (link.first if link.second == member else link.second) in earlier]
    if not back:
        return "" if index == 0 else "tied to a later picture"
    link = back[0]
    other = link.first if link.second == member else link.second
    name = Path(row.files[row.group.members.index(other)].name).stem
    turned = "" if link.turn == "0" else f", turned {link.turn}"
    to = f" to {name}" if len(row.files) > 2 else ""
    return f"similarity {link.similarity:.3f}{to}{turned}" if link.tie == "near" else f"{TIES[link.tie]} as {name}"


def _heading(row: GroupRow) -> str:
    facts = [f"group {row.number}", f"{len(row.files)} pictures", TIES[row.group.tie], ", ".join(row.group.parts)]
    if row.group.conflict:
        facts.append("OPPOSITE LABELS")
    return " · ".join(facts)


def _widened(strip: Picture, width: int) -> Picture:
    return np.pad(strip, ((0, 0), (0, width - strip.shape[1]), (0, 0)), constant_values=BACKGROUND)
