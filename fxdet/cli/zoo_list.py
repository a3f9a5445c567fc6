"""``fxdet zoo list``: the rows of the catalogue."""

from __future__ import annotations

import json
from collections.abc import Sequence
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import click

from fxdet.core.text_table import aligned_lines

if TYPE_CHECKING:
    from fxdet.zoo.catalogue import ZooRow

LEAST_DESCRIPTION = 24
"""Columns that a description gets at least; where there are fewer, it is left out."""


@click.command("list")
@click.option("--kind", type=click.Choice(["pipeline", "localizer", "classifier"]), help="Only rows of this kind.")
@click.option("--json", "as_json", is_flag=True, help="Print all that the catalogue says, as JSON.")
def list_rows(kind: str | None = None, as_json: bool = False) -> None:
    """List all pipelines and models of the zoo, with or without weights.

    'weights' says where they are: 'shipped' with the package, 'in the repository' beside it, 'on the hub',
    made 'by command', or 'not trained yet'.
    """
    from fxdet.zoo.catalogue import catalogue

    rows = [row for row in catalogue() if kind in (None, row.kind)]
    if as_json:
        click.echo(json.dumps([row_as_data(row) for row in rows], indent=2, ensure_ascii=False))
        return
    for line in _table(rows, get_terminal_size().columns):
        click.echo(line)


def row_as_data(row: ZooRow) -> dict[str, Any]:
    """Return a row as JSON data, without paths of this machine."""
    from fxdet.zoo.records import record_to_json

    data: dict[str, Any] = record_to_json(row)
    return {**data, "card": row.card.name if row.card else None, "weights": row.state}


def _table(rows: Sequence[ZooRow], width: int) -> list[str]:
    head = ("name", "kind", "weights", "MB")
    cells = [(row.name, row.kind, row.state, f"{row.size / 1e6:.1f}" if row.size else "–") for row in rows]
    lines = aligned_lines([head, *cells], numbers=[3])
    used = max(map(len, lines))
    if width - used - 2 < LEAST_DESCRIPTION:
        return lines
    texts = ["what for", *(row.description for row in rows)]
    return [f"{line.ljust(used)}  {_cut(text, width - used - 2)}" for line, text in zip(lines, texts, strict=True)]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"
