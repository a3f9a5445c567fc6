from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from fxdet.core.errors import ReadError
from fxdet.core.objects import Radiograph
from fxdet.imaging.preprocess import Preprocess
from fxdet.imaging.reading import open_radiograph
from fxdet.imaging.voi import window_share

STORED = np.array([[0, 100, 200], [300, 400, 500]], np.uint16)
FULL = (32767.5, 65535.0)


def dataset(pixels: np.ndarray = STORED, **elements: Any) -> Dataset:
    """A DX radiograph of 12 bits; ``elements`` overrides what stands in it, None removes it."""
    item = Dataset()
    item.SOPClassUID = DigitalXRayImageStorageForPresentation
    item.SOPInstanceUID, item.StudyInstanceUID, item.SeriesInstanceUID = "1.2.3.4", "1.2.3", "1.2.3.1"
    item.Modality, item.PatientName, item.PatientID = "DX", "Secret^Name", "4711"
    item.PhotometricInterpretation, item.SamplesPerPixel = "MONOCHROME2", 1
    item.Rows, item.Columns = pixels.shape[-2:]
    item.BitsAllocated = 8 * pixels.itemsize
    item.BitsStored = 8 if pixels.itemsize == 1 else 12
    item.HighBit = item.BitsStored - 1
    item.PixelRepresentation = int(pixels.dtype.kind == "i")
    item.PixelData = pixels.tobytes()
    item["PixelData"].VR = "OW"
    for name, value in elements.items():
        if value is None:
            delattr(item, name)
        else:
            setattr(item, name, value)
    return item


def lut(first: int, values: list[int], bits: int = 16) -> Sequence:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(values), first, bits])
    item.add_new("LUTData", "US", values)
    return Sequence([item])


def written(item: Dataset, syntax: Any = ExplicitVRLittleEndian) -> bytes:
    buffer = io.BytesIO()
    item.file_meta = FileMetaDataset()
    item.file_meta.TransferSyntaxUID = syntax
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dcmwrite(buffer, item, enforce_file_format=True)
    return buffer.getvalue()


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Radiograph]:
    def read_item(item: Dataset | bytes, syntax: Any = ExplicitVRLittleEndian) -> Radiograph:
        path = tmp_path / "no_ending"
        path.write_bytes(item if isinstance(item, bytes) else written(item, syntax))
        return open_radiograph(path)

    return read_item


def test_without_window_the_stored_values_are_kept(read):
    radiograph = read(dataset())
    assert (radiograph.pixels == STORED).all()
    assert (radiograph.bits, radiograph.window) == (12, None)
    assert radiograph.warnings == ("very small picture (3 × 2 px)",)


def test_linear_window_by_hand(read):
    # C.11.2.1.2: y = (x - (c - 0.5)) / (w - 1) + 0.5, c = 250.5, w = 201: 150 → 0, 250 → 0.5, 350 → 1
    radiograph = read(dataset(np.array([[0, 150, 200, 250, 350, 500]], np.uint16), WindowCenter=250.5, WindowWidth=201))
    assert radiograph.pixels.tolist() == [[0, 0, 16384, 32768, 65535, 65535]]
    assert (radiograph.bits, radiograph.window) == (16, FULL)


def test_monochrome1_is_inverted_after_the_window(read):
    pixels = np.array([[0, 150, 250, 350]], np.uint16)
    item = dataset(pixels, WindowCenter=250.5, WindowWidth=201, PhotometricInterpretation="MONOCHROME1")
    # inverting first would window 4095 - x and give white everywhere
    assert read(item).pixels.tolist() == [[65535, 65535, 32767, 0]]


def test_monochrome1_without_window(read):
    assert read(dataset(PhotometricInterpretation="MONOCHROME1")).pixels.tolist() == (4095 - STORED).tolist()


def test_rescale_comes_before_the_window(read):
    # 2x - 100: 0 → -100, 100 → 100, 200 → 300; window 100 wide 401 is -100 to 300
    item = dataset(np.array([[0, 100, 200]], np.uint16), RescaleSlope=2, RescaleIntercept=-100)
    item.WindowCenter, item.WindowWidth = 100.5, 401
    assert read(item).pixels.tolist() == [[0, 32768, 65535]]


