#!/usr/bin/env python
"""Measure reports that ``fxdet predict`` wrote against a data set's labels; writes one result JSON.

Each ``--part NAME=QUERY`` is measured apart. QUERY is a part of the split (``test``), ``official:val`` for the parts
that FracAtlas's authors published (``official:val+test`` for both as one), or ``unseen:test`` for a part without the
pictures whose copies or near-duplicates lie in another part of the split.

A part must be covered wholly, by reports of one pipeline; a result file holds the figures of one pipeline.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from fxdet.cli.tool import ToolCommand
from fxdet.core.files import sha256_file, write_json
from fxdet.core.findings import Report
from fxdet.data.formats import open_samples
from fxdet.data.splits import split_samples
from fxdet.pipeline.measuring import MeasureOptions, measure_localizer
from fxdet.pipeline.measuring_reports import (
    measure_part,
    members_of_query,
    open_result,
    read_reports,
    refuse_other_models,
)
from fxdet.pipeline.pairing import PairingOptions, match_predictions
from fxdet.zoo.hub import PipelineParts, find_pipeline, load_localizer_of


@click.command(cls=ToolCommand)
@click.argument("reports", type=click.Path(path_type=Path, exists=True))
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Data set that the reports are about.")
@click.option("--split", help="Built-in split name or CSV file; left out, the parts as published.")
@click.option("--part", "parts", multiple=True, required=True, metavar="NAME=QUERY")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True,
    help="Result JSON; its other parts stay, if they are of the same pipeline.",
)  # fmt: skip
@click.option("--allow-leak", is_flag=True, help="Measure although groups lie in several parts; the result says so.")
@click.option("--allow-missing", is_flag=True, help="Measure although radiographs have no report; they are counted.")
@click.option("--allow-unknown", is_flag=True, help="Leave out reports of pictures outside the set; they are counted.")
@click.option("--pipeline", help="Its localizer's own AP is measured too, over all its boxes; e.g. builtin.")
def main(
    reports: Path,
    data: Path,
    split: str | None,
    parts: tuple[str, ...],
    output: Path,
    allow_leak: bool,
    allow_missing: bool,
    allow_unknown: bool,
    pipeline: str | None,
) -> None:
    """Measure REPORTS (reports.jsonl) and write figures with n and 95 % intervals."""
    found, origin = read_reports(reports)
    result = open_result(output, origin)
    named = find_pipeline(pipeline) if pipeline else None
    if named is not None:
        refuse_other_models(str(pipeline), named.stamps, origin)
    measured = _measured(found, (data, split, allow_leak), parts, PairingOptions(allow_missing, allow_unknown), named)
    result["parts"] |= measured
    result |= origin.to_json()
    result["intervals"] = "95 %; bootstrap over groups (1,000 draws) for AUROC and AP, Wilson for shares"
    write_json(output, result)
    click.echo(f"{output} {sha256_file(output)[:12]}")


def _measured(
    found: Sequence[Report],
    source: tuple[Path, str | None, bool],
    parts: Sequence[str],
    pairing: PairingOptions,
    pipeline: PipelineParts | None,
) -> dict[str, Any]:
    """Return the figures of each part; nothing is measured before every part is known to be whole."""
    published = open_samples(source[0])
    samples, stamp = split_samples(published, *source[1:])
    queries = {part: part.partition("=")[::2] for part in parts}
    members = {part: members_of_query(part, query, samples, published) for part, (_, query) in queries.items()}
    matched = match_predictions(found, [*published, *samples], pairing.allow_unknown)
    paired = {part: matched.pairs_of(rows, pairing.allow_missing) for part, rows in members.items()}
    localizer, options = load_localizer_of(pipeline) if pipeline else None, MeasureOptions()
    measured = {}
    for part, (name, _) in queries.items():
        figures = measure_part(name, paired[part], options)
        boxed = [sample for _, sample in paired[part].pairs if sample.boxes is not None]
        if localizer is not None and any(sample.fracture_boxes for sample in boxed):
            figures.update(measure_localizer(localizer, boxed, options))
        measured[name] = {**stamp.to_json(), **figures}
    return measured


if __name__ == "__main__":
    main()
