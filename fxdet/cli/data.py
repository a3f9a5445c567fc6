"""``fxdet data``: a table of sub-commands about data sets."""

from __future__ import annotations

import click

from fxdet.cli.lazy import Entry, LazyGroup

SUBCOMMANDS = {
    "info": Entry("fxdet.cli.data_info:info", "Print parts, classes, regions, boxes, sizes, and what is wrong."),
    "browse": Entry("fxdet.cli.data_browse:browse", "Draw contact sheets with boxes and captions."),
}
"""Sub-command → where it lies."""


class _DataGroup(LazyGroup):
    table = SUBCOMMANDS


@click.group(cls=_DataGroup)
def data() -> None:
    """Look at data sets."""
