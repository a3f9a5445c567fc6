#!/usr/bin/env python
"""Pack a localizer's and a classifier's run folder into a pipeline and fit its fusion on a validation part."""

from __future__ import annotations

from pathlib import Path

import click

from fxdet.data.formats import open_samples
from fxdet.data.samples import Sample
from fxdet.data.splits import split_samples
from fxdet.pipeline.building import BuildOptions, build_pipeline

PUBLISHED = "published"
"""Word for the parts as a set was published."""


@click.command()
@click.option("--localizer", type=click.Path(path_type=Path), required=True, help="Run folder or card.")
@click.option("--classifier", type=click.Path(path_type=Path), required=True, help="Run folder or card.")
@click.option(
    "--data", type=click.Path(path_type=Path), multiple=True, required=True,
    help="Data set of the validation part; several for a fusion that fits all of them. The first chooses the points.",
)  # fmt: skip
@click.option(
    "--split", "splits", multiple=True, required=True,
    help=f"Built-in split name or CSV file, or '{PUBLISHED}' for the parts as they come; one for each --data.",
)  # fmt: skip
@click.option("--part", default="val", show_default=True, help="Part of each that the fusion is fitted on.")
@click.option("--name", default="builtin", show_default=True)
@click.option("--description", default="", help="One line on what it is for.")
@click.option("--candidate-floor", type=click.FloatRange(0, 1), default=0.05, show_default=True)
@click.option("--localizer-size", type=int, help="Longest side of the localizer's input, px; else as trained.")
@click.option("--ensemble", type=click.Path(path_type=Path), multiple=True, help="Further localizers.")
@click.option("--region-classifier", type=click.Path(path_type=Path), help="Names the region of whole radiographs.")
@click.option("--mirrored", is_flag=True, help="Localizers also look at the mirrored radiograph.")
@click.option(
    "--localizer-weight", "weights", type=click.FloatRange(0, min_open=True), multiple=True,
    help="How much a localizer's boxes count: first that of --localizer, then those of --ensemble; all alike without.",
)  # fmt: skip
@click.option("--region-of-candidates", type=click.FloatRange(0), default=0.0, show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder of the pipeline.")
def main(
    localizer: Path,
    classifier: Path,
    data: tuple[Path, ...],
    splits: tuple[str, ...],
    part: str,
    name: str,
    description: str,
    candidate_floor: float,
    localizer_size: int | None,
    ensemble: tuple[Path, ...],
    region_classifier: Path | None,
    mirrored: bool,
    weights: tuple[float, ...],
    region_of_candidates: float,
    output: Path,
) -> None:
    """Write OUTPUT/pipeline.json with both models beside it."""
    if len(data) != len(splits):
        raise click.UsageError(f"got {len(data)} --data and {len(splits)} --split, expected as many of each")
    samples, *others = (_part(place, split, part) for place, split in zip(data, splits, strict=True))
    more = [sample for other in others for sample in other]
    options = BuildOptions(
        name, localizer, classifier, output, candidate_floor, localizer_size, description,
        ensemble, region_classifier, mirrored, weights, region_of_candidates,
    )  # fmt: skip
    card = build_pipeline(options, samples, more=more)
    click.echo(f"{len(samples) + len(more)} radiographs: image fusion {card.image}, points {card.image_points}")
    click.echo(f"finding fusion {card.finding}, points {card.finding_points}")


def _part(place: Path, split: str, part: str) -> list[Sample]:
    samples, _ = split_samples(open_samples(place), None if split == PUBLISHED else split)
    return list(samples.part(part))


if __name__ == "__main__":
    main()
