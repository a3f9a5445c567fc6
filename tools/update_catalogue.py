#!/usr/bin/env python
"""Bring fxdet/zoo/catalogue.json up to date with the cards, and pipelines' cards with their result files."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fxdet.zoo.catalogue import CATALOGUE_FILE, catalogue, refreshed_row, write_catalogue
from fxdet.zoo.pipeline_figures import refresh_figures

ROOT = Path(__file__).resolve().parents[1]


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a row or a card differs.")
def main(check: bool) -> None:
    """Copy main figures from result files onto pipelines' cards, then take over into each row what its card says."""
    old = catalogue()
    cards = [row.name for row in old if refresh_figures(row, ROOT, write=not check)]
    new = tuple(refreshed_row(row) for row in old)
    if not check:
        write_catalogue(new, CATALOGUE_FILE)
    changed = [row.name for row, before in zip(new, old, strict=True) if row != before]
    click.echo(f"figures of {len(cards)} cards differ{'' if check else 'ed'}: {', '.join(cards) or 'none'}")
    click.echo(f"{len(changed)} of {len(old)} rows differ{'' if check else 'ed'}: {', '.join(changed) or 'none'}")
    sys.exit(int(bool(changed or cards) and check))


if __name__ == "__main__":
    main()
