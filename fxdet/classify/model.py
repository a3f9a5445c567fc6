"""A network with named heads, of timm or of a paper, and the classifier that scores crops with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fxdet.classify.paper_networks import PAPER_NETWORKS, head_layer
from fxdet.core.errors import ModelError, did_you_mean
from fxdet.core.labels import FRACTURE, REGIONS, LabelMap
from fxdet.core.objects import ClassScores, Crops
from fxdet.imaging.preprocess import Preprocess

DEFAULT_HEADS: Mapping[str, LabelMap] = {"fracture": FRACTURE, "region": REGIONS}
"""The heads of every classifier that the pipeline can use."""


class ClassifierNetwork(nn.Module):
    """A timm backbone, dropout, and one linear layer per head.

    Keys of the state are ``backbone.<timm's key>`` and ``heads.<name>.weight|bias``.
    """

    def __init__(self, backbone: nn.Module, features: int, heads: Mapping[str, int], dropout: float = 0.0) -> None:
        super().__init__()
        self.backbone = backbone
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict({name: head_layer(backbone, features, count) for name, count in heads.items()})

    def features(self, x: Tensor) -> Tensor:
        """Return the last feature map: (B, C, h, w) of a convolutional network, (B, T, C) tokens of a transformer."""
        result: Tensor = self.backbone.forward_features(x)  # type: ignore[operator]
        return result

    def pooled(self, x: Tensor) -> Tensor:
        """Return what the heads see before dropout, (B, D)."""
        result: Tensor = self.backbone.forward_head(self.features(x), pre_logits=True)  # type: ignore[operator]
        return result

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return head → logits (B, K) for normalised pictures (B, 3, S, S)."""
        pooled = self.dropout(self.pooled(x))
        return {name: head(pooled) for name, head in self.heads.items()}


def build_network(
    architecture: str, heads: Mapping[str, LabelMap] | Mapping[str, int], dropout: float = 0.0, pretrained: bool = False
) -> ClassifierNetwork:
    """Build a network of timm's collection, or of a paper, with named heads.

    Args:
        architecture: timm's name, e.g. ``mobilenetv2_100``, or one of
            :data:`fxdet.classify.paper_networks.PAPER_NETWORKS`.
        heads: Head → class names, or their number.
        dropout: Share of pooled features dropped before the heads in training, 0–1.
        pretrained: Fetch timm's weights from the model hub.

    Raises:
        ModelError: timm does not know the name, or the hub can't be reached.
    """
    backbone = _build_backbone(architecture, pretrained)
    # Some networks (MobileNetV3) widen the features after pooling.
    features: Any = getattr(backbone, "head_hidden_size", None) or backbone.num_features
    counts = {name: labels if isinstance(labels, int) else len(labels) for name, labels in heads.items()}
    return ClassifierNetwork(backbone, int(features), counts, dropout)


def _build_backbone(architecture: str, pretrained: bool) -> Any:
    if architecture in PAPER_NETWORKS:
        if pretrained:
            raise ModelError(
                f"can't fetch the weights of {architecture} – nobody published any – set 'initial_weights' to 'none'"
            )
        return PAPER_NETWORKS[architecture]()
    try:
        return timm.create_model(architecture, pretrained=pretrained, num_classes=0)
    except Exception as error:
        raise _explain(architecture, pretrained, error) from error


def _explain(architecture: str, pretrained: bool, error: Exception) -> ModelError:
    """Return the error that says whether the name or the hub is at fault."""
    base = architecture.split(".")[0]
    if not timm.is_model(base):
        near = did_you_mean(base, [*timm.list_models(), *PAPER_NETWORKS])
        near = near if "did you mean" in near else " – expected a name of timm.list_models()"
        return ModelError(f"can't build the network – field 'architecture' – got '{architecture}'{near}")
    reason = " ".join(str(error).split())[:160]
    if pretrained:
        return ModelError(
            f"can't fetch the weights of {architecture} from the model hub – {reason} – set 'initial_weights' to a"
            " local .safetensors file, or to 'none' to start from scratch"
        )
    return ModelError(f"can't build the network {architecture} – {reason}")


@dataclass(slots=True, eq=False)
class TimmClassifier:
    """Scores crops with a :class:`ClassifierNetwork`; made in evaluation mode on its device.

    Attributes:
        network: The network.
        preprocess: What the network was trained with.
        labels: Head → class names.
        temperature: Head → divisor of the logits; 1 where a head is missing.
        name: ``name.tag`` of the weights.
        device: Where the network lies, e.g. ``cpu`` or ``cuda:0``.
        batch_size: Most crops that go through the network at once.
    """

    network: ClassifierNetwork
    preprocess: Preprocess
    labels: Mapping[str, LabelMap] = field(default_factory=lambda: dict(DEFAULT_HEADS))
    temperature: Mapping[str, float] = field(default_factory=dict)
    name: str = "classifier"
    device: str = "cpu"
    batch_size: int = 32

    def __post_init__(self) -> None:
        for head, labels in self.labels.items():
            layer = dict(self.network.heads.items()).get(head)
            have = layer.out_features if isinstance(layer, nn.Linear) else "no such head"
            if have != len(labels):
                raise ModelError(f"{self.name} – head '{head}' – got {have}, expected the card's {len(labels)} classes")
        self.network.to(self.device).eval()

    def tensor(self, pixels: NDArray[np.float32]) -> Tensor:
        """Return crops (M, S, S), 0–1, as the network's input (M, 3, S, S): the grey plane three times, normalised."""
        plane = torch.from_numpy(self.preprocess.normalise(pixels)).to(self.device)
        return plane[:, None].expand(-1, 3, -1, -1)

    def classify(self, crops: Crops) -> ClassScores:
        """Return scores for all M crops; M = 0 gives empty scores."""
        rows: dict[str, list[NDArray[np.float32]]] = {head: [] for head in self.labels}
        with torch.inference_mode():
            for start in range(0, len(crops), self.batch_size):
                logits = self.network(self.tensor(crops.pixels[start : start + self.batch_size]))
                for head, kept in rows.items():
                    kept.append(logits[head].float().cpu().numpy())
        joined = {
            head: np.concatenate(kept) if kept else np.zeros((0, len(self.labels[head])), np.float32)
            for head, kept in rows.items()
        }
        return ClassScores(joined, self.labels, self.temperature)

    def embed(self, crops: Crops) -> NDArray[np.float32]:
        """Return the pooled features of all M crops, float32, shape (M, D), or (0, 0) for none."""
        rows = []
        with torch.inference_mode():
            for start in range(0, len(crops), self.batch_size):
                pooled = self.network.pooled(self.tensor(crops.pixels[start : start + self.batch_size]))
                rows.append(pooled.float().cpu().numpy())
        return np.concatenate(rows) if rows else np.zeros((0, 0), np.float32)
