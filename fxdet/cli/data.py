"""``fxdet data``: what a data set holds, and how it looks."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from fxdet.data.predicates import Predicate
    from fxdet.data.samples import SampleSet
    from fxdet.data.summary import Count, SizeSummary, Summary

PROBLEMS_SHOWN = 20
PLACES_SHOWN = 3
NAME_WIDTH = 28
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class _Opening:
    """How a set is opened: path and the options that ``info`` and ``browse`` share."""

    path: Path
    layout: str | None
    split: str | None
    meanings: Path | None

    def open(self) -> SampleSet:
        from fxdet.data.formats import open_samples
        from fxdet.data.formats.meanings import read_meanings
        from fxdet.data.splits import apply_split, named_split

        own = read_meanings(self.meanings) if self.meanings else None
        samples = open_samples(self.path, self.layout, own)
        return samples if self.split is None else apply_split(samples, named_split(self.split))


def _opening_options(command: Any) -> Any:
    """Add the options of :class:`_Opening` to a command."""
    for option in (
        click.option("--meanings", type=click.Path(path_type=Path), help="YAML file: class name → kind, regions, …"),
        click.option("--split", help="Split list: a CSV file, or a built-in one, as fracatlas/grouped."),
        click.option("--layout", help="Layout of the set, where it is not recognised."),
        click.argument("path", type=click.Path(path_type=Path)),
    ):
        command = option(command)
    return command


@click.group()
def data() -> None:
    """Look at data sets."""


@data.command()
@_opening_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--check-files", is_flag=True, help="Decode every picture, not only its header.")
def info(
    path: Path, layout: str | None, split: str | None, meanings: Path | None, as_json: bool, check_files: bool
) -> None:
    """Print parts, classes, regions, boxes, picture sizes, and what is missing or unreadable of the set PATH."""
    from fxdet.data.summary import check_files as look_at
    from fxdet.data.summary import summarise

    samples = _Opening(path, layout, split, meanings).open()
    checks = look_at(samples, decode=check_files)
    summary = summarise(samples, _progress(checks, len(samples), "files"))
    click.echo(json.dumps(asdict(summary), indent=2) if as_json else _as_text(summary))


@data.command()
@_opening_options
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder for the pages.")
@click.option("--part", help="Only this part.")
@click.option("--region", help="Only pictures that may show this region.")
@click.option("--fractured/--normal", default=None, help="Only fractured, or only not fractured, pictures.")
@click.option("--boxes", is_flag=True, help="Only pictures with boxes.")
@click.option("--limit", type=click.IntRange(min=1), default=96, show_default=True, help="Most pictures to draw.")
@click.option("--seed", type=int, help="Draw a random choice with this seed; else the first ones.")
@click.option(
    "--grid", type=(click.IntRange(1, 50), click.IntRange(1, 50)), default=(4, 6), show_default=True,
    help="Rows and columns of a page.",
)  # fmt: skip
@click.option("--tile", type=click.IntRange(64, 2000), default=240, show_default=True, help="Side of a tile, px.")
@click.option(
    "--format", "ending", type=click.Choice(["png", "jpg"]), default="jpg", show_default=True, help="File format."
)
def browse(
    path: Path,
    layout: str | None,
    split: str | None,
    meanings: Path | None,
    output: Path,
    part: str | None,
    region: str | None,
    fractured: bool | None,
    boxes: bool,
    limit: int,
    seed: int | None,
    grid: tuple[int, int],
    tile: int,
    ending: str,
) -> None:
    """Draw contact sheets of the set PATH, with boxes and captions."""
    from fxdet.data.browse import sheets, write_picture

    opened = _Opening(path, layout, split, meanings).open()
    samples = _chosen(opened.where(_filter(part, region, fractured, boxes)), limit, seed)
    rows, columns = grid
    pages = -(-len(samples) // (rows * columns))
    drawn = sheets(samples, rows, columns, tile)
    for number, page in enumerate(_progress(drawn, pages, "pages"), start=1):
        write_picture(output / f"{samples.name}-{number:03d}.{ending}", page)
    click.echo(
        f"{len(samples)} picture{'s' if len(samples) > 1 else ''} on {pages} page{'s' if pages > 1 else ''} in {output}"
    )


def _filter(part: str | None, region: str | None, fractured: bool | None, boxes: bool) -> Predicate:
    from fxdet.data.predicates import all_of, fractured_is, has_boxes, in_part, may_show

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


def _chosen(samples: SampleSet, limit: int, seed: int | None) -> SampleSet:
    """Return at most ``limit`` samples: the first, or a random choice in the set's order."""
    from dataclasses import replace

    import numpy as np

    from fxdet.core.errors import DataError

    if not len(samples):
        raise DataError(f"no picture of {samples.root} fits – loosen --part, --region, --fractured or --boxes")
    if seed is None or limit >= len(samples):
        return replace(samples, samples=samples.samples[:limit])
    picked = np.sort(np.random.default_rng(seed).choice(len(samples), size=limit, replace=False))
    return replace(samples, samples=tuple(samples.samples[index] for index in picked))


def _progress(items: Iterable[_Item], length: int, unit: str) -> Iterable[_Item]:
    """Return the items with a progress bar on stderr; there is none where stderr is no terminal."""
    from tqdm import tqdm

    bar: Iterable[_Item] = tqdm(items, total=length, unit=f" {unit}", disable=None, leave=False)
    return bar


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
    widths = [max(len(row[index]) for row in [heads, *rows]) for index in range(len(heads))]
    widths[0] = min(widths[0], NAME_WIDTH)
    lines = []
    for row in [heads, *rows]:
        cells = [row[0] if len(row[0]) <= NAME_WIDTH else row[0][: NAME_WIDTH - 1] + "…", *row[1:]]
        padded = [c.ljust(w) if i < left else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


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
