"""``fxdet data info``: what a data set holds."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fxdet.cli.opening import Opening, opening_options, progress
from fxdet.core.text_table import aligned_lines

if TYPE_CHECKING:
    from fxdet.data.summary import Count, SizeSummary, Summary

PROBLEMS_SHOWN = 20
PLACES_SHOWN = 3
NAME_WIDTH = 28


@click.command()
@opening_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--check-files", is_flag=True, help="Decode every picture, not only its header.")
def info(
    path: Path, layout: str | None, split: str | None, meanings: Path | None, as_json: bool, check_files: bool
) -> None:
    """Print parts, classes, regions, boxes, picture sizes, and what is missing or unreadable of the set PATH."""
    from fxdet.data.summary import check_files as look_at
    from fxdet.data.summary import summarise

    samples = Opening(path, layout, split, meanings).open()
    checks = look_at(samples, decode=check_files)
    summary = summarise(samples, progress(checks, len(samples), "files"))
    click.echo(json.dumps(asdict(summary), indent=2) if as_json else _as_text(summary))


def _as_text(summary: Summary) -> str:
    """Return the summary in lines of at most 80 columns, problems by the terminal's width."""
    total = summary.total
    blocks = [
        f"{summary.name} – layout {summary.layout}\n{summary.root}",
        f"{total.samples:,} pictures in {total.groups:,} groups{_shared(summary)}",
        _count_table("part", summary.parts, total),
        _count_table("region", summary.regions, None),
        _box_table(summary),
        _size_lines(summary.sizes, total.samples),
        _problem_lines(summary),
    ]
    text = "\n\n".join(block for block in blocks if block)
    # File names that are no UTF-8 hold surrogates, which no terminal takes.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _shared(summary: Summary) -> str:
    if not summary.shared_groups:
        return ""
    return f"; {summary.shared_groups:,} groups lie in more than one part"


def _count_table(name: str, counts: Sequence[Count], total: Count | None) -> str:
    heads = (name, "pictures", "fractured", "normal", "unknown", "boxed", "boxes")
    rows = [*counts, *([total] if total is not None and len(counts) > 1 else [])]
    cells = [
        (row.name, *(f"{value:,}" for value in (row.samples, row.fractured, row.normal, row.unknown)),
         f"{row.with_boxes:,}", f"{row.boxes:,}")
        for row in rows
    ]  # fmt: skip
    note = "hand = elbow, fingers, forearm or wrist; a/b = any of these; - = not stated"
    return _table(heads, cells) + (f"\n{note}" if name == "region" else "")


def _box_table(summary: Summary) -> str:
    if not summary.classes:
        return "no boxes" if not summary.box_labels_unknown else "no box labels"
    heads = ("box class", "kind", "boxes", "pictures", "median width × height")
    cells = [
        (
            row.label,
            row.kind,
            f"{row.boxes:,}",
            f"{row.samples:,}",
            f"{row.median_width:.0f} × {row.median_height:.0f} px",
        )
        for row in summary.classes
    ]
    note = f"\n{summary.box_labels_unknown:,} pictures have no box labels" if summary.box_labels_unknown else ""
    return _table(heads, cells, left=2) + note


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Return aligned columns; the first ``left`` ones are text, the others numbers."""
    cut = [
        (row[0] if len(row[0]) <= NAME_WIDTH else row[0][: NAME_WIDTH - 1] + "…", *row[1:]) for row in [heads, *rows]
    ]
    return "\n".join(aligned_lines(cut, numbers=range(left, len(heads))))


def _size_lines(sizes: SizeSummary | None, files: int) -> str:
    if sizes is None:
        return "no file could be read"
    named = {"smallest": sizes.smallest, "median": sizes.median, "largest": sizes.largest}
    lines = ["width × height  " + ", ".join(f"{name} {w} × {h}" for name, (h, w) in named.items()) + " px"]
    lines.append("most common     " + ", ".join(f"{w} × {h} ({number:,})" for (h, w), number in sizes.common))
    if sizes.files < files:
        lines.append(f"{files - sizes.files:,} of {files:,} files could not be read")
    return "\n".join(lines)


def _problem_lines(summary: Summary) -> str:
    """Return the problems, those with the same text together."""
    if not summary.problems:
        return "no problems"
    width = max(40, min(shutil.get_terminal_size((80, 24)).columns, 120))
    places: dict[str, list[str]] = {}
    for problem in summary.problems:
        places.setdefault(_below(problem.what, summary.root), []).append(_below(problem.where, summary.root))
    lines = [f"{len(summary.problems):,} problem{'s' if len(summary.problems) != 1 else ''}"]
    for what, where in list(places.items())[:PROBLEMS_SHOWN]:
        more = f" and {len(where) - PLACES_SHOWN:,} more" if len(where) > PLACES_SHOWN else ""
        text = f"{', '.join(where[:PLACES_SHOWN])}{more}: {what}"
        lines.append(textwrap.fill(text, width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False))
    if len(places) > PROBLEMS_SHOWN:
        lines.append(f"  … and {len(places) - PROBLEMS_SHOWN:,} other kinds")
    return "\n".join([*lines, "  (--json lists each)"] if len(places) < len(summary.problems) else lines)


def _below(text: str, root: str) -> str:
    return text.replace(root.rstrip("/") + "/", "")
