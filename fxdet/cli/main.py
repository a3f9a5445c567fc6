"""The ``fxdet`` command: a table of sub-commands that load on use, and the boundary where errors become one line."""

from __future__ import annotations

import logging
import sys
from typing import Any

import click

from fxdet._version import __version__
from fxdet.cli.lazy import Entry, LazyGroup
from fxdet.core.errors import FxdetError
from fxdet.core.memory import keep_freed_memory

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


COMMANDS = {
    "predict": Entry("fxdet.cli.predict:predict", "Find fractures on radiographs: files, folders, globs, lists."),
    "demo": Entry("fxdet.cli.demo:demo", "Draw a few synthetic radiographs and run the pipeline on them."),
    "train": Entry("fxdet.cli.train:train", "Train a classifier or a localizer from a configuration file."),
    "evaluate": Entry("fxdet.cli.evaluate:evaluate", "Compare predictions with a data set's labels: figures, plots."),
    "compare": Entry("fxdet.cli.compare:compare", "Compare evaluated runs on the same radiographs, with paired tests."),
    "reproduce": Entry("fxdet.cli.reproduce:reproduce", "Run the rows of papers' tables; check what was published."),
    "data": Entry("fxdet.cli.data:data", "Look into data sets: layouts, splits, labels, files."),
    "zoo": Entry("fxdet.cli.zoo:zoo", "List, show, fetch, verify and publish models."),
}
"""Command → where it lies; nothing below is imported before it is used, so that ``fxdet --help`` is quick."""
_RUNS_NETWORKS = frozenset({"predict", "demo", "train", "reproduce"})


class _MainGroup(LazyGroup):
    """The outermost group: known errors become one line and an exit code."""

    table = COMMANDS

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a known error ends it with one line and its exit code."""
        try:
            return super().invoke(ctx)
        except FxdetError as error:
            click.echo(f"fxdet: error: {one_line(str(error))}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("fxdet: interrupted", err=True)
            ctx.exit(INTERRUPTED)


def one_line(text: str) -> str:
    r"""Return a message on one line that every terminal can show.

    Example:
        >>> one_line("can't read a\nb\udcff.png")
        "can't read a b\\udcff.png"
    """
    return " ".join(text.split()).encode("utf-8", "backslashreplace").decode("utf-8")


class _EchoHandler(logging.Handler):
    """Log records as one line on stderr; a progress bar on the screen is kept whole."""

    def emit(self, record: logging.LogRecord) -> None:
        line = f"fxdet: {record.levelname.lower()}: {one_line(record.getMessage())}"
        bars = sys.modules.get("tqdm")
        if bars is not None and getattr(bars.tqdm, "_instances", None):
            bars.tqdm.write(line, file=sys.stderr)
        else:
            click.echo(line, err=True)


@click.group(cls=_MainGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="fxdet")
@click.option("-v", "--verbose", is_flag=True, help="Log what is going on, to stderr.")
@click.pass_context
def main(ctx: click.Context, verbose: bool) -> None:
    """Find suspected fractures on radiographs, train the networks that do it, and look into the data.

    For research only; nothing here is a diagnosis.
    """
    logger = logging.getLogger("fxdet")
    handler = _EchoHandler()
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if verbose else logging.WARNING)
    ctx.call_on_close(lambda: logger.removeHandler(handler))
    if ctx.invoked_subcommand in _RUNS_NETWORKS:
        keep_freed_memory()
