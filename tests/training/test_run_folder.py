from __future__ import annotations

import struct

import torch
from safetensors import safe_open
from safetensors.torch import load_file

from fxdet.training.run_folder import write_weights


def test_equal_weights_are_equal_files(tmp_path):
    """The library shuffles the notes of the header, and a card's hash must not depend on that."""
    about = {name: f"{name} – ä" for name in ("name", "architecture", "heads", "preprocess", "epoch")}
    state = {"b": torch.arange(3.0), "a": torch.tensor(7), "c": torch.zeros(0, 2, dtype=torch.float16)}
    for number in range(12):
        write_weights(tmp_path / f"{number}.safetensors", state, about)
    files = [path.read_bytes() for path in tmp_path.iterdir()]
    assert len(set(files)) == 1
    assert struct.unpack("<Q", files[0][:8])[0] % 8 == 0
    back = load_file(tmp_path / "0.safetensors")
    assert set(back) == set(state)
    assert all(torch.equal(back[name], value) and back[name].dtype == value.dtype for name, value in state.items())
    with safe_open(tmp_path / "0.safetensors", "pt") as file:
        assert file.metadata() == about
