"""How a picture file is coded: format, tables, colour, metadata; read from its bytes, hardly a pixel decoded."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL.JpegImagePlugin import JpegImageFile

from fxdet.core.errors import ReadError
from fxdet.imaging.headers import FileKind, file_kind
from fxdet.imaging.webp import webp_chunks

FORMATS = ("other", "JPEG", "PNG", "TIFF", "BMP", "DICOM", "GIF", "WebP")
"""Formats by the number that the property ``format`` holds."""

COLOUR_CAST = 12
"""Distance of a chroma value from grey, of 128, from which a block of 8 × 8 pixels counts as coloured."""

# fmt: off
STANDARD_LUMA = np.array([
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29,
    51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120,
    101, 72, 92, 95, 98, 112, 100, 103, 99,
])
"""Luma table of ITU-T T.81, annex K.1, row by row; libjpeg scales it by its quality setting."""
# fmt: on

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_LONE = frozenset({0x01, *range(0xD0, 0xD9)})
_PNG_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}
_PNG_TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_WEBP_METADATA = frozenset({b"EXIF", b"XMP ", b"ICCP"})


def picture_format(data: bytes) -> str:
    """Return the format of a file by its content, one of :data:`FORMATS`.

    Example:
        >>> picture_format(b"GIF89a" + bytes(20)), picture_format(b"no picture")
        ('GIF', 'other')
    """
    if data.startswith(b"GIF8"):
        return "GIF"
    try:
        return file_kind(data).value
    except ReadError:
        return "other"


def coding_properties(data: bytes) -> dict[str, float]:
    """Return what the bytes of a file say of its coding.

    Args:
        data: The whole file.

    Returns:
        ``format``, ``metadata_bytes``, ``exif``, ``comment``, and for JPEG and PNG ``truncated``, ``bits``,
        ``channels`` and the tables; a property that the format does not have is left out.
    """
    name = picture_format(data)
    found = {"format": float(FORMATS.index(name)), "exif": 0.0, "comment": 0.0}
    if name == FileKind.JPEG.value:
        found |= _jpeg_properties(data)
    elif name == FileKind.PNG.value:
        found |= _png_properties(data)
    elif name == FileKind.WEBP.value:
        found |= _webp_properties(data)
    return found


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield marker and body of the JPEG segments up to the first scan, whose body is the rest of the file."""
    position = 2
    while 0 <= (position := data.find(b"\xff", position)) <= len(data) - 4:
        marker = data[position + 1]
        if marker == 0xFF or marker == 0 or marker in _LONE:
            position += 1 if marker == 0xFF else 2
            continue
        end = position + 2 + max(2, int.from_bytes(data[position + 2 : position + 4], "big"))
        if marker == 0xD9:
            return
        if marker == 0xDA:
            yield marker, data[end:]
            return
        yield marker, data[position + 4 : end]
        position = end


def _jpeg_properties(data: bytes) -> dict[str, float]:
    found = {"metadata_bytes": 0.0, "jpeg_progressive": 0.0, "truncated": 1.0}
    tables: dict[int, NDArray[np.int64]] = {}
    for marker, body in _segments(data):
        if marker in _FRAMES and len(body) >= 9:
            found |= {"bits": float(body[0]), "channels": float(body[5])}
            found["jpeg_subsampling"] = float((body[7] >> 4) * (body[7] & 15)) if body[5] >= 3 else 1.0
            found["jpeg_progressive"] = float(marker in (0xC2, 0xC6, 0xCA, 0xCE))
        elif marker == 0xDB:
            tables |= _quantisation(body)
        elif marker == 0xDA:
            found["truncated"] = float(b"\xff\xd9" not in body)  # inside a scan these two bytes can't occur
        elif 0xE0 <= marker <= 0xEF or marker == 0xFE:
            found["metadata_bytes"] += len(body) + 4
            found["exif"] = max(found.get("exif", 0.0), float(body.startswith(b"Exif\x00")))
            found["comment"] = max(found.get("comment", 0.0), float(marker == 0xFE))
    return found | _table_properties(tables)


