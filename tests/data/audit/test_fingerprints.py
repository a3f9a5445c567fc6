from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.fft import dctn

from fxdet.data.audit.fingerprints import (
    THUMBNAIL_SIDE,
    TURNS,
    fingerprint,
    fingerprint_bytes,
    make_thumbnail,
    perceptual_hashes,
    pixel_hash,
    turned_hashes,
)
from fxdet.data.audit.turns import apply_turn
from fxdet.imaging.pixels import TRUNCATED
from tests.data.audit.pictures import drawn_pictures, encoded, printed

SMALL = encoded(drawn_pictures(1, (64, 48))[0], "JPEG")


def distance(one: int, other: int) -> int:
    return (int(one) ^ int(other)).bit_count()


def test_hash_is_the_signs_of_the_cosine_transform():
    thumbnail = make_thumbnail(drawn_pictures(1)[0])
    signs = dctn(thumbnail.astype(float))[1:9, 1:9] > 0
    expected = int("".join("1" if sign else "0" for sign in signs.ravel()), 2)
    assert int(perceptual_hashes(thumbnail[None])[0, 0]) == expected


def test_turned_hashes_are_the_hashes_of_turned_thumbnails():
    thumbnails = [make_thumbnail(picture) for picture in drawn_pictures(5)]
    found = turned_hashes(thumbnails)
    assert found.shape == (8, 5) and found.dtype == np.uint64
    for row, turn in zip(found, TURNS, strict=True):
        turned = np.stack([apply_turn(thumbnail, turn) for thumbnail in thumbnails])
        assert row.tolist() == perceptual_hashes(turned)[0].tolist()
    assert turned_hashes([]).shape == (8, 0)


def test_hash_bears_resaving_and_resizing_and_tells_pictures_apart():
    pictures = drawn_pictures(8)
    own = [printed(picture) for picture in pictures]
    for picture, found in zip(pictures, own, strict=True):
        small = np.asarray(Image.fromarray(picture).resize((96, 120)))
        assert distance(printed(picture, "JPEG", 40).hash, found.hash) <= 4
        assert distance(printed(small).hash, found.hash) <= 4
        assert distance(printed(np.uint8(picture * 0.6 + 30)).hash, found.hash) <= 4
    between = [distance(a.hash, b.hash) for i, a in enumerate(own) for b in own[:i]]
    assert min(between) > 12


def test_one_picture_in_two_formats_differs_in_bytes_only():
    picture = drawn_pictures(1)[0]
    png, bmp = printed(picture), printed(picture, "BMP")
    assert png.sha256 != bmp.sha256
    assert png.pixels == bmp.pixels != ""
    assert png.size == (180, 150)
    assert png.properties["format"] != bmp.properties["format"]
    assert np.array_equal(png.thumbnail, bmp.thumbnail)


def test_pixel_hash_tells_size_and_depth_apart():
    flat = np.zeros((4, 6), np.uint8)
    others = [flat.reshape(6, 4), flat.reshape(6, 4).T + np.uint8(1), flat.astype(np.uint16)]
    assert len({pixel_hash(each) for each in [flat, *others]}) == 4
    assert pixel_hash(flat.T[::-1].T[:, ::-1]) == pixel_hash(flat)  # memory order does not matter


def test_thumbnail_of_a_dark_picture_uses_all_greys():
    picture = drawn_pictures(1)[0]
    dark = make_thumbnail(picture // 16)
    assert dark.shape == (THUMBNAIL_SIDE, THUMBNAIL_SIDE) and (dark.min(), dark.max()) == (0, 255)
    assert np.corrcoef(dark.ravel(), make_thumbnail(picture).ravel())[0, 1] > 0.99
    assert not make_thumbnail(np.full((40, 30), 77, np.uint8)).any()


def test_deep_pictures_are_shown_through_their_window(tmp_path):
    picture = drawn_pictures(1)[0]
    path = tmp_path / "deep.png"
    Image.fromarray(picture.astype(np.uint16) * 16).save(path)
    deep = fingerprint(path)
    assert deep.error is None and deep.size == picture.shape
    assert distance(deep.hash, printed(picture).hash) <= 4


def test_truncated_file_is_read_as_far_as_it_goes():
    data = encoded(drawn_pictures(1)[0], "JPEG")
    found = fingerprint_bytes(data[: len(data) * 2 // 3], Path("cut.jpg"))
    assert found.error is None and TRUNCATED in found.warnings
    assert found.properties["truncated"] == 1
    assert np.ptp(found.thumbnail[-3:]) == 0 < np.ptp(found.thumbnail[:10])


@pytest.mark.parametrize(
    ("data", "what"),
    [(b"GIF89a" + bytes(50), "GIF"), (b"\xff\xd8\xff\xe0 broken", "JPEG"), (b"hello", "text"), (b"", "empty")],
)
def test_unreadable_files_get_an_error(tmp_path, data, what):
    path = tmp_path / "picture.jpg"
    path.write_bytes(data)
    found = fingerprint(path)
    assert what in found.error and str(path) in found.error
    assert (found.pixels, found.size, found.hash) == ("", None, 0)
    assert bool(found.sha256) == bool(data)


def test_missing_file_gets_an_error(tmp_path):
    found = fingerprint(tmp_path / "no.png")
    assert "no such file" in found.error and found.sha256 == ""


def test_unexpected_fault_of_a_decoder_is_told(monkeypatch):
    def fail(data: bytes, source: str) -> None:
        raise RuntimeError("bad table")

    monkeypatch.setattr("fxdet.data.audit.fingerprints.decode_radiograph", fail)
    found = fingerprint_bytes(b"\xff\xd8\xff", Path("a.jpg"))
    assert found.error == "can't read a.jpg: unexpected RuntimeError: bad table"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 400), st.integers(0, 255), st.integers(0, 3000))
def test_damaged_files_never_raise(place, value, length):
    data = bytearray(SMALL)
    data[place % len(data)] = value
    found = fingerprint_bytes(bytes(data[: max(1, length)]), Path("damaged.jpg"))
    assert (found.error is None) == bool(found.pixels)
