#!/usr/bin/env python
"""Write every table of figures in README.md and docs/ from result files, cards and configurations.

``--check`` writes nothing and exits 1, naming the pages that differ and what contradicts what.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

# A checkout that is not installed works, too.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fxdet.core.errors import FxdetError
from fxdet.pages.agreement import disagreements
from fxdet.pages.registry import differing_pages, write_pages
from fxdet.pages.sources import Repository

ROOT = Path(__file__).resolve().parents[1]


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a page differs.")
@click.option("--root", type=click.Path(path_type=Path, exists=True), default=ROOT, help="Another checkout.")
def main(check: bool, root: Path) -> None:
    """Bring the tables of all pages up to date."""
    repository = Repository(root.resolve())
    try:
        pages = differing_pages(repository) if check else write_pages(repository)
        wrong = disagreements(repository)
    except FxdetError as error:
        raise click.ClickException(str(error)) from error
    for page in pages:
        click.echo(f"{page.relative_to(repository.root)}: {'differs' if check else 'written'}")
    for line in wrong:
        click.echo(line, err=True)
    if wrong or (check and pages):
        sys.exit(1)


if __name__ == "__main__":
    main()
