"""The small networks that papers describe and timm does not have, with the interface of a timm backbone.

=================  ==================================================================================================
``team05_cnn``     Team-05 report: 4 × [convolution 3 × 3 (32, 64, 128, 256), batch norm, ReLU, max-pool 2], dropout .3
                   after the 2nd and 4th ReLU, linear 256·14·14 → 1024, ReLU; Kaiming-uniform weights (fan-out) and zero
                   biases, in the heads, too. The published script has one more dropout before the last layer: that is
                   the configuration's ``dropout``. Input 224 px.
``cnn2024_keras``  cnn2024: "conv + max-pool blocks, dense layers, one sigmoid unit". The paper leaves open how many of
                   each and how wide. Its augmentation is, figure for figure, that of Chollet's small network for cats
                   and dogs (*Deep Learning with Python*, 2017, 5.2), so that network is taken: 4 × [convolution 3 × 3
                   without padding (32, 64, 128, 128), ReLU, max-pool 2], linear 6,272 → 512, ReLU, one sigmoid unit;
                   Keras's Glorot-uniform weights and zero biases. Input 150 px; 3,453,121 parameters.
=================  ==================================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from types import MappingProxyType

import torch
from torch import Tensor, nn


class PaperBackbone(nn.Module):
    """Convolutions and hidden linear layers of a described network.

    Attributes:
        num_features: Number of features before the heads.
        sigmoid_unit: Whether a head of two classes is one sigmoid unit.
    """

    num_features: int
    sigmoid_unit: bool = False

    def __init__(self, convolutions: nn.Sequential, hidden: nn.Linear) -> None:
        super().__init__()
        self.convolutions = convolutions
        self.hidden = hidden
        self.num_features = hidden.out_features

    def forward_features(self, x: Tensor) -> Tensor:
        """Return the last feature map, shape (B, C, h, w)."""
        result: Tensor = self.convolutions(x)
        return result

    def forward_head(self, x: Tensor, pre_logits: bool = True) -> Tensor:
        """Return the features before the heads, shape (B, F), of a feature map."""
        return torch.relu(self.hidden(x.flatten(1)))

    def initialise(self, module: nn.Module) -> None:
        """Draw the first weights of one layer as the description says; also called for the heads."""
        raise NotImplementedError


class Team05Cnn(PaperBackbone):
    """Custom network of the Team-05 report."""

    def __init__(self) -> None:
        layers: list[nn.Module] = []
        widths = (3, 32, 64, 128, 256)
        for number, (before, after) in enumerate(pairwise(widths), start=1):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
            # The report lists dropout after the activation; the pooling follows it.
            layers += [nn.Dropout(0.3), nn.MaxPool2d(2)] if number in (2, 4) else [nn.MaxPool2d(2)]
        super().__init__(nn.Sequential(*layers), nn.Linear(256 * 14 * 14, 1024))
        self.apply(self.initialise)

    def initialise(self, module: nn.Module) -> None:
        """Draw Kaiming-uniform weights (fan-out, ReLU) and set biases to 0."""
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_uniform_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class KerasCnn(PaperBackbone):
    """Small Keras network, rewritten."""

    sigmoid_unit = True

    def __init__(self) -> None:
        layers: list[nn.Module] = []
        widths = (3, 32, 64, 128, 128)
        for before, after in pairwise(widths):
            layers += [nn.Conv2d(before, after, 3), nn.ReLU(), nn.MaxPool2d(2)]
        super().__init__(nn.Sequential(*layers), nn.Linear(128 * 7 * 7, 512))
        self.apply(self.initialise)

    def initialise(self, module: nn.Module) -> None:
        """Draw Glorot-uniform weights and set biases to 0, as Keras does by default."""
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class SigmoidUnit(nn.Linear):
    """One sigmoid unit that looks like a head of two classes: logits (0, z), so that softmax is (1 − σ(z), σ(z)).

    Cross-entropy over the two is then binary cross-entropy of the unit.

    Example:
        >>> unit = SigmoidUnit(4)
        >>> unit(torch.zeros(3, 4)).shape, unit.weight.shape
        (torch.Size([3, 2]), torch.Size([1, 4]))
    """

    def __init__(self, features: int) -> None:
        super().__init__(features, 1)
        self.out_features = 2

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, shape (B, 2), of features (B, F)."""
        z = super().forward(x)
        return torch.cat([torch.zeros_like(z), z], dim=1)


PAPER_NETWORKS: Mapping[str, Callable[[], PaperBackbone]] = MappingProxyType(
    {"team05_cnn": Team05Cnn, "cnn2024_keras": KerasCnn}
)
"""Name of an ``architecture`` → what builds its backbone."""


def head_layer(backbone: nn.Module, features: int, classes: int) -> nn.Linear:
    """Return a head: a linear layer, or one sigmoid unit where the backbone's description says so."""
    if not isinstance(backbone, PaperBackbone):
        return nn.Linear(features, classes)
    layer = SigmoidUnit(features) if backbone.sigmoid_unit and classes == 2 else nn.Linear(features, classes)
    backbone.initialise(layer)
    return layer
