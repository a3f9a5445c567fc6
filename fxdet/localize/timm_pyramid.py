"""Faster R-CNN on a backbone of timm: for small networks that torchvision has no detector of."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import timm
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

STAGES = (2, 3, 4)
"""timm's numbers of the stages with 8, 16 and 32 px of the picture per px of the map; pooling adds a level of 64 px."""

PYRAMID_CHANNELS = 128
"""Half of torchvision's: at 8 px of the picture per px, 256 channels would cost four times the backbone."""

HEAD_WIDTH = 512
"""Half of torchvision's, which is made for the 80 classes of COCO."""

POOLED = 7
"""Side of the map that is cut out for each proposal."""


class TimmPyramid(nn.Module):
    """The last three stages of a timm network with a feature pyramid on top (Lin et al. 2017).

    Args:
        name: timm's name of the network.
        channels: Channels of every map.
    """

    def __init__(self, name: str, channels: int = PYRAMID_CHANNELS) -> None:
        super().__init__()
        self.body = timm.create_model(name, pretrained=False, features_only=True, out_indices=STAGES)
        self.fpn = FeaturePyramidNetwork(self.body.feature_info.channels(), channels, LastLevelMaxPool())
        self.out_channels = channels

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Return level → map (B, C, h, w) for normalised pictures (B, 3, H, W): ``0``, ``1``, ``2`` and ``pool``."""
        maps: dict[str, Tensor] = self.fpn(OrderedDict((str(i), stage) for i, stage in enumerate(self.body(pictures))))
        return maps


def timm_parts(
    name: str, anchor_sides: Sequence[tuple[int, ...]], aspect_ratios: tuple[float, ...], num_classes: int
) -> dict[str, Any]:
    """Return arguments of :class:`torchvision.models.detection.FasterRCNN` for an untrained one on a timm network.

    Args:
        name: timm's name of the network.
        anchor_sides: Anchor sides of each of the four levels, px; equally many on each.
        aspect_ratios: Height by width of the anchors.
        num_classes: Classes with the background.
    """
    backbone = TimmPyramid(name)
    return {
        "backbone": backbone,
        "rpn_anchor_generator": AnchorGenerator(tuple(anchor_sides), (aspect_ratios,) * len(anchor_sides)),
        "box_head": TwoMLPHead(backbone.out_channels * POOLED**2, HEAD_WIDTH),
        "box_predictor": FastRCNNPredictor(HEAD_WIDTH, num_classes),
    }


def imagenet_state(name: str) -> dict[str, Tensor]:
    """Return timm's published weights of a backbone, which downloads them.

    Raises:
        OSError, RuntimeError: They can't be had.
    """
    state: dict[str, Tensor] = timm.create_model(name, pretrained=True, features_only=True).state_dict()
    return state
