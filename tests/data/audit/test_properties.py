"""Properties of files against pictures whose coding, borders and tables are known."""

from __future__ import annotations

import io
import time

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fxdet.data.audit.coding import FORMATS, coloured_share, jpeg_quality, picture_format, scaled_luma
from fxdet.data.audit.fingerprints import fingerprint
from fxdet.data.audit.properties import (
    MEANINGS,
    extension_contradicts,
    file_properties,
    named_properties,
    uniform_parts,
)
from fxdet.imaging.pixels import TRUNCATED
from fxdet.imaging.synthetic import DrawingOptions, draw_radiograph


def picture(height=60, width=80, seed=0):
    grey = np.random.default_rng(seed).integers(20, 220, (height, width)).astype(np.uint8)
    return cv2.GaussianBlur(grey, (5, 5), 0)


def encoded(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("quality", [1, 10, 49, 50, 51, 75, 85, 95, 100])
def test_quality_and_tables_are_those_pillow_wrote(quality):
    grey = picture()
    data = encoded(Image.fromarray(grey), "JPEG", quality=quality)
    found = file_properties(data, grey)
    assert found["jpeg_luma_table"] == sum(Image.open(io.BytesIO(data)).quantization[0])
    assert found["jpeg_luma_table"] == scaled_luma(quality).sum()
    assert (found["jpeg_quality"], found["jpeg_standard_table"]) == (quality, 1.0)
    assert "jpeg_chroma_table" not in found


def test_own_table_is_no_standard_table():
    data = encoded(Image.fromarray(picture()), "JPEG", qtables=[[5] * 64])
    found = file_properties(data, picture())
    assert (found["jpeg_standard_table"], found["jpeg_luma_table"]) == (0.0, 320.0)
    assert jpeg_quality(np.full(64, 5)) == found["jpeg_quality"]


@pytest.mark.parametrize(("subsampling", "samples"), [(0, 1.0), (1, 2.0), (2, 4.0)])
def test_colour_jpeg(subsampling, samples):
    rgb = np.stack([picture()] * 3, axis=2)
    rgb[:40, :40] = (200, 30, 30)
    data = encoded(Image.fromarray(rgb), "JPEG", quality=90, subsampling=subsampling)
    found = file_properties(data, picture())
    assert (found["channels"], found["jpeg_subsampling"]) == (3.0, samples)
    assert found["coloured"] == pytest.approx(40 * 40 / (60 * 80), abs=0.1)
    grey = encoded(Image.fromarray(np.stack([picture()] * 3, axis=2)), "JPEG", subsampling=subsampling)
    assert file_properties(grey, picture())["coloured"] == 0.0


def test_progressive_exif_and_comment():
    image = Image.fromarray(picture())
    exif = Image.Exif()
    exif[0x010E] = "left hand"
    plain = file_properties(encoded(image, "JPEG"), picture())
    full = file_properties(encoded(image, "JPEG", progressive=True, exif=exif, comment=b"hello"), picture())
    assert [plain[key] for key in ("jpeg_progressive", "exif", "comment")] == [0.0, 0.0, 0.0]
    assert [full[key] for key in ("jpeg_progressive", "exif", "comment")] == [1.0, 1.0, 1.0]
    assert full["metadata_bytes"] > plain["metadata_bytes"]


def test_png_of_16_bits():
    data = encoded(Image.fromarray(picture().astype(np.uint16) * 257), "PNG")
    found = file_properties(data, picture())
    assert (found["bits"], found["channels"], found["truncated"]) == (16.0, 1.0, 0.0)
    assert FORMATS[int(found["format"])] == "PNG"


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize("share", [0.4, 0.7, 0.98])
def test_truncated_files(form, share):
    grey = picture(200, 150)
    data = encoded(Image.fromarray(grey), form)
    assert file_properties(data, grey)["truncated"] == 0.0
    assert file_properties(data[: int(len(data) * share)], grey)["truncated"] == 1.0


def test_thumbnail_in_exif_does_not_hide_a_truncation():
    exif = Image.Exif()
    exif[0x010E] = "\xff\xd9 inside"
    grey = picture(200, 150)
    data = encoded(Image.fromarray(grey), "JPEG", exif=exif.tobytes() + b"\xff\xd8\xff\xd9")
    assert file_properties(data[:-400], grey)["truncated"] == 1.0
    assert file_properties(data, grey)["truncated"] == 0.0


def test_warning_tells_of_other_formats():
    data = encoded(Image.fromarray(picture()), "BMP")
    assert file_properties(data, picture())["truncated"] == 0.0
    assert file_properties(data, picture(), (TRUNCATED,))["truncated"] == 1.0


def test_brightness_is_that_of_numpy():
    grey = picture()
    grey[:3] = 255
    found = file_properties(encoded(Image.fromarray(grey), "PNG"), grey)
    assert found["mean"] == pytest.approx(grey.mean())
    assert found["spread"] == pytest.approx(grey.std())
    assert found["white"] == pytest.approx((grey > 247).mean())
    assert (found["height"], found["width"], found["area"]) == (60.0, 80.0, 4800.0)
    assert found["aspect"] == pytest.approx(80 / 60)


def test_border_and_panels():
    one = np.zeros((100, 100), np.uint8)
    one[10:90, 20:60] = picture(80, 40)
    assert uniform_parts(one) == {"border": pytest.approx(1 - 0.8 * 0.4), "panels": 1.0}
    two = one.copy()
    two[10:90, 63:99] = picture(80, 36, 1)
    assert uniform_parts(two)["panels"] == 2.0
    letter = one.copy()
    letter[30:40, 70:80] = 255
    letter[32:38, 72:78] = 0
    assert uniform_parts(letter)["panels"] == 1.0
    assert uniform_parts(np.zeros((5, 7), np.uint8)) == {"border": 1.0, "panels": 1.0}


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"GIF89a", "GIF"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "WebP"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"", "other"),
        (b"<html>", "other"),
    ],
)
def test_format_by_content(data, name):
    assert picture_format(data) == name


