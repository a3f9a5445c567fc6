"""Decode TIFF and BMP files."""

from __future__ import annotations

import struct
from contextlib import nullcontext
from io import BytesIO
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.TiffImagePlugin import TiffImageFile

from fxdet.core.errors import ReadError
from fxdet.imaging.headers import exif_orientation, orientation_place
from fxdet.imaging.pixels import (
    TRUNCATED,
    Picture,
    check_pixel_count,
    grey_picture,
    orientation_note,
    pillow_channels,
)
from fxdet.imaging.silence import silent_decoder, silent_libtiff

_BITS_PER_SAMPLE, _COMPRESSION, _PHOTOMETRIC = 258, 259, 262
_PILLOW_LIMIT = 80_000_000
"""Pixels up to which Pillow reads a TIFF; it warns from 89 and refuses from 179 million by a global limit."""

_BROKEN = (
    OSError, SyntaxError, ValueError, MemoryError, KeyError, IndexError, TypeError, EOFError, struct.error,
    OverflowError, Image.DecompressionBombError,
)  # fmt: skip
"""What Pillow raises on damaged TIFF and BMP files; the last one where a tile claims to be larger than the picture."""


def decode_bmp(data: bytes) -> Picture:
    """Decode a BMP into one grey channel.

    Raises:
        ReadError: The file is broken or too large.
    """
    try:
        with BmpImageFile(BytesIO(data)) as image:
            check_pixel_count(*image.size)
            missing = _missing_bmp_bytes(data, image)
        with BmpImageFile(BytesIO(data + bytes(missing))) as image:
            return grey_picture(pillow_channels(image), (TRUNCATED,) if missing else ())
    except _BROKEN as error:
        raise ReadError(f"broken BMP: {error} – get the file anew") from error


def _missing_bmp_bytes(data: bytes, image: BmpImageFile) -> int:
    """Return how many bytes an uncompressed BMP lacks; BMP stores the bottom row first."""
    if len(data) < 34 or struct.unpack_from("<I", data, 30)[0] not in (0, 3):  # 0 and 3: not run-length coded
        return 0
    offset, depth = struct.unpack_from("<I", data, 10)[0], struct.unpack_from("<H", data, 28)[0]
    row = (image.width * depth + 31) // 32 * 4
    if offset >= len(data):
        raise ReadError("broken BMP: it ends before the picture starts – get the file anew")
    return max(0, int(offset + row * image.height - len(data)))


def decode_tiff(data: bytes) -> Picture:
    """Decode the first page of a TIFF into one grey channel, in the orientation as stored.

    Raises:
        ReadError: The file is broken, too large, or holds floats.
    """
    _check_directory(data)
    orientation = exif_orientation(data)
    data = _without_orientation(data)  # Pillow would turn the picture
    try:
        with silent_decoder(), TiffImageFile(BytesIO(data)) as image:
            check_pixel_count(*image.size)
            pages = getattr(image, "n_frames", 1)
            picture = _tiff_picture(data, image)
    except _BROKEN as error:
        raise ReadError(f"broken TIFF: {error} – get the file anew") from error
    notes = (f"file of {pages} pages, only the first is read",) if pages > 1 else ()
    return Picture(picture.pixels, picture.bits, (*picture.warnings, *notes, *orientation_note(orientation)))


def _check_directory(data: bytes) -> None:
    """Refuse a file whose directory is cut off: libtiff would write to stderr about it."""
    order = "<" if data[:2] == b"II" else ">"
    try:
        offset = struct.unpack_from(order + "I", data, 4)[0]
        end = offset + 6 + 12 * struct.unpack_from(order + "H", data, offset)[0]
    except struct.error:
        end = len(data) + 1
    if end > len(data):
        raise ReadError("broken TIFF: its directory is cut off – get the file anew")


def _tiff_picture(data: bytes, image: TiffImageFile) -> Picture:
    image.seek(0)
    bits = image.tag_v2.get(_BITS_PER_SAMPLE, (1,))
    deep_colour = len(bits) > 1 and max(bits) == 16
    if deep_colour or image.width * image.height > _PILLOW_LIMIT:
        return grey_picture(_opencv_channels(data))
    compressed = image.tag_v2.get(_COMPRESSION, 1) != 1
    notes: tuple[str, ...] = ()
    try:
        with silent_libtiff() if compressed else nullcontext():
            pixels = pillow_channels(image)
    except OSError:
        if compressed:
            raise
        pixels, notes = _padded_channels(data, image.width * image.height * min(8, -(-sum(bits) // 8))), (TRUNCATED,)
    picture = grey_picture(pixels, notes)
    if pixels.dtype == np.uint8:
        return picture
    depth = bits[0] if 8 < bits[0] < 16 else 16
    # Pillow turns white-is-zero pictures of 8 bits round, not those of 16.
    inverted = image.tag_v2.get(_PHOTOMETRIC) == 0
    turned = np.uint16(2**depth - 1) - picture.pixels if inverted else picture.pixels
    return Picture(turned, depth, picture.warnings)


def _padded_channels(data: bytes, missing: int) -> NDArray[Any]:
    """Read an uncompressed, truncated TIFF with at most ``missing`` bytes of zeros at its end."""
    with TiffImageFile(BytesIO(data + bytes(missing))) as image:
        return pillow_channels(image)


def _opencv_channels(data: bytes) -> NDArray[Any]:
    try:
        with silent_libtiff():
            pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise ValueError("the pixels can't be decoded") from error
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16):
        raise ValueError("the pixels can't be decoded as integers of 8 or 16 bits")
    return np.asarray(pixels if pixels.ndim == 2 else pixels[..., 2::-1])


def _without_orientation(data: bytes) -> bytes:
    place = orientation_place(data)
    if place is None:
        return data
    order, offset = place
    return data[:offset] + struct.pack(order + "H", 1) + data[offset + 2 :]
