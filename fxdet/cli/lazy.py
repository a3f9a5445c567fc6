"""Groups of commands that are imported when they are asked for, so that ``--help`` is quick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import ClassVar

import click

from fxdet.core.errors import did_you_mean


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command lies, as ``module:command``, and its line in the list of commands."""

    place: str
    summary: str


class LazyGroup(click.Group):
    """A group that imports a command when it is asked for, and suggests the nearest name for a misspelt one.

    A group is a subclass that sets :attr:`table`: name → entry, in the order of the help text.
    """

    table: ClassVar[Mapping[str, Entry]] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the table's order."""
        return list(self.table)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import and return a command, or None where the table has no such name."""
        if name not in self.table:
            return None
        module, _, attribute = self.table[name].place.partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{self.table[name].place}: got {type(command).__name__}, expected a click command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, and suggest the nearest one for a misspelt name."""
        if args and args[0] not in self.table and not args[0].startswith("-"):
            ctx.fail(f"no such command '{args[0]}'{did_you_mean(args[0], self.table)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in self.table.items()])
