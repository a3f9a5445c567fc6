"""``fxdet predict``: from files and folders to reports, tables and overlays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fxdet.pipeline.api import Pipeline


@click.command(short_help="Find fractures on radiographs.")
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="OUT", help="Folder of results."
)
@click.option("--list", "lists", multiple=True, metavar="FILE", help="A text file with one path per line; also @FILE.")
@click.option(
    "--pipeline",
    "name",
    default="builtin",
    show_default=True,
    metavar="NAME",
    help="'builtin', 'fast', a pipeline card, or a model's card or run folder.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, mps.")
@click.option("--batch-size", default=16, show_default=True, type=click.IntRange(1, 512), help="Radiographs at once.")
@click.option("--threshold", type=click.FloatRange(0, 1), help="Probability that counts as a fracture, not the card's.")
@click.option(
    "--overlays",
    type=click.Choice(("all", "findings", "none")),
    default="all",
    show_default=True,
    help="Which radiographs get a picture.",
)
@click.option("--no-overlays", is_flag=True, help="The same as --overlays none.")
@click.option("--heatmap", is_flag=True, help="Show on the overlays where the classifier looks.")
@click.option("--crosscheck/--no-crosscheck", default=True, show_default=True, help="Check findings by Grad-CAM.")
@click.option("--recursive/--no-recursive", default=True, show_default=True, help="Search sub-folders.")
@click.option(
    "--threads",
    type=click.IntRange(1, 256),
    help="Processor threads; default: OMP_NUM_THREADS, else all that are usable.",
)
@click.option(
    "--precision",
    type=click.Choice(("auto", "fp32", "bf16")),
    default="auto",
    show_default=True,
    help="Number format; auto takes bf16 where the processor has it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def predict(
    paths: tuple[str, ...],
    output: Path,
    lists: tuple[str, ...],
    name: str,
    device: str,
    batch_size: int,
    threshold: float | None,
    overlays: str,
    no_overlays: bool,
    heatmap: bool,
    crosscheck: bool,
    recursive: bool,
    threads: int | None,
    precision: str,
    as_json: bool,
) -> None:
    """Find suspected fractures on radiographs: files, folders, globs, and @list.txt.

    OUT gets reports.jsonl, summary.csv, failures.csv and overlays/. Results of an earlier run there are replaced.
    Nothing is downloaded.

    Exit code: 0 all read, 1 some files failed, 2 wrong usage, 130 interrupted.
    """
    networks = NetworkChoices(name, device, threshold, heatmap and not no_overlays, crosscheck, threads, precision)
    inputs = InputChoices(paths, lists, recursive)
    run = RunChoices(output, batch_size, "none" if no_overlays else overlays, as_json)
    raise SystemExit(predict_all(inputs, networks, run))


@dataclass(frozen=True, slots=True)
class InputChoices:
    """What is read."""

    paths: tuple[str, ...]
    lists: tuple[str, ...]
    recursive: bool


@dataclass(frozen=True, slots=True)
class NetworkChoices:
    """Which pipeline computes, and how."""

    name: str
    device: str
    threshold: float | None
    heatmap: bool
    crosscheck: bool
    threads: int | None
    precision: str


@dataclass(frozen=True, slots=True)
class RunChoices:
    """Where results go, and what is printed."""

    output: Path
    batch_size: int
    overlays: str
    as_json: bool


def predict_all(inputs: InputChoices, networks: NetworkChoices, run: RunChoices) -> int:
    """Carry out the command and return its exit code.

    Raises:
        FxdetError: An input, the output folder, the pipeline or an option is wrong.
    """
    from fxdet.cli.running import check_output, report_outcome, run_pipeline
    from fxdet.pipeline.engine import RunOptions
    from fxdet.pipeline.sources import SourceList, as_inputs

    sources = SourceList(as_inputs(inputs.paths, inputs.lists), inputs.recursive, run.output.resolve())
    sources.check()
    check_output(run.output)
    options = RunOptions(batch_size=run.batch_size, overlays=run.overlays)
    outcome = run_pipeline(load(networks), sources, run.output, options)
    report_outcome(outcome, run.as_json)
    return outcome.exit_code


def load(choices: NetworkChoices) -> Pipeline:
    """Load the chosen pipeline with the chosen options."""
    from fxdet.pipeline.api import PipelineOptions
    from fxdet.pipeline.device import set_threads
    from fxdet.pipeline.loading import load_pipeline

    set_threads(choices.threads)
    options = PipelineOptions(choices.device, choices.threshold, choices.crosscheck, choices.heatmap, choices.precision)
    return load_pipeline(choices.name, options=options)
