"""``fxdet data filters``: the image-enhancement comparison of the Team-05 report over a set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fxdet.cli.opening import Opening, opening_options, progress
from fxdet.core.text_table import aligned_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fxdet.data.filter_comparison import ComparisonOptions, ComparisonResult, FilterSummary, MeanInterval, Order
    from fxdet.data.samples import SampleSet

STRIP_ROWS = 6


@click.command()
@opening_options
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder for tables and strip.")
@click.option("--part", help="Only this part.")
@click.option("--fractured/--normal", default=None, help="Only fractured, or only not fractured, pictures.")
@click.option("--limit", type=click.IntRange(min=1), help="Most pictures; a random choice with --seed.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the choice of --limit.")
@click.option("--filter", "names", multiple=True, metavar="NAME", help="Only this filter; may be repeated.")
@click.option("--size", type=click.IntRange(min=11), default=224, show_default=True, help="Side after resizing, px.")
@click.option(
    "--order", type=click.Choice(["filter-first", "resize-first"]), default="filter-first", show_default=True,
    help="Filter the picture as stored, or the resized one.",
)  # fmt: skip
@click.option(
    "--jpeg", "quality", type=click.IntRange(1, 100),
    help="Compare after a JPEG of this quality; the published script did, with 75.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def filters(
    path: Path,
    layout: str | None,
    split: str | None,
    meanings: Path | None,
    output: Path,
    part: str | None,
    fractured: bool | None,
    limit: int | None,
    seed: int,
    names: tuple[str, ...],
    size: int,
    order: Order,
    quality: int | None,
    as_json: bool,
) -> None:
    """Compare CLAHE, median, bilateral and Gaussian filters on the set PATH by PSNR and SSIM.

    Each filtered picture is compared with the original at the same size. The folder gets filters.json, filters.csv
    (means with 95 % intervals), pictures.csv (each picture) and strip.png.
    """
    from fxdet.data.filter_comparison import ComparisonOptions, strip, write_comparison
    from fxdet.data.filters import FILTERS

    options = ComparisonOptions(names or tuple(FILTERS), size, order, quality)
    samples = _chosen(Opening(path, layout, split, meanings).open(), part, fractured, limit, seed)
    result = _run(samples, options)
    rows = min(STRIP_ROWS, len(samples))
    shown = [samples.samples[len(samples) * row // rows] for row in range(rows)]
    write_comparison(result, strip(shown, options), output)
    click.echo(json.dumps(result.to_json(), indent=2, ensure_ascii=False) if as_json else _as_text(result))
    click.echo(f"tables and strip in {output}", err=as_json)


def _chosen(samples: SampleSet, part: str | None, fractured: bool | None, limit: int | None, seed: int) -> SampleSet:
    from dataclasses import replace

    from fxdet.core.errors import DataError
    from fxdet.data.predicates import matching
    from fxdet.data.series import chosen

    kept = samples.where(matching(part=part, fractured=fractured)).samples
    if not kept:
        raise DataError(f"no picture of {samples.root} fits – loosen --part, --fractured or --normal")
    return replace(samples, samples=tuple(chosen(kept, limit or len(kept), seed)))


def _run(samples: SampleSet, options: ComparisonOptions) -> ComparisonResult:
    from fxdet.core.errors import DataError, ReadError
    from fxdet.data.filter_comparison import ComparisonResult, compare_samples, summarise

    rows, unreadable = [], []
    for found in progress(compare_samples(samples, options), len(samples), "pictures"):
        if isinstance(found, ReadError):
            unreadable.append(str(found))
        else:
            rows += found
    if not rows:
        what = f"none of the {len(samples)} pictures of {samples.root} can be read"
        raise DataError(f"{what}; the first: {unreadable[0]}")
    return ComparisonResult(samples.name, options, tuple(rows), summarise(rows), tuple(unreadable))


def _as_text(result: ComparisonResult) -> str:
    """Return the means in lines of at most 100 columns."""
    options, pictures = result.options, result.summaries[0].pictures
    first = options.order == "filter-first"
    order = f"filtered, then resized to {options.size} px" if first else f"resized to {options.size} px, then filtered"
    jpeg = f", JPEG {options.jpeg_quality}" if options.jpeg_quality is not None else ""
    head = f"{result.set_name}: {pictures:,} picture{'s' if pictures != 1 else ''}, {order}{jpeg}"
    notes = ["mean (95 % interval) against the resized original; * as the published script has it, wrapping around"]
    equal = sum(summary.psnr.infinite for summary in result.summaries)
    if equal:
        notes.append(f"{equal:,} PSNR left out of the means: the filter changed nothing there")
    if result.unreadable:
        notes.append(f"{len(result.unreadable):,} unreadable, the first: {result.unreadable[0]}")
    text = "\n".join([head, "", _table(result.summaries), *notes])
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _table(summaries: Sequence[FilterSummary]) -> str:
    rows = [("filter", "parameters", "PSNR, dB", "PSNR*, dB", "SSIM")]
    rows += [
        (one.filter, one.parameters, _cell(one.psnr, 2), _cell(one.psnr_wraparound, 2), _cell(one.ssim, 3))
        for one in summaries
    ]
    return "\n".join(aligned_lines(rows))


def _cell(found: MeanInterval, digits: int) -> str:
    if found.mean is None:
        return "∞"
    if found.low is None or found.high is None:
        return f"{found.mean:.{digits}f}"
    return f"{found.mean:.{digits}f} ({found.low:.{digits}f}–{found.high:.{digits}f})"
