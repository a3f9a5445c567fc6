#!/usr/bin/env python
"""Write docs/cli.md from the commands themselves; ``--check`` only tells whether it is up to date."""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click

# A checkout that is not installed works, too.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fxdet.cli.main import main as fxdet
from fxdet.core.files import write_text

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cli.md"
HEAD = """# Command line

Every command with its options, as `--help` prints them; `python tools/make_cli_page.py` writes this page. Data go to
stdout, messages and progress to stderr. Exit codes: 0 all is well, 1 some inputs failed, 2 wrong usage or nothing could
be done, 130 interrupted; what else a command returns stands with it.
"""
RANGES = (
    (r"(-?[\d.]+)<=x<=(-?[\d.]+)", r"\1 to \2"),
    (r"(-?[\d.]+)<x<(-?[\d.]+)", r"between \1 and \2"),
    (r"x>=(-?[\d.]+)", r"at least \1"),
    (r"x<=(-?[\d.]+)", r"at most \1"),
)
"""click's way to print a range → in words."""


def page() -> str:
    """Return the page as Markdown."""
    return "\n".join([HEAD, *_command(fxdet, click.Context(fxdet, info_name="fxdet"), 2)])


def _command(command: click.Command, context: click.Context, level: int) -> Iterator[str]:
    yield f"{'#' * level} {context.command_path}\n"
    yield f"```text\n{' '.join([context.command_path, *command.collect_usage_pieces(context)])}\n```\n"
    yield from _paragraphs(command.help or "")
    yield from _options(command, context)
    if isinstance(command, click.Group):
        found = [(name, command.get_command(context, name)) for name in command.list_commands(context)]
        for name, below in found:
            if below and not below.hidden:
                inner = click.Context(below, parent=context, info_name=name)
                yield from _command(below, inner, level if context.parent is None else 3)


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    """Return the table of options; ``--help`` and arguments without a text of their own are left out."""
    records = [each.get_help_record(context) for each in command.get_params(context) if "--help" not in each.opts]
    if rows := [f"| `{_name(record[0])}` | {_meaning(record[1])} |" for record in records if record and record[1]]:
        yield "\n".join(["| option | meaning |", "|---|---|", *rows]) + "\n"


def _name(text: str) -> str:
    """Return an option and what it takes, in a cell's code."""
    for long, short in (("INTEGER RANGE", "N"), ("INTEGER", "N"), ("FLOAT RANGE", "X"), ("FLOAT", "X")):
        text = text.replace(f" {long}", f" {short}")
    return re.sub(r"<.*>\.\.\.", "N …", text).replace("|", r"\|")


def _paragraphs(text: str) -> Iterator[str]:
    r"""Return the help text's paragraphs; those that click shall not wrap (``\b``) stay as they are."""
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text.partition("\f")[0])):
        if paragraph.startswith("\b"):
            yield "```text\n" + paragraph.removeprefix("\b").strip("\n") + "\n```\n"
        else:
            yield textwrap.fill(_escaped(paragraph), 120, break_long_words=False, break_on_hyphens=False) + "\n"


def _meaning(text: str) -> str:
    """Return an option's help with click's brackets at the end, of default and range, in italics."""
    text = " ".join(text.split())
    brackets: list[str] = []
    while found := re.fullmatch(r"(.*?) *\[([^\[\]]*)\]", text):
        text, extra = found.groups()
        for pattern, words in RANGES:
            extra = re.sub(pattern, words, extra)
        brackets.insert(0, extra)
    return _escaped(text) + (f" *{_escaped('; '.join(brackets))}*" if brackets else "")


def _escaped(text: str) -> str:
    return re.sub(r"([|<*_\[\]])", r"\\\1", text)


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if the page differs.")
def write(check: bool) -> None:
    """Bring docs/cli.md up to date."""
    new = page()
    if check:
        sys.exit(int(not PAGE.exists() or new != PAGE.read_text(encoding="utf-8")))
    write_text(PAGE, new)


if __name__ == "__main__":
    write()
