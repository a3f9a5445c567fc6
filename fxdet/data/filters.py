"""The image-enhancement filters of the Team-05 report, each from grey bytes to grey bytes of the same size.

The parameters are those of the published script; the report names a Gaussian filter without parameters, so that its
kernel here is ours. As augmentation or preprocessing: ``apply_filter(name, pixels)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from fxdet.core.errors import ConfigError, did_you_mean

Pixels = NDArray[np.uint8]
Filter = Callable[[Pixels], Pixels]

CLAHE_CLIP_LIMIT, CLAHE_TILES = 2.0, (8, 8)
MEDIAN_SIDE = 3
BILATERAL_DIAMETER, BILATERAL_SIGMA_COLOUR, BILATERAL_SIGMA_SPACE = 9, 75.0, 75.0
GAUSSIAN_SIDE, GAUSSIAN_SIGMA = 5, 1.1
"""Kernel side and spread, px; 1.1 is what OpenCV takes for a kernel of 5 where no spread is given."""


def clahe(pixels: Pixels) -> Pixels:
    """Return the picture with its contrast equalised in 8 × 8 tiles, clip limit 2."""
    return _bytes(cv2.createCLAHE(clipLimit=CLAHE_CLIP_LIMIT, tileGridSize=CLAHE_TILES).apply(pixels))


def median(pixels: Pixels) -> Pixels:
    """Return the median over 3 × 3 px."""
    return _bytes(cv2.medianBlur(pixels, MEDIAN_SIDE))


def bilateral(pixels: Pixels) -> Pixels:
    """Return the bilateral filter: diameter 9 px, spread 75 grey levels and 75 px."""
    return _bytes(cv2.bilateralFilter(pixels, BILATERAL_DIAMETER, BILATERAL_SIGMA_COLOUR, BILATERAL_SIGMA_SPACE))


def gaussian(pixels: Pixels) -> Pixels:
    """Return the Gaussian blur: 5 × 5 px, spread 1.1 px."""
    return _bytes(cv2.GaussianBlur(pixels, (GAUSSIAN_SIDE, GAUSSIAN_SIDE), GAUSSIAN_SIGMA))


def clahe_median(pixels: Pixels) -> Pixels:
    """Return the median over 3 × 3 px of the equalised picture."""
    return median(clahe(pixels))


FILTERS: Mapping[str, Filter] = MappingProxyType(
    {"clahe": clahe, "median": median, "bilateral": bilateral, "gaussian": gaussian, "clahe_median": clahe_median}
)
"""Name → filter."""

MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "clahe": f"clip {CLAHE_CLIP_LIMIT:g}, {CLAHE_TILES[0]} × {CLAHE_TILES[1]} tiles",
        "median": f"{MEDIAN_SIDE} × {MEDIAN_SIDE} px",
        "bilateral": f"{BILATERAL_DIAMETER} px, {BILATERAL_SIGMA_COLOUR:g} levels, {BILATERAL_SIGMA_SPACE:g} px",
        "gaussian": f"{GAUSSIAN_SIDE} × {GAUSSIAN_SIDE} px, sigma {GAUSSIAN_SIGMA:g} px",
        "clahe_median": "clahe, then median",
    }
)
"""Name → its parameters in words."""


def apply_filter(name: str, pixels: Pixels) -> Pixels:
    """Return a filtered copy of a picture.

    Args:
        name: A name of :data:`FILTERS`.
        pixels: Grey picture, uint8 (H, W).

    Returns:
        The filtered picture, uint8 (H, W).

    Raises:
        ConfigError: There is no such filter.
        ValueError: The pixels are no grey bytes.

    Example:
        >>> speck = np.zeros((5, 5), np.uint8)
        >>> speck[2, 2] = 200
        >>> int(apply_filter("median", speck).max())
        0
    """
    if name not in FILTERS:
        raise ConfigError(f"filter {name!r} is unknown{did_you_mean(name, FILTERS)}")
    if pixels.dtype != np.uint8 or pixels.ndim != 2 or 0 in pixels.shape:
        raise ValueError(f"apply_filter: got {pixels.dtype} {pixels.shape}, expected uint8 (H, W)")
    # OpenCV takes no read-only or strided arrays; contiguous and writable ones are not copied.
    return FILTERS[name](np.require(pixels, requirements=["C", "W"]))


def _bytes(filtered: object) -> Pixels:
    return np.asarray(filtered, dtype=np.uint8)
