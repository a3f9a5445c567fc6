"""Which number format a device computes fast, and the autocast context for it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch

from fxdet.core.errors import ConfigError
from fxdet.training.options import Precision

_CPU_INFO = Path("/proc/cpuinfo")


def choose_precision(wanted: Precision, device: torch.device) -> Precision:
    """Return fp32, bf16 or fp16; ``auto`` takes bf16 only where the hardware multiplies it.

    Raises:
        ConfigError: The device can't compute what is asked for.
    """
    if wanted == "auto":
        return "bf16" if _computes_bf16(device) else "fp32"
    if wanted == "fp16" and device.type == "cpu":
        raise ConfigError("loop.precision – got 'fp16' on a CPU, expected 'bf16', 'fp32' or 'auto' – set one of them")
    return wanted


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """Return the context in which forward passes run."""
    if precision == "fp32":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16 if precision == "bf16" else torch.float16)


def _computes_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    if device.type != "cpu":
        return False
    try:
        flags = _CPU_INFO.read_text(encoding="utf-8")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags
