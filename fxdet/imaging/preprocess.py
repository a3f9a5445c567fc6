"""The one preprocess object that training and prediction share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fxdet.core.boxes import expand_boxes
from fxdet.core.errors import ModelError, did_you_mean
from fxdet.core.objects import Crops, Radiograph
from fxdet.imaging.geometry import Floats, Matrix, invert_affine, letterbox_matrix, square_matrix, warp

_SAMPLE = 1 << 18
"""Pixels looked at for the percentile window: a quarter of a million places a percentile to 0.1 %."""


@dataclass(frozen=True, slots=True)
class Preprocess:
    """From radiograph to network input; everything in it is part of a model's card.

    Attributes:
        size: Side S of the network's square input, px.
        mean, std: Normalisation of grey values in 0–1; the defaults are the means of ImageNet's three.
        context: A crop's side as a multiple of the box's longer side.
        minimum_side: Least side of a crop, as a share of the radiograph's longer side, 0–1: a tiny box still shows
            the bone it lies on, whatever the resolution.
        low_percentile, high_percentile: Window of a 16-bit picture that brings none. Percentiles instead of the
            extremes, since a burned-in marker or a dead pixel would otherwise squeeze the bone into a few greys.
        fit: How a whole radiograph gets into the square: ``letterbox`` keeps its proportions, ``stretch`` does not.
            Most papers stretch.

    Example:
        >>> Preprocess(size=224).to_json()["mean"]
        0.449
    """

    size: int
    mean: float = 0.449
    std: float = 0.226
    context: float = 2.0
    minimum_side: float = 0.25
    low_percentile: float = 0.5
    high_percentile: float = 99.5
    fit: Literal["letterbox", "stretch"] = field(default="letterbox", metadata={"silent": True})

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"Preprocess.size: got {self.size}, expected at least 1 px")
        if not self.std > 0:
            raise ValueError(f"Preprocess.std: got {self.std}, expected > 0")
        if not self.context > 0:
            raise ValueError(f"Preprocess.context: got {self.context}, expected > 0")
        if not 0 <= self.minimum_side <= 1:
            raise ValueError(f"Preprocess.minimum_side: got {self.minimum_side}, expected a share of 0 to 1")
        if not 0 <= self.low_percentile < self.high_percentile <= 100:
            got = (self.low_percentile, self.high_percentile)
            raise ValueError(f"Preprocess percentiles: got {got}, expected 0 <= low < high <= 100")
        if self.fit not in ("letterbox", "stretch"):
            raise ValueError(f"Preprocess.fit: got {self.fit!r}, expected 'letterbox' or 'stretch'")

    def grey(self, radiograph: Radiograph) -> NDArray[np.float32]:
        """Return the whole radiograph as float32, shape (H, W), 0–1, bone bright.

        8-bit pictures are divided by 255; deeper ones go through their window, or through the percentile window of
        their pixels without the black and white border.
        """
        return self._to_unit(radiograph.pixels, self.window(radiograph))

    def window(self, radiograph: Radiograph) -> tuple[float, float]:
        """Return the pixel values that become 0 and 1."""
        if radiograph.window is not None:
            centre, width = radiograph.window
            return centre - width / 2, centre + width / 2
        if radiograph.pixels.dtype == np.uint8:
            return 0.0, 255.0
        return self._percentile_window(radiograph.pixels, 2**radiograph.bits - 1)

    def whole(self, radiograph: Radiograph) -> Crops:
        """Return the whole radiograph, letterboxed or stretched, as one crop with parent -1."""
        height, width = radiograph.size
        if self.fit == "stretch":
            matrix = square_matrix((0.0, 0.0, float(width), float(height)), self.size)
        else:
            matrix = letterbox_matrix(radiograph.size, self.size)
        box = np.array([[0, 0, width, height]], dtype=np.float32)
        return self._cut(radiograph, [matrix], box, np.array([-1], dtype=np.int64))

    def crops(self, radiograph: Radiograph, xyxy: Floats) -> Crops:
        """Return one square crop with context per box; what lies outside the picture is 0.

        Args:
            radiograph: The radiograph.
            xyxy: Boxes, shape (N, 4), px; N = 0 is valid.
        """
        boxes = np.asarray(xyxy, dtype=np.float64).reshape(-1, 4)
        least = max(1.0, self.minimum_side * max(radiograph.size))
        squares = expand_boxes(boxes, self.context, least)
        matrices = [square_matrix(square, self.size) for square in squares]
        return self._cut(radiograph, matrices, squares, np.arange(len(boxes), dtype=np.int64))

    def normalise(self, pixels: Floats) -> NDArray[np.float32]:
        """Return ``(pixels - mean) / std`` as float32, same shape."""
        values = np.asarray(pixels, dtype=np.float32)
        return np.asarray((values - np.float32(self.mean)) / np.float32(self.std))

    def to_json(self) -> dict[str, Any]:
        """Return all fields as a JSON object; ``fit`` only where it is not ``letterbox``, as in older cards."""
        data = asdict(self)
        if self.fit == "letterbox":
            del data["fit"]
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Preprocess:
        """Rebuild from :meth:`to_json`.

        Raises:
            ModelError: A field is unknown, missing or out of range.
        """
        names = [item.name for item in fields(cls)]
        for key in data:
            if key not in names:
                raise ModelError(f"can't read the preprocess – field {key!r} is unknown{did_you_mean(key, names)}")
        try:
            return cls(**data)
        except (TypeError, ValueError) as error:
            raise ModelError(f"can't read the preprocess – {error} – check the model card") from error

    def _cut(self, radiograph: Radiograph, matrices: list[Matrix], box: Floats, parent: NDArray[np.int64]) -> Crops:
        low, high = self.window(radiograph)
        pixels = np.zeros((len(matrices), self.size, self.size), dtype=np.float32)
        for index, matrix in enumerate(matrices):
            # Cut first, convert after: float32 of a whole 3,000 px radiograph costs more than all its crops.
            pixels[index] = self._to_unit(warp(radiograph.pixels, matrix, self.size), (low, high))
            if low < 0:  # such a window would turn the 0 outside the picture into grey
                pixels[index] *= warp(np.ones(radiograph.size, dtype=np.float32), matrix, self.size)
        to_image = np.array([invert_affine(matrix) for matrix in matrices]).reshape(-1, 2, 3)
        return Crops(pixels, box, parent, to_image)

    def _to_unit(self, pixels: NDArray[Any], limits: tuple[float, float]) -> NDArray[np.float32]:
        low, high = limits
        scale = np.float32(1.0 / max(high - low, 1e-6))
        return np.asarray(np.clip((pixels.astype(np.float32) - np.float32(low)) * scale, 0, 1))

    def _percentile_window(self, pixels: NDArray[Any], white: int) -> tuple[float, float]:
        step = max(1, int(np.sqrt(pixels.size / _SAMPLE)))
        values = pixels[::step, ::step].ravel()
        inner = values[(values > 0) & (values < white)]
        if inner.size < 16:  # a black-and-white or an empty picture: nothing to stretch
            return 0.0, float(white)
        low, high = np.percentile(inner, [self.low_percentile, self.high_percentile])
        return (float(low), float(high)) if high > low else (0.0, float(white))
