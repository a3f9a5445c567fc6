"""``fxdet data audit``: duplicates, leakage, shortcuts, files and labels of data sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from fxdet.cli.opening import Opening

if TYPE_CHECKING:
    from fxdet.data.audit.embedding import Embedding
    from fxdet.data.audit.results import AuditResult, Fault
    from fxdet.data.samples import SampleSet

FOUND = 3
"""Exit code where ``--fail-on`` names something that the audit found."""

_PATH = click.Path(path_type=Path)
_EPILOG = (
    "Exit codes: 0 the audit ran and found nothing that --fail-on names; 2 wrong options or an unreadable set; "
    "3 it found something that --fail-on names."
)


@click.command(epilog=_EPILOG)
@click.argument("paths", nargs=-1, required=True, type=_PATH)
@click.option("--against", multiple=True, type=_PATH, help="Another set to compare with; may be repeated.")
@click.option("--layout", multiple=True, help="Layout, where it is not recognised; see --split for several sets.")
@click.option(
    "--split", multiple=True, help="Split list: a CSV file or a built-in one. Repeat it for several sets, in their "
    "order, PATHS first; - skips one.",
)  # fmt: skip
@click.option("--meanings", multiple=True, help="YAML file: class name → kind, regions, …; several as --split.")
@click.option(
    "--threshold", type=click.FloatRange(0.5, 1.0), help="Least similarity of near-duplicates. [default: 0.9]"
)
@click.option(
    "--embedding",
    metavar="MODEL",
    help="Search with a network as well, for copies rotated by any angle: builtin, a card or a run folder.",
)
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="Who decodes.")
@click.option("--workers", type=click.IntRange(min=1), help="Files decoded at a time. [default: processors]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the summary.")
@click.option("-o", "--output", type=_PATH, help="Folder for audit.json and the page audit.html with the pictures.")
@click.option("--pictures", type=click.IntRange(min=0), default=200, show_default=True, help="Most groups on the page.")
@click.option("--fail-on", metavar="CODES", default="", help="Exit with 3 if found: leak,conflict,truncated,…")
@click.pass_context
def audit(
    ctx: click.Context,
    paths: tuple[Path, ...],
    against: tuple[Path, ...],
    layout: tuple[str, ...],
    split: tuple[str, ...],
    meanings: tuple[str, ...],
    threshold: float | None,
    embedding: str | None,
    engine: Literal["local", "ray"],
    workers: int | None,
    as_json: bool,
    output: Path | None,
    pictures: int,
    fail_on: str,
) -> None:
    """Look for what makes figures on data sets worth nothing.

    Duplicates and leakage between parts and sets, opposite labels, what a look-up without learning reaches, shortcuts,
    damaged files and wrong labels of the sets PATHS, alone and --against others.
    """
    from fxdet.data.audit.failing import fail_codes
    from fxdet.data.audit.grouping import GroupingOptions
    from fxdet.data.audit.run import AuditOptions
    from fxdet.data.audit.run import audit as run_audit

    codes = fail_codes(fail_on)
    openings = _openings([*paths, *against], layout, split, meanings)
    opened = _open_all(openings, len(paths))
    grouping = GroupingOptions() if threshold is None else GroupingOptions(similarity=threshold)
    features = None if embedding is None else _features(embedding, [*opened.sets, *opened.against])
    settings = {} if embedding is None else {"embedding": embedding}
    options = AuditOptions(grouping, engine, workers, features, opened.splits, settings)
    result = run_audit(opened.sets, opened.against, options)
    result = replace(result, faults=(*opened.faults, *result.faults))
    _write(result, as_json, output, pictures)
    _fail(ctx, result, codes)


@dataclass(frozen=True, slots=True)
class _Opened:
    """The sets that could be opened, with the split list of each, and faults for the others."""

    sets: tuple[SampleSet, ...]
    against: tuple[SampleSet, ...]
    splits: tuple[str | None, ...]
    faults: tuple[Fault, ...]


def _openings(
    paths: Sequence[Path], layouts: Sequence[str], splits: Sequence[str], meanings: Sequence[str]
) -> list[Opening]:
    """Return how each set is opened; the n-th value of an option belongs to the n-th set."""
    from fxdet.core.errors import ConfigError, DataError

    met: set[Path] = set()
    for path in paths:
        if not path.exists():
            raise DataError(f"can't open {path}: no such file or folder – check the path")
        if path.resolve() in met:
            raise DataError(f"{path} is given twice – name each set once")
        met.add(path.resolve())
    rows = []
    for name, values in (("--layout", layouts), ("--split", splits), ("--meanings", meanings)):
        if len(values) > len(paths):
            raise ConfigError(f"{name}: got {len(values)} values for {len(paths)} sets – give at most one for each")
        rows.append([None if value == "-" else value for value in values] + [None] * (len(paths) - len(values)))
    return [
        Opening(path, layout, split, Path(meaning) if meaning else None)
        for path, layout, split, meaning in zip(paths, *rows, strict=True)
    ]


def _open_all(openings: Sequence[Opening], own: int) -> _Opened:
    """Open the sets, the first ``own`` of which are audited; one that can't be opened is a fault if others can."""
    from fxdet.core.errors import DataError
    from fxdet.data.audit.faults import set_fault

    opened: list[tuple[int, SampleSet]] = []
    faults: list[Fault] = []
    first: DataError | None = None
    for index, opening in enumerate(openings):
        try:
            opened.append((index, opening.open()))
        except DataError as error:
            first = first or error
            faults.append(set_fault(str(opening.path), error))
    if not any(index < own for index, _ in opened):
        raise first or DataError("no set could be opened")
    for fault in faults:
        click.echo(f"fxdet: warning: {fault.what}", err=True)
    return _Opened(
        tuple(samples for index, samples in opened if index < own),
        tuple(samples for index, samples in opened if index >= own),
        tuple(openings[index].split for index, _ in opened),
        tuple(faults),
    )


def _features(model: str, sets: Sequence[SampleSet]) -> Embedding:
    """Return the features of all pictures as a network sees them."""
    from fxdet.classify.model import TimmClassifier
    from fxdet.pipeline.embedding import embed_files
    from fxdet.zoo.hub import find_pipeline, load_classifier

    classifier = load_classifier(find_pipeline(model).classifier)
    assert isinstance(classifier, TimmClassifier)  # what the hub builds
    return embed_files(classifier, [sample.path for samples in sets for sample in samples])


def _write(result: AuditResult, as_json: bool, output: Path | None, pictures: int) -> None:
    """Print the summary or the JSON, and write the folder."""
    from fxdet.core.files import write_text
    from fxdet.data.audit.json_text import json_text
    from fxdet.data.audit.page import write_page
    from fxdet.data.audit.summary_text import summary_text

    click.echo(json_text(result) if as_json else summary_text(result))
    if output is not None:
        write_text(output / "audit.json", json_text(result) + "\n")
        write_page(output / "audit.html", result, pictures)
        click.echo(f"written: {output / 'audit.json'}, {output / 'audit.html'}", err=True)


def _fail(ctx: click.Context, result: AuditResult, codes: Sequence[str]) -> None:
    """End with the exit code for findings where the audit found what it should not."""
    from fxdet.data.audit.failing import found_codes

    found = found_codes(result, codes)
    if found:
        listed = ", ".join(f"{code} ({number:,})" for code, number in found.items())
        click.echo(f"fxdet: found what --fail-on names: {listed}", err=True)
        ctx.exit(FOUND)
