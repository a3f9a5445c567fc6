"""Strided depthwise convolutions are trained in fp32 on CPUs, all others in bf16."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from fxdet.training.precision import autocast

CPU = torch.device("cpu")


def gradients(layer, pictures, precision):
    """Outputs and gradients by the pictures and the weights."""
    pictures = pictures.clone().requires_grad_()
    layer.zero_grad()
    with autocast(precision, CPU):
        maps = layer(pictures)
    maps.float().square().sum().backward()
    return maps, pictures.grad, layer.weight.grad


def make_layer(stride, groups, **options):
    torch.manual_seed(0)
    return nn.Conv2d(8, 8, 3, stride, 1, groups=groups, **options)


def test_a_strided_depthwise_convolution_computes_in_fp32_and_hands_on_bf16():
    layer, pictures = make_layer(2, 8), torch.randn(2, 8, 9, 7, generator=torch.Generator().manual_seed(1))
    exact, rounded = layer(pictures), gradients(layer, pictures, "bf16")[0]
    assert rounded.dtype is torch.bfloat16
    assert torch.equal(rounded, exact.bfloat16())


@pytest.mark.parametrize("options", [{}, {"bias": False}])
@pytest.mark.parametrize("stride", [2, (2, 1)])
def test_its_gradients_are_those_of_fp32_up_to_what_was_handed_on(stride, options):
    layer, pictures = make_layer(stride, 8, **options), torch.randn(2, 8, 9, 7)
    _, by_pictures, by_weight = gradients(layer, pictures, "bf16")
    _, exact_by_pictures, exact_by_weight = gradients(layer, pictures, "fp32")
    assert by_pictures.dtype is by_weight.dtype is torch.float32
    for own, exact in ((by_pictures, exact_by_pictures), (by_weight, exact_by_weight)):
        torch.testing.assert_close(own, exact, rtol=0.02, atol=0.02 * float(exact.abs().max()))


@pytest.mark.parametrize(("stride", "groups"), [(1, 8), (2, 1), (1, 1), (2, 2)])
def test_other_convolutions_stay_in_bf16(stride, groups):
    layer, pictures = make_layer(stride, groups), torch.randn(2, 8, 9, 7)
    with torch.autocast("cpu", torch.bfloat16):
        plain = layer(pictures)
    assert torch.equal(gradients(layer, pictures, "bf16")[0], plain)
    assert not torch.equal(plain, layer(pictures).bfloat16())


def test_without_gradients_all_stay_in_bf16():
    layer, pictures = make_layer(2, 8), torch.randn(2, 8, 9, 7)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        plain = layer(pictures)
    with torch.inference_mode(), autocast("bf16", CPU):
        assert torch.equal(layer(pictures), plain)


def test_options_may_come_by_name():
    layer, pictures = make_layer(2, 8), torch.randn(2, 8, 9, 7)
    with autocast("bf16", CPU):
        maps = functional.conv2d(pictures, layer.weight, bias=layer.bias, stride=2, padding=1, groups=8)
    assert torch.equal(maps, layer(pictures).bfloat16())


def test_networks_are_left_as_they_are():
    layer = make_layer(2, 8)
    before = dict(vars(layer))
    gradients(layer, torch.randn(1, 8, 4, 4), "bf16")
    assert vars(layer).keys() == before.keys()
    assert layer.weight.dtype is torch.float32
