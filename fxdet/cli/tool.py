"""The boundary of the scripts in ``tools/``: known errors become one line and an exit code, as with ``fxdet``."""

from __future__ import annotations

from typing import Any

import click

from fxdet.cli.main import one_line
from fxdet.core.errors import FxdetError


class ToolCommand(click.Command):
    r"""A script's command; a known error ends it with one line and its exit code.

    Example:
        >>> from click.testing import CliRunner
        >>> from fxdet.core.errors import ConfigError
        >>> @click.command(cls=ToolCommand)
        ... def measure():
        ...     raise ConfigError("--part – got 'x'")
        >>> result = CliRunner().invoke(measure)
        >>> result.exit_code, result.stderr
        (2, "measure: error: --part – got 'x'\n")
    """

    def invoke(self, ctx: click.Context) -> Any:
        """Run the script; a known error ends it with one line and its exit code."""
        try:
            return super().invoke(ctx)
        except FxdetError as error:
            click.echo(f"{ctx.info_name}: error: {one_line(str(error))}", err=True)
            ctx.exit(error.exit_code)
