#!/usr/bin/env python
"""Compare classifiers on the same whole radiographs: AUROC of fractures, top-1 among six regions, with intervals.

``python tools/compare_classifiers.py fxdet/zoo/builtin/mobilenetv2_100.builtin.json weights/mobilenetv2_100.stage1
--data ../shared/data/FracAtlas --split fracatlas/grouped -o docs/results/classifier_comparison.json``

Another call with another set adds its figures to the same file.
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
from fxdet.pipeline.classifier_comparison import compare_classifiers
from fxdet.pipeline.measuring import MeasureOptions
from fxdet.zoo.cards import read_card
from fxdet.zoo.hub import load_classifier

SCHEMA = 1


@click.command()
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True, help="Data set.")
@click.option("--split", help="Built-in split name or CSV file; left out, the parts as published.")
@click.option("--part", default="val", show_default=True, help="Its part.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Result JSON; it is added to.")
def main(models: tuple[Path, ...], data: Path, split: str | None, part: str, output: Path) -> None:
    """Measure the classifiers of run folders or cards."""
    keep_freed_memory()
    try:
        samples, stamp = split_samples(open_samples(data), split)
        members = [sample for sample in samples if sample.part == part]
        if not members:
            raise ConfigError(f"--part – got '{part}', which has no radiographs, expected val")
        cards = [read_card(path) for path in models]
        networks: dict[str, Any] = {
            card.full_name: load_classifier(path) for card, path in zip(cards, models, strict=True)
        }
        found = compare_classifiers(networks, members, MeasureOptions())
    except FxdetError as error:
        raise click.ClickException(str(error)) from error
    known = json.loads(output.read_text(encoding="utf-8")) if output.is_file() else {}
    parts, about = known.get("parts", {}), known.get("models", {})
    parts[f"{split or data.name} {part}"] = {"n": len(members), **stamp.to_json(), "classifiers": found}
    about |= {card.full_name: {"sha256": card.sha256, "input_size": card.input_size} for card in cards}
    write_json(output, {"schema": SCHEMA, "models": about, "parts": parts})
    for name, figures in found.items():
        told = (f"{figure} {value['value']:.3f} (n = {value['n']})" for figure, value in figures.items())
        click.echo(f"{name:32s} {'  '.join(told)}")


if __name__ == "__main__":
    main()
