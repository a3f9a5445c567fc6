#!/usr/bin/env python
"""Draw a data set to try training on: ``python tools/draw_data.py FOLDER [--train N] [--val N] [--seed S]``."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import numpy as np

# A checkout that is not installed works, too.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fxdet.data.drawn import write_drawn_set
from fxdet.imaging.synthetic import DrawingOptions


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--train", default=320, show_default=True, type=click.IntRange(16), help="Radiographs to learn from.")
@click.option("--val", default=96, show_default=True, type=click.IntRange(16), help="Radiographs to validate on.")
@click.option("--side", default=192, show_default=True, type=click.IntRange(16, 4096), help="Height and width, px.")
@click.option("--seed", default=7, show_default=True, type=click.IntRange(0), help="Same seed, same drawings.")
def draw(folder: Path, train: int, val: int, side: int, seed: int) -> None:
    """Draw radiographs with the table drawn.csv into FOLDER; they are drawn by a program, not taken of anyone."""
    options = DrawingOptions(size=(side, side), displacement=1.5, collimation_share=0.3)
    table = write_drawn_set(folder, [("train", train), ("val", val)], np.random.default_rng(seed), options)
    click.echo(f"{train} + {val} drawn radiographs in {table}")


if __name__ == "__main__":
    draw()
