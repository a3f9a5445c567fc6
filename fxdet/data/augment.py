"""Random changes of training pictures, through albumentations; each call takes its own generator.

Nothing here keeps or shares a random state: the same picture with the same generator seed gives the same result, in
whatever worker process and order.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

# The one import side effect: albumentations otherwise asks a server for its newest version while it is imported.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import albumentations

Pixels = NDArray[np.uint8]
ClassificationAugment = Callable[[Pixels, np.random.Generator], Pixels]
DetectionAugment = Callable[
    [Pixels, NDArray[np.floating], NDArray[np.integer], np.random.Generator],
    tuple[Pixels, NDArray[np.float32], NDArray[np.int64]],
]


@dataclass(frozen=True, slots=True)
class AugmentOptions:
    """How far pictures are changed; 0 turns a change off.

    Attributes:
        flip: Share of pictures mirrored left to right: a left hand is as good as a right one.
        vertical_flip: Share mirrored top to bottom.
        rotate: Greatest turn to either side, degrees.
        scale: Greatest relative change of size, e.g. 0.15 for 0.85 to 1.15.
        translate: Greatest shift as a share of the side.
        brightness: Greatest change of brightness, as a share of the range.
        contrast: Greatest relative change of contrast.
        gamma: Greatest relative change of gamma.
        clahe: Share of pictures with local contrast equalised.
        blur: Share of pictures blurred.
        dropout: Share of pictures with rectangles set to black.
        shear: Greatest shear along the rows, degrees (Keras's ``shear_range`` of .2 is .2 degrees).
        scale_axes_apart: Change width and height by factors of their own, as Keras's ``zoom_range`` does.
        border: What fills the picture where it was moved away: ``black``, or the ``nearest`` pixel.
    """

    flip: float = 0.5
    vertical_flip: float = 0.0
    rotate: float = 15.0
    scale: float = 0.15
    translate: float = 0.05
    brightness: float = 0.2
    contrast: float = 0.2
    gamma: float = 0.0
    clahe: float = 0.1
    blur: float = 0.1
    dropout: float = 0.1
    shear: float = field(default=0.0, metadata={"silent": True})
    scale_axes_apart: bool = field(default=False, metadata={"silent": True})
    border: Literal["black", "nearest"] = field(default="black", metadata={"silent": True})

    def __post_init__(self) -> None:
        limits = {"rotate": 180.0, "scale": 0.9, "translate": 0.9, "gamma": 0.9, "shear": 45.0}
        for name in self.__dataclass_fields__:
            if name == "border":
                continue
            value, limit = getattr(self, name), limits.get(name, 1.0)
            if not 0 <= value <= limit:
                raise ValueError(f"{name}: got {value}, expected 0 to {limit:g}")


def classification_augment(options: AugmentOptions) -> ClassificationAugment:
    """Return the function (pixels uint8 (H, W), generator) → pixels of the same shape."""
    compose = albumentations.Compose(_transforms(options))

    def augment(pixels: Pixels, generator: np.random.Generator) -> Pixels:
        _seed(compose, generator)
        return np.asarray(compose(image=pixels)["image"], dtype=np.uint8)

    return augment


def detection_augment(options: AugmentOptions, minimum_visibility: float = 0.3) -> DetectionAugment:
    """Return the function that changes a picture and its boxes together.

    Args:
        options: How far.
        minimum_visibility: A box of which less than this share stays inside the picture is dropped, 0–1.

    Returns:
        Function (pixels uint8 (H, W), xyxy (N, 4) px, label (N,), generator) → the same three, changed; boxes that left
        the picture are gone from both arrays.
    """
    boxes = albumentations.BboxParams(
        format="pascal_voc", label_fields=["index"], min_visibility=minimum_visibility, clip=True
    )
    # NoOp knows boxes: without any transform that does, albumentations warns of boxes that nothing moves.
    compose = albumentations.Compose([*_transforms(options), albumentations.NoOp()], bbox_params=boxes)

    def augment(
        pixels: Pixels, xyxy: NDArray[np.floating], label: NDArray[np.integer], generator: np.random.Generator
    ) -> tuple[Pixels, NDArray[np.float32], NDArray[np.int64]]:
        _seed(compose, generator)
        given = np.asarray(xyxy, dtype=np.float32).reshape(-1, 4)
        result = compose(image=pixels, bboxes=given, index=np.arange(len(given)))
        kept = np.asarray(result["index"], dtype=np.int64).reshape(-1)
        changed = np.asarray(result["bboxes"], dtype=np.float32).reshape(-1, 4)
        return np.asarray(result["image"], dtype=np.uint8), changed, np.asarray(label, dtype=np.int64)[kept]

    return augment


def _transforms(options: AugmentOptions) -> list[Any]:
    rows: list[tuple[float, Callable[[float], Any]]] = [
        (options.flip, lambda p: albumentations.HorizontalFlip(p=p)),
        (options.vertical_flip, lambda p: albumentations.VerticalFlip(p=p)),
        (float(max(options.rotate, options.scale, options.translate, options.shear) > 0), lambda p: _affine(options)),
        (float(max(options.brightness, options.contrast) > 0), lambda p: _tone(options)),
        (float(options.gamma > 0), lambda p: _gamma(options.gamma)),
        (options.clahe, lambda p: albumentations.CLAHE(clip_limit=(1.0, 3.0), p=p)),
        (options.blur, lambda p: albumentations.GaussianBlur(blur_limit=0, sigma_limit=(0.3, 1.2), p=p)),
        (options.dropout, _dropout),
    ]
    return [build(share) for share, build in rows if share > 0]


def _affine(options: AugmentOptions) -> Any:
    return albumentations.Affine(
        scale=(1 - options.scale, 1 + options.scale),
        translate_percent=(-options.translate, options.translate),
        rotate=(-options.rotate, options.rotate),
        shear={"x": (-options.shear, options.shear), "y": (0.0, 0.0)},
        interpolation=cv2.INTER_LINEAR,
        border_mode=cv2.BORDER_CONSTANT if options.border == "black" else cv2.BORDER_REPLICATE,
        keep_ratio=not options.scale_axes_apart,
        p=1.0,
    )


def _tone(options: AugmentOptions) -> Any:
    return albumentations.RandomBrightnessContrast(
        brightness_limit=(-options.brightness, options.brightness),
        contrast_limit=(-options.contrast, options.contrast),
        p=0.8,
    )


def _gamma(change: float) -> Any:
    return albumentations.RandomGamma(gamma_limit=(100 * (1 - change), 100 * (1 + change)), p=0.5)


def _dropout(share: float) -> Any:
    return albumentations.CoarseDropout(
        num_holes_range=(1, 3), hole_height_range=(0.05, 0.15), hole_width_range=(0.05, 0.15), fill=0, p=share
    )


def _seed(compose: Any, generator: np.random.Generator) -> None:
    # Compose.set_random_seed hands every transform the same seed, which would couple their random decisions.
    seeds = generator.integers(0, 2**31 - 1, size=len(compose.transforms) + 1)
    compose.set_random_seed(int(seeds[0]))
    for transform, seed in zip(compose.transforms, seeds[1:], strict=True):
        transform.set_random_seed(int(seed))
