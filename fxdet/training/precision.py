"""Which number format a device computes fast, and the autocast context for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from fxdet.core.errors import ConfigError
from fxdet.training.options import Precision

_CPU_INFO = Path("/proc/cpuinfo")
_CONV2D = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")


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
    if device.type == "cpu":
        return _bf16_on_a_cpu()
    return torch.autocast(device.type, dtype=torch.bfloat16 if precision == "bf16" else torch.float16)


@contextmanager
def _bf16_on_a_cpu() -> Iterator[None]:
    with torch.autocast("cpu", dtype=torch.bfloat16), _StridedDepthwiseInFp32():
        yield


class _StridedDepthwiseInFp32(TorchFunctionMode):
    """Computes depthwise convolutions with a stride in fp32, whatever autocast wants, where gradients will be needed.

    oneDNN has no fast bf16 kernel for their gradient by the input: on 576 channels of 16 × 16 px it takes 20 times as
    long as in fp32. All other convolutions are faster in bf16.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func is not functional.conv2d:
            return func(*args, **(kwargs or {}))
        call = dict(zip(_CONV2D, args, strict=False)) | (kwargs or {})
        if not _is_strided_depthwise(call):
            return func(**call)
        with torch.autocast("cpu", enabled=False):
            return func(**call | {"input": call["input"].float()}).bfloat16()


def _is_strided_depthwise(call: Mapping[str, Any]) -> bool:
    weight, groups = call["weight"], call.get("groups", 1)
    is_depthwise = groups > 1 and groups == weight.shape[0]
    is_strided = call.get("stride", 1) not in (1, (1, 1))
    return is_depthwise and is_strided and torch.is_grad_enabled() and weight.dtype is torch.float32


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
