"""``fxdet zoo verify``: weights against their cards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fxdet.core.text_table import aligned_lines

if TYPE_CHECKING:
    from fxdet.zoo.verifying import Verification

DIFFERENT = 1
"""Exit code where something differs."""


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME|PATH]...")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def verify(ctx: click.Context, names: tuple[str, ...], as_json: bool) -> None:
    """Check weights against their cards: the hash, and name and shape of every tensor.

    Each is a name of 'fxdet zoo list', a card or weight file, a model's folder, or a folder of them. Without any, all
    that comes with the package or lies beside it in a clone is checked. The exit code is 1 where something differs.
    """
    found = list({item.card: item for name in names or _at_hand() for item in _verified(name)}.values())
    if as_json:
        click.echo(json.dumps([_as_data(item) for item in found], indent=2, ensure_ascii=False))
    else:
        for line in _lines(found):
            click.echo(line)
    if any(item.problem for item in found):
        ctx.exit(DIFFERENT)


def _at_hand() -> list[str]:
    from fxdet.zoo.catalogue import catalogue

    return [row.name for row in catalogue() if row.bundled or row.beside_the_package]


def _verified(name: str) -> tuple[Verification, ...]:
    from fxdet.zoo.catalogue import find_row
    from fxdet.zoo.hub import SHIPPED
    from fxdet.zoo.verifying import verify_place, verify_row

    if name in SHIPPED or not Path(name).exists():
        return verify_row(find_row(name))
    return verify_place(Path(name))


def _lines(found: list[Verification]) -> Iterator[str]:
    from fxdet.zoo.hub import BUILTIN_FOLDER
    from fxdet.zoo.verifying import differs_from_catalogue

    rows = []
    for item in found:
        place = "" if item.card.parent == BUILTIN_FOLDER else f"  {item.card.parent}"
        about = f"{item.size / 1e6:.1f} MB, {item.tensors} tensors" if item.tensors else "card"
        if differs_from_catalogue(item):
            about += "; not the catalogue's weights of this name"
        rows.append(
            (item.name, "DIFFERS" if item.problem else "fits", place.strip() if item.problem else about + place)
        )
    for line, item in zip(aligned_lines(rows), found, strict=True):
        yield line
        if item.problem:
            yield f"  {item.problem}"


def _as_data(item: Verification) -> dict[str, object]:
    return {
        "name": item.name,
        "card": str(item.card),
        "fits": not item.problem,
        "problem": item.problem,
        "size": item.size,
        "tensors": item.tensors,
    }
