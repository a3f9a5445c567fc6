"""``fxdet reproduce``: rows of papers' tables under their published protocol and on leak-free groups."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fxdet.core.errors import ConfigError

if TYPE_CHECKING:
    from fxdet.training.paper_config import PaperRow
    from fxdet.training.reproduction import Selection

CONFIGS, RESULTS = Path("configs/papers"), Path("docs/results/papers")


@dataclass(frozen=True, slots=True)
class _Paper:
    """A paper with the rows that were asked for."""

    name: str
    rows: tuple[PaperRow, ...]
    selection: Selection
    results: Path

    def read(self) -> list[dict[str, Any]]:
        """Return all results of the paper."""
        from fxdet.training.paper_results import read_results

        return read_results(self.results, self.name)

    def with_weights(self) -> list[dict[str, Any]]:
        """Return the results of the runs whose networks can be looked at."""
        from fxdet.training.paper_attention import weights_of
        from fxdet.training.paper_sources import name_of
        from fxdet.training.reproduction import result_keys, run_folder

        keys = ((row, key) for row in self.rows for key in result_keys(row, self.selection))
        runs = {key.name for row, key in keys if weights_of(run_folder(row, key), row) is not None}
        return [item for item in self.read() if name_of(item) in runs]


@click.command(short_help="Run the rows of papers' tables; check what was published.")
@click.argument("paper", required=False)
@click.option("--row", "rows", multiple=True, help="Row of the table, e.g. resnet18; all where left out.")
@click.option("--protocol", "protocols", multiple=True, help="as-published, grouped; all of the row where left out.")
@click.option("--filter", "filters", multiple=True, help="none, clahe, …; those of the row where left out.")
@click.option("--seed", "seeds", multiple=True, type=click.IntRange(0), help="Seed; those of the row where left out.")
@click.option("--fold", "folds", multiple=True, type=click.IntRange(0), help="Fold; those of the protocol by default.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change a key: initial_weights=none.")
@click.option("--reduced", is_flag=True, help="Smaller, for a machine without a GPU; the tables say what differs.")
@click.option("--configs", type=click.Path(path_type=Path), default=CONFIGS, show_default=True, help="Their folder.")
@click.option("--results", type=click.Path(path_type=Path), default=RESULTS, show_default=True, help="Result files.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1.")
@click.option("--resume/--restart", default=True, help="Go on where a run was killed (default), or begin anew.")
@click.option("--keep-weights", is_flag=True, help="Keep the weights of every fold and seed, not of the first alone.")
@click.option("--list", "listing", is_flag=True, help="Only show what is done; nothing is run.")
@click.option("--compare-filters", is_flag=True, help="Only test each filter against none (paired, Holm).")
@click.option("--psnr", is_flag=True, help="Only measure the filters' PSNR on the published test part.")
@click.option("--roc", is_flag=True, help="Only draw the ROC curves of the results.")
@click.option("--curves", is_flag=True, help="Only draw the learning curves of the results.")
@click.option("--overlays", is_flag=True, help="Only draw where the networks look, on drawn radiographs.")
@click.option("--attention", type=click.Path(path_type=Path), help="Only Grad-CAM figures, on this set with boxes.")
@click.option("--attention-split", default="fracatlas/grouped", show_default=True, help="Its split list; part test.")
@click.option("--check-published", is_flag=True, help="Recompute what was published, of PAPER or of all papers.")
@click.option("--json", "as_json", is_flag=True, help="With --check-published: print JSON.")
def reproduce(
    paper: str | None,
    rows: tuple[str, ...],
    protocols: tuple[str, ...],
    filters: tuple[str, ...],
    seeds: tuple[int, ...],
    folds: tuple[int, ...],
    overrides: tuple[str, ...],
    reduced: bool,
    configs: Path,
    results: Path,
    device: str,
    resume: bool,
    keep_weights: bool,
    listing: bool,
    compare_filters: bool,
    psnr: bool,
    roc: bool,
    curves: bool,
    overlays: bool,
    attention: Path | None,
    attention_split: str,
    check_published: bool,
    as_json: bool,
) -> None:
    """Run the rows of PAPER that have no result yet, one result file per row, protocol and seed.

    A second call skips what is finished and goes on where the first was killed.
    """
    if check_published:
        _check_published(paper, as_json)
        return
    if paper is None:
        raise ConfigError("PAPER is missing – name one of team05, tamboli2026, sriram2026, cnn2024")
    from fxdet.training.paper_config import read_row, row_files
    from fxdet.training.reproduction import Selection

    read = tuple(read_row(path, overrides, reduced) for path in row_files(configs, paper, rows))
    chosen = _Paper(paper, read, Selection(protocols, filters, seeds, folds), results)
    others = {"compare": compare_filters, "psnr": psnr, "roc": roc, "curves": curves, "overlays": overlays}
    if attention is not None:
        _attention(chosen, attention, attention_split)
    elif any(others.values()):
        _write_beside(chosen, others)
    else:
        if not listing:
            _run(chosen, device, (not resume, keep_weights))
        _show(chosen)


def _check_published(paper: str | None, as_json: bool) -> None:
    from fxdet.evaluation.paper_checks import check_published
    from fxdet.training.paper_tables import checks_text

    checks = check_published(paper)
    if as_json:
        click.echo(json.dumps([check.to_json() for check in checks], ensure_ascii=False, indent=2))
    else:
        click.echo(checks_text(checks))


def _run(paper: _Paper, device: str, switches: tuple[bool, bool]) -> None:
    from fxdet.training.processes import join_processes
    from fxdet.training.reproduction import Reproduction, RunPlaces, run_all

    logging.getLogger("fxdet.training.loop").setLevel(logging.INFO)
    with join_processes(device, os.environ) as processes:
        processes.require_one("fxdet reproduce")
        places = RunPlaces(paper.results, *switches)
        runs = Reproduction(places, processes, lambda line: click.echo(f"fxdet: {line}", err=True))
        for _ in run_all(runs, paper.rows, paper.selection):
            pass


def _show(paper: _Paper) -> None:
    from fxdet.training.paper_tables import rows_text
    from fxdet.training.reproduction import in_order, state_of

    states = [(key, state_of(row, key, paper.results)) for row, key in in_order(paper.rows, paper.selection)]
    click.echo(rows_text(paper.read(), states))


def _write_beside(paper: _Paper, wanted: dict[str, bool]) -> None:
    from fxdet.training.attention_figure import draw_row_attention
    from fxdet.training.paper_comparison import write_filter_tests
    from fxdet.training.paper_figures import draw_learning_curves, draw_roc
    from fxdet.training.paper_psnr import write_filter_psnr

    folder = paper.results / paper.name
    if wanted["psnr"]:
        click.echo(write_filter_psnr(paper.rows[0], folder))
    if wanted["overlays"]:
        _told([draw_row_attention(paper.rows, paper.selection, folder)], folder, paper.with_weights())
    results = paper.read()
    if wanted["compare"]:
        _told([write_filter_tests(results, folder)], folder, results)
    for name, draw in (("roc", draw_roc), ("curves", draw_learning_curves)):
        if wanted[name]:
            _told(draw(results, folder), folder, results)


def _attention(paper: _Paper, data: Path, split: str) -> None:
    from fxdet.training.paper_attention import write_row_attention

    folder = paper.results / paper.name
    _told([write_row_attention(paper.rows, paper.selection, folder, (data, split))], folder, paper.with_weights())


def _told(made: list[Path], folder: Path, results: list[dict[str, Any]]) -> None:
    """Name made files, and note beside them which results they show."""
    from fxdet.training.paper_sources import note_sources

    note_sources(folder, [path.name for path in made], results)
    for path in made:
        click.echo(path)
