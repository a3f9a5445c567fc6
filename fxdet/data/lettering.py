"""Text on contact sheets: one line, cut where it does not fit."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

LINE = 15
"""Height of a line of a caption, px."""

SIZE = 11
MARGIN = 4
BETWEEN = " · "
"""Stands between the facts of a line."""

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@lru_cache(maxsize=1)
def _font() -> Font:
    # Pillow's own font lacks umlauts and accents, which file names have; matplotlib brings one that has them. Its
    # folder is looked up without importing it.
    found = find_spec("matplotlib")
    for folder in found.submodule_search_locations or () if found else ():
        file = Path(folder) / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
        if file.is_file():
            return ImageFont.truetype(str(file), SIZE)
    return ImageFont.load_default(SIZE)


def text_width(text: str) -> int:
    """Return how wide a line is, px."""
    return int(np.ceil(_font().getlength(_printable(text))))


def text_picture(text: str, width: int, height: int, ink: int, ground: int) -> NDArray[np.uint8]:
    """Return one line of text, uint8 (height, width, 3).

    Args:
        text: What is written; a name that is too long loses its middle, so that its number and ending stay.
        width: Width, px.
        height: Height, px.
        ink: Grey of the letters, 0–255.
        ground: Grey of the ground, 0–255.

    Example:
        >>> text_picture("IMG0000019.jpg", 120, LINE, 235, 48).shape
        (15, 120, 3)
    """
    strip = Image.new("L", (width, height), ground)
    fitted = shortened(_printable(text), width - 2 * MARGIN)
    ImageDraw.Draw(strip).text((MARGIN, height / 2), fitted, fill=ink, font=_font(), anchor="lm")
    return np.repeat(np.asarray(strip, dtype=np.uint8)[..., None], 3, axis=2)


def shortened(text: str, room: int) -> str:
    """Return the text, with dots where it is wider than ``room`` px: a name in its middle, a list at its end."""
    if text_width(text) <= room:
        return text
    low, high = 0, len(text)
    while low < high:  # the most characters that fit
        kept = (low + high + 1) // 2
        low, high = (kept, high) if text_width(_cut(text, kept)) <= room else (low, kept - 1)
    return _cut(text, low)


def _cut(text: str, kept: int) -> str:
    head = kept if BETWEEN in text else (kept + 1) // 2
    return f"{text[:head]}…{text[len(text) - kept + head :]}" if kept else ""


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)
