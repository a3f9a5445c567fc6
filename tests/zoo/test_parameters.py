"""Parameters counted from a header, against the network itself."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from fxdet.core.errors import ModelError
from fxdet.zoo.cards import read_card
from fxdet.zoo.hub import BUILTIN_FOLDER
from fxdet.zoo.parameters import parameter_count, tensor_shapes


def test_statistics_of_batch_norms_are_no_parameters(tmp_path):
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.Linear(8, 2))
    save_file({name: value.half() for name, value in network.state_dict().items()}, tmp_path / "w.safetensors")
    assert parameter_count(tmp_path / "w.safetensors") == sum(p.numel() for p in network.parameters())
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert tensor_shapes(tmp_path / "w.safetensors") == shapes


def test_the_shipped_classifier():
    from fxdet.classify.model import build_network

    card = read_card(BUILTIN_FOLDER / "mobilenetv2_100.builtin.json")
    network = build_network(card.architecture, card.head_labels)
    assert parameter_count(BUILTIN_FOLDER / card.weights) == sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    "content", [b"", b"12345678", b"\xff" * 100, b"\x02\x00\x00\x00\x00\x00\x00\x00[]", b"\x00" * 8]
)
def test_what_is_no_weight_file(tmp_path, content):
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match=r"w\.safetensors.*expected a safetensors file"):
        parameter_count(tmp_path / "w.safetensors")


def test_a_missing_file(tmp_path):
    with pytest.raises(ModelError, match=r"No such file.*w\.safetensors"):
        parameter_count(tmp_path / "w.safetensors")
