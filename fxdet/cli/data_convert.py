"""``fxdet data convert``: a data set in another format, with its pictures linked, copied or made smaller."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fxdet.cli.opening import Opening, opening_options, progress

if TYPE_CHECKING:
    from fxdet.data.compact import CompactOptions, Encoding
    from fxdet.data.convert import Conversion


@click.command()
@opening_options
@click.argument("dest", type=click.Path(path_type=Path))
@click.option("--to", "target", required=True, help="Format: coco, yolo, voc, csv or fxdet.")
@click.option(
    "--images", type=click.Choice(["copy", "link", "none"]), default="copy", show_default=True,
    help="Copy the pictures, link them (hard links, else symbolic ones), or leave them where they are.",
)  # fmt: skip
@click.option("--map", "pairs", multiple=True, metavar="OLD=NEW", help="Rename a class; OLD= drops it. Repeatable.")
@click.option("--classes", type=click.Path(path_type=Path), help="YAML file: old class name → new name, or null.")
@click.option("--no-outlines", is_flag=True, help="Write boxes only, where the format could hold outlines.")
@click.option("--max-side", type=click.IntRange(min=1), help="Shrink pictures and boxes to this longest side, px.")
@click.option("--grey", is_flag=True, help="One channel of 8 bits; 16-bit pictures through their window.")
@click.option("--quality", type=click.IntRange(1, 100), help="Quality of pictures made anew.  [default: 88]")
@click.option(
    "--format", "encoding", type=click.Choice(["webp", "jpg"]),
    help="Format of pictures made anew; jpg takes twice the room and is read by everything.  [default: webp]",
)  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace what an earlier conversion wrote to DEST.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def convert(
    ctx: click.Context,
    path: Path,
    layout: str | None,
    split: str | None,
    meanings: Path | None,
    dest: Path,
    target: str,
    images: Any,
    pairs: tuple[str, ...],
    classes: Path | None,
    no_outlines: bool,
    max_side: int | None,
    grey: bool,
    quality: int | None,
    encoding: Encoding | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write the set PATH to the folder DEST in another format.

    DEST appears in full or not at all; after an interruption, the same command goes on where it ended. Exit code 0: all
    pictures were written; 1: some could not be read and are listed in DEST/failures.csv; 2: nothing was written.
    """
    from fxdet.data.class_map import parse_class_map, read_class_map
    from fxdet.data.convert import ConvertOptions
    from fxdet.data.convert import convert as write_set
    from fxdet.data.writers import writer

    writer(target)  # a misspelt format is told before the set is read
    named = {**(read_class_map(classes) if classes else {}), **parse_class_map(pairs)}
    compact = _compact(max_side, grey, quality, encoding)
    options = ConvertOptions(target, images, compact, named, not no_outlines, overwrite)
    start = time.monotonic()
    samples = Opening(path, layout, split, meanings).open()
    result = write_set(samples, dest, options, lambda moves: progress(moves, len(moves), "pictures"))
    seconds = time.monotonic() - start
    click.echo(_as_json(result, seconds) if as_json else _as_text(result, seconds))
    for note in result.notes:
        click.echo(f"fxdet: note: {note}", err=True)
    if result.failures:
        count = len(result.failures)
        what = "picture could not be read and is" if count == 1 else "pictures could not be read and are"
        click.echo(f"fxdet: {count:,} {what} left out – see {dest / 'failures.csv'}", err=True)
        ctx.exit(1)


def _compact(max_side: int | None, grey: bool, quality: int | None, encoding: Encoding | None) -> CompactOptions | None:
    from fxdet.data.compact import CompactOptions

    if max_side is None and not grey and quality is None and encoding is None:
        return None
    usual = CompactOptions()
    return CompactOptions(max_side, grey, quality or usual.quality, encoding or usual.encoding)


def _as_text(result: Conversion, seconds: float) -> str:
    size = f", {result.picture_bytes / 1e6:,.1f} MB" if result.picture_bytes else ""
    resumed = f"; {result.resumed:,} were there from an interrupted run" if result.resumed else ""
    pictures, boxes = (
        f"{count:,} {noun}{'' if count == 1 else plural}"
        for count, noun, plural in ((result.pictures, "picture", "s"), (result.boxes, "box", "es"))
    )
    return f"{pictures}{size} and {boxes} in {result.folder} ({seconds:.1f} s){resumed}"


def _as_json(result: Conversion, seconds: float) -> str:
    from dataclasses import asdict

    return json.dumps({**asdict(result), "folder": str(result.folder), "seconds": round(seconds, 1)}, indent=2)
