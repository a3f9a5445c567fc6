#!/usr/bin/env python
"""Compare localizers on the same radiographs: each one's own boxes, with intervals and paired tests against the first.

``python tools/compare_localizers.py runs/det_yolov8n runs/det_yolo11n --data ../shared/data/FracAtlas
--split fracatlas/grouped --part val -o docs/results/localizer_comparison.json``

Run folders of trainings that differ in the network alone are compared on equal terms.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import numpy as np

# A checkout that is not installed works, too.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fxdet.cli.tool import ToolCommand
from fxdet.core.files import sha256_file, write_json
from fxdet.core.memory import keep_freed_memory
from fxdet.pipeline.benchmark import count_flops, open_network
from fxdet.pipeline.compared_models import SCHEMA, PartQuery, open_models, open_part
from fxdet.pipeline.localizer_comparison import compare_localizers
from fxdet.pipeline.measuring import MeasureOptions
from fxdet.zoo.cards import ModelCard
from fxdet.zoo.hub import load_localizer
from fxdet.zoo.parameters import parameter_count


@click.command(cls=ToolCommand)
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True, help="Data set with boxes.")
@click.option("--split", help="Built-in split name or CSV file; left out, the parts as published.")
@click.option("--part", default="val", show_default=True, help="Its part.")
@click.option("--allow-leak", is_flag=True, help="Compare although parts share pictures; the result says so.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Result JSON.")
def main(models: tuple[Path, ...], data: Path, split: str | None, part: str, allow_leak: bool, output: Path) -> None:
    """Compare the localizers of run folders or cards; the first is what the others are tested against."""
    keep_freed_memory()
    chosen = open_part(PartQuery(data, split, part, boxes=True, allow_leak=allow_leak))
    cards, networks = open_models(models, load_localizer)
    found = compare_localizers(networks, chosen.samples, MeasureOptions())
    for card, path in zip(cards.values(), models, strict=True):
        found["localizers"][card.full_name] |= _about(card, path)
    write_json(output, {"schema": SCHEMA, "part": part, **chosen.to_json(), **found})
    click.echo(f"{output} {sha256_file(output)[:12]}")


def _about(card: ModelCard, path: Path) -> dict[str, Any]:
    """Return what the network is and how it was trained."""
    network = open_network(card, path, "cpu", np.random.default_rng(0))
    weights = (path if path.is_dir() else path.parent) / card.weights
    trained = {name: card.training.get(name) for name in ("initial_weights", "epochs", "best_epoch")}
    return {
        "architecture": card.architecture, "sha256": card.sha256, "input_size": card.input_size,
        "parameters": parameter_count(weights), "flops": count_flops(network), "training": trained,
    }  # fmt: skip


if __name__ == "__main__":
    main()
