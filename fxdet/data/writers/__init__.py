"""Writers of data sets: each turns placed samples into the files of one format."""

from __future__ import annotations

from fxdet.data.writers.placed import TARGETS, Placed, writer

__all__ = ["TARGETS", "Placed", "writer"]
