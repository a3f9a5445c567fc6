"""Keep decoders quiet: a progress bar must not be torn by a library's remark on one file."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_LOCK = threading.RLock()


@contextmanager
def silent_decoder() -> Iterator[None]:
    """Ignore Python warnings and the decoders' log entries inside the block; what matters is raised anyway.

    ``warnings.catch_warnings`` swaps a list of the whole process: two threads inside it at once can leave it swapped
    for good, hence the lock. Only the slow formats (DICOM, TIFF) come through here.
    """
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pillow, pydicom = logging.getLogger("PIL.TiffImagePlugin"), logging.getLogger("pydicom")
        before = pillow.disabled, pydicom.propagate
        try:
            # Each of pydicom's modules has a logger below "pydicom", and that one has a handler of its own.
            pillow.disabled, pydicom.propagate = True, False
            yield
        finally:
            pillow.disabled, pydicom.propagate = before


@contextmanager
def silent_libtiff() -> Iterator[None]:
    """Send the process's stderr nowhere inside the block.

    libtiff writes to the file descriptor itself, past Python. What other threads write in these milliseconds is lost,
    so this is for compressed TIFF files only.
    """
    with _LOCK:
        try:
            kept = os.dup(2)
        except OSError:  # no stderr, nothing to tear
            yield
            return
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 2)
            os.close(nowhere)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
