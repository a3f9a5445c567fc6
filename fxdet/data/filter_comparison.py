"""The comparison of filters over a set: PSNR and SSIM of each against the resized original, and a picture strip."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image
from scipy import stats

from fxdet.core.errors import ConfigError, ReadError, did_you_mean
from fxdet.core.files import write_json, write_text
from fxdet.data.browse import Tile, contact_sheet, to_eight_bit, write_picture
from fxdet.data.filters import FILTERS, MEANINGS, Pixels, apply_filter
from fxdet.data.picture_quality import WINDOW_SIDE, psnr, psnr_with_wraparound, ssim
from fxdet.data.samples import Sample
from fxdet.imaging.reading import open_radiograph

Order = Literal["filter-first", "resize-first"]

SUMMARY_JSON, SUMMARY_CSV, PICTURES_CSV, STRIP = "filters.json", "filters.csv", "pictures.csv", "strip.png"
"""Names of the files that a comparison writes."""

STRIP_TILE = 224


@dataclass(frozen=True, slots=True)
class ComparisonOptions:
    """How filters are compared.

    Attributes:
        names: Filters, of :data:`fxdet.data.filters.FILTERS`.
        size: Side of the square that pictures are resized to, px; proportions are not kept, as in the report.
        order: ``filter-first`` as the published script does it, or ``resize-first``.
        jpeg_quality: Both pictures go through a JPEG of this quality before they are compared, as the published
            script's do (75, by Pillow's default and the file names' ending); None leaves that out.
    """

    names: tuple[str, ...] = tuple(FILTERS)
    size: int = 224
    order: Order = "filter-first"
    jpeg_quality: int | None = None

    def __post_init__(self) -> None:
        for name in self.names:
            if name not in FILTERS:
                raise ConfigError(f"filter {name!r} is unknown{did_you_mean(name, FILTERS)}")
        if self.size < WINDOW_SIDE:
            raise ConfigError(f"size: got {self.size}, expected at least {WINDOW_SIDE} px – pass a larger one")
        if self.order not in ("filter-first", "resize-first"):
            raise ConfigError(f"order: got {self.order!r}, expected filter-first or resize-first")
        if self.jpeg_quality is not None and not 1 <= self.jpeg_quality <= 100:
            raise ConfigError(f"jpeg_quality: got {self.jpeg_quality}, expected 1 to 100")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One picture under one filter; PSNR in dB, ∞ where the filter changed nothing.

    Attributes:
        name: Name of the picture within its set.
        filter: Name of the filter.
        psnr: Peak signal-to-noise ratio, dB.
        psnr_wraparound: The same with the published script's arithmetic, dB.
        ssim: Structural similarity, −1 to 1.
    """

    name: str
    filter: str
    psnr: float
    psnr_wraparound: float
    ssim: float


@dataclass(frozen=True, slots=True)
class MeanInterval:
    """A mean with its 95 % interval (Student's t over pictures); None where no value, or a single one, is finite.

    Attributes:
        mean: Mean of the finite values.
        low: Lower end.
        high: Upper end.
        infinite: Values left out because they are infinite: the pictures are equal.
    """

    mean: float | None
    low: float | None
    high: float | None
    infinite: int = 0


@dataclass(frozen=True, slots=True)
class FilterSummary:
    """Means of one filter over the set.

    Attributes:
        filter: Name of the filter.
        parameters: Its parameters in words.
        pictures: Number of pictures.
        psnr: PSNR, dB.
        psnr_wraparound: PSNR as the published script computes it, dB.
        ssim: Structural similarity.
    """

    filter: str
    parameters: str
    pictures: int
    psnr: MeanInterval
    psnr_wraparound: MeanInterval
    ssim: MeanInterval


def resized(pixels: Pixels, size: int) -> Pixels:
    """Return the picture at size × size px by Pillow's bicubic resize, as ``Image.resize`` does it by default."""
    return np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC), dtype=np.uint8)


def filtered_pair(pixels: Pixels, name: str, options: ComparisonOptions) -> tuple[Pixels, Pixels]:
    """Return the resized original and the filtered picture, both uint8 (size, size)."""
    original = resized(pixels, options.size)
    if options.order == "filter-first":
        changed = resized(apply_filter(name, pixels), options.size)
    else:
        changed = apply_filter(name, original)
    return _through_jpeg(original, options), _through_jpeg(changed, options)


def _through_jpeg(pixels: Pixels, options: ComparisonOptions) -> Pixels:
    if options.jpeg_quality is None:
        return pixels
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="JPEG", quality=options.jpeg_quality)
    return np.asarray(Image.open(file), dtype=np.uint8)


def compare(pixels: Pixels, options: ComparisonOptions, source: str = "") -> list[Comparison]:
    """Return one row for each filter.

    Args:
        pixels: Grey picture, uint8 (H, W).
        options: Which filters, and how.
        source: Name for the rows.

    Example:
        >>> flat = np.full((32, 32), 90, np.uint8)
        >>> row = compare(flat, ComparisonOptions(("median",), size=16))[0]
        >>> row.psnr, row.ssim
        (inf, 1.0)
    """
    rows = []
    for name in options.names:
        first, second = filtered_pair(pixels, name, options)
        values = psnr(first, second), psnr_with_wraparound(first, second), ssim(first, second)
        rows.append(Comparison(source, name, *values))
    return rows


