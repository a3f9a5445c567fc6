"""What an audit keeps of a file: hashes of bytes and pixels, a perceptual hash, a small thumbnail, properties."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fxdet.core.errors import ReadError
from fxdet.core.files import sha256_bytes
from fxdet.core.objects import Radiograph
from fxdet.data.audit.properties import file_properties
from fxdet.imaging.preprocess import Preprocess
from fxdet.imaging.reading import decode_radiograph, read_radiograph_bytes

THUMBNAIL_SIDE = 72
"""Side of a thumbnail, px. The picture is squeezed to a square: a quarter turn or another size changes nothing else."""

TURNS = ("0", "1", "2", "3", "m0", "m1", "m2", "m3")
"""The eight orientations: quarter turns anticlockwise, after a mirroring left to right where ``m`` stands in front."""

Thumbnail = NDArray[np.uint8]

_BLOCK = 1024
"""Thumbnails hashed at a time."""

_WAVES = 8
"""Waves along each axis that the perceptual hash looks at; 8 × 8 signs are its 64 bits."""


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """One file as the search for duplicates sees it.

    Attributes:
        sha256: Hash of the file's bytes; empty where they can't be read.
        pixels: Hash of the decoded grey pixels and the size; empty where it can't be decoded.
        size: Height and width, px, or None.
        hash: 64-bit perceptual hash of the picture as stored; 0 where it can't be decoded.
        thumbnail: The picture squeezed to a square and stretched to 0–255, uint8, shape (T, T).
        properties: What the file says before anyone looks at bone; see :mod:`fxdet.data.audit.properties`.
        error: Why it can't be decoded, or None.
        warnings: What the reader noticed, e.g. a truncated file.
    """

    sha256: str
    pixels: str = ""
    size: tuple[int, int] | None = None
    hash: int = 0
    thumbnail: Thumbnail = field(default_factory=lambda: np.zeros((THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.uint8))
    properties: Mapping[str, float] = field(default_factory=dict)
    error: str | None = None
    warnings: tuple[str, ...] = ()


def fingerprint(path: Path) -> Fingerprint:
    """Read a file once and return its fingerprint; one that can't be read or decoded gets ``error``."""
    try:
        data = read_radiograph_bytes(path)
    except ReadError as error:
        return Fingerprint("", error=str(error))
    return fingerprint_bytes(data, path)


def fingerprint_bytes(data: bytes, path: Path) -> Fingerprint:
    """Return the fingerprint of a file's bytes.

    Args:
        data: The whole file.
        path: Where it lies, for messages.
    """
    digest = sha256_bytes(data)
    try:
        radiograph = decode_radiograph(data, str(path))
        grey = grey_bytes(radiograph)
    except ReadError as error:
        return Fingerprint(digest, properties=file_properties(data), error=str(error))
    except Exception as error:  # a decoder's own fault must not end the audit of a million files
        what = f"can't read {path}: unexpected {type(error).__name__}: {error}"
        return Fingerprint(digest, properties=file_properties(data), error=what)
    thumbnail = make_thumbnail(grey)
    return Fingerprint(
        digest,
        pixel_hash(radiograph.pixels),
        radiograph.size,
        int(perceptual_hashes(thumbnail[None])[0, 0]),
        thumbnail,
        file_properties(data, grey, radiograph.warnings),
        warnings=radiograph.warnings,
    )


def grey_bytes(radiograph: Radiograph) -> NDArray[np.uint8]:
    """Return the picture as uint8, shape (H, W); deeper ones go through their window."""
    if radiograph.pixels.dtype == np.uint8:
        return radiograph.pixels
    return np.asarray(np.rint(Preprocess(THUMBNAIL_SIDE).grey(radiograph) * 255), dtype=np.uint8)


def pixel_hash(pixels: NDArray[Any]) -> str:
    """Return the hexadecimal SHA-256 of size, depth and pixels of a grey picture, shape (H, W).

    Example:
        >>> flat = np.zeros((2, 3), np.uint8)
        >>> pixel_hash(flat) == pixel_hash(flat.reshape(3, 2))
        False
    """
    digest = hashlib.sha256(f"{pixels.shape} {pixels.dtype}".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def make_thumbnail(grey: NDArray[np.uint8]) -> Thumbnail:
    """Squeeze a picture, shape (H, W), to a square of T × T px, its greys stretched to 0–255.

    The stretch keeps the shades of dark pictures, which 8 bits would round away; correlation does not see it.
    """
    small = cv2.resize(grey.astype(np.float32), (THUMBNAIL_SIDE, THUMBNAIL_SIDE), interpolation=cv2.INTER_AREA)
    low, high = float(small.min()), float(small.max())
    return np.asarray(np.rint((small - low) * (255 / max(high - low, 1e-3))), dtype=np.uint8)


def perceptual_hashes(thumbnails: Thumbnail) -> NDArray[np.uint64]:
    """Return the hashes of N thumbnails in all eight orientations, shape (8, N), in the order of :data:`TURNS`.

    A bit is the sign of one of 8 × 8 low waves of the cosine transform (without those that are constant along an axis,
    which mostly tell the border). Mirroring flips the signs of odd waves and a turn swaps the axes, so that the other
    seven hashes need no other picture.

    Args:
        thumbnails: uint8, shape (N, H, W).
    """
    down, along = _cosines(thumbnails.shape[1]), _cosines(thumbnails.shape[2])
    strength = down @ thumbnails.astype(np.float32) @ along.T
    parity = np.where(np.arange(1, _WAVES + 1) % 2, -1, 1).astype(np.float32)
    rows = []
    for mirror in (False, True):
        turned = strength * parity if mirror else strength
        for _ in range(4):
            bits = np.packbits((turned > 0).reshape(len(turned), -1), axis=1)
            rows.append(bits.view(">u8")[:, 0].astype(np.uint64))
            turned = turned.transpose(0, 2, 1) * parity[:, None]
    return np.stack(rows)


def turned_hashes(thumbnails: Sequence[Thumbnail]) -> NDArray[np.uint64]:
    """Return :func:`perceptual_hashes` of many thumbnails, block by block."""
    starts = range(0, len(thumbnails), _BLOCK)
    blocks = [perceptual_hashes(np.stack(thumbnails[start : start + _BLOCK])) for start in starts]
    return np.concatenate(blocks, axis=1) if blocks else np.zeros((len(TURNS), 0), np.uint64)


def _cosines(side: int) -> NDArray[np.float32]:
    """Return the waves 1 to 8 of the cosine transform over ``side`` px, shape (8, side)."""
    places = (np.arange(side) + 0.5) / side
    return np.cos(np.pi * np.arange(1, _WAVES + 1)[:, None] * places).astype(np.float32)
