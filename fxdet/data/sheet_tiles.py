"""Tiles of radiographs with everything that may be drawn on them, and pages of those tiles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from fxdet.core.errors import FxdetError
from fxdet.core.findings import Box
from fxdet.core.objects import Radiograph
from fxdet.data.browse import (
    KIND_COLOURS,
    Colour,
    Picture,
    Tile,
    contact_sheet,
    label_boxes,
    sample_caption,
    unreadable_tile,
    with_heading,
)
from fxdet.data.samples import Sample
from fxdet.data.series import Score
from fxdet.imaging.preprocess import Preprocess
from fxdet.imaging.reading import open_radiograph

WEAK_REGION: Colour = (190, 120, 255)
FINDING: Colour = (70, 230, 120)
LEGEND: Mapping[Colour, str] = {
    KIND_COLOURS["fracture"]: "fracture, labelled",
    KIND_COLOURS["region"]: "region, labelled",
    KIND_COLOURS["other"]: "other, labelled",
    WEAK_REGION: "region, weak",
    FINDING: "finding, predicted",
}
"""Colour → what a box of this colour is."""

RegionFinder = Callable[[Radiograph], Sequence[Box]]
"""Returns the weak region boxes of a radiograph, px."""


@dataclass(frozen=True, slots=True)
class SheetOptions:
    """How sheets look.

    Attributes:
        rows, columns: Tiles of a page.
        tile_size: Side of a tile, px.
        scores: Sample name → score, drawn with its findings.
        find_regions: Draws weak region boxes, or None.
        sizes: Write the sizes of picture and smallest box.
    """

    rows: int = 4
    columns: int = 6
    tile_size: int = 240
    scores: Mapping[str, Score] = field(default_factory=dict)
    find_regions: RegionFinder | None = None
    sizes: bool = False


def full_tile(sample: Sample, options: SheetOptions) -> Tile:
    """Return a tile with labelled boxes, and with weak regions, findings, score and sizes where they are asked for."""
    try:
        radiograph = open_radiograph(sample.path)
    except FxdetError as error:
        return unreadable_tile(sample, error)
    caption = sample_caption(sample)
    boxes = [] if options.find_regions is None else [(box, WEAK_REGION) for box in options.find_regions(radiograph)]
    if options.scores:
        score = options.scores.get(sample.name)
        boxes += [(box, FINDING) for box in score.boxes] if score else []
        caption += f"\n{_score_line(score)}"
    if options.sizes:
        caption += f"\n{_size_line(sample, radiograph)}"
    return Tile(shown_pixels(radiograph), caption, [*boxes, *label_boxes(sample)])


def shown_pixels(radiograph: Radiograph) -> Picture:
    """Return 8-bit pixels as the networks see them, so that a 16-bit file's window counts."""
    unit = Preprocess(size=1).grey(radiograph) * 255
    pixels: Picture = unit.round().astype("uint8")
    return pixels


def _score_line(score: Score | None) -> str:
    if score is None or score.image is None:
        return "no score"
    return f"picture {score.image:.2f} · best finding {score.finding:.2f}"


def _size_line(sample: Sample, radiograph: Radiograph) -> str:
    height, width = radiograph.size
    sides = [(x2 - x1, y2 - y1) for x1, y1, x2, y2 in (box.xyxy for box in sample.boxes or ())]
    smallest = min(sides, key=lambda side: side[0] * side[1], default=None)
    box = f" · box {smallest[0]:.0f} × {smallest[1]:.0f}" if smallest else ""
    return f"{width} × {height} px{box}"


def pages(samples: Sequence[Sample], title: str, options: SheetOptions) -> Iterator[Picture]:
    """Yield pages of a series; one page is in memory at a time.

    Args:
        samples: The samples in their order.
        title: What the series is; the page's number is added.
        options: How the sheets look.
    """
    size = options.rows * options.columns
    total = -(-len(samples) // size)
    for number, start in enumerate(range(0, len(samples), size), start=1):
        tiles = [full_tile(sample, options) for sample in samples[start : start + size]]
        page = contact_sheet(_levelled(tiles), options.columns, options.tile_size)
        yield with_heading(page, f"{title} · page {number} of {total}", legend_of(tiles))


def _levelled(tiles: Sequence[Tile]) -> list[Tile]:
    """Return the tiles with captions of equally many lines, so that an unreadable one lines up."""
    lines = max(tile.caption.count("\n") for tile in tiles)
    return [replace(tile, caption=tile.caption + "\n" * (lines - tile.caption.count("\n"))) for tile in tiles]


def legend_of(tiles: Sequence[Tile]) -> dict[str, Colour]:
    """Return the meaning of the colours that occur."""
    met = {colour for tile in tiles for _, colour in tile.boxes}
    return {name: colour for colour, name in LEGEND.items() if colour in met}
