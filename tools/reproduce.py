#!/usr/bin/env python
"""Run the rows of a paper, as ``fxdet reproduce``: ``python tools/reproduce.py PAPER [--row …] [--protocol …]``."""

from __future__ import annotations

import sys
from pathlib import Path

# A checkout that is not installed works, too.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fxdet.cli.main import main

ROOT = Path(__file__).resolve().parents[1]

if __name__ == "__main__":
    places = ["--configs", str(ROOT / "configs" / "papers"), "--results", str(ROOT / "docs" / "results" / "papers")]
    main(["reproduce", *places, *sys.argv[1:]], prog_name="fxdet")
