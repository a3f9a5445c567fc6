"""Contact sheets: many radiographs on one page, with boxes, captions, a heading and a legend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fxdet.core.errors import FxdetError, OutputError
from fxdet.core.files import atomic_write
from fxdet.core.findings import Box
from fxdet.data.lettering import BETWEEN, LINE, text_picture, text_width
from fxdet.data.samples import Sample, SampleSet
from fxdet.data.summary import region_name
from fxdet.imaging.reading import open_radiograph

Colour = tuple[int, int, int]
Picture = NDArray[np.uint8]

KIND_COLOURS: dict[str, Colour] = {"fracture": (255, 70, 60), "region": (70, 180, 255), "other": (255, 190, 40)}
"""Kind of box → colour, RGB."""

BACKGROUND, CAPTION_GROUND, CAPTION_INK = 24, 48, 235
HEADING_GROUND, HEADING_LINE = 10, 20


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
    height = tile_size + lines * LINE
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
        top = side + number * LINE
        canvas[top : top + LINE] = text_picture(line, side, LINE, CAPTION_INK, CAPTION_GROUND)
    return canvas


def with_heading(page: Picture, title: str, legend: Mapping[str, Colour] | None = None) -> Picture:
    """Return the page below a heading: the title, and what the colours of the boxes mean.

    Args:
        page: The page, uint8 (H, W, 3), RGB.
        title: One line; what does not fit is cut.
        legend: Meaning → colour of the boxes; it stands beside the title where there is room, else below it.

    Example:
        >>> with_heading(np.zeros((100, 300, 3), np.uint8), "a set", {"fracture": (255, 70, 60)}).shape
        (120, 300, 3)
    """
    width, names = page.shape[1], dict(legend or {})
    room = sum(text_width(name) + 26 for name in names)
    beside = text_width(title) + room + 20 <= width
    bands = [text_picture(title, width, HEADING_LINE, CAPTION_INK, HEADING_GROUND)]
    if names and not beside:
        bands.append(np.full((HEADING_LINE, width, 3), HEADING_GROUND, dtype=np.uint8))
    x = width - room if beside else 4
    for name, colour in names.items():
        cv2.rectangle(bands[-1], (x, 5), (x + 10, 14), colour, 2)
        label = text_picture(name, text_width(name) + 8, HEADING_LINE, CAPTION_INK, HEADING_GROUND)
        shown = max(0, min(label.shape[1], width - x - 14))
        bands[-1][:, x + 14 : x + 14 + shown] = label[:, :shown]
        x += text_width(name) + 26
    return np.concatenate([*bands, page])


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
    try:
        pixels = open_radiograph(sample.path).pixels
    except FxdetError as error:
        return unreadable_tile(sample, error)
    return Tile(pixels, sample_caption(sample), label_boxes(sample))


def sample_caption(sample: Sample) -> str:
    """Return two lines: the file's name; part, label and region as far as they are known."""
    state = {True: "fractured", False: "not fractured", None: ""}[sample.fractured]
    facts = [sample.part, state, region_name(sample.regions) if sample.regions else ""]
    return f"{Path(sample.name).name}\n{BETWEEN.join(filter(None, facts)) or 'no labels'}"


def label_boxes(sample: Sample) -> list[tuple[Box, Colour]]:
    """Return the labelled boxes in the colours of their kinds."""
    return [(box.xyxy, KIND_COLOURS.get(box.kind, KIND_COLOURS["other"])) for box in sample.boxes or ()]


def unreadable_tile(sample: Sample, error: FxdetError) -> Tile:
    """Return a grey tile with the reason below it."""
    reason = str(error).replace(str(sample.path), "").removeprefix("can't read ").lstrip(": ")
    return Tile(np.full((64, 64), 90, dtype=np.uint8), f"{Path(sample.name).name}\nunreadable: {reason}")


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
    # JPEG's usual halved colours would wash thin lines out.
    fine = [cv2.IMWRITE_JPEG_QUALITY, 92, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    settings = [] if suffix == ".png" else fine
    done, data = cv2.imencode(suffix, cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), settings)
    if not done:
        raise OutputError(f"can't write {path}: the picture could not be encoded – use smaller tiles")
    with atomic_write(path, "wb") as handle:
        handle.write(data.tobytes())
