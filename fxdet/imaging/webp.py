"""Decode WebP files, lossy and lossless; truncated ones as far as they go."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fxdet.core.errors import ReadError
from fxdet.imaging.headers import exif_orientation
from fxdet.imaging.pixels import TRUNCATED, Picture, check_pixel_count, grey_picture, orientation_note

_LOSSY, _LOSSLESS = b"VP8 ", b"VP8L"
_ENDS_EARLY = "broken WebP: it ends before the picture starts – get the file anew"

_TAILS = (b"\x00", b"\x55", b"\xaa")
"""Bytes that stand in for the missing end of a file; see :func:`_decode_cut`."""

_TAIL_LIMIT = 1 << 26
"""Most bytes that stand in for the missing end."""

_PIXELS_PER_BYTE = 2048
"""A cut file with fewer bytes has less than a bit for each block of 16 × 16 px: nothing of it could be told."""


@dataclass(frozen=True, slots=True)
class WebpParts:
    """The chunks that matter for the pixels.

    Attributes:
        width, height: Size, px.
        coding: ``VP8 `` (lossy) or ``VP8L`` (lossless), the name of the picture's chunk.
        body: The bytes of that chunk, as far as the file has them.
        complete: Whether the file has all of them.
        orientation: EXIF orientation, 1–8.
        frames: Pictures in the file; more than one where it is animated.
    """

    width: int
    height: int
    coding: bytes
    body: bytes
    complete: bool
    orientation: int = 1
    frames: int = 1


def decode_webp(data: bytes) -> Picture:
    """Decode a WebP, of an animated one the first frame, into one grey channel; alpha is dropped.

    Raises:
        ReadError: The file is broken or too large.
    """
    parts = read_webp_parts(data)
    if parts.complete:
        channels = _decode(parts, b"")
        if channels is None:
            raise ReadError("broken WebP: the pixels can't be decoded – get the file anew")
    else:
        channels = _decode_cut(parts)
    notes: tuple[str, ...] = () if parts.complete else (TRUNCATED,)
    if parts.frames > 1:
        notes += (f"file of {parts.frames} frames, only the first is read",)
    return grey_picture(channels[..., ::-1], (*notes, *orientation_note(parts.orientation)))


def webp_chunks(data: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """Yield name, body and stated size of each chunk; the body of the last one may be cut short."""
    return _chunks(data[12 : 8 + int.from_bytes(data[4:8], "little")])


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    position = 0
    while position + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        yield name, data[position + 8 : position + 8 + size], size
        position += 8 + size + size % 2


def read_webp_parts(data: bytes) -> WebpParts:
    """Walk the chunks, and refuse a bomb before anything is unpacked.

    Raises:
        ReadError: There is no picture, its header is wrong, or it is too large.
    """
    canvas, still, frames, orientation = None, None, 0, 1
    for name, body, size in webp_chunks(data):
        if name == b"VP8X" and len(body) >= 10:
            canvas = _number(body[4:7]) + 1, _number(body[7:10]) + 1
            check_pixel_count(*canvas)
        elif name == b"ANMF":
            frames += 1
            inner = (chunk for chunk in _chunks(body[16:]) if chunk[0] in (_LOSSY, _LOSSLESS))
            still = next(inner, None) if frames == 1 else still
        elif name in (_LOSSY, _LOSSLESS):
            still = still or (name, body, size)
        elif name == b"EXIF":
            orientation = exif_orientation(body.removeprefix(b"Exif\x00\x00"))
    if still is None:
        raise ReadError(_ENDS_EARLY)
    width, height = _picture_size(still[0], still[1])
    check_pixel_count(width, height)
    if canvas is not None and canvas != (width, height):
        got = f"got a picture of {width} × {height} px, expected the canvas's {canvas[0]} × {canvas[1]} px"
        raise ReadError(f"broken WebP: {got} – save it as a still picture")
    complete = len(still[1]) == still[2]
    return WebpParts(width, height, still[0], still[1], complete, orientation, max(1, frames))


def _number(stored: bytes) -> int:
    return int.from_bytes(stored, "little")


def _picture_size(coding: bytes, body: bytes) -> tuple[int, int]:
    """Return width and height, px, of a picture's chunk (RFC 6386, 9.1; WebP lossless bitstream, 3)."""
    if len(body) < 10:
        raise ReadError(_ENDS_EARLY)
    if coding == _LOSSY:
        if body[0] & 1 or body[3:6] != b"\x9d\x01\x2a":
            raise ReadError("broken WebP: its picture has no start code – get the file anew")
        return _number(body[6:8]) & 0x3FFF, _number(body[8:10]) & 0x3FFF
    if body[0] != 0x2F:
        raise ReadError("broken WebP: its picture has no start code – get the file anew")
    packed = _number(body[1:5])
    return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1


def _decode(parts: WebpParts, tail: bytes) -> NDArray[Any] | None:
    """Decode the picture's chunk, lengthened by ``tail``, alone: BGR, uint8, shape (H, W, 3), or None.

    OpenCV decodes: Pillow goes through the animation decoder and holds every picture four times.
    """
    body = parts.body + tail
    body += bytes(len(body) % 2)
    file = struct.pack("<4sI4s4sI", b"RIFF", 12 + len(body), b"WEBP", parts.coding, len(body)) + body
    try:
        pixels = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None
    return None if pixels is None or pixels.shape[:2] != (parts.height, parts.width) else np.asarray(pixels)


def _decode_cut(parts: WebpParts) -> NDArray[Any]:
    """Decode a file without its end as far as it goes; the rest is black.

    libwebp takes whole files only, and nothing in a coded picture says where a row ends. So the file is decoded with
    several made-up ends: the rows on which they agree came from the bytes that are there, since rows are coded from
    top to bottom, and whatever a made-up end brings differs from the first row that needs it.

    Raises:
        ReadError: Not even the first rows are there.
    """
    pixels = parts.width * parts.height
    if len(parts.body) * _PIXELS_PER_BYTE < pixels:
        raise ReadError(_ENDS_EARLY)
    room = min(4 * pixels + 1024, _TAIL_LIMIT)
    found: NDArray[Any] | None = None
    rows, ends = parts.height, 0
    for tail in _TAILS:
        channels = _decode(parts, tail * room)
        if channels is None:
            continue
        ends += 1
        found = channels if found is None else found
        differ = np.flatnonzero((channels[:rows] != found[:rows]).any(axis=(1, 2)))
        rows = int(differ[0]) if differ.size else rows
    if rows < parts.height and parts.coding == _LOSSY:
        rows -= rows % 16  # blocks of 16 rows, which may agree in part by chance
    if found is None or ends < 2 or rows == 0:
        raise ReadError(_ENDS_EARLY)
    found[rows:] = 0
    return found
