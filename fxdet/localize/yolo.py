"""Ultralytics YOLO (v8, 11, 26) behind the localizer protocol."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

# Importing ultralytics asks PyPI for its newest version and may install packages; fxdet runs offline.
os.environ.setdefault("YOLO_OFFLINE", "true")
os.environ.setdefault("YOLO_AUTOINSTALL", "false")
os.environ.setdefault("YOLO_VERBOSE", "false")

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torchvision.ops import batched_nms

# It also replaces functions of other packages for the whole process (Image.open then looks for a HEIF reader at every
# unreadable file) and sets a variable that child processes inherit. Both are put back as they were.
_own = (Image.open, torch.save, cv2.imread, cv2.imwrite, cv2.imshow)
_threads = os.environ.get("OMP_NUM_THREADS")

with np.printoptions():  # nor may it change how NumPy prints everybody's arrays
    from ultralytics.nn.modules import Detect
    from ultralytics.nn.tasks import DetectionModel

Image.open, torch.save, cv2.imread, cv2.imwrite, cv2.imshow = _own
if _threads is None:
    os.environ.pop("OMP_NUM_THREADS", None)

from fxdet.core.errors import ModelError, did_you_mean
from fxdet.core.labels import LabelMap
from fxdet.core.objects import Detections, Radiograph
from fxdet.core.protocols import Located
from fxdet.imaging.preprocess import Preprocess
from fxdet.localize.located import RawBoxes, split_kinds

STRIDE = 32
"""Sides of the network's input are multiples of this, px."""

PADDING = 114
"""Grey value around a picture, as in ultralytics' own training pipeline."""

FAMILIES = ("yolov8", "yolo11", "yolo26")
SIZES = "nsmlx"


class FloatDetect(Detect):  # type: ignore[misc]
    """Ultralytics' detection head that decodes boxes in fp32 whatever the autocast around it.

    With bf16's 8 bits of mantissa, corners beyond 256 px would fall on multiples of 2 px.
    """

    def _inference(self, x: dict[str, Any]) -> torch.Tensor:
        with torch.autocast(x["boxes"].device.type, enabled=False):
            decoded: torch.Tensor = super()._inference(_to_float(x))
        return decoded


class YoloNetwork(DetectionModel):  # type: ignore[misc]
    """A YOLO with one grey input channel whose forward pass may run under bf16 autocast on a CPU.

    Ultralytics refuses bf16 on CPUs; on those that compute it natively a step takes little more than half the time.
    The head's raw outputs are cast back, since target assignment and losses need more than 8 bits of mantissa.
    """

    autocast_dtype: torch.dtype | None = None

    def _predict_once(self, x: torch.Tensor, *options: Any) -> Any:
        if self.autocast_dtype is None:
            return super()._predict_once(x, *options)
        with torch.autocast(x.device.type, dtype=self.autocast_dtype):
            outputs = super()._predict_once(x, *options)
        return _to_float(outputs)


