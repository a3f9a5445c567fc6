"""``fxdet zoo fetch``: a model or a pipeline into a folder of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from fxdet.cli.zoo_next import say_next
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
    help="Hub repository (OWNER/NAME), or a local folder of the same layout. What package or clone have needs none, and"
    " comes from there unless this is typed.",
)  # fmt: skip
@click.option(
    "--revision", help="Branch, tag or commit of the hub repository.  [default: as the catalogue says, or main]"
)
@click.pass_context
def fetch(ctx: click.Context, name: str, output: Path, source: str | None, revision: str | None) -> None:
    """Bring the model or pipeline NAME into a folder of its own, every hash checked.

    What was fetched is named with 'fxdet predict --pipeline DIR/NAME'. What is there already is checked and left.
    """
    from fxdet.zoo.fetching import fetch

    typed = ctx.get_parameter_source("source") is ParameterSource.COMMANDLINE or revision is not None
    done = fetch(name, _source(name, source, revision, typed), output)
    found = done.folder
    state = "" if done.is_new else ", was there before"
    click.echo(f"{found.name}: {found.kind}, {found.size / 1e6:.1f} MB in {found.path}{state}; every hash fits")
    say_next(found.path)


def _source(name: str, source: str | None, revision: str | None, typed: bool) -> ModelSource | None:
    """Return the source: what was typed, else the package and what lies beside it, else what the environment names."""
    from fxdet.zoo.catalogue import known_row
    from fxdet.zoo.fetching import FolderSource
    from fxdet.zoo.repository import DEFAULT_REPOSITORY, HubSource

    row = known_row(name)
    if not typed and row and (row.bundled or row.beside_the_package):
        return None
    if source and Path(source).is_dir():
        return FolderSource(Path(source))
    if source:
        return HubSource(source, revision or "main")
    if DEFAULT_REPOSITORY:
        return HubSource(DEFAULT_REPOSITORY, revision or (row and row.revision) or "main")
    return None
