"""fxdet's own samples: ``samples.jsonl`` holds everything that is known, and can be moved with its folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fxdet.data.formats.manifest import FOLDER_FILE
from fxdet.data.manifest import write_manifest
from fxdet.data.samples import SampleSet
from fxdet.data.writers.placed import Placed

PICTURES = "images"
FLAT = False
NEEDS_BOXES = False


def write(folder: Path, name: str, placed: Sequence[Placed], classes: Sequence[str]) -> list[str]:
    """Write the manifest.

    Args:
        folder: The new set's folder.
        name: Name of the set.
        placed: The samples.
        classes: Class names in their order.

    Returns:
        Nothing: the format holds all of a sample.
    """
    samples = tuple(replace(item.sample, path=folder / item.picture) for item in placed)
    write_manifest(folder / FOLDER_FILE, SampleSet(name, "manifest", folder, samples, (), tuple(classes)))
    return []
