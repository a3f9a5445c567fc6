#!/usr/bin/env python
"""Train a localizer, as ``fxdet train det``: ``python tools/train_det.py CONFIG [--set a.b=c] [--resume]``."""

from __future__ import annotations

import sys
from pathlib import Path

# A checkout that is not installed works, too.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fxdet.cli.main import main

if __name__ == "__main__":
    main(["train", "det", *sys.argv[1:]], prog_name="fxdet")
