"""Compact copies: what is kept of the picture, and where its boxes come to lie."""

from __future__ import annotations

from io import BytesIO

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fxdet.core.errors import ReadError
from fxdet.data.compact import CompactOptions, compact_picture, compact_size, scaled_boxes
from fxdet.data.samples import BoxLabel
from fxdet.imaging.headers import FileKind, file_kind
from fxdet.imaging.preprocess import Preprocess
from fxdet.imaging.reading import open_radiograph

SMALL = CompactOptions(max_side=100, grey=True, quality=95)


def decoded(picture):
    """Return the pixels as Pillow reads them; WebP has no grey mode: channels that differ by rounding count as one."""
    with Image.open(BytesIO(picture.data)) as image:
        pixels = np.asarray(image)
    return pixels[..., 1] if pixels.ndim == 3 and np.ptp(pixels, axis=2).max() <= 1 else pixels


def psnr(one, other):
    return 10 * np.log10(255**2 / ((one.astype(float) - other) ** 2).mean())


def saved(path, pixels, **options):
    Image.fromarray(pixels).save(path, **options)
    return path


@given(st.integers(1, 5000), st.integers(1, 5000), st.none() | st.integers(1, 2000))
def test_size(height, width, side):
    new = compact_size((height, width), side)
    assert min(new) >= 1
    if side is None or max(height, width) <= side:
        assert new == (height, width)
    else:
        assert max(new) == side
        assert new[0] == pytest.approx(height * side / max(height, width), abs=0.5) or new[0] == 1


def test_a_box_stays_on_what_it_marks(tmp_path):
    """A white rectangle on black: its edges in the small picture are where the scaled box says."""
    pixels = np.zeros((613, 837), np.uint8)
    pixels[120:400, 250:610] = 255
    picture = compact_picture(saved(tmp_path / "a.png", pixels), CompactOptions(max_side=200, grey=True, quality=100))
    assert picture.size == (146, 200)
    (box,) = scaled_boxes([BoxLabel((250, 120, 610, 400), "x")], picture.source_size, picture.size)
    small = decoded(picture).astype(float) / 255
    middle_row, middle_column = small[70], small[:, 100]
    # The mean over an edge pixel is the share of it that is white: the edge to a fraction of a pixel.
    x1, y1 = 200 - middle_row[100:].sum() - 100, 0.0
    columns, rows = middle_row.sum(), middle_column.sum()
    assert columns == pytest.approx(box.xyxy[2] - box.xyxy[0], abs=0.1)
    assert rows == pytest.approx(box.xyxy[3] - box.xyxy[1], abs=0.1)
    x1 = np.argmax(middle_row > 0.02) + 1 - middle_row[np.argmax(middle_row > 0.02)]
    y1 = np.argmax(middle_column > 0.02) + 1 - middle_column[np.argmax(middle_column > 0.02)]
    assert (x1, y1) == pytest.approx(box.xyxy[:2], abs=0.1)


def test_outlines_are_scaled_with_their_boxes():
    outline = ((10.0, 20.0), (30.0, 20.0), (30.0, 60.0))
    (box,) = scaled_boxes([BoxLabel((10, 20, 30, 60), "x", "other", outline)], (100, 200), (50, 400))
    assert box.xyxy == (20, 10, 60, 30)
    assert box.polygon == ((20, 10), (60, 10), (60, 30))
    assert (box.label, box.kind) == ("x", "other")


@pytest.mark.parametrize("grey", [True, False])
def test_sixteen_bit(tmp_path, grey):
    ramp = np.tile(np.linspace(1000, 5000, 300), (200, 1)).astype(np.uint16)
    path = saved(tmp_path / "deep.png", ramp)
    picture = compact_picture(path, CompactOptions(grey=grey, quality=100))
    pixels = decoded(picture)
    if grey:
        unit = Preprocess(size=1).grey(open_radiograph(path))
        assert (picture.suffix, pixels.dtype) == (".webp", np.uint8)
        assert np.abs(pixels / 255 - unit).max() < 0.02
    else:
        assert picture.suffix == ".png"
        assert (cv2.imdecode(np.frombuffer(picture.data, np.uint8), cv2.IMREAD_UNCHANGED) == ramp).all()


def test_colour_goes_with_grey_and_stays_without(tmp_path):
    pixels = np.zeros((60, 80, 3), np.uint8)
    pixels[..., 0] = 200
    path = saved(tmp_path / "red.png", pixels)
    grey = decoded(compact_picture(path, CompactOptions(grey=True)))
    assert grey.ndim == 2 and grey.mean() == pytest.approx(0.299 * 200, abs=2)
    kept = decoded(compact_picture(path, CompactOptions(max_side=40)))
    assert kept.shape == (30, 40, 3)
    assert kept.mean(axis=(0, 1)) == pytest.approx((200, 0, 0), abs=4)


