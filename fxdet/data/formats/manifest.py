"""A set that fxdet itself wrote: JSON lines (``.jsonl``)."""

from __future__ import annotations

from pathlib import Path

from fxdet.data.formats.reading import ReadOptions
from fxdet.data.manifest import read_manifest
from fxdet.data.samples import SampleSet

FOLDER_FILE = "samples.jsonl"
"""Name by which a manifest is found in a folder."""


def matches(path: Path) -> str | None:
    """Return what makes ``path`` a manifest, or None."""
    file = _file(path)
    return file.name if file.is_file() and file.suffix.lower() == ".jsonl" else None


def read(path: Path, options: ReadOptions) -> SampleSet:
    """Read the manifest; class meanings were applied when it was written.

    Args:
        path: The file, or a folder that holds it as ``samples.jsonl``.
        options: Unused.

    Raises:
        DataError: The file is no manifest.
    """
    return read_manifest(_file(path))


def _file(path: Path) -> Path:
    return path / FOLDER_FILE if path.is_dir() else path
