"""The described networks: parameters counted by hand, shapes, first weights, and the sigmoid unit."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from fxdet.classify.model import build_network
from fxdet.classify.paper_networks import PAPER_NETWORKS, SigmoidUnit
from fxdet.core.errors import ModelError

# (3·9 + 1)·32 + (32·9 + 1)·64 + (64·9 + 1)·128 + (128·9 + 1)·256, two numbers per channel of the batch norms,
# (256·14·14 + 1)·1024, (1024 + 1)·6
TEAM05 = 896 + 18_496 + 73_856 + 295_168 + 2 * (32 + 64 + 128 + 256) + 51_381_248 + 6_150
# Chollet's network prints 3,453,121 parameters: 896 + 18,496 + 73,856 + 147,584 + 3,211,776 + 513.
KERAS = 3_453_121


@pytest.mark.parametrize(
    ("name", "heads", "side", "count", "features"),
    [
        ("team05_cnn", {"region": 6}, 224, TEAM05, (256, 14, 14)),
        ("cnn2024_keras", {"fracture": 2}, 150, KERAS, (128, 7, 7)),
    ],
)
def test_parameters_and_shapes(name, heads, side, count, features):
    network = build_network(name, heads).eval()
    assert sum(weight.numel() for weight in network.parameters()) == count
    pictures = torch.rand(2, 3, side, side)
    with torch.inference_mode():
        assert network.features(pictures).shape == (2, *features)
        logits = network(pictures)
    ((head, classes),) = heads.items()
    assert logits[head].shape == (2, classes) and torch.isfinite(logits[head]).all()


def test_layers_of_the_team05_network_are_in_the_described_order():
    kinds = [type(layer).__name__ for layer in PAPER_NETWORKS["team05_cnn"]().convolutions]
    plain = ["Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"]
    dropped = ["Conv2d", "BatchNorm2d", "ReLU", "Dropout", "MaxPool2d"]
    assert kinds == plain + dropped + plain + dropped


def test_first_weights_are_kaiming_uniform_by_fan_out_in_the_heads_too():
    network = build_network("team05_cnn", {"region": 6})
    layers = [layer for layer in network.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
    assert len(layers) == 6
    for layer in layers:
        fan_out = layer.weight.shape[0] * (9 if layer.weight.ndim == 4 else 1)
        bound = math.sqrt(6 / fan_out)
        largest = float(layer.weight.detach().abs().max())
        assert 0.95 * bound < largest <= bound * 1.0001
        assert float(layer.bias.detach().abs().max()) == 0


def test_a_sigmoid_unit_is_binary_cross_entropy():
    unit = SigmoidUnit(5)
    features, truth = torch.randn(7, 5), torch.tensor([0, 1, 1, 0, 1, 0, 0])
    z = nn.functional.linear(features, unit.weight, unit.bias)[:, 0]
    torch.testing.assert_close(unit(features).softmax(1)[:, 1], torch.sigmoid(z))
    want = nn.functional.binary_cross_entropy_with_logits(z, truth.float())
    torch.testing.assert_close(nn.functional.cross_entropy(unit(features), truth), want)
    assert unit.out_features == 2 and sum(weight.numel() for weight in unit.parameters()) == 6


def test_more_than_two_classes_are_no_sigmoid_unit():
    network = build_network("cnn2024_keras", {"region": 6, "fracture": 2})
    assert network.heads["region"].weight.shape == (6, 512) and network.heads["fracture"].weight.shape == (1, 512)


def test_nobody_published_weights():
    with pytest.raises(ModelError, match="nobody published any – set 'initial_weights' to 'none'"):
        build_network("team05_cnn", {"region": 6}, pretrained=True)


def test_a_misspelt_name_finds_the_papers_network():
    with pytest.raises(ModelError, match="did you mean 'team05_cnn'"):
        build_network("team05_cnnn", {"region": 6})
