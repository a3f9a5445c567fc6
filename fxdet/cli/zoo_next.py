"""What ``fxdet zoo fetch`` and ``add`` say last: how to use the folder, and what to know of a model alone."""

from __future__ import annotations

from pathlib import Path

import click


def say_next(folder: Path) -> None:
    """Print the command that takes a model's or a pipeline's folder, and its warnings."""
    from fxdet.zoo.hub import find_pipeline

    click.echo(f"next: fxdet predict radiographs/ -o out --pipeline {folder}")
    for note in find_pipeline(folder).notes:
        click.echo(f"note: {note}; every report will say so")
