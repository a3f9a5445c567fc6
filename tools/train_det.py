#!/usr/bin/env python
"""Train a localizer: ``python tools/train_det.py CONFIG [--set a.b=c] [--resume]``; the same as ``fxdet train det``."""

from __future__ import annotations

import sys

from fxdet.cli.main import main

if __name__ == "__main__":
    main(["train", "det", *sys.argv[1:]], prog_name="fxdet")
