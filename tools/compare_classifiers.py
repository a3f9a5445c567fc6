#!/usr/bin/env python
"""Compare classifiers on the same whole radiographs: AUROC of fractures, top-1 among six regions, with intervals.

``python tools/compare_classifiers.py fxdet/zoo/builtin/mobilenetv2_100.builtin.json weights/mobilenetv2_100.stage1
--data ../shared/data/FracAtlas --split fracatlas/grouped -o docs/results/classifier_comparison.json``

Another call with another set adds its figures to the same file.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

# A checkout that is not installed works, too.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fxdet.cli.tool import ToolCommand
from fxdet.core.memory import keep_freed_memory
from fxdet.pipeline.classifier_comparison import compare_classifiers
from fxdet.pipeline.compared_models import PartQuery, add_to_result, open_models, open_part
from fxdet.pipeline.measuring import MeasureOptions
from fxdet.zoo.hub import load_classifier


@click.command(cls=ToolCommand)
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True, help="Data set.")
@click.option("--split", help="Built-in split name or CSV file; left out, the parts as published.")
@click.option("--part", default="val", show_default=True, help="Its part.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Result JSON; it is added to.")
def main(models: tuple[Path, ...], data: Path, split: str | None, part: str, output: Path) -> None:
    """Measure the classifiers of run folders or cards."""
    keep_freed_memory()
    query = PartQuery(data, split, part)
    chosen = open_part(query)
    cards, classifiers = open_models(models, load_classifier)
    networks: dict[str, Any] = dict(classifiers)
    found = compare_classifiers(networks, chosen.samples, MeasureOptions())
    add_to_result(output, str(query), {**chosen.to_json(), "classifiers": found}, cards)
    for name, figures in found.items():
        told = (f"{figure} {value['value']:.3f} (n = {value['n']})" for figure, value in figures.items())
        click.echo(f"{name:32s} {'  '.join(told)}")


if __name__ == "__main__":
    main()
