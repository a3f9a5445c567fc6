#!/usr/bin/env python
"""Audit the public sets and keep the counts in docs/results/audit.json and in the table of docs/audit.md."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from fxdet.core.files import write_json, write_text
from fxdet.data.audit.failing import FINDINGS
from fxdet.data.audit.faults import FAULTS
from fxdet.data.audit.figures import figures
from fxdet.data.audit.run import audit
from fxdet.data.audit.wording import percent
from fxdet.data.formats import open_samples

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "docs" / "results" / "audit.json"
PAGE = ROOT / "docs" / "audit.md"
TIES = {"bytes": "byte for byte", "pixels": "pixel for pixel", "near": "nearly"}


def measure(data: Path) -> dict[str, Any]:
    """Return the counts of each public set below ``data``, and of all three against each other."""
    with tempfile.TemporaryDirectory() as folder:
        published = Path(folder) / "multiregion"
        expand = [sys.executable, str(data / "multiregion" / "expand.py"), str(published)]
        subprocess.run(expand, check=True, stdout=subprocess.DEVNULL)
        sets = [open_samples(path) for path in (data / "FracAtlas", data / "BoneFractureYolo8", published)]
        found = {samples.name: figures(audit([samples])) for samples in sets}
        return {**found, "all three": figures(audit(sets))}


def table(measured: dict[str, Any]) -> str:
    """Return the table as Markdown."""
    alone = {name: found for name, found in measured.items() if name != "all three"}
    rows = [
        ["pictures", *(_parts(found) for found in alone.values())],
        *(
            [f"{words} alike, groups (pictures)", *(_pair(found["duplicates"][tie]) for found in alone.values())]
            for tie, words in TIES.items()
        ),
        ["opposite labels, groups (pictures)", *(_pair(found["opposite labels"]) for found in alone.values())],
        ["shared with another part", *(_leaks(found["leaks"]) for found in alone.values())],
        ["no learning: right (majority)", *(_look_ups(found["no learning"]) for found in alone.values())],
        ["shortcuts, AUROC (95 % interval)", *(_shortcuts(found["shortcuts"]) for found in alone.values())],
        [
            "faults",
            *(_joined(f"{code} {number}" for code, number in found["faults"].items()) for found in alone.values()),
        ],
        [
            "boxes of several classes, pictures",
            *(str(sum(found["several classes"].values())) for found in alone.values()),
        ],
        ["names of different pictures (no leaks)", *(str(found["shared names"]) for found in alone.values())],
    ]
    lines = [f"| | {' | '.join(alone)} |", "|---" * (len(alone) + 1) + "|"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([*lines, "", *_between(measured["all three"]["leaks"])])


def _parts(found: dict[str, Any]) -> str:
    (facts,) = found["sets"].values()
    named = ((part if part != "-" else "no part", number) for part, number in facts["parts"].items())
    return f"{facts['pictures']:,} ({', '.join(f'{part} {number:,}' for part, number in named)})"


def _pair(counts: dict[str, int]) -> str:
    return f"{counts['groups']:,} ({counts['pictures']:,})"


def _short(part: str) -> str:
    return part.rpartition("/")[2].replace("-", "no part")


def _leaks(leaks: list[dict[str, Any]]) -> str:
    met = (leak for leak in leaks if leak["near"])
    return _joined(
        f"{leak['near']} of {leak['total']} of {_short(leak['part'])} in {_short(leak['source'])}, "
        f"{percent(leak['near'], leak['total'])} ({leak['bytes']} by bytes)"
        for leak in met
    )


def _look_ups(lines: list[dict[str, Any]]) -> str:
    told = [line for line in lines if line["majority"] < line["total"]]
    return _joined(
        f"{_short(line['part'])} {percent(line['right'], line['total'])} ({percent(line['majority'], line['total'])})"
        for line in told
    )


def _shortcuts(shortcuts: list[dict[str, Any]]) -> str:
    return _joined(
        f"{found['auroc']:.3f} ({found['interval'][0]:.3f}–{found['interval'][1]:.3f}); {', '.join(found['strongest'])}"
        for found in shortcuts
    )


def _joined(parts: Iterable[str]) -> str:
    return "; ".join(parts) or "none"


def _between(leaks: list[dict[str, Any]]) -> list[str]:
    """Return a line for each set that shares pictures with another one."""
    shared = [leak for leak in leaks if leak["part"].endswith("/*") and leak["near"]]
    lines = [
        f"- {leak['near']:,} of {leak['total']:,} pictures of {leak['part'][:-2]} are also in {leak['source'][:-2]} "
        f"({leak['bytes']} by bytes)."
        for leak in shared
    ]
    return [*lines, "- No other two of these sets share a picture."]


def codes(meanings: Mapping[str, str]) -> str:
    """Return codes and meanings as a Markdown table."""
    return "\n".join(["| code | what |", "|---|---|", *(f"| `{code}` | {text} |" for code, text in meanings.items())])


def with_tables(text: str, measured: dict[str, Any]) -> str:
    """Return the page's text with the tables between their marks."""
    for name, rows in (("faults", codes(FAULTS)), ("findings", codes(FINDINGS)), ("figures", table(measured))):
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        before, rest = text.split(begin)
        text = f"{before}{begin}\n{rows}\n{end}{rest.split(end)[1]}"
    return text


@click.command()
@click.argument("data", type=click.Path(path_type=Path, exists=True), required=False)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if the tables differ.")
def main(data: Path | None, check: bool) -> None:
    """Audit the sets below DATA and write the counts; without DATA, bring the page's tables up to date alone."""
    if data is not None:
        write_json(RESULT, measure(data))
    old = PAGE.read_text(encoding="utf-8")
    new = with_tables(old, json.loads(RESULT.read_text(encoding="utf-8")))
    if check:
        sys.exit(int(new != old))
    write_text(PAGE, new)


if __name__ == "__main__":
    main()