def _quantisation(body: bytes) -> dict[int, NDArray[np.int64]]:
    """Return number → table, in zigzag order, of one DQT segment; a table cut short is left out."""
    tables: dict[int, NDArray[np.int64]] = {}
    start = 0
    while start < len(body):
        width = 2 if body[start] >> 4 else 1
        entries = body[start + 1 : start + 1 + 64 * width]
        if len(entries) == 64 * width:
            tables[body[start] & 15] = np.frombuffer(entries, ">u2" if width == 2 else "u1").astype(np.int64)
        start += 1 + 64 * width
    return tables


def _table_properties(tables: dict[int, NDArray[np.int64]]) -> dict[str, float]:
    if 0 not in tables:
        return {}
    quality = jpeg_quality(tables[0])
    found = {"jpeg_luma_table": float(tables[0].sum()), "jpeg_quality": float(quality)}
    found["jpeg_standard_table"] = float((np.sort(tables[0]) == np.sort(scaled_luma(quality))).all())
    if 1 in tables:
        found["jpeg_chroma_table"] = float(tables[1].sum())
    return found


def scaled_luma(quality: int) -> NDArray[np.int64]:
    """Return libjpeg's luma table for a quality, 1–100 (``jpeg_quality_scaling`` of libjpeg), row by row.

    Example:
        >>> int(scaled_luma(85).sum()), int(scaled_luma(100).sum())
        (1109, 64)
    """
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.asarray(np.clip((STANDARD_LUMA * scale + 50) // 100, 1, 255))


_SUMS = np.array([scaled_luma(quality).sum() for quality in range(1, 101)])


def jpeg_quality(luma: NDArray[np.int64]) -> int:
    """Return the libjpeg quality, 1–100, whose luma table has the nearest sum.

    Example:
        >>> jpeg_quality(scaled_luma(75))
        75
    """
    return int(np.abs(_SUMS - luma.sum()).argmin()) + 1


def _png_properties(data: bytes) -> dict[str, float]:
    found = {"metadata_bytes": 0.0, "exif": 0.0, "comment": 0.0, "truncated": 1.0}
    position = 8
    while position + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        if name == b"IHDR" and position + 18 <= len(data):
            found["bits"] = float(data[position + 16])
            found["channels"] = float(_PNG_CHANNELS.get(data[position + 17], 0))
        elif name == b"IEND":
            found["truncated"] = 0.0
        elif name not in (b"IDAT", b"PLTE"):
            found["metadata_bytes"] += length + 12.0
            found["exif"] = max(found["exif"], float(name == b"eXIf"))
            found["comment"] = max(found["comment"], float(name in _PNG_TEXTS))
        position += 12 + length
    return found


def _webp_properties(data: bytes) -> dict[str, float]:
    rest = [(name, len(body)) for name, body, _ in webp_chunks(data) if name in _WEBP_METADATA]
    return {
        "metadata_bytes": float(sum(size + 8 for _, size in rest)),
        "exif": float(any(name == b"EXIF" for name, _ in rest)),
    }


def coloured_share(data: bytes) -> float:
    """Return the share of 8 × 8 blocks of a colour JPEG that are not grey; NaN where it can't be decoded.

    Only the blocks' means are decoded, in a fraction of the time of the picture.

    Args:
        data: A JPEG file with three channels.
    """
    try:
        with JpegImageFile(BytesIO(data)) as image:
            image.draft("YCbCr", (max(1, image.width // 8), max(1, image.height // 8)))
            chroma = np.asarray(image if image.mode == "YCbCr" else image.convert("YCbCr"))[..., 1:]
    except (OSError, SyntaxError, ValueError, MemoryError):
        return float("nan")
    return float((np.abs(chroma.astype(np.int16) - 128) > COLOUR_CAST).any(axis=2).mean())
