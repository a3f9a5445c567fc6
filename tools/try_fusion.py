#!/usr/bin/env python
"""Try localizers alone, mirrored, fused and weighted on a validation part, before a pipeline is built of them.

``python tools/try_fusion.py fxdet/zoo/builtin/yolov8n.builtin.json fxdet/zoo/builtin/yolov8n.fracatlas.json
--data ../shared/data/FracAtlas --split fracatlas/grouped --trial "yolov8n.builtin"
--trial "yolov8n.builtin + yolov8n.fracatlas, mirrored, 4:1" -o docs/results/localizer_trials.json``

Another call with another set or part adds its figures to the same file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

# A checkout that is not installed works, too.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fxdet.core.errors import ConfigError, FxdetError
from fxdet.core.files import write_json
from fxdet.core.memory import keep_freed_memory
from fxdet.data.formats import open_samples
from fxdet.data.splits import split_samples
from fxdet.pipeline.measuring import MeasureOptions
from fxdet.pipeline.view_trials import ViewTrial, run_trials
from fxdet.zoo.cards import ModelCard, read_card
from fxdet.zoo.hub import load_localizer

SCHEMA = 1


@click.command()
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
    try:
        if "test" in part.lower():
            raise ConfigError(f"--part – got '{part}', expected a validation part: trials choose, test parts don't")
        samples, stamp = split_samples(open_samples(data), split)
        members = [sample for sample in samples if sample.part == part and sample.boxes is not None]
        members = [sample for sample in members if sample.fractured or not fractured_only]
        if not members:
            raise ConfigError(f"--part – got '{part}', which has no radiographs with known boxes, expected val")
        cards = [read_card(path) for path in models]
        networks = {card.full_name: load_localizer(path) for card, path in zip(cards, models, strict=True)}
        found = run_trials(networks, members, [ViewTrial.parse(text) for text in trials], MeasureOptions())
    except FxdetError as error:
        raise click.ClickException(str(error)) from error
    where = f"{split or data.name} {part}{', fractured' if fractured_only else ''}"
    about = {"n": len(members), "fractured": sum(bool(sample.fractured) for sample in members), **stamp.to_json()}
    _add(output, where, {**about, "trials": found}, cards)
    for trial, figures in found.items():
        told = (f"{name} {figure['value']:.3f}" for name, figure in figures.items())
        click.echo(f"{trial:60s} {'  '.join(told)}")


def _add(path: Path, where: str, part: dict[str, Any], cards: list[ModelCard]) -> None:
    """Add what was found on a part to the file; earlier trials on it stay."""
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    parts, models = known.get("parts", {}), known.get("models", {})
    earlier = parts.get(where, {}).get("trials", {})
    parts[where] = {**part, "trials": {**earlier, **part["trials"]}}
    models |= {card.full_name: {"sha256": card.sha256, "input_size": card.input_size} for card in cards}
    write_json(path, {"schema": SCHEMA, "models": models, "parts": parts})


if __name__ == "__main__":
    main()
