"""``fxdet evaluate``: predictions against the labels of a data set."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fxdet._version import __version__

if TYPE_CHECKING:
    from fxdet.data.samples import SampleSet
    from fxdet.data.splits import LeakStamp
    from fxdet.pipeline.evaluating import Judged
    from fxdet.pipeline.predictions import Predictions


@click.command(short_help="Compare predictions with a data set's labels: figures with intervals, plots, worst cases.")
@click.argument("predictions", type=click.Path(path_type=Path))
@click.argument("samples", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder for the results.")
@click.option("--layout", help="Layout of the set, where it is not recognised.")
@click.option("--split", help="Split list: a CSV file, or a built-in one, as fracatlas/grouped.")
@click.option("--meanings", type=click.Path(path_type=Path), help="YAML file: class name → kind, regions, …")
@click.option("--allow-leak", is_flag=True, help="Go on although parts share groups; the results are stamped.")
@click.option("--part", help="Part to evaluate, or published:PART for a part as the set itself publishes it.")
@click.option("--validation-part", help="Part that operating points and temperatures are chosen on.")
@click.option("--random-weights", type=click.Path(path_type=Path), help="Reports of a pipeline with random weights.")
@click.option("--allow-missing", is_flag=True, help="Leave out radiographs without a prediction; they are counted.")
@click.option("--allow-unknown", is_flag=True, help="Leave out predictions of pictures outside the set.")
@click.option(
    "--looks", type=click.IntRange(min=1), help="How often this part was looked at by now; stands in the file."
)
@click.option("--draws", default=2000, show_default=True, type=click.IntRange(10, 100_000), help="Bootstrap draws.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Seed of the draws.")
@click.option("--worst", default=24, show_default=True, type=click.IntRange(0, 500), help="Pictures per worst kind.")
@click.option("--plots/--no-plots", default=True, show_default=True, help="Draw plots as PNG and SVG.")
@click.option("--json", "as_json", is_flag=True, help="Print evaluation.json instead of the table.")
def evaluate(
    predictions: Path,
    samples: Path,
    output: Path,
    layout: str | None,
    split: str | None,
    meanings: Path | None,
    allow_leak: bool,
    part: str | None,
    validation_part: str | None,
    random_weights: Path | None,
    allow_missing: bool,
    allow_unknown: bool,
    looks: int | None,
    draws: int,
    seed: int,
    worst: int,
    plots: bool,
    as_json: bool,
) -> None:
    """Compare PREDICTIONS with the labels of SAMPLES. No model runs.

    PREDICTIONS is reports.jsonl (or the folder that predict wrote), or a CSV with a column source and probabilities:
    fractured, or names of regions. SAMPLES is a data set. OUTPUT gets evaluation.json, tables, plots and worst.html.
    """
    from fxdet.evaluation.resampling import IntervalOptions
    from fxdet.evaluation.whole import EvaluationOptions
    from fxdet.pipeline.evaluating import JudgeOptions, evaluate_predictions
    from fxdet.pipeline.pairing import PairingOptions
    from fxdet.pipeline.predictions import read_predictions

    found = read_predictions(predictions)
    random = None if random_weights is None else read_predictions(random_weights)
    published, members, stamp = open_split(samples, layout, meanings, split, allow_leak)
    options = JudgeOptions(
        part,
        validation_part,
        PairingOptions(allow_missing, allow_unknown),
        EvaluationOptions(IntervalOptions(draws, seed)),
    )
    judged = evaluate_predictions(found, members, published, random, options)
    record = Record(found, members.name, stamp, options.part, options.validation_part, looks, draws, seed)
    data = evaluation_data(judged, record)
    write_results(output, judged, data, record)
    write_pictures(output, judged, worst, plots, head_lines(judged, record))
    if as_json:
        click.echo(json.dumps(data, ensure_ascii=False))
    else:
        report_evaluation(output, judged, record)


@dataclass(frozen=True, slots=True)
class Record:
    """What was evaluated on what."""

    predictions: Predictions
    set_name: str
    stamp: LeakStamp
    part: str | None
    validation_part: str | None
    looks: int | None
    draws: int
    seed: int


def open_split(
    path: Path, layout: str | None, meanings: Path | None, split: str | None, allow_leak: bool
) -> tuple[SampleSet, SampleSet, LeakStamp]:
    """Return the set as published, the set with its parts, and the stamp of the split."""
    from fxdet.data.formats import open_samples
    from fxdet.data.formats.meanings import read_meanings
    from fxdet.data.splits import split_samples

    published = open_samples(path, layout, read_meanings(meanings) if meanings else None)
    members, stamp = split_samples(published, split, allow_leak)
    return published, members, stamp


def evaluation_data(judged: Judged, record: Record) -> dict[str, object]:
    """Return the whole result as plain JSON values."""
    from fxdet.pipeline.evaluating import count_problems

    reports = record.predictions.reports
    models = {(stamp.name, stamp.sha256) for report in reports for stamp in report.models}
    evaluation = judged.evaluation.to_json()
    counts = {**evaluation.pop("counts"), **count_problems(judged.paired)}
    return {
        "schema": 1,
        "fxdet": __version__,
        "set": record.set_name,
        "part": record.part,
        "validation_part": record.validation_part,
        "looks": record.looks,
        "split": record.stamp.to_json(),
        "predictions": {
            "file": record.predictions.path.name,
            "sha256": record.predictions.sha256,
            "models": [{"name": name, "sha256": digest} for name, digest in sorted(models)],
            "config_hash": sorted({report.config_hash for report in reports if report.config_hash}),
            "version": sorted({report.version for report in reports if report.version}),
        },
        "intervals": {"level": 0.95, "draws": record.draws, "seed": record.seed},
        "counts": counts,
        **evaluation,
    }


def write_results(folder: Path, judged: Judged, data: dict[str, object], record: Record) -> None:
    """Write evaluation.json, the page of tables, and the CSV files."""
    from fxdet.core.files import write_json, write_text
    from fxdet.evaluation import tables
    from fxdet.pipeline.per_image import BOX_HEAD, IMAGE_HEAD, box_rows, image_rows
    from fxdet.pipeline.records import csv_line

    evaluation = judged.evaluation
    write_json(folder / "evaluation.json", data)
    write_text(folder / "evaluation.md", tables.markdown(evaluation, head_lines(judged, record)))
    for name, head, rows in (
        ("figures.csv", tables.FIGURE_HEAD, tables.figure_rows(evaluation.sections)),
        ("comparisons.csv", tables.COMPARISON_HEAD, tables.comparison_rows(evaluation.comparisons)),
        ("subgroups.csv", tables.SUBGROUP_HEAD, tables.subgroup_rows(evaluation.subgroups)),
        ("images.csv", IMAGE_HEAD, image_rows(judged.paired.pairs, judged.cohort)),
        ("boxes.csv", BOX_HEAD, box_rows(judged.cohort)),
    ):
        write_text(folder / name, "".join(csv_line(row) for row in (head, *rows)))


def write_pictures(folder: Path, judged: Judged, worst: int, plots: bool, notes: tuple[str, ...]) -> None:
    """Write the plots and the page of the worst cases; those of an earlier run are replaced."""
    from fxdet.cli.evaluation_pictures import draw_plots, write_worst

    if plots:
        draw_plots(folder / "plots", judged.evaluation)
    if worst:
        write_worst(folder / "worst.html", judged, worst, notes)


def head_lines(judged: Judged, record: Record) -> tuple[str, ...]:
    """Return what was evaluated, in a few lines."""
    from fxdet.pipeline.evaluating import count_problems
    from fxdet.pipeline.not_chosen import not_chosen

    counts = judged.evaluation.counts
    unknown = f", {counts['fracture_unknown']:,} unlabelled" if counts["fracture_unknown"] else ""
    boxes = f"; {counts['reference_boxes']:,} reference boxes" if counts["reference_boxes"] else ""
    part = record.part or "all parts"
    first = (
        f"{record.set_name}, {part}: {counts['radiographs']:,} radiographs in {counts['groups']:,} groups, "
        f"{counts['fractured']:,} fractured, {counts['normal']:,} normal{unknown}{boxes}"
    )
    problems = [
        f"{count:,} {name.replace('_', ' ')}"
        for name, count in count_problems(judged.paired).items()
        if count and name != "predictions_of_other_parts"
    ]
    chosen = f"points and temperatures chosen on {record.validation_part}" if record.validation_part else ""
    chosen = ", but ".join(text for text in (chosen, not_chosen(judged)) if text)
    looks = f"look number {record.looks} at this part" if record.looks else ""
    left_out = f"left out: {', '.join(problems)}" if problems else ""
    return tuple(line for line in (first, record.stamp.one_line(), chosen, looks, left_out) if line)


def report_evaluation(folder: Path, judged: Judged, record: Record) -> None:
    """Print the main figures to stdout and what the user should know to stderr."""
    from fxdet.core.findings import DISCLAIMER
    from fxdet.evaluation.tables import summary
    from fxdet.pipeline.sources import printable

    click.echo("\n".join(head_lines(judged, record)))
    click.echo(f"\n{summary(judged.evaluation)}\n\nresults in {printable(folder)} – {DISCLAIMER}")
    for name in judged.paired.failed[:3]:
        click.echo(f"fxdet: warning: {name} could not be read and is left out", err=True)
    if record.predictions.ignored:
        click.echo(f"fxdet: columns that say nothing here: {', '.join(record.predictions.ignored)}", err=True)
