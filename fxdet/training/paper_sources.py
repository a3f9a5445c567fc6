"""Which results the figures and tests beside them were made from, so that one that has become stale shows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from fxdet.core.errors import DataError
from fxdet.core.files import write_json
from fxdet.training.paper_results import ResultKey

MADE_FROM = "made_from.json"
"""Name of the file, beside a paper's results: made file → result → digest."""

Result = Mapping[str, Any]


def name_of(result: Result) -> str:
    """Return the name of a result's file, without its ending."""
    return ResultKey(*(result[name] for name in ("paper", "row", "filter", "protocol", "seed"))).name


def digest_of(result: Result) -> str:
    """Return a short hash of what was trained and what it said of every test picture."""
    histories = [fold.get("history") for fold in result["folds"]]
    text = json.dumps([result["config_hash"], result["scores"], histories])
    return sha256(text.encode()).hexdigest()[:16]


def note_sources(folder: Path, made: Sequence[str], results: Sequence[Result]) -> None:
    """Write down what some files of a paper's folder were made from; other files' lines stay.

    Args:
        folder: Folder of the paper's results.
        made: Names of files in it.
        results: What they show.
    """
    path = folder / MADE_FROM
    known = read_sources(folder) if path.is_file() else {}
    sources = {name_of(result): digest_of(result) for result in results}
    write_json(path, dict(sorted({**known, **dict.fromkeys(made, sources)}.items())))


def read_sources(folder: Path) -> dict[str, dict[str, str]]:
    """Return made file → result → digest.

    Raises:
        DataError: The file is missing or damaged.
    """
    try:
        found: dict[str, dict[str, str]] = json.loads((folder / MADE_FROM).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"can't read {folder / MADE_FROM} – {error} – run the command that writes it") from error
    return found


def stale(folder: Path, results: Sequence[Result]) -> list[str]:
    """Return, for each made file that shows another result than the folder has now, a line that says so."""
    now = {name_of(result): digest_of(result) for result in results}
    return [
        f"{made}: {name} {'was made anew since' if name in now else 'is gone'}"
        for made, sources in read_sources(folder).items()
        for name, digest in sources.items()
        if now.get(name) != digest
    ]
