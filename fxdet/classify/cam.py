"""Grad-CAM of crops: the library's weights and hooks, without its per-map rescaling.

``pytorch_grad_cam`` subtracts every map's minimum and divides by its maximum, twice. That lifts a map without any
evidence to full scale and moves the zero of every other, so shares of energy come out wrong. Here the raw positive
map ``max(0, sum of weight × activation)`` is kept; dividing by the maximum happens once, at the end, and leaves
shares and peaks as they are. The network up to the last feature map runs without gradients, since Grad-CAM needs
only those between that map and the logit: a batch costs little more than its forward pass.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fxdet.classify.model import ClassifierNetwork, TimmClassifier
from fxdet.core.errors import ModelError
from fxdet.core.objects import Crops

# Something that the library pulls in draws from Python's global generator; whoever seeded it must not notice.
_random_state = random.getstate()
from pytorch_grad_cam import GradCAM  # noqa: E402

random.setstate(_random_state)


CHUNK = 16
"""Most crops that go through the network at once."""


class _HeadOnly(nn.Module):
    """What lies behind the last feature map, for one head; ``tap`` is where the library hooks in."""

    def __init__(self, network: ClassifierNetwork, head: str) -> None:
        super().__init__()
        self.tap = nn.Identity()
        self.network = network
        self.head = head

    def forward(self, features: Tensor) -> Tensor:
        pooled = self.network.backbone.forward_head(self.tap(features), pre_logits=True)  # type: ignore[operator]
        logits: Tensor = self.network.heads[self.head](self.network.dropout(pooled))
        return logits


class _RawGradCam(GradCAM):  # type: ignore[misc]
    """Grad-CAM that returns raw positive maps at the resolution of the feature map."""

    def compute_cam_per_layer(
        self, input_tensor: Tensor, targets: list[nn.Module], eigen_smooth: bool
    ) -> list[NDArray[np.float32]]:
        activation = self.activations_and_grads.activations[0].float().numpy()
        gradient = self.activations_and_grads.gradients[0].float().numpy()
        layer = self.target_layers[0]
        return [np.maximum(self.get_cam_image(input_tensor, layer, targets, activation, gradient, eigen_smooth), 0)]

    def aggregate_multi_layers(self, cam_per_target_layer: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        return cam_per_target_layer[0]


@contextmanager
def grad_cam(classifier: TimmClassifier, head: str) -> Iterator[_RawGradCam]:
    """Attach Grad-CAM to a classifier's last feature map and take every hook and gradient off again.

    The library's own ``__exit__`` prints and swallows an ``IndexError``; this context never does.
    """
    requires = [(weight, weight.requires_grad) for weight in classifier.network.parameters()]
    try:
        for weight, _ in requires:
            weight.requires_grad_(False)
        behind = _HeadOnly(classifier.network, head)
        cam = _RawGradCam(behind, [behind.tap])
        try:
            yield cam
        finally:
            cam.activations_and_grads.release()
            cam.outputs = None
    finally:
        for weight, needed in requires:
            weight.requires_grad_(needed)


def attention_maps(
    classifier: TimmClassifier, crops: Crops, head: str = "fracture", target: int = 1
) -> NDArray[np.float32]:
    """Return where on each crop the evidence for a class lies.

    Args:
        classifier: A classifier with a convolutional backbone.
        crops: M crops of side S.
        head: Head whose logit is explained.
        target: Class index in that head.

    Returns:
        Maps, shape (M, S, S), 0–1; the largest value is 1, or the map is all 0 where nothing speaks for the class.

    Raises:
        ModelError: The head is unknown, or the backbone has no feature map with rows and columns.
    """
    if head not in classifier.network.heads:
        raise ModelError(f"can't explain {classifier.name} – got head '{head}', expected {list(classifier.labels)}")
    side = crops.pixels.shape[-1]
    maps = np.zeros((len(crops), side, side), dtype=np.float32)
    with grad_cam(classifier, head) as cam:
        for start in range(0, len(crops), CHUNK):
            raw = _raw_maps(classifier, cam, crops.pixels[start : start + CHUNK], target)
            for offset, coarse in enumerate(raw):
                maps[start + offset] = _enlarge(coarse, side)
    return maps


def _raw_maps(
    classifier: TimmClassifier, cam: _RawGradCam, pixels: NDArray[np.float32], target: int
) -> NDArray[np.float32]:
    with torch.no_grad():
        features = classifier.network.features(classifier.tensor(pixels))
    if features.ndim != 4:
        raise ModelError(
            f"can't explain {classifier.name} – got feature tokens of shape {tuple(features.shape)}, expected"
            " (batch, channels, rows, columns) – use a convolutional backbone or --no-crosscheck"
        )
    with torch.enable_grad():
        raw = cam(features.detach().requires_grad_(), [_LogitOf(target)] * len(pixels))
    return np.asarray(raw, dtype=np.float32)


class _LogitOf:
    """The library's target: one class's logit."""

    def __init__(self, index: int) -> None:
        self.index = index

    def __call__(self, logits: Tensor) -> Tensor:
        return logits[self.index]


def _enlarge(coarse: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Return the map at the crop's size, largest value 1; an even or empty map stays so."""
    peak = float(coarse.max())
    if not np.isfinite(peak) or peak <= 0:
        return np.zeros((side, side), dtype=np.float32)
    large = cv2.resize(coarse / np.float32(peak), (side, side), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(large / max(float(large.max()), 1e-12), 0, 1), dtype=np.float32)
