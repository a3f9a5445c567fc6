"""``fxdet data browse``: contact sheets of a data set."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fxdet.cli.opening import Opening, opening_options, progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxdet.core.findings import Box
    from fxdet.core.objects import Radiograph
    from fxdet.data.browse import Picture
    from fxdet.data.predicates import Predicate
    from fxdet.data.samples import Sample, SampleSet
    from fxdet.data.series import Score
    from fxdet.data.sheet_tiles import SheetOptions


@dataclass(frozen=True, slots=True)
class Order:
    """Which pictures of a series are drawn, and in which order."""

    sort: str | None
    reverse: bool
    limit: int
    seed: int | None


@click.command()
@opening_options
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder for the pages.")
@click.option("--part", help="Only this part.")
@click.option("--region", help="Only pictures that may show this region.")
@click.option("--fractured/--normal", default=None, help="Only fractured, or only not fractured, pictures.")
@click.option("--boxes", is_flag=True, help="Only pictures with boxes.")
@click.option(
    "--by", type=click.Choice(["class", "region", "part", "fractured", "label"]),
    help="One series of sheets for each value.",
)  # fmt: skip
@click.option(
    "--sort", type=click.Choice(["box", "image", "score", "finding"]),
    help="Smallest box, smallest picture, highest score of the picture, or of its best finding first.",
)  # fmt: skip
@click.option("--reverse", is_flag=True, help="Sort the other way round.")
@click.option("--scores", type=click.Path(path_type=Path), help="reports.jsonl of fxdet predict: scores and findings.")
@click.option("--groups", type=click.Path(path_type=Path), help="audit.json: one row for each group of duplicates.")
@click.option("--weak-regions", is_flag=True, help="Draw the weak boxes of the bone regions, too.")
@click.option("--limit", type=click.IntRange(min=1), default=96, show_default=True, help="Most pictures of a series.")
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
    by: str | None,
    sort: str | None,
    reverse: bool,
    scores: Path | None,
    groups: Path | None,
    weak_regions: bool,
    limit: int,
    seed: int | None,
    grid: tuple[int, int],
    tile: int,
    ending: str,
) -> None:
    """Draw contact sheets of the set PATH, with boxes and captions."""
    from fxdet.data.predicates import matching
    from fxdet.data.series import read_scores
    from fxdet.data.sheet_tiles import SheetOptions

    if sort in ("score", "finding") and scores is None:
        raise click.UsageError(f"--sort {sort} needs scores – pass --scores reports.jsonl")
    if groups is not None and (by or sort):
        raise click.UsageError("--groups has an order of its own – leave out --by and --sort")
    samples = _kept(Opening(path, layout, split, meanings).open(), matching(part, region, fractured, boxes))
    found: dict[str, Score] = read_scores(scores, samples.samples) if scores else {}
    finder = _weak_regions if weak_regions else None
    options = SheetOptions(*grid, tile, found, finder, sizes=sort in ("box", "image"))
    order = Order(sort, reverse, limit, seed)
    drawn = _group_sheets(samples, groups, limit, options) if groups else _series(samples, by, order, options)
    _write(drawn, output, samples.name, ending)


@dataclass(frozen=True, slots=True)
class Drawn:
    """Pages to come: their stems in the order of drawing, the pages, and what is on them."""

    stems: Sequence[str]
    pages: Iterator[Picture]
    what: str


def _write(drawn: Drawn, output: Path, name: str, ending: str) -> None:
    from fxdet.data.browse import write_picture

    total = len(drawn.stems)
    for stem, page in zip(drawn.stems, progress(drawn.pages, total, "pages"), strict=True):
        write_picture(output / f"{name}-{stem}.{ending}", page)
    click.echo(f"{drawn.what} on {total} page{'' if total == 1 else 's'} in {output}")


def _series(samples: SampleSet, by: str | None, order: Order, options: SheetOptions) -> Drawn:
    """Return the pages of all series, or of one that holds everything."""
    from fxdet.data.series import series
    from fxdet.data.sheet_tiles import pages

    parts = series(samples.samples, by) if by else {"": list(samples.samples)}
    size = options.rows * options.columns
    stems: list[str] = []
    runs: list[Iterator[Picture]] = []
    shown: set[str] = set()
    heads = _heads(parts)
    for value, members in parts.items():
        kept = _ordered(members, value if by == "class" else None, order, options)
        shown |= {sample.name for sample in kept}
        stems += [f"{heads[value]}{number:03d}" for number in range(1, -(-len(kept) // size) + 1)]
        of = "" if len(kept) == len(members) else f" of {len(members):,}"
        facts = [samples.name, *([f"{by}: {value}"] if by else []), f"{len(kept):,}{of} pictures", *_sort_words(order)]
        runs.append(pages(kept, " · ".join(facts), options))
    return Drawn(stems, chain.from_iterable(runs), f"{len(shown):,} picture{'' if len(shown) == 1 else 's'}")


def _group_sheets(samples: SampleSet, audit: Path, limit: int, options: SheetOptions) -> Drawn:
    from fxdet.core.errors import DataError
    from fxdet.data.group_sheets import group_pages, read_groups, rows_with

    found = rows_with(read_groups(audit), samples.samples)
    if not found:
        raise DataError(f"audit {audit}: no group holds a picture of {samples.root} – pass an audit of this set")
    rows = found[:limit]
    total = -(-len(rows) // options.rows)
    of = "" if len(rows) == len(found) else f" of {len(found):,}"
    what = f"{len(rows):,}{of} group{'' if len(found) == 1 else 's'}"
    pages = group_pages(rows, samples.samples, f"{samples.name} · {what} of the same radiograph", options)
    return Drawn([f"groups-{number:03d}" for number in range(1, total + 1)], pages, what)


def _ordered(samples: Sequence[Sample], label: str | None, order: Order, options: SheetOptions) -> list[Sample]:
    """Return the pictures to draw: a random choice is drawn first and sorted then."""
    from fxdet.data.series import chosen, sorted_by_box, sorted_by_image, sorted_by_score

    if order.seed is not None:
        samples = chosen(samples, order.limit, order.seed)
    if order.sort == "box":
        samples = sorted_by_box(samples, label if any(_has(sample, label) for sample in samples) else None)
    elif order.sort == "image":
        samples = sorted_by_image(samples)
    elif order.sort is not None:
        samples = sorted_by_score(samples, options.scores, order.sort == "finding")
    return list(samples[::-1] if order.reverse else samples)[: order.limit]


def _has(sample: Sample, label: str | None) -> bool:
    return any(box.label == label for box in sample.boxes or ())


def _sort_words(order: Order) -> list[str]:
    words = {
        "box": ("smallest box first", "largest box first"),
        "image": ("smallest picture first", "largest picture first"),
        "score": ("highest score first", "lowest score first"),
        "finding": ("best finding first", "weakest finding first"),
    }
    return [words[order.sort][order.reverse]] if order.sort else []


def _heads(values: Iterable[str]) -> dict[str, str]:
    """Return value → start of its file names; values that differ in odd characters only are numbered."""
    heads: dict[str, str] = {}
    taken: set[str] = set()
    for value in values:
        plain = re.sub(r"[^\w.-]+", "_", value).strip("._") or "_"
        numbered = (plain if number == 1 else f"{plain}-{number}" for number in count(1))
        name = next(name for name in numbered if name.casefold() not in taken)
        taken.add(name.casefold())
        heads[value] = f"{name}-" if value else ""
    return heads


def _weak_regions(radiograph: Radiograph) -> list[Box]:
    from fxdet.imaging.preprocess import Preprocess
    from fxdet.localize.regions import find_regions

    found = find_regions(Preprocess(size=1).grey(radiograph))
    return [(float(x1), float(y1), float(x2), float(y2)) for x1, y1, x2, y2 in found]


def _kept(samples: SampleSet, keep: Predicate) -> SampleSet:
    from fxdet.core.errors import DataError

    kept = samples.where(keep)
    if not len(kept):
        raise DataError(f"no picture of {samples.root} fits – loosen --part, --region, --fractured or --boxes")
    return kept
