"""``fxdet compare``: evaluated runs side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fxdet.evaluation.comparisons import Comparison
    from fxdet.pipeline.comparing import EvaluatedRun


@click.command(short_help="Compare evaluated runs on the same radiographs, with paired tests.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...", type=click.Path(path_type=Path))
@click.option("--shared", is_flag=True, help="Compare the radiographs that all runs have, instead of an error.")
@click.option("--draws", default=2000, show_default=True, type=click.IntRange(10, 100_000), help="Bootstrap draws.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Seed of the draws.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Markdown file for both tables.")
@click.option("--json", "as_json", is_flag=True, help="Print the tests as JSON.")
def compare(runs: tuple[Path, ...], shared: bool, draws: int, seed: int, output: Path | None, as_json: bool) -> None:
    """Compare RUNs, folders that fxdet evaluate wrote, figure by figure and with paired tests.

    AUROC by DeLong, AUPRC and AP50 by a paired bootstrap over groups, decisions by McNemar's exact test; p-values are
    corrected by Holm over the pairs of runs. The first table is of each run's own radiographs.
    """
    from fxdet.core.errors import ConfigError
    from fxdet.core.files import write_text
    from fxdet.evaluation.resampling import IntervalOptions
    from fxdet.evaluation.tables import comparison_table
    from fxdet.pipeline.comparing import aligned_runs, compare_runs, read_run

    if len(runs) < 2:
        raise ConfigError("compare – got one run, expected two or more – name another folder of fxdet evaluate")
    found = with_own_names([read_run(folder) for folder in runs], runs)
    aligned = aligned_runs(found, shared)
    tests = compare_runs(aligned, IntervalOptions(draws, seed))
    if output is not None:
        write_text(output, f"# Comparison\n\n{figure_table(found)}\n\n{comparison_table(tests)}\n")
    if as_json:
        click.echo(json.dumps({"runs": [run.name for run in found], "tests": [test.to_json() for test in tests]}))
    else:
        click.echo(terminal_table(found, tests, len(aligned[0].names)))


def with_own_names(runs: Sequence[EvaluatedRun], folders: Sequence[Path]) -> list[EvaluatedRun]:
    """Return the runs named by their folders; where two are called the same, by their paths as given."""
    from dataclasses import replace

    names = [run.name for run in runs]
    if len(set(names)) == len(names):
        return list(runs)
    return [replace(run, name=str(folder)) for run, folder in zip(runs, folders, strict=True)]


def _figures(runs: Sequence[EvaluatedRun]) -> list[tuple[str, ...]]:
    """Return one row per main figure: its name, and value with interval of each run."""
    from fxdet.evaluation.estimate import UNDEFINED
    from fxdet.evaluation.tables import MAIN_ROWS, main_figures

    held = [
        {(block, line): estimate.short for block, rows in main_figures(run.sections).items()
         for line, estimate in rows.items()}
        for run in runs
    ]  # fmt: skip
    wanted = [(block, line) for block, rows in MAIN_ROWS for line, _, _ in rows]
    return [
        (f"{place[0]}: {place[1]}", *(cells.get(place, UNDEFINED) for cells in held))
        for place in wanted
        if any(place in cells for cells in held)
    ]


def figure_table(runs: Sequence[EvaluatedRun]) -> str:
    """Return the main figures of all runs as a Markdown table."""
    from fxdet.evaluation.tables import markdown_table

    return markdown_table(("figure", *(run.name for run in runs)), _figures(runs))


def terminal_table(runs: Sequence[EvaluatedRun], tests: Sequence[Comparison], count: int) -> str:
    """Return figures and tests for the terminal."""
    from fxdet.evaluation.tables import aligned, p_text

    head = ("", *(run.name for run in runs))
    differences = [
        (f"{test.figure}: {test.first} − {test.second}", test.difference.short, p_text(test)) for test in tests
    ]
    blocks = [aligned([head, *_figures(runs)])]
    if differences:
        title = f"differences on {count:,} shared radiographs"
        blocks.append(aligned([(title, "95 % interval", "p (Holm)"), *differences]))
    return "\n\n".join(blocks)
