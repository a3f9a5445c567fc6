"""From decoded channels to one grey channel; limits and remarks that all picture formats share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fxdet.core.errors import ReadError

PIXEL_LIMIT = 400_000_000
"""Pixels above which a file is refused by its header: the largest plates hold 30 million, a bomb billions."""

COLOUR_DEVIATION = 24
"""Difference between channels, of 255, that counts as coloured; JPEG and scanner casts stay below."""

COLOUR_SHARE = 0.02
"""Share of coloured pixels from which a picture is called a colour picture: a coloured marker is less."""

TRUNCATED = "truncated file: read as far as it goes, the rest is empty"
COLOUR = "colour picture, converted to grey"


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Decoded pixels, uint8 or uint16, shape (H, W); significant bits; what was noticed."""

    pixels: NDArray[Any]
    bits: int = 8
    warnings: tuple[str, ...] = ()


def grey_picture(channels: NDArray[Any], warnings: tuple[str, ...] = ()) -> Picture:
    """Make one grey channel; alpha is dropped.

    Args:
        channels: uint8 or uint16, shape (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA.
        warnings: Remarks so far; a strongly coloured picture adds one.
    """
    bits = 16 if channels.dtype == np.uint16 else 8
    if channels.ndim == 3 and channels.shape[2] <= 2:
        channels = channels[..., 0]
    if channels.ndim == 2:
        return Picture(channels, bits, warnings)
    colour = np.ascontiguousarray(channels[..., :3])
    noted = (*warnings, COLOUR) if is_coloured(colour) else warnings
    return Picture(np.asarray(cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY)), bits, noted)


def is_coloured(rgb: NDArray[Any]) -> bool:
    """Tell whether a picture, shape (H, W, 3), is really coloured and not a grey one stored in three channels."""
    step = max(1, min(rgb.shape[:2]) // 256)
    sample = rgb[::step, ::step].astype(np.int32)
    unit = 257 if rgb.dtype == np.uint16 else 1
    deviation = sample.max(axis=2) - sample.min(axis=2)
    return bool((deviation > COLOUR_DEVIATION * unit).mean() > COLOUR_SHARE)


def check_pixel_count(width: int, height: int) -> None:
    """Refuse a picture by its header, before anything is decoded.

    Raises:
        ReadError: It has no pixels or too many.
    """
    if width < 1 or height < 1:
        raise ReadError(f"broken header: got {width} × {height} px, expected at least 1 × 1 – get the file anew")
    if width * height > PIXEL_LIMIT:
        limit = PIXEL_LIMIT // 10**6
        raise ReadError(f"too large: got {width} × {height} px, expected at most {limit} megapixels – scale it down")


def orientation_note(orientation: int) -> tuple[str, ...]:
    """Return the remark on an EXIF orientation, 1–8; none for 1."""
    if orientation == 1:
        return ()
    return (f"EXIF orientation {orientation} not applied: pixels and boxes are as stored",)


def pillow_channels(image: Image.Image) -> NDArray[Any]:
    """Load a Pillow picture as uint8 or uint16, (H, W) or (H, W, 3) RGB.

    Raises:
        ReadError: The pixels are floats or do not fit 16 bits.
    """
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)
    if image.mode == "F":
        raise ReadError("got float pixels, expected integers of 8 or 16 bits – convert the file")
    if image.mode == "I":
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 0xFFFF:
            raise ReadError(f"got values {values.min()} to {values.max()}, expected 0 to 65535 – convert the file")
        return values.astype(np.uint16)
    grey = image.mode in ("1", "L", "LA", "La")
    return np.asarray(image if image.mode == "L" else image.convert("L" if grey else "RGB"))
