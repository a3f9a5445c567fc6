"""Tiny data sets drawn into the test's own folder, and the place of the real ones."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Draw = Callable[..., Path]


@pytest.fixture
def draw(tmp_path: Path) -> Draw:
    """Write a grey picture of (width, height) below the test's folder; 16 bit where asked."""

    def write(name: str, width: int = 40, height: int = 20, bits: int = 8) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        ramp = np.linspace(0, 2**bits - 1, width * height).reshape(height, width)
        Image.fromarray(ramp.astype(np.uint16 if bits == 16 else np.uint8)).save(path)
        return path

    return write


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a text file below the test's folder."""

    def write_file(name: str, text: str = "") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Folder of the real sets; the test is skipped where it is absent."""
    root = Path(os.environ.get("FXDET_DATA", Path(__file__).parents[3] / "shared" / "data"))
    if not root.is_dir():
        pytest.skip(f"no real data sets in {root}")
    return root
