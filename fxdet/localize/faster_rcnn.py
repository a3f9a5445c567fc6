"""Faster R-CNN of torchvision, on its own backbones or a small one of timm, behind the localizer protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from safetensors.torch import load_file
from torchvision.models.detection import (
    FasterRCNN,
    FasterRCNN_MobileNet_V3_Large_FPN_Weights,
    FasterRCNN_ResNet50_FPN_V2_Weights,
    fasterrcnn_mobilenet_v3_large_fpn,
    fasterrcnn_resnet50_fpn_v2,
)
from torchvision.models.detection.anchor_utils import AnchorGenerator

from fxdet.core.errors import ModelError, did_you_mean
from fxdet.core.labels import LabelMap
from fxdet.core.objects import Crops, Radiograph
from fxdet.core.protocols import Located
from fxdet.imaging.geometry import apply_affine
from fxdet.imaging.preprocess import Preprocess
from fxdet.localize.located import RawBoxes, split_kinds
from fxdet.localize.timm_pyramid import imagenet_state, timm_parts

ANCHOR_SIDES = (16, 40, 96, 224, 480)
"""Anchor sides, px of the input. torchvision's 32–512 are made for COCO; half of FracAtlas's fractures are narrower
than 30 px at 640, and a region may fill the picture."""

ASPECT_RATIOS = (0.5, 1.0, 2.0)

SPARSE = {
    "box_batch_size_per_image": 64,
    "rpn_pre_nms_top_n_train": 600,
    "rpn_pre_nms_top_n_test": 400,
    "rpn_post_nms_top_n_train": 600,
    "rpn_post_nms_top_n_test": 300,
}
"""A radiograph shows a few objects, a COCO photo dozens: it needs a third of torchvision's proposals, or fewer, and
they are most of the cost on a processor."""


@dataclass(frozen=True, slots=True)
class _Family:
    """How one architecture is built.

    Attributes:
        build: The constructor.
        parts: Number of classes with the background → the constructor's own arguments.
        fetch: Downloads published weights: torchvision's of COCO, or the backbone's of ImageNet.
        anchor_sides: Anchor sides of each feature level.
    """

    build: Callable[..., FasterRCNN]
    parts: Callable[[int], Mapping[str, Any]]
    fetch: Callable[[], Mapping[str, torch.Tensor]]
    anchor_sides: tuple[tuple[int, ...], ...]


def _untrained(num_classes: int) -> dict[str, Any]:
    return {"num_classes": num_classes, "weights": None, "weights_backbone": None}


def _coco(weights: Any) -> Callable[[], Mapping[str, torch.Tensor]]:
    return partial(weights.get_state_dict, progress=False, check_hash=True)


MOBILENET_V2_ANCHORS = ((16, 28), (40, 64), (96, 150), (224, 400))
"""Anchor sides of the levels of 8, 16, 32 and 64 px."""

FAMILIES: Mapping[str, _Family] = {
    "fasterrcnn_resnet50_fpn_v2": _Family(
        fasterrcnn_resnet50_fpn_v2,
        _untrained,
        _coco(FasterRCNN_ResNet50_FPN_V2_Weights.COCO_V1),
        tuple((side,) for side in ANCHOR_SIDES),
    ),
    "fasterrcnn_mobilenet_v3_large_fpn": _Family(
        fasterrcnn_mobilenet_v3_large_fpn,
        _untrained,
        _coco(FasterRCNN_MobileNet_V3_Large_FPN_Weights.COCO_V1),
        (ANCHOR_SIDES,) * 3,
    ),
    "fasterrcnn_mobilenetv2_100_fpn": _Family(
        FasterRCNN,
        partial(timm_parts, "mobilenetv2_100", MOBILENET_V2_ANCHORS, ASPECT_RATIOS),
        partial(imagenet_state, "mobilenetv2_100"),
        MOBILENET_V2_ANCHORS,
    ),
}
"""Architectures that :func:`build_faster_rcnn` knows."""


def build_faster_rcnn(
    architecture: str,
    labels: LabelMap,
    initial_weights: Path | Literal["hub"] | None = None,
    preprocess: Preprocess | None = None,
) -> FasterRCNN:
    """Return a Faster R-CNN for square grey input, with torchvision's class 0 as background.

    Args:
        architecture: A key of :data:`FAMILIES`.
        labels: Classes without the background.
        initial_weights: A safetensors file (see :func:`load_initial_weights`), ``"hub"`` for torchvision's COCO
            weights, or timm's of ImageNet (the one choice that downloads), or None for a random start.
        preprocess: Input side, mean and standard deviation; the default side is 640 px.

    Raises:
        ModelError: The architecture is unknown, or the initial weights can't be had or do not fit.
    """
    if architecture not in FAMILIES:
        raise ModelError(f"can't build a Faster R-CNN – got '{architecture}'{did_you_mean(architecture, FAMILIES)}")
    family, preprocess = FAMILIES[architecture], preprocess or Preprocess(640)
    network = family.build(
        **family.parts(len(labels) + 1),
        min_size=preprocess.size,
        max_size=preprocess.size,
        image_mean=[preprocess.mean] * 3,
        image_std=[preprocess.std] * 3,
        rpn_score_thresh=0.0,
        **SPARSE,
    )
    network.rpn.anchor_generator = AnchorGenerator(family.anchor_sides, (ASPECT_RATIOS,) * len(family.anchor_sides))
    if initial_weights == "hub":
        _take(network, _fetch(architecture), f"{architecture} of the hub")
    elif initial_weights is not None:
        load_initial_weights(network, Path(initial_weights))
    return network


def _fetch(architecture: str) -> Mapping[str, torch.Tensor]:
    try:
        state: Mapping[str, torch.Tensor] = FAMILIES[architecture].fetch()
    except (OSError, RuntimeError) as error:
        raise ModelError(
            f"can't fetch weights for {architecture} from the hub – {error} – set initial_weights to a local"
            " safetensors file, or to none"
        ) from error
    return state


def load_initial_weights(network: FasterRCNN, path: Path) -> int:
    """Start from a safetensors file: another Faster R-CNN, or a classifier with the same backbone.

    The class predictor stays as it is, since its classes may differ; the rest is taken as far as the file has it.

    Returns:
        How many tensors were taken.

    Raises:
        ModelError: The file can't be read, or lacks a tensor of the backbone, or has one of another shape.
    """
    try:
        state = load_file(path)
    except Exception as error:  # safetensors raises its own type, which derives from Exception alone
        raise ModelError(f"can't load initial weights {path} – {error} – expected a safetensors file") from error
    return _take(network, state, str(path))


def _take(network: FasterRCNN, state: Mapping[str, torch.Tensor], source: str) -> int:
    own = network.state_dict()
    named = {_detector_key(key): value for key, value in state.items()}
    fitting = {
        key: value
        for key, value in named.items()
        if key in own and own[key].shape == value.shape and not key.startswith("roi_heads.box_predictor.")
    }
    # FrozenBatchNorm2d, which torchvision's published detectors have, keeps no counter.
    body = [key for key in own if key.startswith("backbone.body.") and not key.endswith("num_batches_tracked")]
    missing = [key for key in body if key not in fitting]
    if missing:
        raise ModelError(
            f"can't load initial weights {source} – {len(missing)} of the backbone's {len(body)} tensors are missing or"
            f" of another shape, first '{missing[0]}' – expected the names that torchvision or timm gives this backbone"
        )
    network.load_state_dict(fitting, strict=False)
    return len(fitting)


def _detector_key(key: str) -> str:
    """Return a tensor's name in the detector; a classifier's backbone has no prefix, or ``features.``."""
    if key.startswith(("backbone.", "rpn.", "roi_heads.")):
        return key
    return f"backbone.body.{key.removeprefix('features.')}"


@dataclass(slots=True)
class FasterRcnnLocalizer:
    """A trained Faster R-CNN as a :class:`fxdet.core.protocols.Localizer`.

    Attributes:
        network: The network; its classes are the labels, shifted by one for the background.
        labels: ``fracture`` and names of regions.
        name: ``name.tag`` of the weights.
        preprocess: The one that training used; its ``size`` is the input side.
        device: Where the network runs.
        score_floor: Boxes below are not returned, 0–1; low, since the pipeline's card sets the real floor.
        batch_size: Radiographs per forward pass.
    """

    network: FasterRCNN
    labels: LabelMap
    name: str
    preprocess: Preprocess
    device: str = "cpu"
    score_floor: float = 0.01
    batch_size: int = 4

    def __post_init__(self) -> None:
        classes = self.network.roi_heads.box_predictor.cls_score.out_features
        if classes != len(self.labels) + 1:
            raise ModelError(
                f"can't use {self.name} – got a network of {classes} classes, expected {len(self.labels) + 1}:"
                f" background and {', '.join(self.labels)} – check the card's labels"
            )
        self.network.to(self.device).eval()
        self.network.roi_heads.score_thresh = self.score_floor

    def locate(self, radiographs: Sequence[Radiograph]) -> list[Located]:
        """Return region and fracture boxes per radiograph, in pixels of the radiograph as read."""
        found: list[Located] = []
        remaining = iter(radiographs)
        while batch := list(islice(remaining, self.batch_size)):
            found.extend(self._locate_batch(batch))
        return found

    def _locate_batch(self, radiographs: Sequence[Radiograph]) -> Iterator[Located]:
        crops = [self.preprocess.whole(radiograph) for radiograph in radiographs]
        with torch.inference_mode():
            results = self.network([grey_to_input(crop.pixels[0]).to(self.device) for crop in crops])
        for radiograph, crop, result in zip(radiographs, crops, results, strict=True):
            yield split_kinds(_raw_boxes(result, crop), self.labels, radiograph.size, self.name)


def grey_to_input(pixels: np.ndarray[Any, np.dtype[np.float32]]) -> torch.Tensor:
    """Return a grey plane (S, S), 0–1, as the three equal channels that the backbone expects, shape (3, S, S).

    Example:
        >>> grey_to_input(np.zeros((4, 4), np.float32)).shape
        torch.Size([3, 4, 4])
    """
    return torch.tensor(pixels, dtype=torch.float32).expand(3, -1, -1)


def _raw_boxes(result: Mapping[str, torch.Tensor], crop: Crops) -> RawBoxes:
    boxes = result["boxes"].float().cpu().numpy()
    xyxy = apply_affine(crop.to_image[0], boxes)
    return RawBoxes(xyxy, result["scores"].float().cpu().numpy(), result["labels"].cpu().numpy() - 1)


def load_faster_rcnn(
    architecture: str, labels: LabelMap, weights: Path, preprocess: Preprocess, name: str, device: str = "cpu"
) -> FasterRcnnLocalizer:
    """Return a localizer with weights from a safetensors file that our training wrote.

    Raises:
        ModelError: The architecture is unknown, or the weights do not fit it or the labels.
    """
    network = build_faster_rcnn(architecture, labels, preprocess=preprocess)
    try:
        network.load_state_dict(load_file(weights))
    except Exception as error:  # wrong keys and shapes are RuntimeError, a damaged file is safetensors' own type
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"can't load {name} – weights {weights} – {reason} – expected a {architecture}") from error
    return FasterRcnnLocalizer(network, labels, name, preprocess, device)
