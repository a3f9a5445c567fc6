"""Keep decoders quiet: a progress bar must not be torn by a library's remark on one file."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_LOCK = threading.RLock()


@contextmanager
def silent_decoder() -> Iterator[None]:
    """Ignore Python warnings inside the block.

    ``warnings.catch_warnings`` swaps a list of the whole process: two threads inside it at once can leave it swapped
    for good, hence the lock. Only the slow formats (DICOM, TIFF) come through here.
    """
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
