"""What the first bytes of a file say: which format it is, or what it is instead."""

from __future__ import annotations

import struct
from enum import Enum

from fxdet.core.errors import ReadError


class FileKind(str, Enum):
    """Formats that are read; told apart by content."""

    JPEG = "JPEG"
    PNG = "PNG"
    TIFF = "TIFF"
    BMP = "BMP"
    WEBP = "WebP"
    DICOM = "DICOM"


_MAGIC = (
    (b"\xff\xd8\xff", FileKind.JPEG),
    (b"\x89PNG\r\n\x1a\n", FileKind.PNG),
    (b"II*\x00", FileKind.TIFF),
    (b"MM\x00*", FileKind.TIFF),
    (b"BM", FileKind.BMP),
)

_OTHERS = (
    (b"GIF8", "a GIF"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 file outside DICOM"),
    (b"II+\x00", "a BigTIFF"),
    (b"MM\x00+", "a BigTIFF"),
    (b"\x5c\x01\x00\x00", "a NIfTI file"),
)


def file_kind(data: bytes) -> FileKind:
    """Return the format of a file by its content.

    Raises:
        ReadError: It is none of ours; the message says what it looks like.

    Example:
        >>> file_kind(b"BM" + bytes(60)).value
        'BMP'
    """
    if data[128:132] == b"DICM":
        return FileKind.DICOM
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return FileKind.WEBP
    if looks_like_bare_dicom(data):
        return FileKind.DICOM
    raise ReadError(f"it is {_what_else(data)}, expected JPEG, PNG, TIFF, BMP, WebP or DICOM")


def looks_like_bare_dicom(data: bytes) -> bool:
    """Tell whether data starts with an element of group 2 or 8, as DICOM files without preamble do."""
    if len(data) < 16:
        return False
    for order in ("<", ">"):
        group, element, length = struct.unpack(order + "HHI", data[:8])
        if group not in (0x0002, 0x0008) or element > 0x2000:
            continue
        explicit = data[4:6].isalpha() and data[4:6].isupper()
        if explicit or length < 1024:
            return True
    return False


def _what_else(data: bytes) -> str:
    for magic, name in _OTHERS:
        if data.startswith(magic):
            return name
    head = data[:512].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    if head.startswith((b"<?xml", b"<svg")):
        return "an XML file"
    if not any(byte < 32 and byte not in b"\t\r\n\f\x1b" for byte in head):
        return "a text file"
    return "no known picture format"


def exif_orientation(tiff: bytes) -> int:
    """Return the orientation, 1–8, of the first directory of a TIFF or EXIF block; 1 where it has none."""
    found = orientation_place(tiff)
    if found is None:
        return 1
    order, offset = found
    value = int(struct.unpack_from(order + "H", tiff, offset)[0])
    return value if 1 <= value <= 8 else 1


def orientation_place(tiff: bytes) -> tuple[str, int] | None:
    """Return the byte order (``<`` or ``>``) and the offset of the orientation's value, or None."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return None
    try:
        offset = struct.unpack_from(order + "I", tiff, 4)[0]
        for index in range(struct.unpack_from(order + "H", tiff, offset)[0]):
            entry = offset + 2 + 12 * index
            tag, kind, count, _ = struct.unpack_from(order + "HHIH", tiff, entry)
            if (tag, kind, count) == (0x0112, 3, 1):
                return order, entry + 8
    except struct.error:  # a cut or wrong block counts as none
        return None
    return None