def test_order_modality_lut_then_voi_lut_then_inversion(read):
    # stored 10, 11, 12 → modality 3, 1, 0 → VOI (first 0) 40, 80, 255, 120 → 120, 80, 40 of 255 → inverted
    item = dataset(np.array([[10, 11, 12, 99]], np.uint16), PhotometricInterpretation="MONOCHROME1")
    item.ModalityLUTSequence, item.VOILUTSequence = lut(10, [3, 1, 0]), lut(0, [40, 80, 255, 120], 8)
    expected = [65535 - round(value / 255 * 65535) for value in (120, 80, 40, 40)]
    assert read(item).pixels.tolist() == [expected]


def test_voi_lut_wins_over_the_window(read):
    item = dataset(np.array([[0, 1]], np.uint16), WindowCenter=3000, WindowWidth=5)
    item.VOILUTSequence = lut(0, [0, 255], 8)
    assert read(item).pixels.tolist() == [[0, 65535]]


def test_voi_lut_with_negative_first_value(read):
    item = dataset(np.array([[-2, -1, 0]], np.int16))
    item.VOILUTSequence = lut(0xFFFE, [10, 20, 255], 8)
    assert read(item).pixels.tolist() == [[round(10 / 255 * 65535), round(20 / 255 * 65535), 65535]]


def test_white_of_a_lut_follows_from_its_data(read):
    item = dataset(np.array([[0, 1]], np.uint16))
    item.VOILUTSequence = lut(0, [0, 4095], 16)  # says 16 bits, fills 12
    assert read(item).pixels.tolist() == [[0, 65535]]


def test_modality_lut_without_window(read):
    item = dataset(np.array([[0, 1, 2]], np.uint16))
    item.ModalityLUTSequence = lut(0, [7, 1000, 3])
    radiograph = read(item)
    assert radiograph.pixels.tolist() == [[7, 1000, 3]] and radiograph.bits == 10


def test_intensity_lut_of_fluoroscopy_is_not_for_display(read):
    item = dataset(np.array([[0, 1, 2]], np.uint16), Modality="RF", PixelIntensityRelationship="LOG")
    item.ModalityLUTSequence = lut(0, [1000, 500, 0])
    assert read(item).pixels.tolist() == [[0, 1, 2]]


def test_first_of_several_windows(read):
    item = dataset(np.array([[0, 1, 2]], np.uint16), WindowCenter=[1.5, 400], WindowWidth=[3, 9])
    assert read(item).pixels.tolist() == [[0, 32768, 65535]]


@pytest.mark.parametrize(
    ("function", "expected"), [("LINEAR_EXACT", [0, 0.25, 0.5, 1]), ("SIGMOID", [0.018, 0.119, 0.5, 0.982])]
)
def test_other_window_functions(function, expected):
    values = np.array([0.0, 5.0, 10.0, 20.0])
    width = 20.0 if function == "LINEAR_EXACT" else 10.0
    assert window_share(values, 10.0, width, function) == pytest.approx(expected, abs=1e-3)


def test_window_of_width_one_is_a_threshold():
    assert window_share(np.array([9.0, 9.5, 9.6]), 10, 1).tolist() == [0, 0, 1]


def test_windows_that_are_not_allowed_are_named(read):
    radiograph = read(dataset(WindowCenter=100, WindowWidth=0))
    assert (radiograph.pixels == STORED).all() and "width 0 is not allowed" in radiograph.warnings[0]
    radiograph = read(dataset(WindowCenter=60000, WindowWidth=10))
    assert (radiograph.pixels == STORED).all() and "one grey" in radiograph.warnings[0]


def test_signed_pixels_start_at_zero(read):
    radiograph = read(dataset(np.array([[-2048, 0, 2047]], np.int16)))
    assert radiograph.pixels.tolist() == [[0, 2048, 4095]] and radiograph.bits == 12


def test_negative_slope_turns_brightness_round(read):
    radiograph = read(dataset(RescaleSlope=-1, RescaleIntercept=4095))
    assert radiograph.pixels.tolist() == (4095 - STORED).tolist()