@pytest.mark.parametrize("encoding", ["webp", "jpg"])
def test_a_grey_jpeg_that_would_grow_keeps_its_bytes(tmp_path, drawn_fracture, encoding):
    path = saved(tmp_path / "a.jpg", drawn_fracture.pixels, quality=40)
    picture = compact_picture(path, CompactOptions(grey=True, quality=95, encoding=encoding))
    assert (picture.data, picture.suffix) == (path.read_bytes(), ".jpg")
    smaller = compact_picture(path, CompactOptions(grey=True, quality=10, encoding=encoding))
    assert len(smaller.data) < path.stat().st_size and smaller.suffix == f".{encoding}"
    colour = saved(tmp_path / "b.jpg", np.repeat(drawn_fracture.pixels[..., None], 3, axis=2), quality=40)
    picture = compact_picture(colour, CompactOptions(grey=True, quality=95, encoding=encoding))
    assert decoded(picture).ndim == 2 and picture.suffix == f".{encoding}"


@pytest.mark.parametrize("lossless", [True, False])
def test_a_grey_webp_that_would_grow_keeps_its_bytes_unless_jpg_is_asked_for(tmp_path, drawn_fracture, lossless):
    path = saved(tmp_path / "a.dat", drawn_fracture.pixels // 64 * 64, format="WEBP", lossless=lossless, quality=40)
    picture = compact_picture(path, CompactOptions(grey=True, quality=99))
    assert (picture.data, picture.suffix) == (path.read_bytes(), ".webp")
    jpeg = compact_picture(path, CompactOptions(grey=True, quality=99, encoding="jpg"))
    assert (file_kind(jpeg.data), jpeg.suffix) == (FileKind.JPEG, ".jpg")
    tinted = np.dstack([drawn_fracture.pixels, drawn_fracture.pixels, drawn_fracture.pixels // 20 * 19])
    path = saved(tmp_path / "b.dat", tinted, format="WEBP", quality=40)
    picture = compact_picture(path, CompactOptions(grey=True, quality=99))
    assert picture.data != path.read_bytes() and decoded(picture).ndim == 2


def test_both_formats_come_back(tmp_path, drawn_fracture):
    path = saved(tmp_path / "a.png", drawn_fracture.pixels)
    webp, jpeg = (compact_picture(path, CompactOptions(grey=True, encoding=kind)) for kind in ("webp", "jpg"))
    assert (file_kind(webp.data), file_kind(jpeg.data)) == (FileKind.WEBP, FileKind.JPEG)
    assert len(webp.data) < len(jpeg.data)
    for picture in (webp, jpeg):
        (tmp_path / "copy").write_bytes(picture.data)
        radiograph = open_radiograph(tmp_path / "copy")
        assert radiograph.warnings == () and np.abs(radiograph.pixels.astype(int) - decoded(picture)).max() <= 1
        assert psnr(drawn_fracture.pixels, radiograph.pixels) > 35


@pytest.mark.parametrize(("encoding", "side"), [("webp", 16_384), ("jpg", 65_501)])
def test_too_long_for_the_format(tmp_path, encoding, side):
    path = saved(tmp_path / "a.png", np.zeros((2, side), np.uint8))
    with pytest.raises(ReadError, match=f"too long for {encoding}, expected at most {side - 1} px – give a --max-side"):
        compact_picture(path, CompactOptions(encoding=encoding))
    assert compact_picture(path, CompactOptions(max_side=side - 1, encoding=encoding)).size == (2, side - 1)


def test_a_truncated_file_is_drawn_anew(tmp_path, drawn_fracture):
    path = saved(tmp_path / "a.jpg", drawn_fracture.pixels)
    path.write_bytes(path.read_bytes()[:-900])
    picture = compact_picture(path, CompactOptions(grey=True, quality=95, encoding="jpg"))
    assert "truncated" in picture.warnings[0]
    assert picture.data.endswith(b"\xff\xd9")


def test_unreadable(tmp_path):
    (tmp_path / "a.jpg").write_text("no picture")
    with pytest.raises(ReadError, match="a text file"):
        compact_picture(tmp_path / "a.jpg", SMALL)
    with pytest.raises(ReadError, match="no such file"):
        compact_picture(tmp_path / "gone.jpg", SMALL)


@pytest.mark.parametrize("wrong", [{"max_side": 0}, {"quality": 0}, {"quality": 101}, {"encoding": "gif"}])
def test_wrong_options(wrong):
    with pytest.raises(ValueError, match="CompactOptions"):
        CompactOptions(**wrong)


@pytest.mark.data
def test_dicom_goes_through_its_window(data_root):
    path = data_root / "dicom" / "dwv__gdcm-CR-MONO1-10-chest.dcm"
    picture = compact_picture(path, CompactOptions(max_side=200, grey=True, quality=95))
    unit = Preprocess(size=1).grey(open_radiograph(path))
    expected = cv2.resize(unit, picture.size[::-1], interpolation=cv2.INTER_AREA)
    assert max(picture.size) == 200
    assert np.abs(decoded(picture) / 255 - expected).mean() < 0.01
