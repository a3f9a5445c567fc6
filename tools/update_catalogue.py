#!/usr/bin/env python
"""Bring sizes, hashes and descriptions of fxdet/zoo/catalogue.json up to date with the cards."""

from __future__ import annotations

import sys

import click

from fxdet.zoo.catalogue import CATALOGUE_FILE, catalogue, refreshed_row, write_catalogue


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a row differs from its card.")
def main(check: bool) -> None:
    """Take over into each row what its card says."""
    old = catalogue()
    new = tuple(refreshed_row(row) for row in old)
    if not check:
        write_catalogue(new, CATALOGUE_FILE)
    changed = [row.name for row, before in zip(new, old, strict=True) if row != before]
    click.echo(f"{len(changed)} of {len(old)} rows differ{'' if check else 'ed'}: {', '.join(changed) or 'none'}")
    sys.exit(int(bool(changed) and check))


if __name__ == "__main__":
    main()
