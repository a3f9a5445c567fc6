"""Memory that is freed stays with the process, ready for the next tensor."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Names of two of glibc's settings, from its malloc.h."""
_LARGEST_KEPT = 2**30


def keep_freed_memory() -> bool:
    """Let the allocator keep what is freed instead of giving it back to the system each time.

    The allocator of Linux's C library, glibc, asks the system for each block above 32 MB anew, and the system clears
    each of its pages on first use. Feature maps are of that size: in training, writing one of 50 MB took up to eight
    times as long as into a block that was there already. Between peaks less is given back; blocks above 1 GiB still
    are. It holds for the whole process, so programs call it, not libraries.

    Returns:
        Whether the allocator took the settings; other C libraries than glibc have none.
    """
    if not sys.platform.startswith("linux"):
        return False
    setting = getattr(ctypes.CDLL(None), "mallopt", None)
    if setting is None:
        return False
    return bool(setting(_MMAP_THRESHOLD, _LARGEST_KEPT)) and bool(setting(_TRIM_THRESHOLD, 2**31 - 1))
