"""``fxdet data``: a table of sub-commands about data sets."""

from __future__ import annotations

import click

from fxdet.cli.lazy import Entry, LazyGroup

SUBCOMMANDS = {
    "info": Entry("fxdet.cli.data_info:info", "Print parts, classes, regions, boxes, sizes, and what is wrong."),
    "split": Entry("fxdet.cli.data_split:split", "Split a set into parts or folds that share no patient or picture."),
    "convert": Entry("fxdet.cli.data_convert:convert", "Write a set in another format; link, copy or shrink pictures."),
    "browse": Entry("fxdet.cli.data_browse:browse", "Draw contact sheets with boxes and captions."),
    "audit": Entry("fxdet.cli.data_audit:audit", "Find duplicates, leakage, shortcuts, damaged files, wrong labels."),
    "download": Entry("fxdet.cli.data_download:download", "Fetch a public data set, or say how to get it."),
    "filters": Entry("fxdet.cli.data_filters:filters", "Compare enhancement filters by PSNR and SSIM."),
}
"""Sub-command → where it lies."""


class _DataGroup(LazyGroup):
    table = SUBCOMMANDS


@click.group(cls=_DataGroup)
def data() -> None:
    """Look at data sets."""
