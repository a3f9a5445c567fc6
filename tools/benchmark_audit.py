#!/usr/bin/env python
"""Measure how the search for duplicates grows with the number of pictures; prints a Markdown table.

No files are read: fingerprints with random hashes and thumbnails are made, a tenth of them copies with noise.
"""

from __future__ import annotations

import resource
import time
from dataclasses import replace

import click
import cv2
import numpy as np

from fxdet.data.audit.fingerprints import THUMBNAIL_SIDE, TURNS, Fingerprint, make_thumbnail, perceptual_hashes
from fxdet.data.audit.grouping import find_groups
from fxdet.data.audit.leakage import baselines, find_collisions, find_leaks
from fxdet.data.audit.results import AuditedFile
from fxdet.data.audit.turns import apply_turn

COARSE = 12
"""Side of the random pattern that a thumbnail is made from, px."""


@click.command()
@click.option("--pictures", multiple=True, type=click.IntRange(min=10), default=(1_000, 10_000, 100_000))
@click.option("--copies", default=0.1, show_default=True, type=click.FloatRange(0, 0.5), help="Share of copies.")
@click.option("--seed", default=0, show_default=True)
def main(pictures: tuple[int, ...], copies: float, seed: int) -> None:
    """Print a row per number of PICTURES: seconds of each step, and how many of the planted copies were found."""
    click.echo(
        "| pictures | groups, s | µs per picture | leaks and names, s | look-up, s | copies found | wrong | MB |"
    )
    click.echo("|---|---|---|---|---|---|---|---|")
    for count in pictures:
        click.echo(_row(count, copies, np.random.default_rng(seed)))


def _row(count: int, copies: float, generator: np.random.Generator) -> str:
    prints, sources = make_fingerprints(count, copies, generator)
    files = [
        AuditedFile("set", f"{i}.png", f"{i}.png", "val" if i % 5 == 0 else "train", bool(generator.random() < 0.3))
        for i in range(count)
    ]
    start = time.process_time()
    groups = find_groups(prints, files)
    grouped = time.process_time()
    find_leaks(prints, files, groups), find_collisions(files, groups)
    leaked = time.process_time()
    baselines(prints, files)
    looked_up = time.process_time()
    together = {index: number for number, group in enumerate(groups) for index in group.members}
    found = sum(together.get(copy, -1) == together.get(source, -2) for copy, source in sources.items())
    wrong = sum(len({sources.get(index, index) for index in group.members}) > 1 for group in groups)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    seconds = [grouped - start, leaked - grouped, looked_up - leaked]
    each = seconds[0] / count * 1e6
    return (
        f"| {count:,} | {seconds[0]:.1f} | {each:.0f} | {seconds[1]:.1f} | {seconds[2]:.1f} | "
        f"{found:,} of {len(sources):,} | {wrong} | {memory:,} |"
    )


def make_fingerprints(
    count: int, copies: float, generator: np.random.Generator
) -> tuple[list[Fingerprint], dict[int, int]]:
    """Return random fingerprints, and copy → source of the planted copies.

    A copy is turned at random, a tenth brighter or darker, and carries noise.
    """
    originals = count - round(count * copies)
    prints = [_fingerprint(index, _random_thumbnail(generator)) for index in range(originals)]
    sources = {index: int(generator.integers(originals)) for index in range(originals, count)}
    for index, source in sources.items():
        turned = apply_turn(prints[source].thumbnail, TURNS[int(generator.integers(8))])
        noise = generator.normal(0, 6, turned.shape)
        noisy = np.clip(turned * generator.uniform(0.8, 0.95) + noise, 0, 255).astype(np.uint8)
        prints.append(_fingerprint(index, make_thumbnail(noisy)))
    return prints, sources


def _random_thumbnail(generator: np.random.Generator) -> np.ndarray:
    """Return a smooth random pattern, uint8, shape (T, T); finer parts are weaker, as in a radiograph."""
    grey = np.zeros((THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.float32)
    for side, strength in ((4, 1.0), (COARSE, 0.6), (3 * COARSE, 0.3)):
        pattern = generator.normal(size=(side, side)).astype(np.float32)
        grey += strength * cv2.resize(pattern, grey.shape, interpolation=cv2.INTER_CUBIC)
    return make_thumbnail(np.uint8(np.clip(grey * 40 + 128, 0, 255)))


def _fingerprint(index: int, thumbnail: np.ndarray) -> Fingerprint:
    made = Fingerprint(f"{index}", f"{index}", (THUMBNAIL_SIDE, THUMBNAIL_SIDE), 0, thumbnail)
    return replace(made, hash=int(perceptual_hashes(thumbnail[None])[0, 0]))


if __name__ == "__main__":
    main()
