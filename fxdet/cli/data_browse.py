"""``fxdet data browse``: contact sheets of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fxdet.cli.opening import Opening, opening_options, progress

if TYPE_CHECKING:
    from fxdet.data.predicates import Predicate
    from fxdet.data.samples import SampleSet


@click.command()
@opening_options
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

    opened = Opening(path, layout, split, meanings).open()
    samples = _chosen(opened.where(_filter(part, region, fractured, boxes)), limit, seed)
    rows, columns = grid
    pages = -(-len(samples) // (rows * columns))
    drawn = sheets(samples, rows, columns, tile)
    for number, page in enumerate(progress(drawn, pages, "pages"), start=1):
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
