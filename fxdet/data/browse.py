"""Contact sheets: many radiographs on one page, with boxes and captions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fxdet.core.errors import FxdetError, OutputError
from fxdet.core.files import atomic_write
from fxdet.core.findings import Box
from fxdet.data.samples import Sample, SampleSet
from fxdet.imaging.reading import open_radiograph

Colour = tuple[int, int, int]
Picture = NDArray[np.uint8]

KIND_COLOURS: dict[str, Colour] = {"fracture": (255, 70, 60), "region": (70, 180, 255), "other": (255, 190, 40)}
"""Kind of box → colour, RGB."""

BACKGROUND, CAPTION_GROUND, CAPTION_INK = 24, 48, 235
FONT = cv2.FONT_HERSHEY_SIMPLEX
CAPTION_SCALE = 0.38
CAPTION_LINE = 15


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """One picture of a contact sheet.

    Attributes:
        pixels: Grey picture, uint8 or uint16 (H, W), or float (H, W) 0–1.
        caption: Text below the picture; a line feed starts a new line.
        boxes: Boxes in px of ``pixels`` with their colours, RGB 0–255.
    """

    pixels: NDArray[np.generic]
    caption: str = ""
    boxes: Sequence[tuple[Box, Colour]] = ()

    def __post_init__(self) -> None:
        if self.pixels.ndim != 2 or 0 in self.pixels.shape:
            raise ValueError(f"Tile.pixels: got shape {self.pixels.shape}, expected (H, W)")


def contact_sheet(pictures: Sequence[Tile], columns: int = 6, tile_size: int = 240) -> Picture:
    """Return one page with all pictures, row by row.

    Args:
        pictures: The tiles; an empty sequence gives one empty tile.
        columns: Tiles per row; a sheet with fewer pictures is narrower.
        tile_size: Side of the square that each picture is fitted into, px.

    Returns:
        The page, uint8 (H, W, 3), RGB.

    Example:
        >>> tile = Tile(np.zeros((50, 100), np.uint8), "a", [((10, 10, 40, 30), (255, 0, 0))])
        >>> contact_sheet([tile] * 3, columns=2, tile_size=100).shape
        (230, 200, 3)
    """
    if columns < 1 or tile_size < 16:
        raise ValueError(f"contact_sheet: got columns {columns}, tile_size {tile_size}, expected >= 1 and >= 16")
    lines = max((tile.caption.count("\n") + 1 for tile in pictures if tile.caption), default=0)
    columns = max(1, min(columns, len(pictures)))
    rows = max(1, -(-len(pictures) // columns))
    height = tile_size + lines * CAPTION_LINE
    page = np.full((rows * height, columns * tile_size, 3), BACKGROUND, dtype=np.uint8)
    for index, tile in enumerate(pictures):
        y, x = index // columns * height, index % columns * tile_size
        page[y : y + height, x : x + tile_size] = _drawn(tile, tile_size, height)
    return page


def _drawn(tile: Tile, side: int, height: int) -> Picture:
    """Return one tile with its caption below, uint8 (height, side, 3)."""
    canvas = np.full((height, side, 3), BACKGROUND, dtype=np.uint8)
    canvas[side:] = CAPTION_GROUND
    grey = to_eight_bit(tile.pixels)
    scale = min((side - 2) / grey.shape[1], (side - 2) / grey.shape[0])
    width, tall = (max(1, round(length * scale)) for length in (grey.shape[1], grey.shape[0]))
    small = cv2.resize(grey, (width, tall), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    x0, y0 = (side - width) // 2, (side - tall) // 2
    canvas[y0 : y0 + tall, x0 : x0 + width] = small[..., None]
    picture = np.ascontiguousarray(canvas[:side])
    for box, colour in tile.boxes:
        x1, y1, x2, y2 = (round(edge * scale) for edge in box)
        cv2.rectangle(picture, (x0 + x1, y0 + y1), (x0 + x2 - 1, y0 + y2 - 1), colour, 1 + (side >= 400))
    canvas[:side] = picture
    for number, line in enumerate(tile.caption.split("\n") if tile.caption else ()):
        _write_line(canvas, line, side + number * CAPTION_LINE + CAPTION_LINE - 4)
    return canvas


def _write_line(canvas: Picture, line: str, y: int) -> None:
    """Write one line; what does not fit is cut with two dots. OpenCV's font knows ASCII only."""
    text = line.encode("ascii", "replace").decode()
    width = canvas.shape[1] - 6
    if _text_width(text) > width:
        while text and _text_width(text + "..") > width:
            text = text[:-1]
        text += ".."
    cv2.putText(canvas, text, (3, y), FONT, CAPTION_SCALE, (CAPTION_INK,) * 3, 1, cv2.LINE_AA)