def _to_float(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.float() if value.is_floating_point() else value
    if isinstance(value, dict):
        return {key: _to_float(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_to_float(item) for item in value)
    return value


def build_yolo(architecture: str, labels: LabelMap) -> YoloNetwork:
    """Build an untrained network from ultralytics' YAML of that name.

    Args:
        architecture: A family and a size: ``yolov8n`` … ``yolov8x``, ``yolo11n`` …, ``yolo26n`` ….
        labels: Class names.

    Raises:
        ModelError: The architecture is unknown.
    """
    names = [family + size for family in FAMILIES for size in SIZES]
    if architecture not in names:
        raise ModelError(f"YOLO architecture {architecture!r} is unknown{did_you_mean(architecture, names)}")
    network = YoloNetwork(f"{architecture}.yaml", ch=1, nc=len(labels), verbose=False)
    network.names = dict(enumerate(labels.names))
    network.model[-1].__class__ = FloatDetect
    return network


def load_state(network: YoloNetwork, state: Mapping[str, torch.Tensor], strict: bool = True) -> int:
    """Load weights; a first convolution over three colours is summed to one over grey, with the same output.

    Args:
        network: The network to fill.
        state: Name → tensor.
        strict: Whether every tensor must fit; otherwise those of the head, whose width depends on them, need not.

    Returns:
        How many tensors were taken.

    Raises:
        ModelError: Names or shapes don't fit; with ``strict`` off, outside the head.
    """
    own = network.state_dict()
    grey = {
        name: value.float().sum(1, keepdim=True)
        if name in own and value.ndim == 4 and own[name].shape[1] == 1 and value.shape[1] == 3
        else value.float()
        if value.is_floating_point()
        else value
        for name, value in state.items()
    }
    fitting = {name: value for name, value in grey.items() if name in own and own[name].shape == value.shape}
    # Ultralytics keeps running counters that older exports lack; they play no part in the function.
    needed = [name for name in own if not name.endswith("num_batches_tracked")]
    missing = [name for name in needed if name not in fitting]
    head = f"model.{len(network.model) - 1}."
    if missing and (strict or any(not name.startswith(head) for name in missing)):
        raise ModelError(
            f"weights do not fit the network – {len(missing)} of {len(needed)} tensors are missing or of another "
            f"shape, the first is {missing[0]!r} – check architecture and labels"
        )
    network.load_state_dict(fitting, strict=False)
    return len(fitting)


def network_picture(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return the grey picture with its longest side at ``side`` px; shared by training and prediction.

    Shrinking averages over areas, so that thin fracture lines do not alias; growing is bilinear.
    """
    height, width = pixels.shape
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size == (width, height):
        return pixels
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, size, interpolation=interpolation), dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class YoloOptions:
    """How boxes are taken from the network's output.

    Attributes:
        input_size: Longest side of the network's input, px.
        score_floor: Boxes below this score are dropped, 0–1.
        iou_threshold: Of boxes of one class that overlap more than this the best stays, 0–1.
        boxes_maximum: Most boxes per kind and radiograph.
    """

    input_size: int = 640
    score_floor: float = 0.01
    iou_threshold: float = 0.5
    boxes_maximum: int = 100


class YoloLocalizer:
    """Finds bone regions and fracture candidates with a YOLO network.

    Args:
        network: The trained network.
        labels: Its class names: ``fracture``, and ``bone`` or region names.
        options: How boxes are taken.
        name: ``name.tag`` for the detections.
        device: Torch device.
    """

    def __init__(
        self,
        network: YoloNetwork,
        labels: LabelMap,
        options: YoloOptions | None = None,
        name: str = "yolo",
        device: str = "cpu",
    ) -> None:
        self.network = network.to(device).eval().to(memory_format=torch.channels_last)
        self.labels = labels
        self.options = options or YoloOptions()
        self.name = name
        self.device = device
        self._grey = Preprocess(size=self.options.input_size)

    def locate(self, radiographs: Sequence[Radiograph]) -> list[Located]:
        """Return region and fracture boxes of each radiograph, in order, in pixels of the radiograph as read.

        A picture's padded shape depends on itself alone, and only pictures of one shape share a batch: results do not
        depend on what else is in the folder.
        """
        inputs = [self._input(radiograph) for radiograph in radiographs]
        groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for index, picture in enumerate(inputs):
            groups[picture.shape].append(index)
        located: dict[int, Located] = {}
        for members in groups.values():
            rows = self._forward(np.stack([inputs[index] for index in members]))
            for index, row in zip(members, rows, strict=True):
                located[index] = self._located(row, radiographs[index])
        return [located[index] for index in range(len(radiographs))]

    def _input(self, radiograph: Radiograph) -> NDArray[np.uint8]:
        pixels = radiograph.pixels
        if pixels.dtype != np.uint8 or radiograph.window is not None:
            pixels = np.round(self._grey.grey(radiograph) * 255).astype(np.uint8)
        picture = network_picture(pixels, self.options.input_size)
        height, width = (-(-side // STRIDE) * STRIDE for side in picture.shape)
        padded = np.full((height, width), PADDING, dtype=np.uint8)
        padded[: picture.shape[0], : picture.shape[1]] = picture
        return padded

    @torch.inference_mode()
    def _forward(self, pictures: NDArray[np.uint8]) -> list[torch.Tensor]:
        """Return rows x1, y1, x2, y2, score, class per picture, in input px, best first."""
        batch = torch.from_numpy(pictures).to(self.device)[:, None].float().div_(255)
        output = self.network(batch.contiguous(memory_format=torch.channels_last))
        output = output[0] if isinstance(output, (tuple, list)) else output
        if getattr(self.network.model[-1], "end2end", False):
            return [row[row[:, 4] >= self.options.score_floor].cpu() for row in output]
        return [self._suppress(picture.T) for picture in output]

    def _suppress(self, rows: torch.Tensor) -> torch.Tensor:
        score, label = rows[:, 4:].max(dim=1)
        keep = score >= self.options.score_floor
        rows, score, label = rows[keep], score[keep], label[keep]
        half = rows[:, 2:4] / 2
        xyxy = torch.cat([rows[:, :2] - half, rows[:, :2] + half], dim=1)
        best = batched_nms(xyxy, score, label, self.options.iou_threshold)
        return torch.cat([xyxy[best], score[best, None], label[best, None].float()], dim=1).cpu()

    def _located(self, rows: torch.Tensor, radiograph: Radiograph) -> Located:
        scale = max(radiograph.size) / self.options.input_size
        values = rows.double().numpy()
        raw = RawBoxes(values[:, :4] * scale, values[:, 4], values[:, 5].astype(np.int64))
        located = split_kinds(raw, self.labels, radiograph.size, self.name)
        return Located(_first(located.regions, self.options), _first(located.fractures, self.options))


def _first(boxes: Detections, options: YoloOptions) -> Detections:
    """Keep the best boxes; those cut to less than a pixel by the border lay in the padding."""
    sides = boxes.xyxy[:, 2:] - boxes.xyxy[:, :2]
    keep = np.flatnonzero((sides >= 1).all(axis=1))[: options.boxes_maximum]
    return replace(boxes, xyxy=boxes.xyxy[keep], score=boxes.score[keep], label=boxes.label[keep])
