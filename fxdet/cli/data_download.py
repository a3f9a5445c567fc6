"""``fxdet data download``: public sets from their publishers, or how to get them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fxdet.core.text_table import aligned_lines

if TYPE_CHECKING:
    from fxdet.data.catalogue import PublicSet

NEEDS_ACCOUNT = 1
"""Exit code where only instructions were printed."""


@click.command()
@click.argument("name", required=False)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder that gets the set's folder.")
@click.option("--list", "as_list", is_flag=True, help="List the sets with size and licence.")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@click.option("--accept-licence", is_flag=True, help="Accept the licence without being asked, for scripts.")
@click.option("--keep-archives", is_flag=True, help="Keep the archives after unpacking.")
@click.option(
    "--attempts", type=click.IntRange(min=1), default=5, show_default=True,
    help="Attempts in a row without a new byte before it is given up.",
)  # fmt: skip
@click.pass_context
def download(
    ctx: click.Context,
    name: str | None,
    output: Path | None,
    as_list: bool,
    as_json: bool,
    accept_licence: bool,
    keep_archives: bool,
    attempts: int,
) -> None:
    """Fetch the public set NAME into a folder, check it and unpack it.

    A download that was stopped goes on where it ended when the same command is run again. Sets that need an account
    get instructions instead, and exit code 1.
    """
    from fxdet.data.catalogue import CATALOGUE, find_set, instructions

    if as_list or as_json:
        rows = list(CATALOGUE.values())
        click.echo(
            json.dumps([_as_data(row) for row in rows], indent=2, ensure_ascii=False) if as_json else _table(rows)
        )
        return
    if name is None:
        raise click.UsageError("name a set, or pass --list to see them")
    entry = find_set(name)
    if not entry.is_open:
        click.echo(instructions(entry, str(output or "DIR")))
        ctx.exit(NEEDS_ACCOUNT)
    if output is None:
        raise click.UsageError("pass -o with the folder that shall get the set")
    _ask_for_licence(entry, output, accept_licence)
    _fetch(entry, output, keep_archives, attempts)


def _fetch(entry: PublicSet, folder: Path, keep_archives: bool, attempts: int) -> None:
    from fxdet.data.download import DownloadOptions, download
    from fxdet.data.remote import Patience

    try:
        with _bar() as show:
            done = download(entry, folder, DownloadOptions(Patience(attempts), show, keep_archives))
    except KeyboardInterrupt:
        click.echo("fxdet: what was fetched is kept; the same command goes on with it", err=True)
        raise
    state = "" if done.fetched else ", fetched before"
    click.echo(f"{entry.title}: {done.files:,} file{'s' if done.files != 1 else ''} in {done.folder}{state}")
    click.echo(f"licence {entry.licence.name}; cite: {entry.citation}")
    click.echo(f"next: fxdet data info {done.folder}")


def _ask_for_licence(entry: PublicSet, folder: Path, accepted: bool) -> None:
    """Show the licence and ask for it, unless it was accepted for this folder before."""
    from fxdet.core.errors import ConfigError
    from fxdet.data.download import accept_licence, licence_accepted

    if licence_accepted(entry, folder):
        return
    for line in _terms(entry):
        click.echo(line, err=True)
    if not accepted:
        try:
            accepted = click.confirm("Do you accept the licence?", err=True)
        except click.Abort as error:
            raise ConfigError(f"licence of {entry.name} not accepted: no answer – pass --accept-licence") from error
    if not accepted:
        raise ConfigError(f"licence of {entry.name} not accepted – nothing was fetched")
    accept_licence(entry, folder, datetime.now(timezone.utc).date().isoformat())


def _terms(entry: PublicSet) -> Iterator[str]:
    yield f"{entry.title}: {entry.what}"
    yield f"licence  {entry.licence.name}: {entry.licence.meaning}"
    yield f"         {entry.licence.url}"
    yield f"cite     {entry.citation}"
    yield f"page     {entry.page}"
    if entry.note:
        yield f"note     {entry.note}"


@contextmanager
def _bar() -> Iterator[Callable[[str, int, int | None], None]]:
    """Give a function that shows each file's progress on a bar of its own, with speed and time left."""
    from tqdm import tqdm

    bars: dict[str, Any] = {}

    def show(name: str, done: int, total: int | None) -> None:
        if name not in bars:
            close()
            bars[name] = tqdm(
                desc=name, initial=done, total=total, unit="B", unit_scale=True, unit_divisor=1000, disable=None,
                leave=False, dynamic_ncols=True,
            )  # fmt: skip
        bars[name].total = total
        bars[name].update(done - bars[name].n)

    def close() -> None:
        for bar in bars.values():
            bar.close()

    try:
        yield show
    finally:
        close()


def _as_data(entry: PublicSet) -> dict[str, Any]:
    return {**asdict(entry), "open": entry.is_open, "size": entry.size}


def _table(entries: list[PublicSet]) -> str:
    """Return the list in lines of at most 120 columns."""
    rows = [("name", "how", "fetch", "licence", "what")]
    for entry in entries:
        size = f"{entry.size / 1e9:.2f} GB" if entry.size and entry.is_open else "–"
        rows.append((entry.name, "open" if entry.is_open else "account", size, _short(entry.licence.name), entry.what))
    notes = (
        "open: fxdet data download NAME -o DIR; account: the same command says what to do; –: size not known beforehand"
    )
    return "\n".join([*aligned_lines(rows), notes])


def _short(licence: str) -> str:
    return licence if len(licence) <= 12 else "research use"
