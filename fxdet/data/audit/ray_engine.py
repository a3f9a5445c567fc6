"""The scan through Ray Data, for sets that one machine can't read in time; every node must see the files."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from fxdet.core.errors import ConfigError, require
from fxdet.data.audit.fingerprints import THUMBNAIL_SIDE, Fingerprint, fingerprint

_BATCH = 64
"""Files that a worker is given at a time."""

_BLOCKS = 1000
"""Most blocks that the list of files is cut into."""

_REPORTS = "RAY_USAGE_STATS_ENABLED"

Row = dict[str, Any]


def scan_with_ray(
    paths: Sequence[Path], workers: int | None = None, progress: Callable[[int], object] = lambda count: None
) -> list[Fingerprint]:
    """Return the fingerprints of files, in their order; files of identical bytes share one.

    A Ray that runs already (``ray.init`` was called) is used. Otherwise ``ray.init`` joins the cluster that
    ``RAY_ADDRESS`` names, or starts a local Ray, which ends with the scan.

    Args:
        paths: The files, as every node sees them.
        workers: Most files that are decoded at a time; None leaves it to Ray.
        progress: Is called with the number of files that were done.

    Raises:
        MissingExtraError: Ray is not installed.
        ConfigError: Ray does not start, or its workers do not come up or are lost for good.
    """
    ray, data = require("ray", "ray"), require("ray.data", "ray")
    if not paths:
        return []
    with _running(ray):
        failures = require("ray.exceptions", "ray")
        try:
            found = _scan(data, paths, workers, progress)
        except failures.RayError as error:  # what the files themselves do wrong is in their fingerprints
            reason = str(error).strip().partition("\n")[0].partition(". ")[0]
            advice = "free the nodes' processors and memory, see Ray's logs, or use the local engine"
            raise ConfigError(f"Ray can't go on: {type(error).__name__}: {reason} – {advice}") from error
    return share_equal(found)


@contextmanager
def _running(ray: Any) -> Iterator[None]:
    """Use the Ray that runs, or start one for the length of the block."""
    if ray.is_initialized():
        yield
        return
    # The only switch against Ray's reports to its makers; it is read when Ray starts.
    before = os.environ.get(_REPORTS)
    os.environ[_REPORTS] = "0"
    try:
        _start(ray)
        yield
    finally:
        ray.shutdown()
        os.environ.pop(_REPORTS, None)
        if before is not None:
            os.environ[_REPORTS] = before


def _start(ray: Any) -> None:
    try:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # Ray raises bare exceptions where its processes do not come up
        reason = str(error).partition(". ")[0]
        advice = "free the machine, check RAY_ADDRESS, or use the local engine"
        raise ConfigError(f"can't start Ray: {reason} – {advice}") from error


def _scan(
    data: Any, paths: Sequence[Path], workers: int | None, progress: Callable[[int], object]
) -> list[Fingerprint]:
    logger = logging.getLogger("ray.data")
    level, context = logger.level, data.DataContext.get_current()
    bars = context.enable_progress_bars
    context.enable_progress_bars = False  # they would draw over ours
    logger.setLevel(logging.ERROR)
    try:
        places = [{"place": place, "path": os.fsencode(path)} for place, path in enumerate(paths)]
        table = data.from_items(places, override_num_blocks=min(-(-len(places) // _BATCH), _BLOCKS))
        compute = data.TaskPoolStrategy(size=workers) if workers else None
        rows = table.map_batches(fingerprint_rows, batch_size=_BATCH, batch_format="numpy", compute=compute)
        found: dict[int, Fingerprint] = {}
        for row in rows.iter_rows():
            found[int(row["place"])] = from_row(row)
            progress(1)
        return [found[place] for place in range(len(paths))]
    finally:
        context.enable_progress_bars = bars
        logger.setLevel(level)


def share_equal(found: Sequence[Fingerprint]) -> list[Fingerprint]:
    """Return the list with one and the same fingerprint, the first one's, for all files of identical bytes."""
    first: dict[str, Fingerprint] = {}
    return [first.setdefault(each.sha256, each) if each.sha256 else each for each in found]


def fingerprint_rows(batch: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a batch's fingerprints; runs on the nodes.

    Args:
        batch: Columns ``place`` (int) and ``path`` (bytes).
    """
    rows = [to_row(fingerprint(Path(os.fsdecode(path)))) for path in batch["path"]]
    columns: dict[str, Any] = {name: np.array([row[name] for row in rows], dtype=object) for name in rows[0]}
    return {"place": batch["place"], **columns}


def to_row(found: Fingerprint) -> Row:
    """Return a fingerprint as two plain columns: bytes of the thumbnail, and JSON of all else."""
    rest = {
        "sha256": found.sha256,
        "pixels": found.pixels,
        "size": found.size,
        "hash": found.hash,
        "properties": dict(found.properties),
        "error": found.error,
        "warnings": found.warnings,
    }
    return {"thumbnail": found.thumbnail.tobytes(), "rest": json.dumps(rest)}


def from_row(row: Row) -> Fingerprint:
    """Return the fingerprint that :func:`to_row` stored.

    Example:
        >>> from_row(to_row(Fingerprint("ab", size=(3, 4)))).size
        (3, 4)
    """
    rest = json.loads(row["rest"])
    thumbnail = np.frombuffer(row["thumbnail"], np.uint8).reshape(THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    size = tuple(rest["size"]) if rest["size"] else None
    return Fingerprint(**{**rest, "size": size, "warnings": tuple(rest["warnings"]), "thumbnail": thumbnail})