def test_eight_bits_stay_eight_bits(read):
    pixels = np.array([[0, 64, 128, 255]], np.uint8)
    radiograph = read(dataset(pixels, WindowCenter=128, WindowWidth=256))
    assert radiograph.pixels.dtype == np.uint8 and radiograph.pixels.tolist() == [[0, 64, 128, 255]]
    assert radiograph.bits == 8


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_and_ignored_by_the_percentile_window(read, generator, photometric):
    pixels = generator.integers(1000, 2000, (64, 64)).astype(np.uint16)
    pixels[:32] = 4000
    padded = dataset(pixels, PhotometricInterpretation=photometric)
    padded.add_new("PixelPaddingValue", "US", 4000)
    radiograph = read(padded)
    assert not radiograph.pixels[:32].any() and radiograph.pixels[32:].all()
    low, high = Preprocess(size=8).window(radiograph)
    assert 900 < high - low < 1000


def test_padding_range_in_signed_files(read):
    item = dataset(np.array([[-2000, -1990, 5]], np.int16), PixelRepresentation=1)
    item.add_new("PixelPaddingValue", "SS", -2000)
    item.add_new("PixelPaddingRangeLimit", "SS", -1990)
    assert read(item).pixels.tolist() == [[0, 0, 2053]]


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_transfer_syntaxes(read, syntax):
    item = dataset(STORED.byteswap() if syntax == ExplicitVRBigEndian else STORED)
    assert (read(item, syntax).pixels == STORED).all()


def test_rle(read):
    item = dataset(np.tile(STORED, (20, 20)))
    item.file_meta = FileMetaDataset()
    item.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    item.compress(RLELossless)
    assert (read(item, RLELossless).pixels == np.tile(STORED, (20, 20))).all()


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_files_without_preamble_and_meta(read, syntax):
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset(), implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=True)
    assert (read(buffer.getvalue()).pixels == STORED).all()


def test_spacing_view_and_uids_but_no_identity(read):
    item = dataset(ImagerPixelSpacing=[0.2, 0.1], ViewPosition="AP", ImageLaterality="L", BodyPartExamined="WRIST")
    radiograph = read(item)
    assert (radiograph.spacing_mm, radiograph.spacing_kind) == ((0.2, 0.1), "detector")
    assert (radiograph.view, radiograph.laterality, radiograph.body_part) == ("AP", "L", "WRIST")
    assert radiograph.dicom["sop_instance_uid"] == "1.2.3.4" and radiograph.dicom["study_instance_uid"] == "1.2.3"
    assert (radiograph.dicom["frame"], radiograph.dicom["rows"], radiograph.dicom["columns"]) == (1, 2, 3)
    assert "Secret" not in repr(radiograph) and "4711" not in repr(radiograph)


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"PixelSpacing": [0.3, 0.3]}, ((0.3, 0.3), "calibrated")),
        ({"PixelSpacing": [0.3, 0.3], "ImagerPixelSpacing": [0.4, 0.4]}, ((0.3, 0.3), "calibrated")),
        ({"PixelSpacing": [0.4, 0.4], "ImagerPixelSpacing": [0.4, 0.4]}, ((0.4, 0.4), "detector")),
        ({"NominalScannedPixelSpacing": [0.1, 0.1]}, ((0.1, 0.1), "detector")),
        ({"PixelSpacing": [0, 0]}, (None, None)),
        ({}, (None, None)),
    ],
)
def test_what_the_spacing_refers_to(read, elements, expected):
    radiograph = read(dataset(**elements))
    assert (radiograph.spacing_mm, radiograph.spacing_kind) == expected


def test_first_frame_only(read):
    radiograph = read(dataset(np.stack([STORED, STORED + 1]), NumberOfFrames=2, Modality="XA"))
    assert (radiograph.pixels == STORED).all()
    assert "file of 2 frames, only the first is read" in radiograph.warnings


