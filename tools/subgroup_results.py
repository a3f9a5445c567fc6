#!/usr/bin/env python
"""Keep operating points and subgroups of evaluated parts in docs/results/builtin_subgroups.json."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

# A checkout that is not installed works, too.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fxdet.core.files import sha256_file, write_text
from fxdet.evaluation.excerpt import subgroup_excerpt
from fxdet.pages.sources import read_record_file

RESULT = Path(__file__).resolve().parents[1] / "docs" / "results" / "builtin_subgroups.json"


def one_line_each(data: dict[str, object]) -> str:
    """Return JSON with one line per subgroup, so that changes can be read."""
    text, subgroups = json.dumps({**data, "parts": []}, ensure_ascii=False), []
    for part in data["parts"]:  # type: ignore[attr-defined]
        rows = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in part["subgroups"])
        head = json.dumps({**part, "subgroups": []}, ensure_ascii=False)
        subgroups.append(f"{head.removesuffix('[]}')}[\n{rows}\n ]}}")
    return f"{text.removesuffix('[]}')}[\n" + ",\n".join(f" {part}" for part in subgroups) + "\n]}\n"


@click.command()
@click.argument("evaluated", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "-o", "--output", default=RESULT, type=click.Path(path_type=Path), help="File; docs/results/… by default."
)
def main(evaluated: tuple[Path, ...], output: Path) -> None:
    """Collect the subgroups of folders that fxdet evaluate wrote, one per part."""
    found = subgroup_excerpt([read_record_file(folder / "evaluation.json") for folder in evaluated])
    write_text(output, one_line_each(found))
    click.echo(f"{output} {sha256_file(output)[:12]}")


if __name__ == "__main__":
    main()
