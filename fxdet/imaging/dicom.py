"""Decode DICOM radiographs: modality LUT, then VOI LUT, then MONOCHROME1; spacing, view and UIDs, no identity.

Projection radiography is read: CR, DX, RG, RF, XA (and, with a remark, MG, IO, PX, and secondary captures that do not
say what they show). Everything else, such as CT, MR or US, is refused as not a radiograph.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from fxdet.core.errors import ReadError
from fxdet.core.files import sha256_bytes
from fxdet.core.objects import Radiograph
from fxdet.imaging.pixels import TRUNCATED, check_pixel_count
from fxdet.imaging.silence import silent_decoder
from fxdet.imaging.voi import grey_values

RADIOGRAPHY = frozenset({"CR", "DX", "RG", "RF", "XA"})
"""Modalities of projection radiography."""

OTHER_PROJECTIONS = {"MG": "a mammogram", "IO": "an intra-oral radiograph", "PX": "a panoramic dental radiograph"}
"""Projections too, but not of what the models know."""

FLUOROSCOPY = frozenset({"RF", "XA"})
"""Often stored with bone dark, and nothing in the file tells."""

UNSTATED = frozenset({"", "OT", "SC"})
"""Digitised films and screen captures come with these."""


def decode_dicom(data: bytes, source: str) -> Radiograph:
    """Decode the bytes of a DICOM file.

    Raises:
        ReadError: It is broken, too large, or no grey projection radiograph; the message does not name ``source``.
    """
    with silent_decoder():
        try:
            return _decode(data, source)
        except ReadError:
            raise
        # pydicom and its decoders raise whatever a damaged file makes them stumble over, from AttributeError to
        # struct.error and zlib.error; here they all mean the same.
        except Exception as error:
            raise ReadError(f"broken DICOM: {_one_line(error)} – get the file anew") from error


def _decode(data: bytes, source: str) -> Radiograph:
    dataset = _parse(data)
    warnings = _check_header(dataset)
    stored, missing = _stored_pixels(dataset)
    pixels, bits, window, notes = grey_values(dataset, stored)
    if missing:
        pixels.ravel()[-missing:] = 0
        notes = (TRUNCATED, *notes)
    spacing, spacing_kind = _spacing(dataset)
    return Radiograph(
        pixels,
        source,
        sha256_bytes(data),
        bits=bits,
        window=window,
        spacing_mm=spacing,
        spacing_kind=spacing_kind,
        view=_code(dataset, "ViewPosition"),
        laterality=_code(dataset, "ImageLaterality") or _code(dataset, "Laterality"),
        body_part=_code(dataset, "BodyPartExamined"),
        dicom=_references(dataset, *pixels.shape),
        warnings=(*warnings, *notes),
    )


def _parse(data: bytes) -> Dataset:
    """Parse, and fill in the transfer syntax where the file does not state it."""
    dataset = dcmread(BytesIO(data), force=True)
    meta = getattr(dataset, "file_meta", None)
    if meta is None:
        meta = dataset.file_meta = FileMetaDataset()
    if "TransferSyntaxUID" not in meta:
        implicit, little = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return dataset


def _check_header(dataset: Dataset) -> tuple[str, ...]:
    """Refuse what is no grey projection radiograph of a sane size; return the remarks."""
    modality = _code(dataset, "Modality") or ""
    if modality not in RADIOGRAPHY | OTHER_PROJECTIONS.keys() | UNSTATED:
        raise ReadError(f"not a radiograph: got DICOM modality {modality}, expected CR, DX, RG, RF or XA")
    if not any(name in dataset for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        kind = UID(str(dataset.get("SOPClassUID", ""))).name or "DICOM data set"
        raise ReadError(f"not a radiograph: a DICOM file without pixels, or cut off before them ({kind})")
    rows, columns = dataset.get("Rows"), dataset.get("Columns")
    if not isinstance(rows, int) or not isinstance(columns, int):
        raise ReadError(f"broken DICOM: got Rows {rows} and Columns {columns}, expected numbers – get the file anew")
    check_pixel_count(columns, rows)
    photometric = _code(dataset, "PhotometricInterpretation") or "MONOCHROME2"
    samples = dataset.get("SamplesPerPixel", 1) or 1
    if samples != 1 or not photometric.startswith("MONOCHROME"):
        raise ReadError(f"not a radiograph: got a colour picture ({photometric}), expected MONOCHROME1 or MONOCHROME2")
    warnings = []
    if modality in FLUOROSCOPY:
        warnings.append(f"fluoroscopy (modality {modality}): bone may be dark on it")
    elif modality in OTHER_PROJECTIONS:
        warnings.append(f"{OTHER_PROJECTIONS[modality]} (modality {modality}), not a radiograph of limbs")
    elif modality in UNSTATED:
        warnings.append(f"the file does not say that it is a radiograph (modality {modality or 'missing'})")
    frames = int(dataset.get("NumberOfFrames", 1) or 1)
    if frames > 1:
        warnings.append(f"file of {frames} frames, only the first is read")
    return tuple(warnings)


def _stored_pixels(dataset: Dataset) -> tuple[NDArray[Any], int]:
    """Return the first frame's stored values, shape (H, W), and how many pixels at the end are missing."""
    missing = 0 if dataset.file_meta.TransferSyntaxUID.is_encapsulated else _pad_native(dataset)
    # "raw" keeps the stored values; the LUTs are applied here in their order.
    pixels = np.asarray(pixel_array(dataset, index=0, raw=True))
    if pixels.dtype.kind not in "iub":
        raise ReadError(f"got {pixels.dtype} pixels in DICOM, expected integers – convert the file")
    return pixels, missing


