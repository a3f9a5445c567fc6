from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from fxdet.core.errors import ReadError
from fxdet.core.files import sha256_bytes
from fxdet.imaging import reading
from fxdet.imaging.reading import open_radiograph, radiograph_from_array

SHAPE = (60, 80)
GREY = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, SHAPE).astype(np.uint8), (5, 5), 0)
DEEP = GREY.astype(np.uint16) * 250 + 3
COLOUR = cv2.resize(np.random.default_rng(1).integers(0, 256, (8, 10, 3)).astype(np.uint8), (300, 240))
TRUNCATED = "truncated file: read as far as it goes, the rest is empty"


def pillow(picture: np.ndarray | Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def tiff(pixels: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, **options)
    return buffer.getvalue()


def png(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".png", pixels)[1].tobytes()


LOSSLESS = {"JPEG": {"quality": 100}, "WEBP": {"lossless": True}}


def with_exif(orientation: int, kind: str) -> bytes:
    exif = Image.Exif()
    exif[274] = orientation
    return pillow(GREY, kind, exif=exif, **LOSSLESS.get(kind, {}))


GREY_RGBA = np.dstack([GREY, GREY, GREY, 255 - GREY])
DEEP_RGBA = np.dstack([DEEP, DEEP, DEEP, DEEP // 2])
READABLE = {
    "png 8": (pillow(GREY, "PNG"), GREY),
    "png 16": (png(DEEP), DEEP),
    "png rgb that is grey": (pillow(np.dstack([GREY] * 3), "PNG"), GREY),
    "png rgba": (pillow(GREY_RGBA, "PNG"), GREY),
    "png grey and alpha": (pillow(Image.merge("LA", [Image.fromarray(GREY)] * 2), "PNG"), GREY),
    "png rgb 16": (png(DEEP_RGBA[..., :3]), DEEP),
    "png rgba 16": (png(DEEP_RGBA), DEEP),
    "png 1 bit": (pillow(Image.fromarray(GREY > 127), "PNG"), (GREY > 127) * 255),
    "png palette": (pillow(Image.fromarray(GREY).convert("P"), "PNG"), GREY),
    "tiff 8": (pillow(GREY, "TIFF"), GREY),
    "tiff 16": (tiff(DEEP), DEEP),
    "tiff 16 big endian": (tiff(DEEP, byteorder=">"), DEEP),
    "tiff lzw": (pillow(DEEP, "TIFF", compression="tiff_lzw"), DEEP),
    "tiff deflate": (pillow(GREY, "TIFF", compression="tiff_adobe_deflate"), GREY),
    "tiff tiles": (tiff(np.tile(DEEP, (3, 3)), tile=(64, 64)), np.tile(DEEP, (3, 3))),
    "tiff 8 white is zero": (tiff(GREY, photometric="miniswhite"), 255 - GREY),
    "tiff 16 white is zero": (tiff(DEEP, photometric="miniswhite"), 65535 - DEEP),
    "tiff signed": (tiff((DEEP // 2).astype(np.int16)), DEEP // 2),
    "tiff 32": (tiff(DEEP.astype(np.uint32)), DEEP),
    "tiff rgb 16": (tiff(np.dstack([DEEP] * 3), photometric="rgb"), DEEP),
    "bmp": (pillow(GREY, "BMP"), GREY),
    "bmp rgb": (pillow(np.dstack([GREY] * 3), "BMP"), GREY),
    "webp lossless": (pillow(GREY, "WEBP", lossless=True), GREY),
    "webp lossless rgba": (pillow(GREY_RGBA, "WEBP", lossless=True, exact=True), GREY),
    "webp lossless with texts": (pillow(GREY, "WEBP", lossless=True, xmp=b"<x/>", icc_profile=b"p" * 9), GREY),
}


def stored(folder: Path, data: bytes, name: str = "picture.dat") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(("data", "expected"), READABLE.values(), ids=READABLE.keys())
def test_lossless_formats_give_the_stored_values(tmp_path, data, expected):
    radiograph = open_radiograph(stored(tmp_path, data, "wrong ending ü.dcm"))
    assert radiograph.pixels.dtype == (np.uint16 if expected.max() > 255 else np.uint8)
    assert (radiograph.pixels == expected).all()
    assert radiograph.bits == (16 if expected.max() > 255 else 8)
    assert radiograph.warnings == () and radiograph.sha256 == sha256_bytes(data)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"comment": b"x" * 300}])
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg(tmp_path, options, channels):
    pixels = GREY if channels == 1 else np.dstack([GREY] * 3)
    radiograph = open_radiograph(stored(tmp_path, pillow(pixels, "JPEG", quality=100, **options)))
    assert np.abs(radiograph.pixels.astype(int) - GREY).max() <= 2 and radiograph.warnings == ()


def test_jpeg_agrees_with_opencv(tmp_path, drawn_fracture):
    data = pillow(drawn_fracture.pixels, "JPEG", quality=70)
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert np.abs(open_radiograph(stored(tmp_path, data)).pixels.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("alpha", [False, True])
def test_lossy_webp_agrees_with_pillow(tmp_path, drawn_fracture, alpha):
    image = Image.fromarray(drawn_fracture.pixels).convert("RGB")
    if alpha:
        image.putalpha(Image.fromarray(255 - drawn_fracture.pixels // 4))
    data = pillow(image, "WEBP", quality=80)
    radiograph = open_radiograph(stored(tmp_path, data))
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))[..., 1]
    assert radiograph.warnings == () and radiograph.size == drawn_fracture.pixels.shape
    assert np.abs(radiograph.pixels.astype(int) - expected).max() <= 1
    assert np.abs(radiograph.pixels.astype(int) - drawn_fracture.pixels).mean() < 4


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "TIFF", "WEBP"])
def test_colour_pictures_are_converted_with_a_warning(tmp_path, kind):
    radiograph = open_radiograph(stored(tmp_path, pillow(COLOUR, kind)))
    assert radiograph.warnings == ("colour picture, converted to grey",)
    expected = cv2.cvtColor(COLOUR, cv2.COLOR_RGB2GRAY)
    assert np.abs(radiograph.pixels.astype(int) - expected).mean() < 3


def test_a_coloured_marker_does_not_make_a_colour_picture(tmp_path):
    pixels = np.dstack([np.tile(GREY, (5, 5))] * 3)
    pixels[:20, :30] = (255, 0, 0)
    assert open_radiograph(stored(tmp_path, pillow(pixels, "PNG"))).warnings == ()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_orientation_is_not_applied_but_named(tmp_path, kind):
    radiograph = open_radiograph(stored(tmp_path, with_exif(6, kind)))
    assert radiograph.size == SHAPE and np.abs(radiograph.pixels.astype(int) - GREY).max() <= 2
    assert radiograph.warnings == ("EXIF orientation 6 not applied: pixels and boxes are as stored",)


LARGE = np.tile(GREY, (4, 4))
UNIQUE = cv2.GaussianBlur(np.random.default_rng(2).integers(0, 256, LARGE.shape).astype(np.uint8), (5, 5), 0)
CUT = {
    "jpeg": pillow(LARGE, "JPEG", quality=95),
    "jpeg with thumbnail": pillow(LARGE, "JPEG", quality=95, exif=b"Exif\x00\x00" + pillow(GREY[:9, :9], "JPEG")),
    "jpeg progressive": pillow(LARGE, "JPEG", quality=95, progressive=True),
    "png": pillow(LARGE, "PNG"),
    "png 16": png(LARGE.astype(np.uint16) * 200),
    "tiff": tiff(LARGE),
    "tiff 16": tiff(LARGE.astype(np.uint16) * 200),
    "bmp": pillow(np.flipud(LARGE), "BMP"),
    "webp": pillow(LARGE, "WEBP", quality=95),
    "webp lossless": pillow(UNIQUE, "WEBP", lossless=True),
    "webp with alpha": pillow(np.dstack([LARGE] * 4), "WEBP", quality=95, alpha_quality=10),
    "webp with exif": pillow(LARGE, "WEBP", quality=95, exif=b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x00\x00"),
}


@pytest.mark.parametrize("data", CUT.values(), ids=CUT.keys())
def test_truncated_files_are_read_as_far_as_they_go(tmp_path, data, capfd):
    whole = open_radiograph(stored(tmp_path, data))
    half = open_radiograph(stored(tmp_path, data[: len(data) * 6 // 10]))
    assert whole.warnings == () and half.warnings == (TRUNCATED,)
    assert half.size == whole.size
    if not data.startswith(b"BM"):  # which stores the bottom row first
        agreement = np.abs(half.pixels[:40].astype(int) - whole.pixels[:40]).mean() / whole.pixels.max()
        assert agreement < 0.05
    assert half.pixels.std() != whole.pixels.std()
    assert capfd.readouterr().err == ""


def test_only_the_end_marker_is_missing(tmp_path):
    assert open_radiograph(stored(tmp_path, CUT["jpeg"][:-2])).warnings == (TRUNCATED,)
    assert open_radiograph(stored(tmp_path, CUT["jpeg"] + b"trailing bytes")).warnings == ()


def test_interlaced_png_is_padded(tmp_path):
    rows = b"".join(
        b"\x00" + LARGE[top::down, left::right][row].tobytes()
        for left, top, right, down in (
            (0, 0, 8, 8),
            (4, 0, 8, 8),
            (0, 4, 4, 8),
            (2, 0, 4, 4),
            (0, 2, 2, 4),
            (1, 0, 2, 2),
            (0, 1, 1, 2),
        )
        for row in range(len(LARGE[top::down, left::right]))
    )
    data = png_of(LARGE.shape[1], LARGE.shape[0], zlib.compress(rows), interlace=1)
    assert (open_radiograph(stored(tmp_path, data)).pixels == LARGE).all()
    half = open_radiograph(stored(tmp_path, data[: len(data) // 2]))
    assert half.warnings == (TRUNCATED,) and (half.pixels[0::8, 0::8] == LARGE[0::8, 0::8]).all()


def png_of(width: int, height: int, packed: bytes, interlace: int = 0) -> bytes:
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, interlace)),
        (b"IDAT", packed),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )


def jpeg_of(width: int, height: int) -> bytes:
    data = pillow(GREY, "JPEG")
    frame = data.index(b"\xff\xc0")
    return data[: frame + 5] + struct.pack(">HH", height, width) + data[frame + 9 :]


def webp_of(width: int, height: int) -> bytes:
    """A picture of 80 × 60 px on a canvas of another size."""
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunks = b"VP8X" + struct.pack("<I", 10) + bytes(4) + sides + WEBP[12:]
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


WEBP = pillow(GREY, "WEBP", quality=60)
PNG = pillow(GREY, "PNG")
BMP = pillow(GREY, "BMP")
REFUSED = {
    "empty": (b"", "the file is empty"),
    "text": ("Grüße, kein Bild".encode(), "it is a text file"),
    "html": (b"\n<!DOCTYPE html><html></html>", "it is an HTML page"),
    "gif": (pillow(GREY, "GIF"), "it is a GIF"),
    "pdf": (b"%PDF-1.7 ...", "it is a PDF"),
    "zip": (b"PK\x03\x04....", "it is a ZIP archive"),
    "noise": (bytes(range(256)) * 3, "no known picture format"),
    "png header only": (PNG[:40], "broken PNG: it ends before"),
    "png signature": (PNG[:8], "broken PNG: it ends before"),
    "png wrong sum": (PNG[:60] + bytes([PNG[60] ^ 1]) + PNG[61:], "wrong checksum"),
    "png wrong pixels": (png_of(80, 60, b"no zlib at all"), "broken PNG"),
    "png of no size": (png_of(0, 60, zlib.compress(b"")), "broken header"),
    "jpeg start": (b"\xff\xd8\xff", "broken JPEG: it ends before"),
    "jpeg header": (pillow(GREY, "JPEG")[:200], "broken JPEG: it ends before"),
    "bmp header": (BMP[:20], "broken BMP"),
    "bmp without pixels": (BMP[:70], "broken BMP"),
    "tiff header": (b"II*\x00\x08\x00\x00\x00", "broken TIFF"),
    "tiff of floats": (tiff(DEEP.astype(np.float32)), "got float pixels, expected integers"),
    "tiff of large numbers": (tiff(DEEP.astype(np.uint32) * 9), "expected 0 to 65535"),
    "png bomb": (png_of(30_000, 30_000, zlib.compress(bytes(99))), "too large: got 30000 × 30000 px"),
    "jpeg bomb": (jpeg_of(60_000, 50_000), "too large: got 60000 × 50000 px"),
    "bmp bomb": (BMP[:18] + struct.pack("<ii", 30_000, 30_000) + BMP[26:], "too large"),
    "webp start": (WEBP[:12], "broken WebP: it ends before"),
    "webp header": (WEBP[:26], "broken WebP: it ends before"),
    "webp without pixels": (WEBP[:32], "broken WebP: it ends before"),
    "webp without start code": (WEBP[:23] + b"\x00" + WEBP[24:], "no start code"),
    "webp of no size": (WEBP[:26] + bytes(4) + WEBP[30:], "broken header: got 0 × 0 px"),
    "webp wrong pixels": (WEBP[:30] + b"\xff" * (len(WEBP) - 30), "broken WebP: the pixels can't be decoded"),
    "webp cut bomb": (WEBP[:26] + struct.pack("<HH", 16_383, 16_383) + WEBP[30:90], "broken WebP: it ends before"),
    "webp bomb": (webp_of(40_000, 20_000), "too large: got 40000 × 20000 px"),
    "webp on a larger canvas": (webp_of(90, 90), "expected the canvas's 90 × 90 px – save it as a still picture"),
    "dicom marker": (bytes(128) + b"DICM", "DICOM file without pixels"),
}


@pytest.mark.parametrize(("data", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_radiograph_is_one_clear_line(tmp_path, data, message, capfd):
    path = stored(tmp_path, data, "picture.jpg")
    with pytest.raises(ReadError) as caught:
        open_radiograph(path)
    text = str(caught.value)
    assert message in text and str(path) in text and "\n" not in text and len(text) < 300
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("kind", ["folder", "missing", "loop", "pipe", "null byte"])
def test_what_is_no_file_is_one_clear_line(tmp_path, kind):
    path = tmp_path / ("a\x00b" if kind == "null byte" else "x")
    if kind == "folder":
        path.mkdir()
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "pipe":
        os.mkfifo(path)
    messages = {
        "folder": "it is a folder",
        "missing": "no such file",
        "loop": "too many levels",
        "pipe": "no regular file",
    }
    with pytest.raises(ReadError, match=messages.get(kind, "null")):
        open_radiograph(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path):
    path = stored(tmp_path, PNG)
    path.chmod(0)
    with pytest.raises(ReadError, match="permission denied"):
        open_radiograph(path)


def test_a_folder_without_permission_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(reading.os, "access", lambda path, mode: False)  # root may search everything
    with pytest.raises(ReadError, match="can't be searched, permission denied"):
        open_radiograph(tmp_path)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "TIFF", "WEBP"])
@pytest.mark.parametrize("pixels", [np.full((1, 1), 9, np.uint8), np.full((1, 1, 3), 9, np.uint8)])
def test_one_pixel_is_read_with_a_warning(tmp_path, kind, pixels):
    radiograph = open_radiograph(stored(tmp_path, pillow(pixels, kind)))
    assert radiograph.size == (1, 1) and radiograph.pixels[0, 0] == 9
    assert radiograph.warnings == ("very small picture (1 × 1 px)",)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_20000_px_wide(tmp_path, kind):
    assert open_radiograph(stored(tmp_path, pillow(np.tile(GREY, (1, 250)), kind))).size == (60, 20_000)


def test_pages_after_the_first_are_named(tmp_path):
    radiograph = open_radiograph(stored(tmp_path, tiff(np.stack([GREY, GREY // 2]))))
    assert (radiograph.pixels == GREY).all()
    assert radiograph.warnings == ("file of 2 pages, only the first is read",)


def test_frames_after_the_first_are_named(tmp_path):
    frames = [Image.fromarray(GREY // factor) for factor in (1, 2, 3)]
    data = pillow(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    radiograph = open_radiograph(stored(tmp_path, data))
    assert (radiograph.pixels == GREY).all()
    assert radiograph.warnings == ("file of 3 frames, only the first is read",)


@pytest.mark.parametrize("quality", [75, 90, None])
@pytest.mark.parametrize("share", [0.5, 0.8, 0.99])
def test_what_a_cut_webp_shows_is_in_the_whole_one(tmp_path, drawn_fracture, quality, share):
    options = {"lossless": True} if quality is None else {"quality": quality}
    data = pillow(drawn_fracture.pixels, "WEBP", **options)
    whole = open_radiograph(stored(tmp_path, data)).pixels
    cut = open_radiograph(stored(tmp_path, data[: int(len(data) * share)]))
    shown = int(np.flatnonzero(cut.pixels.any(axis=1))[-1]) + 1
    assert cut.warnings == (TRUNCATED,) and 0 < shown < len(whole)
    assert (cut.pixels[:shown] == whole[:shown]).all()
    assert shown > (share - 0.4) * len(whole)


def test_a_webp_without_its_last_metadata_is_whole(tmp_path):
    radiograph = open_radiograph(stored(tmp_path, CUT["webp with exif"][:-9]))
    assert (
        radiograph.warnings == () and (radiograph.pixels == open_radiograph(stored(tmp_path, CUT["webp"])).pixels).all()
    )


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_are_read_or_refused(tmp_path, capfd, caplog, data):
    name = data.draw(st.sampled_from([*sorted(READABLE), *sorted(CUT)]))
    raw = bytearray(READABLE[name][0] if name in READABLE else CUT[name])
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(0, min(len(raw) - 1, 700)))] = data.draw(st.integers(0, 255))
    path = stored(tmp_path, bytes(raw[: data.draw(st.integers(1, len(raw)))]))
    try:
        assert open_radiograph(path).pixels.size >= 1
    except ReadError as error:
        assert "\n" not in str(error)
    assert capfd.readouterr().err == "" and not caplog.records


class TestFromArray:
    def test_grey_is_kept(self):
        radiograph = radiograph_from_array(DEEP, "scan 7")
        assert (radiograph.pixels == DEEP).all() and (radiograph.bits, radiograph.source) == (16, "scan 7")
        assert radiograph.sha256 == sha256_bytes(DEEP.tobytes())

    def test_result_is_a_copy(self):
        pixels = GREY.copy()
        radiograph = radiograph_from_array(pixels)
        pixels[:] = 0
        assert (radiograph.pixels == GREY).all()

    @pytest.mark.parametrize("pixels", [GREY[..., None], GREY_RGBA, np.dstack([GREY] * 3), GREY > -1])
    def test_other_shapes(self, pixels):
        expected = np.full(SHAPE, 255) if pixels.dtype == bool else GREY
        assert (radiograph_from_array(pixels).pixels == expected).all()

    def test_colour_is_named(self):
        assert radiograph_from_array(COLOUR).warnings == ("colour picture, converted to grey",)

    @pytest.mark.parametrize(
        "pixels",
        [GREY.astype(np.float32), np.zeros((0, 5), np.uint8), np.zeros(5, np.uint8), np.zeros((5, 5, 7), np.uint8)],
    )
    def test_wrong_arrays(self, pixels):
        with pytest.raises(ReadError, match="can't read scan"):
            radiograph_from_array(pixels, "scan")


@pytest.mark.data
def test_59_fracatlas_files_are_truncated(data_root, capfd):
    files = sorted((data_root / "FracAtlas" / "images").rglob("*.jpg"))
    truncated = [path for path in files if TRUNCATED in open_radiograph(path).warnings]
    assert (len(files), len(truncated)) == (4083, 59)
    assert "IMG0004028.jpg" in {path.name for path in truncated}
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("low", "high", "uniform"), [(0, 0, True), (255, 255, True), (100, 106, True), (100, 110, False)]
)
def test_a_picture_without_anything_on_it_says_so(low: int, high: int, uniform: bool):
    pixels = np.random.default_rng(0).integers(low, high, (300, 200), endpoint=True).astype(np.uint8)
    pixels[:4, :4] = 128  # a letter on it changes nothing
    told = any("nearly uniform" in note for note in radiograph_from_array(pixels).warnings)
    assert told == uniform


def test_few_greys_of_a_deep_picture_are_counted_in_its_own_levels():
    pixels = np.random.default_rng(0).integers(0, 4095, (64, 64)).astype(np.uint16)
    assert not radiograph_from_array(pixels).warnings
    assert radiograph_from_array(pixels // 1024).warnings
