#!/usr/bin/env python
"""Measure what the zoo's networks and pipelines cost; one result file each in docs/results/zoo.

``python tools/benchmark.py`` measures every row of the catalogue whose weights are at hand: parameters, operations, and
pictures per second of the network alone; of pipelines, drawn radiographs per second with the cross-check. Run it on a
machine that does nothing else. Figures of other devices stay in the file.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from tqdm import tqdm

# A checkout that is not installed works, too.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fxdet.cli.tool import ToolCommand
from fxdet.core.errors import ModelError
from fxdet.core.files import write_json
from fxdet.imaging.reading import radiograph_from_array
from fxdet.imaging.synthetic import DrawingOptions, draw_set
from fxdet.pipeline.api import PipelineOptions
from fxdet.pipeline.benchmark import SCHEMA, SpeedOptions, measure_pipeline_speed, model_record, with_speeds
from fxdet.pipeline.device import choose_device, choose_precision, set_threads
from fxdet.pipeline.loading import load_pipeline
from fxdet.training.run_folder import describe_environment
from fxdet.zoo.cards import CARD_NAME
from fxdet.zoo.catalogue import PIPELINE, ZooRow, catalogue, find_row
from fxdet.zoo.pipeline_figures import hash_of_measured

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "results" / "zoo"
SIZE = (454, 373)
"""Height and width of the drawn radiographs, px: the most frequent size of FracAtlas."""


@click.command(cls=ToolCommand)
@click.argument("names", nargs=-1)
@click.option("--device", default="cpu", show_default=True, help="auto, cpu, cuda, cuda:1.")
@click.option("--precision", default="auto", show_default=True, help="auto, fp32 or bf16.")
@click.option("--threads", type=click.IntRange(1), help="Threads of the processor; one per core by default.")
@click.option("--batch", "batches", multiple=True, type=click.IntRange(1), default=(1, 8), show_default=True)
@click.option("--runs", default=20, show_default=True, type=click.IntRange(1), help="Timed passes; the median counts.")
@click.option("--radiographs", default=16, show_default=True, type=click.IntRange(1), help="Drawn, for pipelines.")
@click.option("--speed/--no-speed", default=True, help="--no-speed only counts parameters and operations.")
@click.option("--zoo", type=click.Path(path_type=Path), help="Models that are not shipped, as fxdet zoo add puts them.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=RESULTS, help="Folder of the result files.")
def main(
    names: tuple[str, ...],
    device: str,
    precision: str,
    threads: int | None,
    batches: tuple[int, ...],
    runs: int,
    radiographs: int,
    speed: bool,
    zoo: Path | None,
    output: Path,
) -> None:
    """Measure the rows NAMES of the catalogue; all that have weights here, where none is named."""
    rows = [find_row(name) for name in names] or [row for row in catalogue() if _at_hand(row, zoo)]
    set_threads(threads)
    chosen = choose_device(device)
    options = SpeedOptions(chosen, choose_precision(precision, chosen), batches, runs)
    environment = describe_environment(torch.device(chosen), options.precision)
    # Without the clock there is nothing to say of a pipeline: its size and operations are those of its models.
    rows = [row for row in rows if speed or row.kind != PIPELINE]
    for row in tqdm(rows, unit="row", leave=False, disable=None):
        path = output / f"{row.name}.json"
        known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        if row.kind == PIPELINE:
            record = _pipeline(row, options, environment, radiographs)
        else:
            record = model_record(_card(row, zoo), options, environment, speed)
        kept = known.get("speed", []) if known.get("sha256") == record["sha256"] else []
        write_json(path, with_speeds(record, kept))
        tqdm.write(_line(record), file=sys.stderr)


def _at_hand(row: ZooRow, zoo: Path | None) -> bool:
    return row.bundled or _beside(row, zoo) is not None


def _beside(row: ZooRow, zoo: Path | None) -> Path | None:
    """Return the folder of a model that is not shipped; one below ``zoo`` goes before the repository's."""
    if zoo is not None and (zoo / row.name / CARD_NAME).is_file():
        return zoo / row.name
    return row.beside_the_package


def _card(row: ZooRow, zoo: Path | None = None) -> Path:
    beside = _beside(row, zoo)
    if beside is not None:
        return beside / CARD_NAME
    if row.card is None:
        made = " && ".join(row.commands)
        raise ModelError(f"can't measure {row.name} – it has not been trained, so it has no card – train it: {made}")
    return row.card


def _pipeline(row: ZooRow, options: SpeedOptions, environment: dict[str, Any], count: int) -> dict[str, Any]:
    """Return a pipeline's record, measured on ``count`` drawn radiographs."""
    drawn = draw_set(np.random.default_rng(options.seed), count, DrawingOptions(size=SIZE))
    pixels = [radiograph_from_array(item.pixels, str(place)) for place, item in enumerate(drawn)]
    pipeline = load_pipeline(_card(row), options=PipelineOptions(options.device, precision=options.precision))
    speeds = measure_pipeline_speed(pipeline, pixels, options, environment["processor"])
    return {
        "schema": SCHEMA, "model": row.name, "kind": row.kind, "sha256": hash_of_measured(row),
        "radiographs": f"{count} drawn, {SIZE[0]} × {SIZE[1]} px, decoded; cross-check on",
        "speed": [asdict(item) for item in speeds], "torch": environment["packages"]["torch"],
    }  # fmt: skip


def _line(record: dict[str, Any]) -> str:
    rates = ", ".join(f"{item['images_per_second']:g}/s at {item['batch']}" for item in record["speed"])
    size = f"{record['parameters'] / 1e6:.2f} M, {record['flops'] / 1e9:.2f} GFLOPs" if "flops" in record else ""
    return "  ".join(filter(None, (record["model"], size, rates)))


if __name__ == "__main__":
    main()
