#!/usr/bin/env python
"""Audit the public sets and keep the counts in docs/results/audit.json."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from fxdet.core.files import write_json
from fxdet.data.audit.figures import figures
from fxdet.data.audit.run import audit
from fxdet.data.formats import open_samples
from fxdet.pages.audit_tables import ALL_SETS

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "docs" / "results" / "audit.json"


def measure(data: Path) -> dict[str, Any]:
    """Return the counts of each public set below ``data``, and of all three against each other."""
    with tempfile.TemporaryDirectory() as folder:
        published = Path(folder) / "multiregion"
        expand = [sys.executable, str(data / "multiregion" / "expand.py"), str(published)]
        subprocess.run(expand, check=True, stdout=subprocess.DEVNULL)
        sets = [open_samples(path) for path in (data / "FracAtlas", data / "BoneFractureYolo8", published)]
        found = {samples.name: figures(audit([samples])) for samples in sets}
        return {**found, ALL_SETS: figures(audit(sets))}


@click.command()
@click.argument("data", type=click.Path(path_type=Path, exists=True))
def main(data: Path) -> None:
    """Audit the sets below DATA and write the counts; tools/make_model_zoo.py then writes the pages' tables."""
    write_json(RESULT, measure(data))


if __name__ == "__main__":
    main()
