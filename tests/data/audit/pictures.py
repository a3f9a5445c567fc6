"""Builders of fingerprints and files that the tests of the audit's search share."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fxdet.data.audit.fingerprints import Fingerprint, fingerprint_bytes
from fxdet.data.audit.results import AuditedFile
from fxdet.imaging.synthetic import DrawingOptions, draw_set

Picture = NDArray[np.uint8]


def drawn_pictures(count: int, size: tuple[int, int] = (180, 150), seed: int = 8) -> list[Picture]:
    options = DrawingOptions(size=size)
    return [drawn.pixels for drawn in draw_set(np.random.default_rng(seed), count, options)]


def encoded(pixels: Picture, kind: str = "PNG", quality: int = 90) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **({"quality": quality} if kind == "JPEG" else {}))
    return buffer.getvalue()


def printed(pixels: Picture, kind: str = "PNG", quality: int = 90) -> Fingerprint:
    return fingerprint_bytes(encoded(pixels, kind, quality), Path(f"drawn.{kind.lower()}"))


def rotated(pixels: Picture, angle: float) -> Picture:
    """Rotate anticlockwise about the middle on a canvas that is large enough; the corners are black."""
    height, width = pixels.shape
    side = int(np.ceil(np.hypot(height, width)))
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1.0)
    matrix[:, 2] += (side - width) / 2, (side - height) / 2
    return np.asarray(cv2.warpAffine(pixels, matrix, (side, side)))


def audited(
    parts: Sequence[str], fractured: Sequence[bool | None] = (), names: Sequence[str] = ()
) -> list[AuditedFile]:
    """Files of ``set/part``; labels and names where given."""
    rows = []
    for index, part in enumerate(parts):
        set_name, kind = part.split("/")
        name = names[index] if names else f"{kind}/{index}.png"
        label = fractured[index] if fractured else None
        rows.append(AuditedFile(set_name, name, f"/{set_name}/{name}", None if kind == "-" else kind, label))
    return rows
