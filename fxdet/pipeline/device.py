"""Device, number format and threads of a prediction; the only module here that asks torch."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from fxdet.core.errors import ConfigError, did_you_mean
from fxdet.core.processors import usable_processors

PRECISIONS = ("auto", "fp32", "bf16")

_CPU_INFO = Path("/proc/cpuinfo")


def choose_device(name: str) -> str:
    """Return the device to use; ``auto`` takes the first GPU where there is one.

    Raises:
        ConfigError: torch does not know the device, or it is not there.
    """
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        near = did_you_mean(name, ("auto", "cpu", "cuda", "cuda:0", "mps"))
        raise ConfigError(f"option --device – got '{name}'{near}") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        have = torch.cuda.device_count()
        raise ConfigError(f"option --device – got '{name}', but torch sees {have} CUDA devices – use 'cpu'")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("option --device – got 'mps', which is not available here – use 'cpu'")
    return name


def choose_precision(wanted: str, device: str) -> str:
    """Return ``fp32`` or ``bf16``; ``auto`` takes bf16 on CPUs that multiply it in hardware, else fp32.

    Elsewhere on CPUs bf16 is emulated and slower; on GPUs these small networks wait for data, not for arithmetic.

    Raises:
        ConfigError: The name is unknown.
    """
    if wanted not in PRECISIONS:
        raise ConfigError(f"option --precision – got '{wanted}'{did_you_mean(wanted, PRECISIONS)}")
    if wanted != "auto":
        return wanted
    return "bf16" if device == "cpu" and _cpu_multiplies_bf16() else "fp32"


def autocast(precision: str, device: str) -> AbstractContextManager[Any]:
    """Return the context in which the networks run."""
    if precision == "fp32":
        return nullcontext()
    import torch

    return torch.autocast(torch.device(device).type, dtype=torch.bfloat16)


def set_threads(count: int | None) -> int:
    """Let torch use ``count`` threads; without one as many as OMP_NUM_THREADS says, or one per usable processor.

    Returns:
        The number. Two processes that each take all processors wait for each other: three times slower together.
    """
    import torch

    told = os.environ.get("OMP_NUM_THREADS", "")
    threads = count or (int(told) if told.isdecimal() else 0) or usable_processors()
    torch.set_num_threads(threads)
    return threads


def _cpu_multiplies_bf16() -> bool:
    try:
        flags = _CPU_INFO.read_text(encoding="utf-8")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags
