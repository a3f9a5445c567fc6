"""PSNR of the enhancement filters on a paper's test pictures, rightly and as its script computes it."""

from __future__ import annotations

from fxdet.pages.sources import NOT_MEASURED, NOTHING_RUN, Record, Repository, table
from fxdet.training.paper_psnr import FILTER_PSNR


def psnr_table(repository: Repository, paper: str) -> str:
    """Return the mean PSNR and SSIM of each filter against the resized original, with their 95 % intervals."""
    lines: list[tuple[str, ...]] = []
    for record in repository.records(f"papers/{paper}/{FILTER_PSNR}").values():
        for compared in record["compared"]:
            quality = compared["jpeg_quality"]
            compressed = "as they are" if quality is None else f"through JPEG {quality}"
            lines += [(found["filter"], compressed, *_cells(found)) for found in compared["filters"]]
    head = ("filter", "pictures", "n", "PSNR, dB (95 %)", "– in bytes that wrap around, dB", "SSIM (95 %)")
    return table(head, lines) if lines else NOTHING_RUN


def _cells(found: Record) -> tuple[str, ...]:
    rightly, wrapped = (_mean(found[name], 2) for name in ("psnr", "psnr_wraparound"))
    return (f"{found['pictures']:,}", rightly, wrapped, _mean(found["ssim"], 3))


def _mean(found: Record, digits: int) -> str:
    if found["mean"] is None:
        return NOT_MEASURED
    known = [f"{value:.{digits}f}" for value in found["interval"] if value is not None]
    return f"{found['mean']:.{digits}f} ({'–'.join(known) or NOT_MEASURED})"
