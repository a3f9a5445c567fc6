"""Radiographs in memory, and training pictures made from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fxdet.core.errors import DataError, ReadError
from fxdet.core.findings import Box
from fxdet.core.objects import Crops, Radiograph
from fxdet.data.augment import ClassificationAugment
from fxdet.data.filters import apply_filter
from fxdet.imaging.preprocess import Preprocess
from fxdet.imaging.reading import open_radiograph
from fxdet.training.classifier_config import CropOptions
from fxdet.training.items import Item

_DRAWN_SHARE = (0.12, 0.4)
"""Side of a background box as a share of the radiograph's shorter side, where no labelled fractures set an example."""

_DRAWS = 20
"""Tries to place a background box on anatomy and away from fractures."""


@dataclass(frozen=True, slots=True)
class StoredRadiograph:
    """A decoded radiograph, 8 bit, and the factor from file px to its px."""

    radiograph: Radiograph
    scale: float


class RadiographStore:
    """Decodes each radiograph once and keeps it as uint8, smaller where it is larger than ``longest`` px.

    Args:
        preprocess: Makes the grey values.
        longest: Longer side, px, above which a radiograph is kept smaller.
        filter_name: Filter of :data:`fxdet.data.filters.FILTERS` that each goes through, at the size that is kept.
    """

    def __init__(self, preprocess: Preprocess, longest: int, filter_name: str | None = None) -> None:
        self._preprocess = preprocess
        self._longest = longest
        self._filter = filter_name
        self._kept: dict[Path, StoredRadiograph] = {}

    def load(self, paths: Sequence[Path], threads: int = 2, is_first: bool = True) -> None:
        """Decode all files that are not in memory yet.

        Raises:
            DataError: A file can't be read as a radiograph.
        """
        missing = [path for path in dict.fromkeys(paths) if path not in self._kept]
        hidden = None if is_first else True  # None: hidden where stderr is no terminal
        with ThreadPoolExecutor(max(1, threads)) as pool:
            decoded = pool.map(self._decode, missing)
            bar = tqdm(decoded, total=len(missing), desc="decode", unit="img", disable=hidden, leave=False)
            for path, stored in zip(missing, bar, strict=True):
                self._kept[path] = stored

    def __getitem__(self, path: Path) -> StoredRadiograph:
        if path not in self._kept:
            self._kept[path] = self._decode(path)
        return self._kept[path]

    def __len__(self) -> int:
        return len(self._kept)

    def _decode(self, path: Path) -> StoredRadiograph:
        try:
            radiograph = open_radiograph(path)
        except ReadError as error:
            raise DataError(f"can't train on {path} – {error} – mend the file or list it under leave_out") from error
        grey: NDArray[np.floating] = self._preprocess.grey(radiograph)
        scale = min(1.0, self._longest / max(grey.shape))
        if scale < 1:
            height, width = (max(1, round(side * scale)) for side in grey.shape)
            grey = np.asarray(cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA), dtype=np.float32)
        pixels = np.rint(grey * 255).astype(np.uint8)
        if self._filter is not None:
            pixels = apply_filter(self._filter, pixels)
        return StoredRadiograph(Radiograph(pixels, str(path), radiograph.sha256), scale)


@dataclass(frozen=True, slots=True)
class PictureMaker:
    """Turns items into network pictures, uint8 (S, S), through the preprocess that prediction uses.

    Attributes:
        store: Decoded radiographs.
        preprocess: Whole and crops.
        crops: Jitter of boxes.
        augment: Random changes, or None.
        shares: Source → sides of labelled fractures as shares of the shorter side; background boxes copy them.
    """

    store: RadiographStore
    preprocess: Preprocess
    crops: CropOptions
    augment: ClassificationAugment | None
    shares: Mapping[str, NDArray[np.float64]]

    def training(self, item: Item, generator: np.random.Generator) -> NDArray[np.uint8]:
        """Return the picture with jittered box and random changes."""
        stored = self.store[item.sample.path]
        if item.kind == "whole":
            crops = self.preprocess.whole(stored.radiograph)
        else:
            box = self._place(item, generator) if item.box is None else item.box
            crops = self._cut(stored, jitter_box(box, self.crops, generator))
        pixels = _to_bytes(crops)
        return pixels if self.augment is None else self.augment(pixels, generator)

    def fixed(self, item: Item, generator: np.random.Generator) -> NDArray[np.uint8]:
        """Return the picture without jitter and changes; the generator places background boxes alone."""
        stored = self.store[item.sample.path]
        if item.kind == "whole":
            return _to_bytes(self.preprocess.whole(stored.radiograph))
        return _to_bytes(self._cut(stored, self._place(item, generator) if item.box is None else item.box))

    def _cut(self, stored: StoredRadiograph, box: Box) -> Crops:
        return self.preprocess.crops(stored.radiograph, np.array([box]) * stored.scale)

    def _place(self, item: Item, generator: np.random.Generator) -> Box:
        """Return a random box, px of the file, on anatomy and away from labelled fractures."""
        stored = self.store[item.sample.path]
        pixels = stored.radiograph.pixels
        height, width = pixels.shape
        known = self.shares.get(item.source)
        bright = int(pixels[::8, ::8].mean())
        box: Box = (0.0, 0.0, float(width), float(height))
        for _ in range(_DRAWS):
            share = generator.uniform(*_DRAWN_SHARE) if known is None or not len(known) else generator.choice(known)
            half = max(2.0, share * min(height, width) / 2)
            x, y = generator.uniform(0, width), generator.uniform(0, height)
            box = (x - half, y - half, x + half, y + half)
            if pixels[int(y), int(x)] >= bright and self._is_free(box, item, stored.scale):
                break
        x1, y1, x2, y2 = (value / stored.scale for value in box)
        return x1, y1, x2, y2

    def _is_free(self, box: Box, item: Item, scale: float) -> bool:
        margin = (box[2] - box[0]) * (self.preprocess.context - 1) / 2
        for label in item.sample.fracture_boxes:
            x1, y1, x2, y2 = (value * scale for value in label.xyxy)
            apart = x2 < box[0] - margin or x1 > box[2] + margin or y2 < box[1] - margin or y1 > box[3] + margin
            if not apart:
                return False
        return True


def fracture_shares(items: Sequence[Item]) -> dict[str, NDArray[np.float64]]:
    """Return source → longer sides of labelled fractures as shares of the radiograph's shorter side."""
    found: dict[str, list[float]] = {}
    for item in items:
        size = item.sample.image_size
        for label in item.sample.fracture_boxes if size else ():
            x1, y1, x2, y2 = label.xyxy
            found.setdefault(item.source, []).append(min(1.0, max(x2 - x1, y2 - y1) / min(size or (1, 1))))
    return {source: np.array(values) for source, values in found.items()}


def jitter_box(box: Box, options: CropOptions, generator: np.random.Generator) -> Box:
    """Return the box moved and resized at random, as a localizer's would be."""
    x1, y1, x2, y2 = box
    side = max(x2 - x1, y2 - y1)
    dx, dy = generator.uniform(-options.shift, options.shift, 2) * side
    factor = float(np.exp(generator.uniform(-1, 1) * np.log1p(options.resize)))
    half_width, half_height = (x2 - x1) / 2 * factor, (y2 - y1) / 2 * factor
    x, y = (x1 + x2) / 2 + dx, (y1 + y2) / 2 + dy
    return x - half_width, y - half_height, x + half_width, y + half_height


def _to_bytes(crops: Crops) -> NDArray[np.uint8]:
    return np.asarray(np.rint(crops.pixels[0] * 255).astype(np.uint8))
