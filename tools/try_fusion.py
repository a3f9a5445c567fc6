#!/usr/bin/env python
"""Try localizers alone, mirrored, fused and weighted on a validation part, before a pipeline is built of them.

``python tools/try_fusion.py fxdet/zoo/builtin/yolov8n.both.json fxdet/zoo/builtin/yolov8n.fracatlas.json
--data ../shared/data/FracAtlas --split fracatlas/grouped --trial "yolov8n.both"
--trial "yolov8n.both + yolov8n.fracatlas, mirrored, 4:1" -o docs/results/localizer_trials.json``

Another call with another set or part adds its figures to the same file.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

# A checkout that is not installed works, too.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fxdet.cli.tool import ToolCommand
from fxdet.core.errors import ConfigError
from fxdet.core.memory import keep_freed_memory
from fxdet.pipeline.compared_models import PartQuery, add_to_result, open_models, open_part
from fxdet.pipeline.measuring import MeasureOptions
from fxdet.pipeline.view_trials import ViewTrial, run_trials
from fxdet.zoo.hub import load_localizer


@click.command(cls=ToolCommand)
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True, help="Data set with boxes.")
@click.option("--split", help="Built-in split name or CSV file; left out, the parts as published.")
@click.option("--part", default="val", show_default=True, help="Its part; never a test part.")
@click.option("--fractured-only", is_flag=True, help="Only radiographs with fractures.")
@click.option("--trial", "trials", multiple=True, required=True, help='Such as "a + b, mirrored, 4:1".')
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Result JSON; it is added to.")
def main(
    models: tuple[Path, ...],
    data: Path,
    split: str | None,
    part: str,
    fractured_only: bool,
    trials: tuple[str, ...],
    output: Path,
) -> None:
    """Measure each trial with the localizers MODELS, run folders or cards; print what it says."""
    keep_freed_memory()
    if "test" in part.lower():
        raise ConfigError(f"--part – got '{part}', expected a validation part: trials choose, test parts don't")
    wanted = [ViewTrial.parse(text) for text in trials]
    query = PartQuery(data, split, part, boxes=True, fractured=fractured_only)
    chosen = open_part(query)
    cards, networks = open_models(models, load_localizer)
    found = run_trials(networks, chosen.samples, wanted, MeasureOptions())
    add_to_result(output, str(query), {**chosen.to_json(), "trials": found}, cards)
    for trial, figures in found.items():
        told = (f"{name} {figure['value']:.3f}" for name, figure in figures.items())
        click.echo(f"{trial:60s} {'  '.join(told)}")


if __name__ == "__main__":
    main()
