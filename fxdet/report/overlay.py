"""Draw a report onto its radiograph: boxes, labels, scores, and a strip that says what it is.

All lengths follow the picture's size, so that the drawing reads the same on 400 and on 3,000 px when it is shown as
a whole. Very small pictures are enlarged first, and very large ones shrunk.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from fxdet.core.files import atomic_write
from fxdet.core.findings import DISCLAIMER, Box, Finding, Report
from fxdet.core.labels import Decision
from fxdet.core.objects import Radiograph
from fxdet.imaging.preprocess import Preprocess

Colour = tuple[int, int, int]
Place = tuple[float, float, float, float]

# Told apart by people with any colour vision (after Okabe and Ito), and by line style besides.
FRACTURE_COLOUR: Colour = (255, 94, 58)
DOUBT_COLOUR: Colour = (250, 204, 40)
REGION_COLOUR: Colour = (86, 180, 233)
STRIP_COLOUR: Colour = (24, 26, 30)
TEXT_COLOUR: Colour = (235, 235, 235)

_HEADLINES = {
    Decision.FRACTURE: ("suspected fracture", FRACTURE_COLOUR),
    Decision.DOUBT: ("in doubt", DOUBT_COLOUR),
    Decision.NONE: ("no fracture suspected", TEXT_COLOUR),
}


@dataclass(frozen=True, slots=True)
class OverlayStyle:
    """How large an overlay is and what it shows.

    Attributes:
        smallest_side: Pictures whose longer side is less are enlarged to it, px.
        smallest_width: Narrower drawings get a black margin on the right, so that the strip can be read, px.
        largest_side: Pictures whose longer side is more are shrunk to it, px.
        regions: Whether region boxes are drawn.
        heat_opacity: Opacity of the heat map where it is strongest, 0–1.
    """

    smallest_side: int = 400
    smallest_width: int = 240
    largest_side: int = 3200
    regions: bool = True
    heat_opacity: float = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Heat:
    """A heat map: float32 (S, S), 0–1, and the matrix (2, 3) from its px to radiograph px."""

    pixels: NDArray[np.float32]
    to_image: NDArray[np.float64]


def draw_overlay(
    radiograph: Radiograph, report: Report, heat: Heat | None = None, style: OverlayStyle | None = None
) -> NDArray[np.uint8]:
    """Return the overlay as RGB, shape (H', W', 3), with the strip below the picture.

    Args:
        radiograph: The radiograph as it was analysed.
        report: What was said of it.
        heat: Attention on the whole radiograph, drawn below the boxes.
        style: Sizes and choices.
    """
    style = style or OverlayStyle()
    canvas, scale = _backdrop(radiograph, style)
    if heat is not None:
        canvas = _with_heat(canvas, heat, scale, style.heat_opacity)
    missing = max(0, style.smallest_width - canvas.shape[1])
    canvas = np.pad(canvas, ((0, 0), (0, missing), (0, 0)))
    strip = _strip(report, canvas.shape[1], min(canvas.shape[1], 3 * max(canvas.shape[0], style.smallest_width)))
    picture = Image.fromarray(canvas)
    pen = _Pen(ImageDraw.Draw(picture), _measure(picture.size))
    if style.regions:
        _draw_regions(pen, report, scale)
    for finding in reversed(report.findings):  # the most probable one last, on top
        if finding.decision is not Decision.NONE:
            _draw_finding(pen, finding, scale)
    pen.flush_labels()
    return np.concatenate([np.asarray(picture), strip])


def write_overlay(path: Path, overlay: NDArray[np.uint8], quality: int = 90) -> None:
    """Write an overlay as JPEG, or as PNG where the name says so; whole or not at all.

    Raises:
        OutputError: The folder can't be written.
    """
    suffix = ".png" if path.suffix.lower() == ".png" else ".jpg"
    # Full colour resolution: thin coloured lines bleed otherwise.
    sampling = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality, *sampling]
    _, data = cv2.imencode(suffix, overlay[..., ::-1], settings if suffix == ".jpg" else [])
    with atomic_write(path, "wb", durable=False) as handle:
        handle.write(data.tobytes())


def _backdrop(radiograph: Radiograph, style: OverlayStyle) -> tuple[NDArray[np.uint8], float]:
    """Return the grey picture as RGB at drawing size, and the factor from radiograph px to it."""
    low, high = Preprocess(size=32).window(radiograph)
    height, width = radiograph.size
    longest = max(height, width)
    scale = min(style.largest_side / longest, max(1.0, style.smallest_side / longest))
    pixels = radiograph.pixels
    if scale != 1.0:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    if pixels.dtype != np.uint8 or (low, high) != (0.0, 255.0):
        unit = (pixels.astype(np.float32) - np.float32(low)) / np.float32(max(high - low, 1e-6))
        pixels = np.round(np.clip(unit, 0, 1) * 255).astype(np.uint8)
    return np.repeat(np.asarray(pixels, dtype=np.uint8)[..., None], 3, axis=2), scale


def _with_heat(canvas: NDArray[np.uint8], heat: Heat, scale: float, opacity: float) -> NDArray[np.uint8]:
    height, width = canvas.shape[:2]
    matrix = np.asarray(heat.to_image, dtype=np.float64) * scale
    # OpenCV counts from pixel centres, our matrices from pixel corners.
    matrix[:, 2] += matrix[:, :2].sum(axis=1) * 0.5 - 0.5
    values = cv2.warpAffine(np.ascontiguousarray(heat.pixels), matrix, (width, height), flags=cv2.INTER_LINEAR)
    values = np.clip(values, 0, 1)
    colours = cv2.applyColorMap(np.round(values * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    weight = (values * np.float32(opacity))[..., None]
    return np.asarray(np.round(canvas * (1 - weight) + colours * weight), dtype=np.uint8)


class _Pen:
    """Lines and labels in sizes that fit the picture; labels are placed after all boxes and avoid each other."""

    def __init__(self, draw: ImageDraw.ImageDraw, measure: int) -> None:
        self.draw = draw
        self.width = max(2, round(measure / 250))
        self.font = _font(max(12, round(measure / 40)))
        self.small_font = _font(max(11, round(measure / 50)))
        self._labels: list[tuple[Place, str, Colour, ImageFont.FreeTypeFont]] = []

    def box(self, place: Place, colour: Colour, width: int, dashed: bool = False) -> None:
        """Draw a box with a dark rim, so that it shows on bone as on background."""
        x1, y1, x2, y2 = place
        if not dashed:
            self.draw.rectangle(_grown(place, 1), outline=(0, 0, 0), width=width + 2)
            self.draw.rectangle(place, outline=colour, width=width)
            return
        for start, end in (((x1, y1), (x2, y1)), ((x2, y1), (x2, y2)), ((x2, y2), (x1, y2)), ((x1, y2), (x1, y1))):
            self._dashes(start, end, colour, width)

    def label(self, place: Place, text: str, colour: Colour, small: bool = False) -> None:
        """Remember a label for a box."""
        self._labels.append((place, text, colour, self.small_font if small else self.font))

    def flush_labels(self) -> None:
        """Draw all labels, the last remembered first: it gets the best place."""
        taken: list[Place] = []
        for place, text, colour, font in reversed(self._labels):
            spot = self._best_spot(place, text, font, taken)
            taken.append(spot)
            self.draw.rectangle(spot, fill=(0, 0, 0))
            pad = max(1, int(font.size) // 6)
            self.draw.text((spot[0] + pad, (spot[1] + spot[3]) / 2), text, fill=colour, font=font, anchor="lm")

    def _dashes(self, start: tuple[float, float], end: tuple[float, float], colour: Colour, width: int) -> None:
        length = max(abs(end[0] - start[0]), abs(end[1] - start[1]))
        count = max(1, round(length / (5 * width))) * 2 + 1  # odd: both corners are drawn
        points = np.linspace(start, end, count + 1)
        for first, second in zip(points[:-1:2], points[1::2], strict=True):
            self.draw.line([*first, *second], fill=(0, 0, 0), width=width + 2)
            self.draw.line([*first, *second], fill=colour, width=width)

    def _best_spot(self, place: Place, text: str, font: ImageFont.FreeTypeFont, taken: list[Place]) -> Place:
        """Return where the label goes: the spot at its box that hides least of other labels, then of boxes."""
        pad = max(1, int(font.size) // 6)
        width, height = self.draw.textlength(text, font=font) + 2 * pad, font.size * 1.25 + pad
        x1, y1, x2, y2 = place
        above, below, gap = y1 - self.width - height, y2 + self.width, self.width
        corners = [(x1, above), (x1, below), (x2 - width, above), (x2 - width, below)]
        corners += [(x2 - width - gap, y1 + gap), (x1 + gap, y2 - gap - height)]
        boxes = [label[0] for label in self._labels if label[3] is self.font]

        def hidden(corner: tuple[float, float]) -> float:
            spot = self._inside((*corner, corner[0] + width, corner[1] + height))
            moved = abs(spot[1] - corner[1]) * width
            return moved + sum(5 * _overlap(spot, label) for label in taken) + sum(_overlap(spot, box) for box in boxes)

        x, y = min(corners, key=hidden)
        return self._inside((x, y, x + width, y + height))

    def _inside(self, spot: Place) -> Place:
        """Return the spot moved into the picture."""
        width, height = self.draw.im.size
        left = min(max(0.0, spot[0]), max(0.0, width - 1 - (spot[2] - spot[0])))
        top = min(max(0.0, spot[1]), max(0.0, height - 1 - (spot[3] - spot[1])))
        return left, top, left + spot[2] - spot[0], top + spot[3] - spot[1]


def _measure(size: tuple[int, int]) -> int:
    """Return the length that lines and fonts follow, px: the longer side, but of a narrow picture not the whole."""
    return min(max(size), 4 * min(size))


def _draw_regions(pen: _Pen, report: Report, scale: float) -> None:
    for region in report.regions:
        place = _scaled(region.box, scale)
        pen.box(place, REGION_COLOUR, max(1, pen.width // 2))
        pen.label(place, f"{region.region} {region.region_probability:.2f}", REGION_COLOUR, small=True)


def _draw_finding(pen: _Pen, finding: Finding, scale: float) -> None:
    fracture = finding.decision is Decision.FRACTURE
    colour = FRACTURE_COLOUR if fracture else DOUBT_COLOUR
    place = _scaled(finding.box, scale)
    pen.box(place, colour, pen.width, dashed=not fracture)
    pen.label(place, f"{'fracture' if fracture else 'doubt'} {finding.probability:.2f}", colour)


def _strip(report: Report, width: int, measure: int) -> NDArray[np.uint8]:
    """Return the strip below the picture, shape (h, width, 3); its lines are broken to the picture's width."""
    size = max(11, round(measure / 36))
    headline, colour = _HEADLINES[report.decision]
    score = "" if report.image_probability is None else f" {report.image_probability:.2f}"
    region = "" if report.region is None else f" · {report.region} {report.region_probability or 0:.2f}"
    lines = [(line, colour) for line in _broken(f"{headline}{score}{region}", size, width)]
    lines += [(line, TEXT_COLOUR) for line in _broken(DISCLAIMER, round(size * 0.8), width)]
    pad = max(3, size // 3)
    heights = [round(size * 1.35) for _ in lines]
    strip = Image.new("RGB", (width, sum(heights) + 2 * pad), STRIP_COLOUR)
    draw, top = ImageDraw.Draw(strip), pad
    for (text, tint), height in zip(lines, heights, strict=True):
        font = _font(size if tint is colour and text != DISCLAIMER else round(size * 0.8))
        draw.text((pad, top + height / 2), text, fill=tint, font=font, anchor="lm")
        top += height
    return np.asarray(strip)


def _broken(text: str, size: int, width: int) -> list[str]:
    """Return the text in lines that fit ``width`` px."""
    font, lines = _font(size), [""]
    room = width - 2 * max(3, size // 3)
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _font(size: int) -> ImageFont.FreeTypeFont:
    return _font_of_thread(size, threading.get_ident())


@lru_cache(maxsize=64)
def _font_of_thread(size: int, thread: int) -> ImageFont.FreeTypeFont:
    # FreeType's faces must not be used by two threads at once.
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType; expected a scalable font")
    return font


def _scaled(box: Box, scale: float) -> Place:
    x1, y1, x2, y2 = (value * scale for value in box)
    return x1, y1, max(x2 - 1, x1), max(y2 - 1, y1)


def _grown(place: Place, by: float) -> Place:
    return place[0] - by, place[1] - by, place[2] + by, place[3] + by


def _overlap(a: Place, b: Place) -> float:
    """Return the common area of two places, px²."""
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
