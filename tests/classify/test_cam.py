from __future__ import annotations

import gc

import numpy as np
import pytest
import torch

from fxdet.classify.cam import attention_maps, grad_cam
from fxdet.classify.model import DEFAULT_HEADS, TimmClassifier, build_network
from fxdet.core.errors import ModelError
from fxdet.core.objects import Crops
from fxdet.imaging.preprocess import Preprocess

SIDE = 64


def crops_of(pixels: np.ndarray) -> Crops:
    count = len(pixels)
    return Crops(pixels, np.zeros((count, 4)), np.arange(count), np.tile(np.eye(2, 3), (count, 1, 1)))


@pytest.fixture(scope="module")
def classifier() -> TimmClassifier:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = build_network("mobilenetv3_small_050", DEFAULT_HEADS)
    return TimmClassifier(network, Preprocess(SIDE), name="tiny.random")


@pytest.fixture(scope="module")
def crops() -> Crops:
    return crops_of(np.random.default_rng(2).random((5, SIDE, SIDE), dtype=np.float32))


def raw_map(classifier: TimmClassifier, pixels: np.ndarray, target: int) -> np.ndarray:
    """Grad-CAM by hand: mean gradient per channel × activation, positive part."""
    features = classifier.network.features(classifier.tensor(pixels[None])).detach().requires_grad_()
    pooled = classifier.network.backbone.forward_head(features, pre_logits=True)
    logit = classifier.network.heads["fracture"](pooled)[0, target]
    (gradient,) = torch.autograd.grad(logit, features)
    weighted = gradient.mean(dim=(2, 3), keepdim=True) * features
    return weighted.sum(1).clamp(min=0)[0].detach().numpy()


@pytest.mark.parametrize("target", [0, 1])
def test_maps_equal_grad_cam_by_hand(classifier, crops, target):
    maps = attention_maps(classifier, crops, "fracture", target)
    assert maps.shape == crops.pixels.shape
    assert maps.dtype == np.float32
    seen = 0
    for got, pixels in zip(maps, crops.pixels, strict=True):
        raw = raw_map(classifier, pixels, target)
        if raw.max() <= 0:
            assert (got == 0).all()
            continue
        seen += 1
        step = SIDE // raw.shape[0]
        coarse = got.reshape(raw.shape[0], step, raw.shape[1], step).mean(axis=(1, 3))
        assert np.corrcoef(coarse.ravel(), raw.ravel())[0, 1] > 0.9
        assert got.max() == pytest.approx(1)
    assert seen


def test_shares_differ_from_the_librarys_own_rescaled_map(classifier, crops):
    """The library shifts each map's minimum to zero; ours keeps the zero where Grad-CAM has it."""
    with grad_cam(classifier, "fracture") as cam:
        features = classifier.network.features(classifier.tensor(crops.pixels)).detach().requires_grad_()
        raw = cam(features, [lambda logits: logits[1]] * len(crops))
    assert raw.shape[1:] == features.shape[2:]
    assert (raw >= 0).all()
    expected = np.stack([raw_map(classifier, pixels, 1) for pixels in crops.pixels])
    np.testing.assert_allclose(raw, expected, rtol=1e-4, atol=1e-7)


def test_a_class_with_no_evidence_gets_an_empty_map_not_a_stretched_one(classifier, crops):
    head = classifier.network.heads["fracture"]
    before = head.weight.detach().clone()
    try:
        with torch.no_grad():
            head.weight.zero_()
        assert (attention_maps(classifier, crops) == 0).all()
    finally:
        with torch.no_grad():
            head.weight.copy_(before)


def test_no_crops_give_no_maps(classifier):
    assert attention_maps(classifier, crops_of(np.zeros((0, SIDE, SIDE), np.float32))).shape == (0, SIDE, SIDE)


def test_maps_do_not_depend_on_the_batch(classifier, crops):
    together = attention_maps(classifier, crops)
    alone = np.concatenate([attention_maps(classifier, crops_of(pixels[None])) for pixels in crops.pixels])
    np.testing.assert_allclose(together, alone, atol=1e-4)


def hooks_in(network: torch.nn.Module) -> int:
    return sum(len(module._forward_hooks) + len(module._backward_hooks) for module in network.modules())


def test_a_hundred_passes_leave_no_hook_gradient_or_tensor_behind(classifier, crops):
    attention_maps(classifier, crops)
    gc.collect()
    before = hooks_in(classifier.network), sum(issubclass(type(item), torch.Tensor) for item in gc.get_objects())
    for _ in range(100):
        attention_maps(classifier, crops)
    gc.collect()
    after = hooks_in(classifier.network), sum(issubclass(type(item), torch.Tensor) for item in gc.get_objects())
    assert before == after
    assert all(weight.grad is None and weight.requires_grad for weight in classifier.network.parameters())


@pytest.mark.parametrize("error", [IndexError("x"), KeyboardInterrupt(), ValueError("y")])
def test_errors_inside_are_neither_swallowed_nor_leave_hooks(classifier, capsys, error):
    with pytest.raises(type(error)), grad_cam(classifier, "fracture") as cam:
        tap = cam.target_layers[0]
        assert len(tap._forward_hooks) == 2
        raise error
    assert len(tap._forward_hooks) == 0
    assert all(weight.requires_grad for weight in classifier.network.parameters())
    assert capsys.readouterr().out == ""


def test_an_unknown_head_is_named(classifier, crops):
    with pytest.raises(ModelError, match="'fractrue'"):
        attention_maps(classifier, crops, "fractrue")


def test_a_transformer_is_refused(crops):
    network = build_network("vit_tiny_patch16_224", DEFAULT_HEADS)
    classifier = TimmClassifier(network, Preprocess(224), name="vit.random")
    pixels = np.zeros((1, 224, 224), np.float32)
    with pytest.raises(ModelError, match="convolutional backbone"):
        attention_maps(classifier, crops_of(pixels))
