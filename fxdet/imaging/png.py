"""Decode PNG files of every depth; truncated ones as far as they go."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL.PngImagePlugin import PngImageFile

from fxdet.core.errors import ReadError
from fxdet.imaging.headers import exif_orientation
from fxdet.imaging.pixels import TRUNCATED, Picture, check_pixel_count, grey_picture, orientation_note, pillow_channels

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""First column, first row, column step, row step of the seven passes of an interlaced file."""


@dataclass(frozen=True, slots=True)
class PngParts:
    """The chunks that matter for the pixels.

    Attributes:
        width, height: Size, px.
        depth: Bits per sample.
        colour: PNG's colour type, 0 to 6.
        interlaced: Whether it is stored in seven passes.
        palette: The PLTE chunk's body, or empty.
        packed: The joined, compressed pixels.
        orientation: EXIF orientation, 1–8.
        complete: Whether the file reaches its end chunk.
    """

    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool
    palette: bytes
    packed: bytes
    orientation: int
    complete: bool

    @property
    def channels(self) -> int:
        """Samples per pixel."""
        return _CHANNELS[self.colour]


def decode_png(data: bytes) -> Picture:
    """Decode a PNG into one grey channel; alpha and transparency are dropped.

    Raises:
        ReadError: The file is broken or too large.
    """
    parts = read_png_parts(data)
    packed = parts.packed if parts.complete else _pad_packed(parts)
    plain = _plain_png(parts, packed)
    try:
        if parts.depth == 16 and parts.channels > 1:
            pixels = _decode_deep_colour(parts, packed, plain)  # Pillow would cut these to 8 bits
        else:
            with PngImageFile(BytesIO(plain)) as image:
                pixels = pillow_channels(image)
    except (OSError, SyntaxError, ValueError, MemoryError, cv2.error) as error:
        raise ReadError(f"broken PNG: {error} – get the file anew") from error
    warnings = () if parts.complete else (TRUNCATED,)
    return grey_picture(pixels, (*warnings, *orientation_note(parts.orientation)))


def read_png_parts(data: bytes) -> PngParts:
    """Walk the chunks, check their sums, and refuse a bomb before anything is unpacked.

    Raises:
        ReadError: The header is missing or wrong, a chunk's sum is wrong, or there are no pixels.
    """
    header: tuple[int, ...] | None = None
    palette, orientation, complete, packed = b"", 1, False, []
    position = len(_SIGNATURE)
    while position + 8 <= len(data) and not complete:
        length, name = struct.unpack_from(">I4s", data, position)
        body, stored = data[position + 8 : position + 8 + length], data[position + 8 + length : position + 12 + length]
        position += 12 + length
        # A chunk that the file's end cuts off is not wrong; only its sum can't be checked.
        if len(stored) == 4 and name in (b"IHDR", b"PLTE", b"IDAT") and zlib.crc32(name + body) != _number(stored):
            raise ReadError(f"broken PNG: chunk {name.decode()} has a wrong checksum – get the file anew")
        if name == b"IHDR":
            header = _check_header(body)
        elif name == b"PLTE":
            palette = body
        elif name == b"IDAT":
            packed.append(body)
        elif name == b"eXIf":
            orientation = exif_orientation(body)
        complete = name == b"IEND"
    if header is None or not any(packed):
        raise ReadError("broken PNG: it ends before the picture starts – get the file anew")
    width, height, depth, colour, _, _, interlace = header
    return PngParts(width, height, depth, colour, bool(interlace), palette, b"".join(packed), orientation, complete)


def _number(stored: bytes) -> int:
    return int.from_bytes(stored, "big")


def _check_header(body: bytes) -> tuple[int, ...]:
    if len(body) != 13:
        raise ReadError("broken PNG: the header is cut off – get the file anew")
    header = struct.unpack(">IIBBBBB", body)
    if header[2] not in (1, 2, 4, 8, 16) or header[3] not in _CHANNELS:
        raise ReadError(f"broken PNG: got depth {header[2]} and colour type {header[3]} – get the file anew")
    check_pixel_count(header[0], header[1])
    return header


def _plain_png(parts: PngParts, packed: bytes) -> bytes:
    """Return the PNG without texts, profiles and times: nothing in them is ours, and decoders talk about them."""
    fields = (parts.width, parts.height, parts.depth, parts.colour, 0, 0, int(parts.interlaced))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", *fields)), (b"IDAT", packed), (b"IEND", b"")]
    if parts.palette:
        chunks.insert(1, (b"PLTE", parts.palette))
    return _SIGNATURE + b"".join(
        struct.pack(">I4s", len(body), name) + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def _pad_packed(parts: PngParts) -> bytes:
    """Unpack as far as it goes, fill up with zeros (black) and pack again."""
    missing, rows, unpacker = _unpacked_size(parts), bytearray(), zlib.decompressobj()
    try:
        for start in range(0, len(parts.packed), 1 << 12):
            if missing > len(rows):
                rows += unpacker.decompress(parts.packed[start : start + (1 << 12)], missing - len(rows))
    except zlib.error:  # damaged besides being cut: keep what came before
        pass
    if not rows:
        raise ReadError("broken PNG: it ends before the picture starts – get the file anew")
    return zlib.compress(bytes(rows) + bytes(missing - len(rows)), 1)


def _unpacked_size(parts: PngParts) -> int:
    return sum(rows * row_bytes for rows, row_bytes in _layout(parts))


def _layout(parts: PngParts) -> Iterator[tuple[int, int]]:
    """Yield the rows of each pass and the bytes of such a row with its filter byte."""
    for left, top, step_x, step_y in _PASSES if parts.interlaced else ((0, 0, 1, 1),):
        columns, rows = -(-(parts.width - left) // step_x), -(-(parts.height - top) // step_y)
        if columns > 0 and rows > 0:
            yield rows, 1 + (columns * parts.channels * parts.depth + 7) // 8


def _check_rows(parts: PngParts, packed: bytes) -> None:
    """Raise ``ValueError`` for what libpng would write to stderr about: wrong rows."""
    size, start = _unpacked_size(parts), 0
    try:
        rows = np.frombuffer(zlib.decompressobj().decompress(packed, size), np.uint8)
    except zlib.error as error:
        raise ValueError(f"the pixels can't be unpacked ({error})") from error
    if len(rows) < size:
        raise ValueError(f"got {len(rows)} bytes of pixels, expected {size}")
    for count, row_bytes in _layout(parts):
        if (rows[start : start + count * row_bytes : row_bytes] > 4).any():
            raise ValueError("a row has an unknown filter")
        start += count * row_bytes


def _decode_deep_colour(parts: PngParts, packed: bytes, plain: bytes) -> NDArray[Any]:
    _check_rows(parts, packed)
    pixels = cv2.imdecode(np.frombuffer(plain, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ValueError("the pixels can't be unpacked")
    return np.asarray(pixels if pixels.ndim == 2 else pixels[..., 2::-1])
