"""``fxdet zoo``: a table of sub-commands about models and pipelines."""

from __future__ import annotations

import click

from fxdet.cli.lazy import Entry, LazyGroup

SUBCOMMANDS = {
    "list": Entry("fxdet.cli.zoo_list:list_rows", "List all pipelines and models, trained or not."),
    "show": Entry("fxdet.cli.zoo_show:show", "Show a card: classes, data, recipe, figures, licence."),
    "fetch": Entry("fxdet.cli.zoo_fetch:fetch", "Bring a model from a hub repository, a folder or the package."),
    "verify": Entry("fxdet.cli.zoo_verify:verify", "Check weights against their cards."),
    "add": Entry("fxdet.cli.zoo_add:add", "Make a model's folder and card from a training run."),
    "push": Entry("fxdet.cli.zoo_push:push", "Upload models to a hub repository."),
}
"""Sub-command → where it lies."""


class _ZooGroup(LazyGroup):
    table = SUBCOMMANDS


@click.group(cls=_ZooGroup, invoke_without_command=True)
@click.pass_context
def zoo(ctx: click.Context) -> None:
    """List, show, fetch, check and publish models. Without a sub-command, list them.

    Nothing is fetched unless 'fxdet zoo fetch' is called.
    """
    if ctx.invoked_subcommand is None:
        from fxdet.cli.zoo_list import list_rows

        ctx.invoke(list_rows)
        click.echo("\nmore: fxdet zoo show NAME, fxdet zoo --help", err=True)
