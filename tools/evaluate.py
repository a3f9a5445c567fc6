#!/usr/bin/env python
"""Compare predictions with a data set, as ``fxdet evaluate``: ``python tools/evaluate.py REPORTS SET -o OUT``."""

from __future__ import annotations

import sys
from pathlib import Path

# A checkout that is not installed works, too.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fxdet.cli.main import main

if __name__ == "__main__":
    main(["evaluate", *sys.argv[1:]], prog_name="fxdet")
