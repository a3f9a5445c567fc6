"""``fxdet zoo add``: a training run as a model's folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fxdet.cli.zoo_next import say_next
from fxdet.core.errors import ConfigError

if TYPE_CHECKING:
    from fxdet.zoo.adding_rows import RowOptions
    from fxdet.zoo.folders import ModelFolder

LARGE = 25e6
"""Bytes above which weights don't belong into the package."""


@click.command()
@click.argument("run", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder that gets the model's folder."
)
@click.option("--name", default="", help="Name of the network; else the run's.")
@click.option("--tag", default="", help="What it was trained on or for; else the run's.")
@click.option("--licence", default="", help="Licence of the weights, an SPDX name; else the run's.")
@click.option("--description", default="", help="One line on what it is for; else the run's.")
@click.option("--half", is_flag=True, help="Store weights at half width, as the built-in ones are.")
@click.option("--result", type=click.Path(path_type=Path, exists=True), help="JSON file with its measured figures.")
@click.option(
    "--catalogue", type=click.Path(path_type=Path, exists=True),
    help="Add its row to this catalogue, too; a row that is there keeps what is not said anew.",
)  # fmt: skip
@click.option("--config", help="For the row: configuration, relative to the repository.")
@click.option("--command", "commands", multiple=True, help="For the row: a command that makes it; in order.")
def add(
    run: Path,
    output: Path,
    name: str,
    tag: str,
    licence: str,
    description: str,
    half: bool,
    result: Path | None,
    catalogue: Path | None,
    config: str | None,
    commands: tuple[str, ...],
) -> None:
    """Make a model's folder from the finished training RUN: card, weights, README, configuration, log.

    The folder is what 'fxdet predict --pipeline' and 'fxdet zoo push' take. A leaky run is stamped as such, and a
    network that shows a fault on purpose is refused.
    """
    from fxdet.zoo.adding import AddOptions, add_run
    from fxdet.zoo.adding_rows import RowOptions, check_row
    from fxdet.zoo.card_facts import is_leaky, leak_line
    from fxdet.zoo.cards import ModelCard

    options = AddOptions(name, tag, licence, description, half, result)
    row = RowOptions(_relative("--config", config), commands, _relative("--result", result)) if catalogue else None
    if catalogue and row:
        check_row(run, options, catalogue, row)
    found = add_run(run, output, options)
    click.echo(f"{found.name}: {found.kind}, {found.size / 1e6:.1f} MB in {found.path}")
    if isinstance(found.card, ModelCard) and is_leaky(found.card):
        click.echo(f"stamped: {leak_line(found.card)}")
    if found.size > LARGE:
        click.echo(f"more than {LARGE / 1e6:.0f} MB: too large for the package{'' if half else '; --half halves it'}")
    if catalogue and row:
        _add_row(found, catalogue, row)
    say_next(found.path)


def _add_row(found: ModelFolder, file: Path, options: RowOptions) -> None:
    from fxdet.zoo.adding_rows import add_row, stale_of
    from fxdet.zoo.catalogue import catalogue

    old = next((row for row in catalogue(file) if row.name == found.name), None)
    row = add_row(found, file, options)
    click.echo(f"row of {row.name} in {file}, its card in {row.card}")
    for note in stale_of(old, row):
        click.echo(f"note: {note}")


def _relative(option: str, place: str | Path | None) -> str:
    """Return a file's name as a row has it, relative to the current folder: the repository's root."""
    if not place:
        return ""
    whole, root = Path(place).resolve(), Path.cwd().resolve()
    if not whole.is_relative_to(root):
        raise ConfigError(
            f"{option} – got '{place}', expected a file below the current folder – a row names files relative to the"
            " repository; run this in its root"
        )
    return whole.relative_to(root).as_posix()
