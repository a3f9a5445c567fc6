"""Where the pages' figures come from: the repository with its result files, cards and configurations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fxdet.core.errors import DataError
from fxdet.evaluation.estimate import UNDEFINED, Estimate
from fxdet.evaluation.tables import markdown_table

Record = Mapping[str, Any]

NOT_MEASURED = UNDEFINED
"""What stands for a figure that nobody measured."""

NOTHING_RUN = "Not run yet."
"""What stands for a table of runs where there is none."""

SORTABLE = "<!-- sortable -->"
"""Mark above a table that the site lets readers sort."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A checkout: its pages, result files, cards and configurations.

    Attributes:
        root: Folder of the checkout.
    """

    root: Path

    @property
    def results(self) -> Path:
        """Folder of the result files."""
        return self.root / "docs" / "results"

    def record(self, name: str) -> dict[str, Any]:
        """Return a result file's content.

        Args:
            name: File below ``docs/results``.

        Raises:
            DataError: The file is missing or no JSON object.
        """
        return read_record_file(self.results / name)

    def records(self, pattern: str) -> dict[Path, dict[str, Any]]:
        """Return result files by path, in the order of their names; empty where there are none.

        Raises:
            DataError: A file is no JSON object.
        """
        return {path: read_record_file(path) for path in sorted(self.results.glob(pattern))}


def read_record_file(path: Path) -> dict[str, Any]:
    """Return the content of a JSON file that holds an object.

    Raises:
        DataError: The file is missing or no JSON object.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"can't read result {path} – {error.strerror} – run the command that writes it") from error
    except ValueError as error:
        raise DataError(f"can't read result {path} – {error} – write it again") from error
    if not isinstance(data, dict):
        raise DataError(f"can't read result {path} – got {type(data).__name__}, expected an object – write it again")
    return data


def figure(record: Record, part: str, name: str, where: str) -> Estimate:
    """Return a figure of ``tools/measure_pipeline.py``'s file.

    Args:
        record: The file's content.
        part: Name of the part.
        name: Name of the figure.
        where: Name of the file, for messages.

    Raises:
        DataError: The file has no such part or figure.
    """
    try:
        found = record["parts"][part][name]
    except KeyError as error:
        raise DataError(f"result {where} – part '{part}', figure '{name}' – {error} is missing – measure it") from error
    return estimate_of(found)


def estimate_of(found: Record) -> Estimate:
    """Return a figure that is stored as ``value``, ``interval``, ``n``.

    Example:
        >>> print(estimate_of({"value": 0.5, "interval": [0.4, 0.6], "n": 10}))
        .500 (.400–.600), n = 10
    """
    low, high = found.get("interval") or (None, None)
    return Estimate(found["value"], low, high, found["n"])


def interval_text(estimate: Estimate) -> str:
    """Return the interval alone.

    Example:
        >>> interval_text(Estimate(0.5, 0.4, 0.6)), interval_text(Estimate(0.5))
        ('.400–.600', '–')
    """
    return estimate.short.partition("(")[2].removesuffix(")") or NOT_MEASURED


def table(head: Sequence[str], rows: Sequence[Sequence[str]], sortable: bool = False) -> str:
    """Return a Markdown table; a sortable one stands below its mark."""
    text = markdown_table(head, [tuple(row) for row in rows])
    return f"{SORTABLE}\n\n{text}" if sortable else text


def joined(parts: Sequence[str], nothing: str = NOT_MEASURED) -> str:
    """Return what is there, with semicolons; a word where there is nothing.

    Example:
        >>> joined(["a", "", "b"]), joined([])
        ('a; b', '–')
    """
    return "; ".join(part for part in parts if part) or nothing