@pytest.mark.parametrize(
    ("name", "content", "contradicts"),
    [
        ("a.jpg", "JPEG", False),
        ("a.JPEG", "JPEG", False),
        ("a.jpg", "GIF", True),
        ("a.png", "JPEG", True),
        ("train/a.tiff", "TIFF", False),
        ("IM0001", "DICOM", False),
        ("a.jpg", "other", False),
    ],
)
def test_extension(name, content, contradicts):
    properties = {"format": float(FORMATS.index(content))}
    assert extension_contradicts(name, properties) is contradicts
    assert named_properties(name, properties)["wrong_extension"] == float(contradicts)


@given(st.binary(max_size=300), st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM"]))
def test_any_bytes_have_finite_named_properties(data, start):
    found = file_properties(start + data)
    assert set(found) <= set(MEANINGS)
    assert all(np.isfinite(value) for value in found.values())


def test_broken_colour_jpeg_has_no_coloured_share():
    assert np.isnan(coloured_share(b"\xff\xd8\xff\xc0\x00\x11"))


@pytest.mark.slow
def test_a_file_costs_less_than_a_millisecond_and_a_half():
    grey = np.asarray(draw_radiograph(np.random.default_rng(1), DrawingOptions(size=(454, 373))).pixels)
    data = encoded(Image.fromarray(np.stack([grey] * 3, axis=2)), "JPEG", quality=90)
    file_properties(data, grey)
    start = time.process_time()
    for _ in range(50):
        file_properties(data, grey)
    assert (time.process_time() - start) / 50 < 1.5e-3


def test_webp_tells_its_metadata_and_whether_it_is_cut(tmp_path):
    pixels = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (120, 100)).astype(np.uint8), (5, 5), 0)
    exif = Image.Exif()
    exif[274] = 1
    Image.fromarray(pixels).save(tmp_path / "a.webp", quality=80, exif=exif)
    Image.fromarray(pixels).save(tmp_path / "b.webp", quality=80)
    whole = (tmp_path / "b.webp").read_bytes()
    (tmp_path / "c.webp").write_bytes(whole[: len(whole) * 7 // 10])
    found = [fingerprint(tmp_path / f"{name}.webp") for name in "abc"]
    assert [each.error for each in found] == [None] * 3
    stated = [[each.properties[key] for key in ("format", "exif", "truncated")] for each in found]
    assert stated == [[7.0, 1.0, 0.0], [7.0, 0.0, 0.0], [7.0, 0.0, 1.0]]
    assert found[0].properties["metadata_bytes"] > 0 == found[1].properties["metadata_bytes"]
