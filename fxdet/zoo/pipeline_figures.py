"""A pipeline's main figures, copied from the file that they were measured into onto its card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fxdet.core.errors import ModelError
from fxdet.core.files import sha256_bytes, write_json
from fxdet.zoo.catalogue import PIPELINE, ZooRow

MAIN_FIGURES = (
    "auroc",
    "auroc_whole_radiograph_classifier",
    "sensitivity_doubt",
    "specificity_doubt",
    "sensitivity_definite",
    "specificity_definite",
    "detector_ap50",
    "region_top1_of_6",
)
"""Figures of a part that go onto the card, where the part has them."""


def main_figures(record: Mapping[str, Any], result: str) -> dict[str, Any]:
    """Return what a pipeline's card says of its figures: the result file, and the main figures of each of its parts.

    Args:
        record: Content of the result file.
        result: Its place below the repository.

    Example:
        >>> auroc = {"value": 0.9, "interval": [0.8, 1.0], "n": 9}
        >>> main_figures({"parts": {"val": {"n": 9, "auroc": auroc, "x": 1}}}, "r.json")
        {'result': 'r.json', 'parts': {'val': {'auroc': {'value': 0.9, 'interval': [0.8, 1.0], 'n': 9}}}}
    """
    parts = {}
    for part, found in record.get("parts", {}).items():
        there = {name: found[name] for name in MAIN_FIGURES if name in found}
        if told := {name: figure for name, figure in there.items() if figure["value"] is not None}:
            parts[part] = told
    return {"result": result, "parts": parts}


def wanted_figures(row: ZooRow, root: Path) -> dict[str, Any]:
    """Return what the card of a pipeline's row must say of its figures; empty where nothing was measured.

    Args:
        row: Row of a pipeline.
        root: The repository, in which the row's result file lies.

    Raises:
        ModelError: The result file can't be read.
    """
    return {} if row.result is None else main_figures(_object(root / row.result), row.result)


def refresh_figures(row: ZooRow, root: Path, write: bool = True) -> bool:
    """Bring the figures of a pipeline's card up to date with its result file; return whether they differed.

    Args:
        row: Any row; only a pipeline's card is touched.
        root: The repository.
        write: Write the card; else only compare.

    Raises:
        ModelError: The card or the result file can't be read.
        OutputError: The card can't be written.
    """
    if row.kind != PIPELINE or row.card is None:
        return False
    card, wanted = _object(row.card), wanted_figures(row, root)
    differs = bool(card.get("figures", {}) != wanted)
    if differs and write:
        write_json(row.card, {**card, "figures": wanted})
    return differs


def hash_of_measured(row: ZooRow) -> str | None:
    """Return the hash of what a speed was measured with: of the weights, or of a pipeline's card without its figures.

    Figures are copied onto the card afterwards; they don't change what was measured.

    Raises:
        ModelError: The card can't be read.
    """
    if row.kind != PIPELINE or row.card is None:
        return row.sha256
    bare = {**_object(row.card), "figures": {}}
    return sha256_bytes((json.dumps(bare, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())


def _object(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"can't read {path} – {error} – expected a JSON object; restore it or measure again"
        ) from error
    if not isinstance(found, dict):
        raise ModelError(f"can't read {path} – got {type(found).__name__}, expected a JSON object – measure again")
    return found
