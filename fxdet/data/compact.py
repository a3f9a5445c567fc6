"""Compact copies of radiographs: smaller, grey, WebP or JPEG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fxdet.core.errors import ReadError
from fxdet.core.objects import Radiograph
from fxdet.data.samples import BoxLabel
from fxdet.imaging.headers import FileKind, file_kind
from fxdet.imaging.pixels import COLOUR, pillow_channels
from fxdet.imaging.preprocess import Preprocess
from fxdet.imaging.reading import decode_radiograph, read_radiograph_bytes

Encoding = Literal["webp", "jpg"]

SIDES: dict[Encoding, int] = {"webp": 16_383, "jpg": 65_500}
"""Longest side that a file can hold, px."""

SUFFIXES = (".webp", ".jpg", ".png")
"""Endings that compact pictures have."""


@dataclass(frozen=True, slots=True)
class CompactOptions:
    """How pictures are made smaller.

    Attributes:
        max_side: Longest side, px; None keeps the size. Pictures are never enlarged.
        grey: Make one channel of 8 bits through :meth:`Preprocess.grey`, as the networks see it: the file's own
            window, else the percentile window. Without it 16-bit pictures stay 16-bit (PNG) and colours stay.
        quality: Quality of the encoder, 1–100; a number means less in WebP than in JPEG.
        encoding: ``webp``, which takes half the room, or ``jpg``, which everything reads.
    """

    max_side: int | None = None
    grey: bool = False
    quality: int = 88
    encoding: Encoding = "webp"

    def __post_init__(self) -> None:
        if self.max_side is not None and self.max_side < 1:
            raise ValueError(f"CompactOptions.max_side: got {self.max_side}, expected at least 1 px")
        if not 1 <= self.quality <= 100:
            raise ValueError(f"CompactOptions.quality: got {self.quality}, expected 1 to 100")
        if self.encoding not in SIDES:
            raise ValueError(
                f"CompactOptions.encoding: got {self.encoding!r}, expected {' or '.join(get_args(Encoding))}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class CompactPicture:
    """An encoded picture.

    Attributes:
        data: The file's bytes.
        suffix: One of :data:`SUFFIXES`; ``.png`` for 16 bits.
        size: Height and width, px.
        source_size: Height and width of the source, px.
        warnings: What the reader noticed of the source.
    """

    data: bytes
    suffix: str
    size: tuple[int, int]
    source_size: tuple[int, int]
    warnings: tuple[str, ...] = ()


def compact_picture(path: Path, options: CompactOptions) -> CompactPicture:
    """Read a radiograph and encode it anew.

    A grey JPEG or WebP that is small enough already keeps its bytes where encoding would not make it smaller.

    Raises:
        ReadError: The file is unreadable, or too long for the format.
    """
    data = read_radiograph_bytes(path)
    radiograph = decode_radiograph(data, str(path))
    size = compact_size(radiograph.size, options.max_side)
    pixels = _resized(_pixels(data, radiograph, options), size)
    suffix = ".png" if pixels.dtype == np.uint16 else f".{options.encoding}"
    if suffix != ".png" and max(size) > SIDES[options.encoding]:
        what = f"{size[1]} × {size[0]} px is too long for {options.encoding}"
        raise ReadError(f"{path}: {what}, expected at most {SIDES[options.encoding]} px – give a --max-side")
    encoded = _encoded(pixels, suffix, options.quality)
    if size == radiograph.size and len(data) <= len(encoded) and not radiograph.warnings:
        kept = _plain_grey_suffix(data, options.encoding)
        encoded, suffix = (data, kept) if kept else (encoded, suffix)
    return CompactPicture(encoded, suffix, size, radiograph.size, radiograph.warnings)


def compact_size(size: tuple[int, int], max_side: int | None) -> tuple[int, int]:
    """Return height and width, px, with the longer side at most ``max_side``.

    Example:
        >>> compact_size((2000, 1000), 800), compact_size((300, 200), 800), compact_size((9000, 2), 800)
        ((800, 400), (300, 200), (800, 1))
    """
    if max_side is None or max(size) <= max_side:
        return size
    scale = max_side / max(size)
    height, width = (max(1, round(length * scale)) for length in size)
    return height, width


def scaled_boxes(boxes: Sequence[BoxLabel], size: tuple[int, int], new_size: tuple[int, int]) -> tuple[BoxLabel, ...]:
    """Return boxes and outlines of a picture that was resized.

    Each axis has its own factor, since both sides are rounded to whole pixels.

    Args:
        boxes: Boxes in px of the old picture.
        size: Its height and width, px.
        new_size: Height and width of the new picture, px.
    """
    if size == new_size:
        return tuple(boxes)
    x, y = new_size[1] / size[1], new_size[0] / size[0]
    return tuple(
        replace(
            box,
            xyxy=(box.xyxy[0] * x, box.xyxy[1] * y, box.xyxy[2] * x, box.xyxy[3] * y),
            polygon=None if box.polygon is None else tuple((px * x, py * y) for px, py in box.polygon),
        )
        for box in boxes
    )


def _pixels(data: bytes, radiograph: Radiograph, options: CompactOptions) -> NDArray[Any]:
    """Return the pixels to encode: uint8 (H, W), uint16 (H, W), or uint8 (H, W, 3) RGB."""
    if options.grey:
        if radiograph.pixels.dtype == np.uint8 and radiograph.window is None:
            return radiograph.pixels
        unit = Preprocess(size=1).grey(radiograph)
        return np.asarray((unit * 255).round().astype(np.uint8))
    if COLOUR in radiograph.warnings and file_kind(data) is not FileKind.DICOM:
        channels = _colours(data)
        if channels is not None and channels.dtype == np.uint8 and channels.shape[:2] == radiograph.size:
            return channels
    return radiograph.pixels


def _colours(data: bytes) -> NDArray[Any] | None:
    """Return the channels of a colour picture, or None where only our own readers could read the file."""
    try:
        with Image.open(BytesIO(data)) as image:
            return pillow_channels(image)
    except (OSError, ReadError, Image.DecompressionBombError):
        return None


def _resized(pixels: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    if pixels.shape[:2] == size:
        return pixels
    # Every new pixel is the mean of the area that it covers: nothing is skipped, and corners stay corners.
    return np.asarray(cv2.resize(pixels, (size[1], size[0]), interpolation=cv2.INTER_AREA))


def _encoded(pixels: NDArray[Any], suffix: str, quality: int) -> bytes:
    # Optimised tables make files 3 % smaller; progressive ones would save another 1 % and take longer to decode.
    jpeg = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    settings = {".jpg": jpeg, ".webp": [cv2.IMWRITE_WEBP_QUALITY, quality]}.get(suffix, [])
    channels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if pixels.ndim == 3 else pixels
    done, data = cv2.imencode(suffix, channels, settings)
    if not done:
        raise ReadError(f"a picture of {pixels.shape[1]} × {pixels.shape[0]} px can't be encoded as {suffix}")
    return bytes(data.tobytes())


def _plain_grey_suffix(data: bytes, encoding: Encoding) -> str | None:
    """Return the ending of a file that is one grey channel already, or None: JPEG, and WebP where that is asked for."""
    kind = file_kind(data)
    if kind is FileKind.JPEG:
        with Image.open(BytesIO(data)) as image:
            return ".jpg" if str(image.mode) == "L" else None
    if kind is not FileKind.WEBP or encoding != "webp":
        return None
    channels = _colours(data)
    # WebP has no grey mode: the three channels of a grey picture differ by rounding.
    return ".webp" if channels is not None and np.ptp(channels, axis=2).max() <= 1 else None
