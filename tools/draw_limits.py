#!/usr/bin/env python
"""Draw docs/images/limits/*.svg, one for each kind of failure on docs/limits.md; ``--check`` only compares."""

from __future__ import annotations

import sys
from pathlib import Path

import click

# A checkout that is not installed works, too.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fxdet.core.files import write_text
from fxdet.pages.drawings import drawings
from fxdet.pages.limits import Kind

DOCS = Path(__file__).resolve().parents[1] / "docs"


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a drawing differs.")
def main(check: bool) -> None:
    """Draw the kinds of failure."""
    wanted = {DOCS / Kind(name, "").drawing: text for name, text in drawings().items()}
    changed = [path for path, text in wanted.items() if not path.is_file() or path.read_text("utf-8") != text]
    for path in changed:
        if not check:
            write_text(path, wanted[path])
        click.echo(f"{path.relative_to(DOCS)}: {'differs' if check else 'written'}")
    if check and changed:
        sys.exit(1)


if __name__ == "__main__":
    main()
