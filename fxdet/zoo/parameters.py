"""How many parameters a weight file holds, read from its header; the tensors stay on the disk."""

from __future__ import annotations

import json
import struct
from math import prod
from pathlib import Path
from typing import Any

from fxdet.core.errors import ModelError

_BUFFERS = ("running_mean", "running_var", "num_batches_tracked")
"""Tensors of batch norms that are stored with the weights and are no parameters."""

_HEADER_LIMIT = 100_000_000
"""Longest header that safetensors allows, bytes."""


def parameter_count(weights: Path) -> int:
    """Return the number of parameters in a safetensors file, statistics of batch norms left out.

    Args:
        weights: The file.

    Raises:
        ModelError: The file can't be read or is no safetensors file.
    """
    shapes = {name: entry["shape"] for name, entry in _header(weights).items() if name != "__metadata__"}
    return sum(prod(shape) for name, shape in shapes.items() if name.rpartition(".")[2] not in _BUFFERS)


def _header(weights: Path) -> dict[str, Any]:
    """Return the header: eight bytes of length, little-endian, then JSON (safetensors' own description of its form)."""
    try:
        with weights.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _HEADER_LIMIT:
                raise ValueError(f"header of {length} bytes")
            header = json.loads(file.read(length))
        if not isinstance(header, dict):
            raise ValueError(f"header is a {type(header).__name__}")
    except (OSError, struct.error, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(f"can't count the parameters of {weights} – {reason} – expected a safetensors file") from error
    return header
