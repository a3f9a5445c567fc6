"""``fxdet zoo fetch``: a model or a pipeline into a folder of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fxdet.cli.zoo_repository import REPOSITORY_VARIABLE

if TYPE_CHECKING:
    from fxdet.zoo.fetching import ModelSource


@click.command()
@click.argument("name")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default="zoo", show_default=True,
    help="Folder that gets the model's folder.",
)  # fmt: skip
@click.option(
    "--from", "--repository", "source", envvar=REPOSITORY_VARIABLE, show_envvar=True,
    help="Hub repository (OWNER/NAME), or a local folder of the same layout. What package or clone have needs none.",
)  # fmt: skip
@click.option(
    "--revision", help="Branch, tag or commit of the hub repository.  [default: as the catalogue says, or main]"
)
def fetch(name: str, output: Path, source: str | None, revision: str | None) -> None:
    """Bring the model or pipeline NAME into a folder of its own, every hash checked.

    What was fetched is named with 'fxdet predict --pipeline DIR/NAME'. What is there already is checked and left.
    """
    from fxdet.zoo.fetching import fetch

    done = fetch(name, _source(name, source, revision), output)
    found = done.folder
    state = "" if done.is_new else ", was there before"
    click.echo(f"{found.name}: {found.kind}, {found.size / 1e6:.1f} MB in {found.path}{state}; every hash fits")
    click.echo(f"next: fxdet predict radiographs/ -o out --pipeline {found.path}")


def _source(name: str, source: str | None, revision: str | None) -> ModelSource | None:
    """Return the source: what was named, else the package and what lies beside it, else the hub."""
    from fxdet.zoo.catalogue import known_row
    from fxdet.zoo.fetching import FolderSource
    from fxdet.zoo.repository import DEFAULT_REPOSITORY, HubSource

    row = known_row(name)
    if source and Path(source).is_dir():
        return FolderSource(Path(source))
    if source:
        return HubSource(source, revision or "main")
    if DEFAULT_REPOSITORY and not (row and (row.bundled or row.beside_the_package)):
        return HubSource(DEFAULT_REPOSITORY, revision or (row and row.revision) or "main")
    return None
