"""PSNR of the filters on the test pictures of a paper's row, rightly and as a published script computes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from fxdet.core.errors import ConfigError, DataError, ReadError
from fxdet.core.files import write_json
from fxdet.data.filter_comparison import Comparison, ComparisonOptions, FilterSummary, compare_samples, summarise
from fxdet.data.samples import Sample
from fxdet.training.items import OpenedSource, open_source
from fxdet.training.paper_config import PaperRow
from fxdet.training.scores import distinct_pictures

FILTER_PSNR = "filter_psnr.json"
"""Name of the file with the PSNR of the filters."""

PROTOCOL, PART = "as-published", "test"

COMPARED = (ComparisonOptions(), ComparisonOptions(jpeg_quality=75))
"""Pictures as they are, and through the JPEG files that the published script compares."""


def write_filter_psnr(row: PaperRow, folder: Path) -> Path:
    """Measure the filters on the published test part of a row; return the file.

    Args:
        row: The row; its set, its published protocol and its labels say which pictures.
        folder: Where the file goes.

    Raises:
        ConfigError: The row has no published protocol.
        DataError: The set can't be read, or the part has no labelled picture.
    """
    source = _opened(row)
    found = distinct_pictures(source.part((PART,)), row.head, row.heads[row.head])
    samples = [sample for sample, _, _ in found]
    if not samples:
        what = f"part '{PART}' has no picture with a {row.head} label"
        raise DataError(f"{source.stamp.split}: {what} – take another split list")
    compared = [_compared(samples, options) for options in COMPARED]
    data = {
        "schema": 1,
        "split": {"split": source.stamp.split, "sha256": source.stamp.sha256, "part": PART},
        "pictures": len(samples) - compared[0]["unreadable"],
        "unreadable": compared[0]["unreadable"],
        "compared": compared,
    }
    write_json(folder / FILTER_PSNR, data)
    return folder / FILTER_PSNR


def _opened(row: PaperRow) -> OpenedSource:
    protocol = row.protocols.get(PROTOCOL)
    if protocol is None:
        known = ", ".join(row.protocols)
        raise ConfigError(f"--psnr – row '{row.row}' has no protocol '{PROTOCOL}', got {known} – name another --row")
    return open_source(replace(row.sources[0], split=protocol.split, allow_leak=protocol.allow_leak))


def _compared(samples: Sequence[Sample], options: ComparisonOptions) -> dict[str, Any]:
    rows: list[Comparison] = []
    unreadable = 0
    bar = tqdm(compare_samples(samples, options), total=len(samples), unit="img", disable=None, leave=False)
    for found in bar:
        if isinstance(found, ReadError):
            unreadable += 1
        else:
            rows.extend(found)
    filters = [_summary_json(summary) for summary in summarise(rows)]
    about = {"size": options.size, "order": options.order, "jpeg_quality": options.jpeg_quality}
    return {**about, "unreadable": unreadable, "filters": filters}


def _summary_json(summary: FilterSummary) -> dict[str, Any]:
    measures = {}
    for name in ("psnr", "psnr_wraparound", "ssim"):
        found = getattr(summary, name)
        limits = [None if value is None else round(value, 4) for value in (found.mean, found.low, found.high)]
        measures[name] = {"mean": limits[0], "interval": limits[1:], "infinite": found.infinite}
    return {"filter": summary.filter, "parameters": summary.parameters, "pictures": summary.pictures, **measures}
