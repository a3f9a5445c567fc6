"""The array-holding objects that one step hands to the next.

Coordinates are x1, y1, x2, y2 in pixels of the radiograph as stored: origin at the outer corner of the
top-left pixel, x right, y down, half-open. Arrays are C-ordered and read-only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fxdet.core.labels import LabelMap

BoxKind = Literal["region", "fracture"]


def frozen_array(owner: str, value: Any, dtype: Any, shape: tuple[int | None, ...]) -> NDArray[Any]:
    """Return ``value`` as a read-only array, or raise naming the field.

    Args:
        owner: ``Class.field``, for the message.
        value: Anything array-like.
        dtype: Target dtype.
        shape: Expected shape; None allows any length.

    Raises:
        ValueError: The shape differs or a float is not finite.
    """
    array = np.array(value, dtype=dtype, order="C")
    fits = array.ndim == len(shape) and all(
        want is None or want == have for want, have in zip(shape, array.shape, strict=True)
    )
    if not fits:
        want = tuple("any" if side is None else side for side in shape)
        raise ValueError(f"{owner}: got shape {array.shape}, expected {want}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{owner}: got NaN or infinite values, expected finite ones")
    array.flags.writeable = False
    return array


def check_probability(owner: str, value: Any) -> None:
    """Raise ``ValueError`` unless every value lies in [0, 1]."""
    array = np.asarray(value, dtype=np.float64)
    if array.size and not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
        raise ValueError(f"{owner}: got {value!r}, expected values in [0, 1]")


@dataclass(frozen=True, slots=True, eq=False)
class Radiograph:
    """One grey picture, bone bright, at the file's own depth.

    Attributes:
        pixels: uint8 or uint16, shape (H, W).
        source: Where it came from: a path, or a name that the caller gave.
        sha256: Hash of the file's bytes (of the pixels for an array).
        bits: Significant bits per pixel.
        window: Centre and width in pixel values where the file states them, for 16-bit pictures; None leaves the
            window to the preprocess (percentiles of the pixels).
        spacing_mm: Row and column spacing, or None.
        spacing_kind: What the spacing refers to.
        view, laterality, body_part: As the file states them, or None.
        dicom: UIDs, frame number and stored size of a DICOM source, or None.
        warnings: What the reader noticed (a truncated file, say).
    """

    pixels: NDArray[Any]
    source: str
    sha256: str
    bits: int = 8
    window: tuple[float, float] | None = None
    spacing_mm: tuple[float, float] | None = None
    spacing_kind: Literal["calibrated", "detector"] | None = None
    view: str | None = None
    laterality: str | None = None
    body_part: str | None = None
    dicom: Mapping[str, Any] | None = None
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        dtype = np.asarray(self.pixels).dtype
        if dtype not in (np.uint8, np.uint16):
            raise ValueError(f"Radiograph.pixels: got dtype {dtype}, expected uint8 or uint16")
        pixels = frozen_array("Radiograph.pixels", self.pixels, dtype, (None, None))
        if pixels.size == 0:
            raise ValueError(f"Radiograph.pixels: got empty shape {pixels.shape}")
        if not 1 <= self.bits <= 16:
            raise ValueError(f"Radiograph.bits: got {self.bits}, expected 1 to 16")
        object.__setattr__(self, "pixels", pixels)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, px."""
        return int(self.pixels.shape[0]), int(self.pixels.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Boxes of one radiograph, best first.

    Attributes:
        xyxy: float32, shape (N, 4), px of the radiograph.
        score: float32, shape (N,), descending, 0–1.
        label: int64, shape (N,), index into ``labels``.
        labels: Class names.
        kind: Bone regions or fracture candidates.
        image_size: Height and width of the radiograph, px.
        model: ``name.tag`` of the localizer.
    """

    xyxy: NDArray[np.float32]
    score: NDArray[np.float32]
    label: NDArray[np.int64]
    labels: LabelMap
    kind: BoxKind
    image_size: tuple[int, int]
    model: str = ""

    def __post_init__(self) -> None:
        xyxy = frozen_array("Detections.xyxy", np.reshape(self.xyxy, (-1, 4)), np.float32, (None, 4))
        score = frozen_array("Detections.score", self.score, np.float32, (len(xyxy),))
        label = frozen_array("Detections.label", self.label, np.int64, (len(xyxy),))
        check_probability("Detections.score", score)
        if (np.diff(score) > 0).any():
            raise ValueError("Detections.score: expected descending scores")
        if len(label) and not (label.min() >= 0 and label.max() < len(self.labels)):
            raise ValueError(f"Detections.label: expected 0 to {len(self.labels) - 1}, got {label.tolist()}")
        if self.kind not in ("region", "fracture"):
            raise ValueError(f"Detections.kind: got {self.kind!r}, expected 'region' or 'fracture'")
        for name, value in (("xyxy", xyxy), ("score", score), ("label", label)):
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.xyxy)


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """Square cut-outs ready for the classifier.

    Attributes:
        pixels: float32, shape (M, S, S), 0–1.
        box: float32, shape (M, 4), px of the radiograph, margin included (may reach over the border).
        parent: int64, shape (M,), index into the Detections; -1 is the whole radiograph.
        to_image: float64, shape (M, 2, 3), crop px → radiograph px.
    """

    pixels: NDArray[np.float32]
    box: NDArray[np.float32]
    parent: NDArray[np.int64]
    to_image: NDArray[np.float64]

    def __post_init__(self) -> None:
        pixels = frozen_array("Crops.pixels", self.pixels, np.float32, (None, None, None))
        count = len(pixels)
        check_probability("Crops.pixels", (pixels.min(), pixels.max()) if pixels.size else ())
        object.__setattr__(self, "pixels", pixels)
        object.__setattr__(self, "box", frozen_array("Crops.box", self.box, np.float32, (count, 4)))
        object.__setattr__(self, "parent", frozen_array("Crops.parent", self.parent, np.int64, (count,)))
        matrices = frozen_array("Crops.to_image", self.to_image, np.float64, (count, 2, 3))
        object.__setattr__(self, "to_image", matrices)

    def __len__(self) -> int:
        return len(self.pixels)


@dataclass(frozen=True, slots=True, eq=False)
class ClassScores:
    """What the classifier says of M crops, per head.

    Attributes:
        logits: Head → float32, shape (M, K), before the temperature.
        labels: Head → class names.
        temperature: Head → divisor of the logits, unitless, > 0.
    """

    logits: Mapping[str, NDArray[np.float32]]
    labels: Mapping[str, LabelMap]
    temperature: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        checked = {}
        for head, values in self.logits.items():
            if head not in self.labels:
                raise ValueError(f"ClassScores.labels: head {head!r} is missing")
            shape = (None, len(self.labels[head]))
            checked[head] = frozen_array(f"ClassScores.logits[{head!r}]", values, np.float32, shape)
            if self.temperature.get(head, 1.0) <= 0:
                raise ValueError(f"ClassScores.temperature[{head!r}]: got {self.temperature[head]}, expected > 0")
        object.__setattr__(self, "logits", checked)

    def probability(self, head: str) -> NDArray[np.float64]:
        """Return softmax(logits / temperature), shape (M, K); rows sum to 1."""
        scaled = self.logits[head].astype(np.float64) / self.temperature.get(head, 1.0)
        powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))
