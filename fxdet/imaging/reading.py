"""Open radiographs: JPEG, PNG, TIFF, BMP, WebP and DICOM, recognised by content and never by their name."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxdet.core.errors import ReadError
from fxdet.core.files import sha256_bytes
from fxdet.core.objects import Radiograph
from fxdet.imaging.bitmaps import decode_bmp, decode_tiff
from fxdet.imaging.headers import FileKind, file_kind
from fxdet.imaging.jpeg import decode_jpeg
from fxdet.imaging.pixels import Picture, grey_picture
from fxdet.imaging.png import decode_png
from fxdet.imaging.webp import decode_webp

RADIOGRAPH_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp", ".dcm", ".dicom", ".dic"})
"""What a folder is searched for; a file named outright is read whatever its name."""

_DECODERS = {
    FileKind.JPEG: decode_jpeg,
    FileKind.PNG: decode_png,
    FileKind.TIFF: decode_tiff,
    FileKind.BMP: decode_bmp,
    FileKind.WEBP: decode_webp,
}

BYTE_LIMIT = 1 << 31
"""Bytes above which a file is refused unread: 400 megapixels of 16 bits fill less than half of it."""

SMALL_SIDE = 32
"""Below this side, px, a picture is read but can't show a bone."""

FEW_GREYS = 8
"""With fewer grey levels than this between its darkest and its brightest percent, a picture shows nothing."""


def open_radiograph(path: str | Path, *, bits: None = None) -> Radiograph:
    """Read one file into a grey radiograph, bone bright, at the file's own depth.

    A truncated file is read as far as it goes; that and other oddities are named in ``warnings``.

    Args:
        path: The file.
        bits: Kept for later; the depth comes from the file.

    Raises:
        ReadError: The file is missing, unreadable, or no radiograph.
    """
    return decode_radiograph(read_radiograph_bytes(Path(path)), str(path))


def decode_radiograph(data: bytes, source: str) -> Radiograph:
    """Decode a file's bytes as :func:`open_radiograph` does, for callers that need the bytes as well.

    Args:
        data: The whole file.
        source: Its path, for the radiograph and for messages.

    Raises:
        ReadError: The bytes are no radiograph.
    """
    try:
        kind = file_kind(data)
        if kind is FileKind.DICOM:
            from fxdet.imaging.dicom import decode_dicom  # pydicom takes 0.2 s to load; pictures do without it

            return _with_notes(decode_dicom(data, source))
        return _radiograph(_DECODERS[kind](data), source, sha256_bytes(data))
    except ReadError as error:
        raise ReadError(f"can't read {source}: {error}") from error


def radiograph_from_array(array: NDArray[Any], source: str = "array") -> Radiograph:
    """Make a radiograph of a grey or colour array, bone bright.

    Args:
        array: uint8 or uint16, shape (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA; bool is taken as 0 and 255.
        source: Name that the report will show.

    Raises:
        ReadError: Shape or dtype can't be a picture.

    Example:
        >>> radiograph_from_array(np.zeros((40, 50), np.uint8)).size
        (40, 50)
    """
    pixels = np.asarray(array)
    if pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8) * np.uint8(255)
    if pixels.dtype not in (np.uint8, np.uint16):
        raise ReadError(f"can't read {source}: got dtype {pixels.dtype}, expected uint8 or uint16 – convert it first")
    if pixels.size == 0 or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (1, 3, 4))):
        raise ReadError(f"can't read {source}: got shape {pixels.shape}, expected (H, W) or (H, W, 1 | 3 | 4)")
    digest = sha256_bytes(np.ascontiguousarray(pixels).tobytes())
    return _radiograph(grey_picture(pixels), source, digest)


def _radiograph(picture: Picture, source: str, digest: str) -> Radiograph:
    return _with_notes(Radiograph(picture.pixels, source, digest, bits=picture.bits, warnings=picture.warnings))


def _with_notes(radiograph: Radiograph) -> Radiograph:
    """Return the radiograph with what its pixels give away: too few of them, or all alike."""
    height, width = radiograph.size
    notes = []
    if min(height, width) < SMALL_SIDE:
        notes.append(f"very small picture ({width} × {height} px)")
    elif _is_uniform(radiograph.pixels):
        notes.append("nearly uniform picture: next to nothing can be seen on it")
    return replace(radiograph, warnings=(*radiograph.warnings, *notes)) if notes else radiograph


def _is_uniform(pixels: NDArray[Any]) -> bool:
    """Return whether nearly all pixels have nearly the same grey; about 4,096 of them are asked."""
    step = max(1, min(pixels.shape) // 64)
    low, high = np.percentile(pixels[::step, ::step], (1, 99))
    return bool(high - low < FEW_GREYS)


def _folder_reason(path: Path) -> str:
    if os.access(path, os.R_OK | os.X_OK):
        return "it is a folder – name a file"
    return "the folder can't be searched, permission denied – check its permissions"


def read_radiograph_bytes(path: Path) -> bytes:
    """Return the bytes of a file that may be a radiograph.

    Raises:
        ReadError: The file is missing, unreadable, empty, larger than :data:`BYTE_LIMIT`, or no regular file.
    """
    try:
        status = path.stat()
        mode = status.st_mode
        if stat.S_ISDIR(mode):
            raise ReadError(f"can't read {path}: {_folder_reason(path)}")
        if not stat.S_ISREG(mode):
            raise ReadError(f"can't read {path}: it is no regular file – name a picture")
        if status.st_size > BYTE_LIMIT:
            raise ReadError(f"can't read {path}: got {status.st_size} bytes, expected at most {BYTE_LIMIT} – shrink it")
        data = path.read_bytes()
    except OSError as error:
        raise ReadError(f"can't read {path}: {(error.strerror or str(error)).lower()}") from error
    except ValueError as error:  # a name with a null byte
        raise ReadError(f"can't read {str(path)!r}: {error}") from error
    if not data:
        raise ReadError(f"can't read {path}: the file is empty (0 bytes)")
    return data