def _text_width(text: str) -> int:
    return int(cv2.getTextSize(text, FONT, CAPTION_SCALE, 1)[0][0])


def to_eight_bit(pixels: NDArray[np.generic]) -> Picture:
    """Return grey pixels as uint8; deeper than 8 bit is spread from the 0.5th to the 99.5th percentile.

    Example:
        >>> to_eight_bit(np.array([[0.0, 1.0]])).tolist()
        [[0, 255]]
    """
    if pixels.dtype == np.uint8:
        same: Picture = pixels.astype(np.uint8, copy=False)
        return same
    values: NDArray[np.float32] = pixels.astype(np.float32)
    low, high = (0.0, 1.0) if pixels.dtype.kind == "f" else np.percentile(values, (0.5, 99.5))
    spread: NDArray[np.float32] = (values - np.float32(low)) / np.float32(max(float(high - low), 1e-6))
    eight_bit: Picture = (np.clip(spread, 0, 1) * 255).round().astype(np.uint8)
    return eight_bit


def sample_tile(sample: Sample) -> Tile:
    """Return a tile of a sample with its boxes; an unreadable file gives a grey tile that says so."""
    region = "/".join(sorted(sample.regions)) or "?"
    state = {True: "fractured", False: "not fractured", None: "?"}[sample.fractured]
    caption = f"{Path(sample.name).name}\n{sample.part or '-'} | {state} | {region}"
    try:
        pixels = open_radiograph(sample.path).pixels
    except FxdetError as error:
        return Tile(np.full((64, 64), 90, dtype=np.uint8), f"{Path(sample.name).name}\n{error}")
    boxes = [(box.xyxy, KIND_COLOURS.get(box.kind, KIND_COLOURS["other"])) for box in sample.boxes or ()]
    return Tile(pixels, caption, boxes)


def sheets(samples: SampleSet, rows: int, columns: int, tile_size: int) -> Iterator[Picture]:
    """Yield pages of ``rows × columns`` samples; one page is in memory at a time."""
    for start in range(0, len(samples), rows * columns):
        tiles = [sample_tile(sample) for sample in samples.samples[start : start + rows * columns]]
        yield contact_sheet(tiles, columns, tile_size)


def write_picture(path: Path, rgb: Picture) -> None:
    """Write a picture as PNG or JPEG, by the name's ending, whole or not at all.

    Args:
        path: File name with ``.png``, ``.jpg`` or ``.jpeg``.
        rgb: Pixels, uint8 (H, W, 3), RGB.

    Raises:
        OutputError: The ending is another one, or the file can't be written.
    """
    suffix = path.suffix.lower()
    if suffix not in (".png", ".jpg", ".jpeg"):
        raise OutputError(f"can't write {path}: got ending {suffix!r}, expected .png or .jpg – change the name")
    done, data = cv2.imencode(suffix, cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    if not done:
        raise OutputError(f"can't write {path}: the picture could not be encoded – use smaller tiles")
    with atomic_write(path, "wb") as handle:
        handle.write(data.tobytes())
