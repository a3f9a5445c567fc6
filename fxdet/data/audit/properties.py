"""What a file says before anyone looks at bone: format, size, coding, brightness, border and marks.

Nothing here should tell a fractured radiograph from a normal one. Where it does, the set has a shortcut.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray

from fxdet.data.audit.coding import FORMATS, coding_properties, coloured_share
from fxdet.data.audit.marks import mark_properties
from fxdet.imaging.pixels import COLOUR, TRUNCATED

MEANINGS: Mapping[str, str] = {
    "truncated": "the file ends before the picture does",
    "height": "height, px",
    "width": "width, px",
    "area": "height × width, px",
    "aspect": "width / height",
    "bytes_per_pixel": "size of the file by its pixels",
    "bits": "bits per sample",
    "channels": "samples per pixel as stored",
    "coloured": "share of the picture that is not grey",
    "format": "1 JPEG, 2 PNG, 3 TIFF, 4 BMP, 5 DICOM, 6 GIF, 7 WebP, 0 other",
    "jpeg_quality": "quality that libjpeg's tables stand for, 1–100",
    "jpeg_luma_table": "sum of the luma quantisation table",
    "jpeg_chroma_table": "sum of the chroma quantisation table",
    "jpeg_standard_table": "the luma table is a scaled standard table",
    "jpeg_progressive": "progressive JPEG",
    "jpeg_subsampling": "luma samples for one chroma sample",
    "exif": "the file holds an EXIF block",
    "comment": "the file holds a comment or text",
    "metadata_bytes": "bytes that are neither pixels nor their coding",
    "mean": "mean grey value, 0–255",
    "spread": "standard deviation of the grey values",
    "black": "share of pixels below 8",
    "white": "share of pixels above 247",
    "border": "share of the picture in uniform rows and columns at its edges",
    "frame": "mean grey value of the outermost pixels",
    "panels": "views side by side, with a uniform band from edge to edge between them",
    "text": "characters that stand on flat ground, burned in or of lead",
    "rings": "closed ellipses: drawn, of a side marker, or a bangle that was worn",
    "wrong_extension": "the file's name contradicts its content",
}
"""Property → what it measures."""

EXTREME = 8
"""Grey values from either end of 0–255 that count as black or white."""

BAND = 3
"""Least distance of the busy rows or columns, px, on both sides of a uniform band."""

PANEL = 0.2
"""Least share of the height or width that one of several panels takes; a letter beside a hand takes less."""

UNIFORM = 10
"""Largest difference of grey values within a uniform row or column."""

SUFFIXES: Mapping[str, frozenset[str]] = {
    "JPEG": frozenset({".jpg", ".jpeg", ".jpe", ".jfif"}),
    "PNG": frozenset({".png"}),
    "TIFF": frozenset({".tif", ".tiff"}),
    "BMP": frozenset({".bmp"}),
    "DICOM": frozenset({".dcm", ".dicom", ".dic", ""}),
    "GIF": frozenset({".gif"}),
    "WebP": frozenset({".webp"}),
}
"""Format → endings that fit it."""


def file_properties(
    data: bytes, grey: NDArray[np.uint8] | None = None, warnings: Sequence[str] = ()
) -> dict[str, float]:
    """Measure everything about a file that should not tell its label.

    Args:
        data: The whole file.
        grey: The decoded picture, uint8, shape (H, W); None where it can't be decoded.
        warnings: What the reader noticed; of formats other than JPEG and PNG it says whether they are truncated, of
            those other than JPEG whether they are in colour.

    Returns:
        Property → value, finite; names are keys of :data:`MEANINGS`. What the format does not have is left out.

    Example:
        >>> file_properties(b"GIF89a")["format"]
        6.0
    """
    found = coding_properties(data)
    found["truncated"] = max(found.get("truncated", 0.0), float(TRUNCATED in warnings))
    if found.get("channels", 1.0) >= 3 and found["format"] == FORMATS.index("JPEG"):
        found["coloured"] = coloured_share(data)
    else:
        found["coloured"] = float(COLOUR in warnings)
    if grey is not None and grey.size:
        height, width = grey.shape
        found |= {"height": float(height), "width": float(width), "area": float(height * width)}
        found |= {"aspect": width / height, "bytes_per_pixel": len(data) / (height * width)}
        found |= _grey_properties(grey) | mark_properties(grey)
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _grey_properties(grey: NDArray[np.uint8]) -> dict[str, float]:
    counts = cv2.calcHist([grey], [0], None, [256], [0, 256]).ravel().astype(np.float64)
    levels, total = np.arange(256.0), counts.sum()
    mean = float(counts @ levels / total)
    variance = max(0.0, float(counts @ (levels - mean) ** 2 / total))
    frame = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    return {
        "mean": mean,
        "spread": math.sqrt(variance),
        "black": float(counts[:EXTREME].sum() / total),
        "white": float(counts[256 - EXTREME :].sum() / total),
        "frame": float(frame.mean()),
    } | uniform_parts(grey)


def uniform_parts(grey: NDArray[np.uint8]) -> dict[str, float]:
    """Return what uniform rows and columns show: ``border``, their share at the edges, and ``panels`` between them.

    Args:
        grey: uint8, shape (H, W).

    Example:
        >>> picture = np.zeros((10, 10), np.uint8)
        >>> picture[2:, [1, 2, 7, 8]] = 200
        >>> found = uniform_parts(picture)
        >>> round(found["border"], 2), found["panels"]
        (0.36, 2.0)
    """
    kept, panels = 1.0, 1
    for axis in (1, 0):  # rows, columns
        busy = np.flatnonzero(grey.max(axis=axis) - grey.min(axis=axis) > UNIFORM)
        kept *= 0.0 if busy.size == 0 else float(busy[-1] - busy[0] + 1) / grey.shape[1 - axis]
        panels *= _panels(busy, PANEL * grey.shape[1 - axis])
    return {"border": 1.0 - kept, "panels": float(panels)}


def _panels(busy: NDArray[np.int64], least: float) -> int:
    """Return how many runs of busy rows or columns, with uniform ones between them, have at least this length."""
    ends = np.flatnonzero(np.diff(busy) >= BAND)
    starts = np.concatenate([busy[:1], busy[ends + 1]])
    lengths = np.concatenate([busy[ends], busy[-1:]]) - starts + 1
    return max(1, int((lengths >= least).sum()))


def extension_contradicts(name: str, properties: Mapping[str, float]) -> bool:
    """Return whether a file's ending names another format than its content has.

    Args:
        name: File name or path.
        properties: What :func:`file_properties` says of the file.

    Example:
        >>> extension_contradicts("a.jpg", {"format": 2.0}), extension_contradicts("a.JPEG", {"format": 1.0})
        (True, False)
    """
    content = FORMATS[int(properties.get("format", 0))]
    fitting = SUFFIXES.get(content)
    return fitting is not None and PurePosixPath(name).suffix.lower() not in fitting


def named_properties(name: str, properties: Mapping[str, float]) -> dict[str, float]:
    """Return the properties with ``wrong_extension``, which depends on the name: equal bytes may have several."""
    return {**properties, "wrong_extension": float(extension_contradicts(name, properties))}
