#!/usr/bin/env python
"""Train a classifier: ``python tools/train_cls.py CONFIG [--set a.b=c] [--resume]``; same as ``fxdet train cls``."""

from __future__ import annotations

import sys

from fxdet.cli.main import main

if __name__ == "__main__":
    main(["train", "cls", *sys.argv[1:]], prog_name="fxdet")
