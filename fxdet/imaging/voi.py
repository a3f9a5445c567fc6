"""From stored DICOM values to grey: modality LUT → VOI LUT or window → MONOCHROME1, and padding to black.

Three outcomes: 8-bit files become uint8, files with a window or VOI LUT become uint16 over the full range, and deeper
files without one keep their values (raised to start at 0) for the preprocess's percentile window.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Grey = tuple[NDArray[Any], int, tuple[float, float] | None, tuple[str, ...]]


def grey_values(dataset: Any, stored: NDArray[Any]) -> Grey:
    """Return pixels, bone bright; their significant bits; their window; and what was noticed.

    Args:
        dataset: A pydicom data set, of which only header elements are read.
        stored: Stored values of one frame, shape (H, W), any integer dtype.
    """
    depth = int(dataset.get("BitsStored", stored.dtype.itemsize * 8))
    share, notes = voi_share(dataset, modality_values(dataset, stored))
    if share is not None and share.min() == share.max() and stored.min() != stored.max():
        share, notes = None, (*notes, "VOI window makes the picture one grey: not applied")
    window: tuple[float, float] | None = None
    if share is None:
        pixels, bits = _unwindowed(dataset, stored)
    else:
        bits = 8 if depth <= 8 else 16
        white = 2**bits - 1
        pixels = np.rint(share * white).astype(np.uint8 if bits == 8 else np.uint16)
        window = None if bits == 8 else (white / 2, float(white))
    if str(dataset.get("PhotometricInterpretation", "")).strip().upper() == "MONOCHROME1":
        pixels = (2**bits - 1 - pixels.astype(np.int32)).astype(pixels.dtype)
    padding = padding_mask(dataset, stored)
    if padding is not None:
        pixels[padding] = 0
    return pixels, bits, window, notes


def modality_values(dataset: Any, stored: NDArray[Any]) -> Floats:
    """Apply the modality LUT or the rescale; float64, shape (H, W)."""
    lut = _first_lut(dataset, "ModalityLUTSequence")
    if lut is not None and not _is_intensity_lut(dataset):
        return _look_up(lut, stored)[0]
    if lut is None and dataset.get("RescaleSlope") is not None:
        return stored * float(dataset.RescaleSlope) + float(dataset.get("RescaleIntercept") or 0)
    return stored.astype(np.float64)


def _is_intensity_lut(dataset: Any) -> bool:
    """Tell whether the LUT leads back to beam intensity, as in XA and RF: it is for measuring, not for display."""
    relationship = str(dataset.get("PixelIntensityRelationship") or "").strip().upper()
    return str(dataset.get("Modality") or "") in ("XA", "RF") and relationship in ("LOG", "DISP")


def voi_share(dataset: Any, values: Floats) -> tuple[Floats | None, tuple[str, ...]]:
    """Apply the first VOI LUT, else the first window; None where the file has neither.

    Returns:
        Display values 0–1, shape (H, W), or None; and what was noticed.
    """
    lut = _first_lut(dataset, "VOILUTSequence")
    if lut is not None:
        output, white = _look_up(lut, values)
        return output / white, ()
    centre, width = _first(dataset.get("WindowCenter")), _first(dataset.get("WindowWidth"))
    if centre is None or width is None:
        return None, ()
    function = str(dataset.get("VOILUTFunction") or "LINEAR").strip().upper()
    if not width >= (1 if function == "LINEAR" else 1e-9):
        return None, (f"VOI window of width {width:g} is not allowed: not applied",)
    return window_share(values, centre, width, function), ()


def window_share(values: Floats, centre: float, width: float, function: str = "LINEAR") -> Floats:
    """Map a window to 0–1 as DICOM PS3.3 C.11.2.1 defines it (LINEAR, LINEAR_EXACT or SIGMOID).

    Example:
        >>> window_share(np.array([0.0, 2.0, 4.0]), 2.5, 5).tolist()
        [0.0, 0.5, 1.0]
    """
    if function == "SIGMOID":
        return np.asarray(1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -700, 700))))
    if function == "LINEAR_EXACT":
        return np.clip((values - centre) / width + 0.5, 0, 1)
    if width == 1:
        return (values > centre - 0.5).astype(np.float64)
    return np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)


def padding_mask(dataset: Any, stored: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Return where the file says that no picture is, shape (H, W), or None."""
    low = _first(dataset.get("PixelPaddingValue"))
    if low is None:
        return None
    high = _first(dataset.get("PixelPaddingRangeLimit"))
    low, high = sorted((int(low), int(low if high is None else high)))
    if stored.dtype.kind == "i" and low > np.iinfo(stored.dtype).max:  # written as unsigned in a signed file
        low, high = low - 2 ** (8 * stored.dtype.itemsize), high - 2 ** (8 * stored.dtype.itemsize)
    return np.asarray((stored >= low) & (stored <= high))


def _unwindowed(dataset: Any, stored: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """Return the values without a window, from 0 on, as uint8 or uint16, and their bits.

    A modality LUT is applied; a linear rescale only matters by its sign, so that no precision is lost.
    """
    if _first_lut(dataset, "ModalityLUTSequence") is not None and not _is_intensity_lut(dataset):
        values = modality_values(dataset, stored)
        bits = min(16, max(1, int(values.max()).bit_length()))
        return _fit(values.astype(np.int64), bits), bits
    bits = int(dataset.get("BitsStored", stored.dtype.itemsize * 8))
    raised = stored.astype(np.int64) + (2 ** (bits - 1) if stored.dtype.kind == "i" else 0)
    if bits > 16:
        raised, bits = raised >> (bits - 16), 16
    if float(dataset.get("RescaleSlope") or 1) < 0:
        raised = 2**bits - 1 - raised
    return _fit(raised, bits), bits


def _fit(values: NDArray[np.int64], bits: int) -> NDArray[Any]:
    return np.clip(values, 0, 2**bits - 1).astype(np.uint8 if bits <= 8 else np.uint16)


def _first_lut(dataset: Any, sequence: str) -> Any:
    items = dataset.get(sequence)
    return items[0] if items and "LUTDescriptor" in items[0] and "LUTData" in items[0] else None


def _look_up(lut: Any, values: NDArray[Any]) -> tuple[Floats, float]:
    """Return the LUT's outputs for ``values``, float64, and the value that is white.

    White follows from the data and not from the descriptor's third value: many files say 16 there and fill 12 bits.
    """
    count, first, _ = (int(value) for value in lut.LUTDescriptor)
    if values.dtype.kind != "u" and values.min() < 0 and first > 0x7FFF:
        first -= 0x10000  # the descriptor's second value is signed when the values are
    table = _lut_table(lut.LUTData, count or 0x10000)
    index = np.clip(np.rint(values).astype(np.int64) - first, 0, len(table) - 1)
    return table[index], float(2 ** max(1, int(table.max()).bit_length()) - 1)


def _lut_table(data: Any, count: int) -> Floats:
    """Return the entries; they come as numbers, or as bytes of one or two per entry (little endian)."""
    if isinstance(data, bytes):
        wide = len(data) >= 2 * count
        data = np.frombuffer(data[: 2 * count if wide else count], "<u2" if wide else np.uint8)
    table = np.atleast_1d(np.asarray(data, dtype=np.float64))[:count]
    if table.size == 0:
        raise ValueError("got an empty LUT")
    return np.asarray(table)


def _first(value: Any) -> float | None:
    """Return the first of one or several numbers, None where there is none."""
    if value is None or value == "":
        return None
    items = [value] if isinstance(value, (int, float, str)) or not hasattr(value, "__getitem__") else list(value)
    return float(items[0]) if items and items[0] is not None else None
