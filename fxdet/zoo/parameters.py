"""What a weight file holds, read from its header; the tensors stay on the disk."""

from __future__ import annotations

from math import prod
from pathlib import Path

from safetensors import SafetensorError, safe_open

from fxdet.core.errors import ModelError

_BUFFERS = ("running_mean", "running_var", "num_batches_tracked")
"""Tensors of batch norms that are stored with the weights and are no parameters."""


def tensor_shapes(weights: Path) -> dict[str, tuple[int, ...]]:
    """Return name → shape of the tensors in a safetensors file.

    Raises:
        ModelError: The file can't be read or is no safetensors file.
    """
    try:
        with safe_open(weights, framework="numpy") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ModelError(f"can't read weights {weights} – {error} – expected a safetensors file") from error


def parameter_count(weights: Path) -> int:
    """Return the number of parameters in a safetensors file, statistics of batch norms left out.

    Raises:
        ModelError: The file can't be read or is no safetensors file.
    """
    shapes = tensor_shapes(weights)
    return sum(prod(shape) for name, shape in shapes.items() if name.rpartition(".")[2] not in _BUFFERS)
