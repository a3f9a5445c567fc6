"""Freed memory is used again: the system need not clear new pages for every large array."""

import platform
import subprocess
import sys

import pytest

PAGE_FAULTS = """
import resource, sys
import numpy as np
from fxdet.core.memory import keep_freed_memory

if sys.argv[1] == "keep":
    assert keep_freed_memory()
for _ in range(3):
    np.empty(100_000_000, np.uint8).fill(1)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4):
    np.empty(100_000_000, np.uint8).fill(1)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(how):
    command = [sys.executable, "-c", PAGE_FAULTS, how]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
def test_large_arrays_get_the_memory_of_those_before_them():
    assert page_faults("keep") < 0.1 * page_faults("give back")


def test_other_systems_are_left_alone(monkeypatch):
    from fxdet.core import memory

    monkeypatch.setattr(memory.sys, "platform", "darwin")
    assert not memory.keep_freed_memory()
    monkeypatch.setattr(memory.sys, "platform", "linux")
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())  # musl has no mallopt
    assert not memory.keep_freed_memory()
