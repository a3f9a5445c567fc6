"""A set that fxdet itself wrote: JSON lines (``.jsonl``)."""

from __future__ import annotations

from pathlib import Path

from fxdet.data.formats.reading import ReadOptions
from fxdet.data.manifest import read_manifest
from fxdet.data.samples import SampleSet


def matches(path: Path) -> str | None:
    """Return what makes ``path`` a manifest, or None."""
    return path.name if path.is_file() and path.suffix.lower() == ".jsonl" else None


def read(path: Path, options: ReadOptions) -> SampleSet:
    """Read the manifest; class meanings were applied when it was written.

    Args:
        path: The file.
        options: Unused.

    Raises:
        DataError: The file is no manifest.
    """
    return read_manifest(path)