def compare_samples(samples: Iterable[Sample], options: ComparisonOptions) -> Iterator[list[Comparison] | ReadError]:
    """Yield the rows of each picture, or why it can't be read."""
    for sample in samples:
        try:
            pixels = to_eight_bit(open_radiograph(sample.path).pixels)
        except ReadError as error:
            yield error
        else:
            yield compare(pixels, options, sample.name)


def summarise(rows: Sequence[Comparison]) -> tuple[FilterSummary, ...]:
    """Return the means and intervals of each filter, in the order of first appearance."""
    summaries = []
    for name in dict.fromkeys(row.filter for row in rows):
        own = [row for row in rows if row.filter == name]
        measures = [mean_interval([getattr(row, key) for row in own]) for key in ("psnr", "psnr_wraparound", "ssim")]
        summaries.append(FilterSummary(name, MEANINGS[name], len(own), *measures))
    return tuple(summaries)


def mean_interval(values: Sequence[float]) -> MeanInterval:
    """Return mean and 95 % interval of the finite values.

    Example:
        >>> found = mean_interval([1.0, 2.0, 3.0, math.inf])
        >>> found.mean, round(found.low, 3), round(found.high, 3), found.infinite
        (2.0, -0.484, 4.484, 1)
    """
    finite = np.array([value for value in values if math.isfinite(value)])
    infinite = len(values) - len(finite)
    if not len(finite):
        return MeanInterval(None, None, None, infinite)
    mean = float(finite.mean())
    if len(finite) == 1:
        return MeanInterval(mean, None, None, infinite)
    half = float(stats.t.ppf(0.975, len(finite) - 1) * finite.std(ddof=1) / math.sqrt(len(finite)))
    return MeanInterval(mean, mean - half, mean + half, infinite)


def strip(samples: Sequence[Sample], options: ComparisonOptions) -> Pixels:
    """Return a page with a row for each picture: the resized original, then each filter with its figures.

    Args:
        samples: Pictures; unreadable ones are left out.
        options: Which filters, and how.

    Returns:
        The page, uint8 (H, W, 3), RGB.
    """
    tiles: list[Tile] = []
    for sample in samples:
        try:
            pixels = to_eight_bit(open_radiograph(sample.path).pixels)
        except ReadError:
            continue
        tiles.append(Tile(resized(pixels, options.size), f"original\n{Path(sample.name).name}"))
        for name in options.names:
            row = compare(pixels, replace(options, names=(name,)))[0]
            changed = filtered_pair(pixels, name, options)[1]
            tiles.append(Tile(changed, f"{name}\nPSNR {row.psnr:.1f} dB, SSIM {row.ssim:.3f}"))
    return contact_sheet(tiles, columns=1 + len(options.names), tile_size=STRIP_TILE + 2)


@dataclass(frozen=True, slots=True)
class ComparisonResult:
    """All of a comparison.

    Attributes:
        set_name: Name of the set.
        options: How it was done.
        rows: One for each picture and filter.
        summaries: One for each filter.
        unreadable: What could not be read, and why.
    """

    set_name: str
    options: ComparisonOptions
    rows: tuple[Comparison, ...]
    summaries: tuple[FilterSummary, ...]
    unreadable: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return set, options, means and what could not be read as plain JSON values."""
        data = asdict(self)
        return {key: data[key] for key in ("set_name", "options", "summaries", "unreadable")}


def write_comparison(result: ComparisonResult, page: Pixels, folder: Path) -> None:
    """Write means (JSON, CSV), the rows of each picture (CSV) and the strip (PNG).

    Raises:
        OutputError: The folder can't be written.
    """
    write_json(folder / SUMMARY_JSON, result.to_json())
    write_text(folder / SUMMARY_CSV, _summary_csv(result.summaries))
    write_text(folder / PICTURES_CSV, _rows_csv(result.rows))
    write_picture(folder / STRIP, page)


def _summary_csv(summaries: Sequence[FilterSummary]) -> str:
    measures = ("psnr", "psnr_wraparound", "ssim")
    heads = [f"{measure}{end}" for measure in measures for end in ("", "_low", "_high", "_infinite")]
    rows: list[Sequence[object]] = [["filter", "parameters", "pictures", *heads]]
    for summary in summaries:
        cells: list[object] = [summary.filter, summary.parameters, summary.pictures]
        for measure in measures:
            found: MeanInterval = getattr(summary, measure)
            cells += [*(_number(value) for value in (found.mean, found.low, found.high)), found.infinite]
        rows.append(cells)
    return _csv(rows)


def _rows_csv(rows: Sequence[Comparison]) -> str:
    measures = ("psnr", "psnr_wraparound", "ssim")
    cells = ([row.name, row.filter, *(_number(getattr(row, measure)) for measure in measures)] for row in rows)
    return _csv([["name", "filter", *measures], *cells])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _csv(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "backslashreplace").decode("utf-8")
