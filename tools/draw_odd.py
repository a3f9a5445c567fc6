#!/usr/bin/env python
"""Draw pictures that are no radiographs, to see what a pipeline says of them: ``fxdet predict odd -o out``."""

from __future__ import annotations

from pathlib import Path

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from fxdet.core.files import atomic_write

Pixels = NDArray[np.uint8]


def landscape(generator: np.random.Generator) -> Pixels:
    """Return hills, a sun and a house in colour, BGR, 480 × 640 px."""
    height, width = 480, 640
    down = np.linspace(0, 1, height)[:, None, None] * np.ones((1, width, 1))
    picture = np.ascontiguousarray((np.array([230, 170, 110]) + down * np.array([-60, 40, 90])).astype(np.uint8))
    cv2.circle(picture, (500, 90), 45, (90, 220, 255), -1)
    across = np.arange(width)
    for level, colour in ((300, (60, 140, 70)), (350, (40, 110, 40)), (410, (70, 160, 100))):
        edge = np.stack([across, level + 25 * np.sin(across / 70 + level)], axis=1)
        cv2.fillPoly(picture, [np.array([*edge, (width, height), (0, height)], dtype=np.int32)], colour)
    cv2.rectangle(picture, (180, 300), (290, 380), (60, 70, 200), -1)
    cv2.fillPoly(picture, [np.array([(170, 300), (300, 300), (235, 240)])], (40, 40, 120))
    return np.clip(picture + generator.normal(0, 6, picture.shape), 0, 255).astype(np.uint8)


def text_page() -> Pixels:
    """Return black lines of text on white, 600 × 450 px."""
    page = np.full((600, 450), 255, dtype=np.uint8)
    for line in range(20):
        place = (20, 40 + 27 * line)
        cv2.putText(page, "The quick brown fox jumps over", place, cv2.FONT_HERSHEY_SIMPLEX, 0.7, 0, 1, cv2.LINE_AA)
    return page


@click.command()
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder for the pictures.")
@click.option("--seed", default=0, show_default=True, help="Seed of the noise.")
def main(output: Path, seed: int) -> None:
    """Draw a landscape in colour and grey, a page of text, noise, black and white."""
    generator = np.random.default_rng(seed)
    colour = landscape(generator)
    pictures = {
        "landscape": colour,
        "landscape_grey": cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY),
        "text_page": text_page(),
        "noise": generator.integers(0, 256, (400, 400), dtype=np.uint8),
        "black": np.zeros((400, 400), dtype=np.uint8),
        "white": np.full((400, 400), 255, dtype=np.uint8),
    }
    for name, pixels in pictures.items():
        with atomic_write(output / f"{name}.png", "wb") as handle:
            handle.write(cv2.imencode(".png", pixels)[1].tobytes())
    click.echo(f"{len(pictures)} pictures in {output}")


if __name__ == "__main__":
    main()