@pytest.mark.parametrize(
    ("modality", "warning"),
    [
        ("MG", "a mammogram"),
        ("RF", "bone may be dark"),
        ("OT", "does not say that it is a radiograph"),
        (None, "modality missing"),
    ],
)
def test_doubtful_modalities_are_read_with_a_warning(read, modality, warning):
    assert warning in read(dataset(Modality=modality)).warnings[0]


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_truncated_pixels_are_read_as_far_as_they_go(read, photometric):
    pixels = np.full((40, 40), 1000, np.uint16)
    data = written(dataset(pixels, PhotometricInterpretation=photometric))
    radiograph = read(data[: len(data) - 1600])
    assert radiograph.warnings == ("truncated file: read as far as it goes, the rest is empty",)
    assert radiograph.pixels[:20].all() and not radiograph.pixels[20:].any()


@pytest.mark.parametrize(
    ("elements", "message"),
    [
        ({"Modality": "CT"}, "not a radiograph: got DICOM modality CT"),
        ({"Modality": "MR"}, "modality MR"),
        ({"PixelData": None}, "without pixels"),
        ({"Rows": None}, "got Rows None"),
        ({"Rows": 60000, "Columns": 60000}, "too large: got 60000 × 60000 px"),
        ({"Rows": 0}, "broken header"),
        ({"Rows": 5000, "Columns": 5000}, "truncated DICOM: got 12 of 50000000 bytes"),
        ({"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3}, "got a colour picture (RGB)"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "got a colour picture"),
        ({"BitsAllocated": 17}, "broken DICOM"),
    ],
)
def test_what_is_refused_is_one_clear_line(read, elements, message):
    with pytest.raises(ReadError) as caught:
        read(dataset(**elements))
    assert message in str(caught.value) and "no_ending" in str(caught.value) and "\n" not in str(caught.value)


READ = {
    "dwv__gdcm-CR-MONO1-10-chest.dcm", "derived__CR-MONO1-10-chest_bigendian.dcm", "fodicom__CR-MONO1-10-chest",
    "derived__CR-MONO1-10-chest_deflated.dcm", "derived__CR-MONO1-10-chest_truncated.dcm", "wg04__RG3_J2KI",
    "fodicom__CR-ModalitySequenceLUT.dcm", "fodicom__OutOfBoundsOverlay.dcm", "ljdata__NM_Kakadu44_SOTmarkerincons.dcm",
    "ljdata__RG2_JPLY_fixed.dcm", "notzaki__MG_Explicit_Little.dcm", "orthanc__KarstenHilbertRF.dcm", "wg04__RG3_JLSL",
    "orthanc__Monochrome1-Jpeg.dcm", "pydicom__JPEGLSNearLossless_16.dcm", "pydicom__image_dfl.dcm", "wg04__RG3_JLSN",
    "pydicomdata__mlut_18.dcm", "pydicomdata__vlut_04.dcm", "wg04__XA1_J2KI", "wg04__XA1_JLSN", "wg04__XA1_RLE",
    "6154", "6247", "6278",
}  # fmt: skip


@pytest.mark.data
def test_every_real_file_is_read_or_refused(data_root, capfd, caplog):
    read_names, refused = {}, {}
    for path in sorted((data_root / "dicom").rglob("*")):
        if path.is_file():
            try:
                read_names[path.name] = open_radiograph(path)
            except ReadError as error:
                refused[path.name] = str(error)
    assert set(read_names) == READ
    assert len(refused) >= 50 and not any("\n" in text for text in refused.values())
    assert "not a radiograph: got DICOM modality CT" in refused["pydicom__CT_small.dcm"]
    assert "too large" in refused["orthanc__2026-05-26-oob-monochrome-46341.dcm"]
    assert capfd.readouterr().err == "" and not caplog.records


@pytest.mark.data
def test_same_picture_in_other_codings(data_root):
    folder = data_root / "dicom"
    chest = open_radiograph(folder / "dwv__gdcm-CR-MONO1-10-chest.dcm").pixels
    for name in (
        "derived__CR-MONO1-10-chest_bigendian.dcm",
        "derived__CR-MONO1-10-chest_deflated.dcm",
        "fodicom__CR-MONO1-10-chest",
    ):
        assert (open_radiograph(folder / name).pixels == chest).all()
    lossless, near = (open_radiograph(folder / f"wg04__RG3_{kind}").pixels.astype(int) for kind in ("JLSL", "JLSN"))
    assert 0 < np.abs(lossless - near).max() < 65535 * 0.02
