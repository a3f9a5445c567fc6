"""``fxdet demo``: drawn radiographs through the pipeline, for whoever has none at hand."""

from __future__ import annotations

from pathlib import Path

import click

DRAWN = "these radiographs are drawn by a program, not taken of anyone"


@click.command(short_help="Run the pipeline on drawn radiographs.")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="OUT", help="Folder of results."
)
@click.option("--count", default=8, show_default=True, type=click.IntRange(1, 1000), help="How many are drawn.")
@click.option("--seed", default=7, show_default=True, type=click.IntRange(0), help="Same seed, same drawings.")
@click.option(
    "--pipeline",
    "name",
    default="builtin",
    show_default=True,
    metavar="NAME",
    help="'builtin', 'fast', a pipeline card, or a model's card or run folder.",
)
def demo(output: Path, count: int, seed: int, name: str) -> None:
    """Draw a few synthetic radiographs, some with a fracture line, and run the pipeline on them.

    The drawings lie in OUT/drawn, the truth in OUT/drawn/truth.csv, the results in OUT as predict writes them.
    """
    raise SystemExit(run_demo(output, count, seed, name))


def run_demo(output: Path, count: int, seed: int, name: str) -> int:
    """Carry out the command and return its exit code.

    Raises:
        FxdetError: The output folder can't be written, or the pipeline does not load.
    """
    from fxdet.cli.running import check_output, report_outcome, run_pipeline
    from fxdet.pipeline.device import set_threads
    from fxdet.pipeline.engine import RunOptions
    from fxdet.pipeline.loading import load_pipeline
    from fxdet.pipeline.sources import SourceList

    check_output(output)
    set_threads(None)
    pipeline = load_pipeline(name)
    click.echo(f"fxdet: drawing {count} radiographs – {DRAWN}", err=True)
    draw_pictures(output / "drawn", count, seed)
    outcome = run_pipeline(pipeline, SourceList((str(output / "drawn"),)), output, RunOptions())
    report_outcome(outcome, as_json=False)
    click.echo(f"{DRAWN}; overlays in {output / 'overlays'}")
    return outcome.exit_code


def draw_pictures(folder: Path, count: int, seed: int) -> None:
    """Draw ``count`` radiographs as PNG files and list what each shows in ``truth.csv``."""
    import numpy as np

    from fxdet.core.files import write_text
    from fxdet.imaging.synthetic import DrawingOptions, draw_radiograph
    from fxdet.pipeline.records import csv_line
    from fxdet.report.overlay import write_overlay

    lines = [csv_line(("file", "region", "fractured", "boxes"))]
    for index, generator in enumerate(np.random.default_rng(seed).spawn(count)):
        drawn = draw_radiograph(generator, DrawingOptions())
        file = f"drawn-{index + 1:03d}-{drawn.region}.png"
        write_overlay(folder / file, np.repeat(drawn.pixels[..., None], 3, axis=2))
        boxes = "; ".join(" ".join(f"{value:.0f}" for value in box) for box in drawn.fracture_boxes)
        lines.append(csv_line((file, drawn.region, int(drawn.fractured), boxes)))
    write_text(folder / "truth.csv", "".join(lines))
