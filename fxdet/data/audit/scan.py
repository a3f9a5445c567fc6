"""Fingerprints of many files: identical bytes decoded once, in several processes, never an exception for one file."""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

import cv2
from tqdm import tqdm

from fxdet.core.errors import ReadError
from fxdet.core.files import sha256_bytes
from fxdet.data.audit.fingerprints import Fingerprint, fingerprint_bytes
from fxdet.imaging.reading import read_radiograph_bytes

Engine = Literal["local", "ray"]
_Batch = list[tuple[bytes, Path]]

_BATCH_FILES, _BATCH_BYTES = 32, 1 << 23
"""What a process is given at a time."""

_FILES_PER_WORKER = 500
"""Files from which a further process is worth its start, about a second."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """How files are scanned.

    Attributes:
        engine: ``local`` for this machine, ``ray`` for Ray Data (extra ``ray``); the result is the same.
        workers: Processes that decode; None takes the number of processors, fewer for a few hundred files. With 1
            nothing is started: this process decodes.
        quiet: Hide the progress bar; None hides it where stderr is no terminal.
    """

    engine: Engine = "local"
    workers: int | None = None
    quiet: bool | None = None

    def __post_init__(self) -> None:
        if self.engine not in ("local", "ray"):
            raise ValueError(f"ScanOptions.engine: got {self.engine!r}, expected 'local' or 'ray'")
        if self.workers is not None and self.workers < 1:
            raise ValueError(f"ScanOptions.workers: got {self.workers}, expected at least 1")


def scan(paths: Sequence[Path], options: ScanOptions | None = None) -> list[Fingerprint]:
    """Return the fingerprints of files, in their order; files of identical bytes share one.

    Args:
        paths: The files. One that is missing or can't be decoded gets a fingerprint with ``error``.
        options: Engine and number of processes.

    Raises:
        MissingExtraError: The engine is ``ray``, which is not installed.
    """
    options = options or ScanOptions()
    with tqdm(total=len(paths), desc="scan", unit="file", disable=options.quiet, leave=False) as bar:
        if options.engine == "ray":
            from fxdet.data.audit.ray_engine import scan_with_ray

            return scan_with_ray(paths, options.workers, bar.update)
        return _scan_here(paths, options.workers, bar.update)


def _scan_here(paths: Sequence[Path], workers: int | None, progress: Callable[[int], object]) -> list[Fingerprint]:
    wanted = workers or min(os.cpu_count() or 1, 1 + len(paths) // _FILES_PER_WORKER)
    found: dict[str, Fingerprint] = {}
    digests: list[str] = []
    batches = _distinct_batches(paths, digests, found, progress)
    for done in _in_processes(batches, wanted) if wanted > 1 else map(fingerprint_batch, batches):
        found.update((result.sha256, result) for result in done)
    return [found[digest] for digest in digests]


def _distinct_batches(
    paths: Iterable[Path], digests: list[str], found: dict[str, Fingerprint], progress: Callable[[int], object]
) -> Iterator[_Batch]:
    """Read every file once and yield those whose bytes are new, in batches.

    Args:
        paths: The files.
        digests: Gets the key of each file: its SHA-256, or its path where it can't be read.
        found: Gets the fingerprints of files that can't be read.
        progress: Is called with 1 for each file.
    """
    batch: _Batch = []
    size, met = 0, set[str]()
    for path in paths:
        progress(1)
        try:
            data = read_radiograph_bytes(Path(path))
        except ReadError as error:
            digests.append(str(path))
            found[str(path)] = Fingerprint("", error=str(error))
            continue
        digests.append(sha256_bytes(data))
        if digests[-1] in met:
            continue
        met.add(digests[-1])
        batch.append((data, Path(path)))
        size += len(data)
        if len(batch) >= _BATCH_FILES or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def fingerprint_batch(batch: _Batch) -> list[Fingerprint]:
    """Return the fingerprints of files given as bytes and path."""
    return [fingerprint_bytes(data, path) for data, path in batch]


def _in_processes(batches: Iterator[_Batch], workers: int) -> Iterator[list[Fingerprint]]:
    """Yield the batches' fingerprints; at most two batches per process wait in memory.

    Where a process dies (killed for memory, say), this one goes on.
    """
    # A forked child would inherit locks that threads of the parent hold.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, initializer=cv2.setNumThreads, initargs=(1,))
    waiting: deque[_Batch] = deque()
    futures: deque[Future[list[Fingerprint]]] = deque()
    try:
        for batch in batches:
            waiting.append(batch)
            futures.append(pool.submit(fingerprint_batch, batch))
            if len(futures) >= 2 * workers:
                yield futures.popleft().result()
                waiting.popleft()
        while futures:
            yield futures.popleft().result()
            waiting.popleft()
    except BrokenProcessPool:
        _logger.warning("a process that decodes files ended early: going on in one process")
        yield from map(fingerprint_batch, chain(waiting, batches))
    finally:
        pool.shutdown(cancel_futures=True)
