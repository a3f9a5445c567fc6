#!/usr/bin/env python
"""Measure reports that ``fxdet predict`` wrote against a data set's labels; writes one result JSON.

Each ``--part NAME=QUERY`` is measured apart. QUERY is a part of the split (``test``), ``official:val`` for the parts
that FracAtlas's authors published (``official:val+test`` for both as one), or ``unseen:test`` for a part without the
pictures whose copies or near-duplicates lie in another part of the split.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from fxdet.core.errors import ConfigError
from fxdet.core.files import read_json_lines, sha256_file, write_json
from fxdet.core.findings import Report
from fxdet.data.audit.quick import leak_between
from fxdet.data.formats import open_samples
from fxdet.data.samples import Sample, SampleSet
from fxdet.data.splits import split_samples
from fxdet.pipeline.fitting import pair_reports
from fxdet.pipeline.measuring import MeasureOptions, measure_boxes, measure_images, measure_localizer, measure_regions
from fxdet.zoo.hub import find_pipeline, load_localizer_of


@click.command()
@click.argument("reports", type=click.Path(path_type=Path, exists=True))
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Data set that the reports are about.")
@click.option("--split", help="Built-in split name or CSV file; left out, the parts as published.")
@click.option("--part", "parts", multiple=True, required=True, metavar="NAME=QUERY")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="Result JSON; its other parts stay."
)
@click.option("--allow-leak", is_flag=True, help="Measure although parts share pictures; the result says so.")
@click.option("--pipeline", help="Its localizer's own AP is measured too, over all its boxes; e.g. builtin.")
def main(
    reports: Path,
    data: Path,
    split: str | None,
    parts: tuple[str, ...],
    output: Path,
    allow_leak: bool,
    pipeline: str | None,
) -> None:
    """Measure REPORTS (reports.jsonl) and write figures with n and 95 % intervals."""
    published = open_samples(data)
    samples, stamp = split_samples(published, split, allow_leak)
    localizer = load_localizer_of(find_pipeline(pipeline)) if pipeline else None
    found = [Report.from_json(row) for row in read_json_lines(reports)]
    result = json.loads(output.read_text(encoding="utf-8")) if output.exists() else {"parts": {}}
    for part in parts:
        name, _, query = part.partition("=")
        members = _members(query, samples, published)
        if not members:
            raise ConfigError(f"--part – got '{part}', which holds no radiograph, expected a part such as val or test")
        figures = measure(found, members)
        boxed = [sample for sample in members if sample.boxes is not None]
        if localizer is not None and any(sample.fracture_boxes for sample in boxed):
            figures.update(measure_localizer(localizer, boxed, MeasureOptions()))
        result["parts"][name] = {**stamp.to_json(), **figures}
    result["models"] = [{"name": stamp.name, "sha256": stamp.sha256} for stamp in found[0].models]
    result["config_hash"], result["version"] = found[0].config_hash, found[0].version
    result["intervals"] = "95 %; bootstrap over groups (1,000 draws) for AUROC and AP, Wilson for shares"
    write_json(output, result)
    click.echo(f"{output} {sha256_file(output)[:12]}")


def measure(reports: list[Report], members: list[Sample]) -> dict[str, object]:
    """Return the figures of one part; those that its labels allow."""
    wanted = {str(Path(sample.path).resolve()) for sample in members}
    pairs = pair_reports([r for r in reports if str(Path(r.source).resolve()) in wanted], members)
    options = MeasureOptions()
    figures: dict[str, object] = {"n": len(pairs), "fractured": sum(bool(sample.fractured) for _, sample in pairs)}
    if 0 < figures["fractured"] < len(pairs):  # type: ignore[operator]
        figures.update(measure_images(pairs, options))
    if any(sample.fracture_boxes for _, sample in pairs):
        figures.update(measure_boxes(pairs, options))
    return {**figures, **measure_regions(pairs)}


def _members(query: str, samples: SampleSet, published: SampleSet) -> list[Sample]:
    kind, _, name = query.rpartition(":")
    if kind not in ("", "official", "unseen"):
        raise ConfigError(f"--part – got '{query}', expected a part, official:PART or unseen:PART")
    official = {sample.name: sample.part for sample in published}
    if kind == "official":
        return [sample for sample in samples if official[sample.name] in name.split("+")]
    members = [sample for sample in samples if sample.part == name]
    if kind != "unseen":
        return members
    others = [sample.path for sample in samples if sample.part != name]
    seen = {shared.val for shared in leak_between(others, [sample.path for sample in members])}
    return [sample for sample in members if sample.path not in seen]


if __name__ == "__main__":
    main()