def _pad_native(dataset: Dataset) -> int:
    """Fill up the pixel data of a truncated, uncompressed file; return the number of missing pixels."""
    allocated = int(dataset.get("BitsAllocated", 16))
    if "PixelData" not in dataset or allocated < 8:
        return 0
    needed, present = dataset.Rows * dataset.Columns * allocated // 8, len(dataset.PixelData)
    if present >= needed:
        return 0
    if present * 100 < needed:  # nothing worth showing, and perhaps a header that lies about its size
        raise ReadError(f"truncated DICOM: got {present} of {needed} bytes of pixels – get the file anew")
    dataset.PixelData = bytes(dataset.PixelData) + bytes(needed - present)
    dataset.NumberOfFrames = 1
    return int(-(-(needed - present) * 8 // allocated))


def _spacing(dataset: Dataset) -> tuple[tuple[float, float] | None, Any]:
    """Return row and column spacing, mm, and whether it is calibrated or lies in the detector's plane."""
    detector = _pair(dataset, "ImagerPixelSpacing") or _pair(dataset, "NominalScannedPixelSpacing")
    calibrated = _pair(dataset, "PixelSpacing")
    # PixelSpacing that repeats the detector's says nothing of a calibration, unless the file states one.
    if calibrated and (calibrated != detector or _code(dataset, "PixelSpacingCalibrationType")):
        return calibrated, "calibrated"
    return (detector, "detector") if detector else (None, None)


def _pair(dataset: Dataset, name: str) -> tuple[float, float] | None:
    try:
        row, column = (float(value) for value in dataset.get(name) or ())
    except (TypeError, ValueError):
        return None
    return (row, column) if 0 < row < 100 and 0 < column < 100 else None


def _code(dataset: Dataset, name: str) -> str | None:
    """Return a coded value in capitals; such fields hold at most 16 characters, so no free text passes."""
    value = dataset.get(name)
    text = "" if value is None else " ".join(str(value).upper().split())
    return text[:16] or None


def _references(dataset: Dataset, height: int, width: int) -> dict[str, Any]:
    """Return what a DICOM result must refer to; UIDs only, nothing of the patient."""
    return {
        "sop_class_uid": str(dataset.get("SOPClassUID", "")),
        "sop_instance_uid": str(dataset.get("SOPInstanceUID", "")),
        "study_instance_uid": str(dataset.get("StudyInstanceUID", "")),
        "series_instance_uid": str(dataset.get("SeriesInstanceUID", "")),
        "transfer_syntax_uid": str(dataset.file_meta.TransferSyntaxUID),
        "modality": _code(dataset, "Modality") or "",
        "frame": 1,
        "rows": height,
        "columns": width,
    }


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else text[:157] + "…"
