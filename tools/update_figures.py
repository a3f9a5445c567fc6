#!/usr/bin/env python
"""Write the table of README.md from docs/results/builtin.json; ``--check`` only tells whether it is up to date."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from fxdet.core.files import write_text

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "docs" / "results" / "builtin.json"
README = ROOT / "README.md"
BEGIN, END = "<!-- figures:begin -->", "<!-- figures:end -->"

ROWS = (
    ("fractured / normal, AUROC", "fracatlas/grouped test", "auroc"),
    ("– without copies of training pictures", "fracatlas/grouped test, unseen", "auroc"),
    ("– whole-radiograph classifier alone", "fracatlas/grouped test", "auroc_whole_radiograph_classifier"),
    ("– localizer alone", "fracatlas/grouped test", "auroc_localizer"),
    ("sensitivity at the point of doubt", "fracatlas/grouped test", "sensitivity_doubt"),
    ("specificity at the point of doubt", "fracatlas/grouped test", "specificity_doubt"),
    ("sensitivity at the definite point", "fracatlas/grouped test", "sensitivity_definite"),
    ("specificity at the definite point", "fracatlas/grouped test", "specificity_definite"),
    ("fracture boxes, AP50 of the localizer", "fracatlas official valid", "detector_ap50"),
    ("fracture boxes, AP50 of the localizer", "fracatlas official test", "detector_ap50"),
    ("the same among normals", "fracatlas/grouped test", "detector_ap50"),
    ("region, top-1 of six", "bonefracture test", "region_top1_of_6"),
)


def table(result: dict[str, Any]) -> str:
    """Return the table as Markdown."""
    lines = ["| what | part | n | figure | 95 % interval |", "|---|---|---|---|---|"]
    for what, part, key in ROWS:
        figure = result["parts"][part][key]
        low, high = figure["interval"]
        lines.append(f"| {what} | {part} | {figure['n']:,} | {figure['value']:.3f} | {low:.3f}–{high:.3f} |")
    return "\n".join(lines)


def with_table(text: str, result: dict[str, Any]) -> str:
    """Return the README's text with the table between its marks."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{table(result)}\n{END}{rest.split(END)[1]}"


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if the table differs.")
def main(check: bool) -> None:
    """Bring README.md's figures up to date."""
    old = README.read_text(encoding="utf-8")
    new = with_table(old, json.loads(RESULT.read_text(encoding="utf-8")))
    if check:
        sys.exit(int(new != old))
    write_text(README, new)


if __name__ == "__main__":
    main()
