#!/usr/bin/env python
"""Pack a localizer's and a classifier's run folder into a pipeline and fit its fusion on a validation part."""

from __future__ import annotations

from pathlib import Path

import click

from fxdet.data.formats import open_samples
from fxdet.data.splits import apply_split, named_split
from fxdet.pipeline.building import BuildOptions, build_pipeline


@click.command()
@click.option("--localizer", type=click.Path(path_type=Path), required=True, help="Run folder or card.")
@click.option("--classifier", type=click.Path(path_type=Path), required=True, help="Run folder or card.")
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Data set of the validation part.")
@click.option("--split", required=True, help="Built-in split name or CSV file.")
@click.option("--part", default="val", show_default=True, help="Part that the fusion is fitted on.")
@click.option("--name", default="builtin", show_default=True)
@click.option("--description", default="", help="One line on what it is for.")
@click.option("--candidate-floor", type=click.FloatRange(0, 1), default=0.05, show_default=True)
@click.option("--localizer-size", type=int, help="Longest side of the localizer's input, px; else as trained.")
@click.option("--ensemble", type=click.Path(path_type=Path), multiple=True, help="Further localizers.")
@click.option("--region-classifier", type=click.Path(path_type=Path), help="Names the region of whole radiographs.")
@click.option("--mirrored", is_flag=True, help="Localizers also look at the mirrored radiograph.")
@click.option("--region-of-candidates", type=click.FloatRange(0), default=0.0, show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder of the pipeline.")
def main(
    localizer: Path,
    classifier: Path,
    data: Path,
    split: str,
    part: str,
    name: str,
    description: str,
    candidate_floor: float,
    localizer_size: int | None,
    ensemble: tuple[Path, ...],
    region_classifier: Path | None,
    mirrored: bool,
    region_of_candidates: float,
    output: Path,
) -> None:
    """Write OUTPUT/pipeline.json with both models beside it."""
    samples = apply_split(open_samples(data), named_split(split)).part(part)
    options = BuildOptions(
        name, localizer, classifier, output, candidate_floor, localizer_size, description,
        ensemble, region_classifier, mirrored, region_of_candidates,
    )  # fmt: skip
    card = build_pipeline(options, samples.samples)
    click.echo(f"{len(samples)} radiographs: image fusion {card.image}, points {card.image_points}")
    click.echo(f"finding fusion {card.finding}, points {card.finding_points}")


if __name__ == "__main__":
    main()
