"""Contact sheets: where pixels, boxes and captions come to lie."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from fxdet.core.errors import OutputError
from fxdet.data.browse import KIND_COLOURS, Tile, contact_sheet, sample_tile, sheets, to_eight_bit, write_picture
from fxdet.data.samples import BoxLabel, Sample, SampleSet

RED = (255, 0, 0)


def tile(width=100, height=50, caption="", boxes=()):
    return Tile(np.full((height, width), 200, np.uint8), caption, boxes)


def is_red(page):
    return (page[..., 0].astype(int) - page[..., 1]) > 150


@pytest.mark.parametrize(
    ("count", "columns", "shape"),
    [(0, 4, (64, 64, 3)), (1, 4, (64, 64, 3)), (4, 4, (64, 256, 3)), (5, 4, (128, 256, 3)), (3, 1, (192, 64, 3))],
)
def test_shape(count, columns, shape):
    page = contact_sheet([tile()] * count, columns, 64)
    assert page.shape == shape
    assert page.dtype == np.uint8


def test_box_lies_where_it_belongs():
    page = contact_sheet([tile(), tile(200, 200, boxes=[((50, 100, 150, 150), RED)])], columns=2, tile_size=202)
    rows, columns = np.nonzero(is_red(page))
    # The second tile starts at 202 px; its picture fills it but for a border of 1 px, at scale 1.
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (202 + 1 + 50, 202 + 150, 1 + 100, 150)


@pytest.mark.parametrize("size", [(400, 40), (40, 400), (1, 1), (3000, 1000)])
def test_whole_picture_is_fitted(size):
    width, height = size
    page = contact_sheet([tile(width, height, boxes=[((0, 0, width, height), RED)])], 1, 128)
    rows, columns = np.nonzero(is_red(page))
    spans = columns.max() - columns.min() + 1, rows.max() - rows.min() + 1
    assert max(spans) == 126
    assert spans[0] / spans[1] == pytest.approx(width / height, rel=0.12)


def test_box_outside_stays_in_its_tile():
    page = contact_sheet([tile(boxes=[((-500, -500, 900, 900), RED)]), tile()], 2, 64)
    assert not is_red(page[:, 64:]).any()


def test_captions_are_cut_and_stand_below():
    page = contact_sheet([tile(caption="a\nb"), tile(caption="x" * 500), tile(caption="Schlüsselbein – links")], 3, 64)
    assert page.shape[0] == 64 + 2 * 15
    below = page[64:].max(axis=2)
    assert (below[:, :64] > 150).any()
    assert (below[:15, 64:128] > 150).any()
    assert not (below[15:, 64:128] > 150).any()


def test_wrong_arguments():
    with pytest.raises(ValueError, match=r"Tile.pixels: got shape \(2, 2, 3\)"):
        Tile(np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(ValueError, match="columns 0"):
        contact_sheet([], columns=0)


def test_eight_bit():
    deep = np.arange(10_000, dtype=np.uint16).reshape(100, 100) * 4
    eight = to_eight_bit(deep)
    assert (eight.min(), eight.max()) == (0, 255)
    assert eight[50, 0] == pytest.approx(128, abs=2)
    assert to_eight_bit(np.full((2, 2), 7, np.uint16)).tolist() == [[0, 0], [0, 0]]
    assert to_eight_bit(np.full((2, 2), 0.5, np.float32)).tolist() == [[128, 128], [128, 128]]


def test_sheets_of_samples(draw, tmp_path):
    good = Sample(draw("a.png"), "a.png", "train", boxes=(BoxLabel((1, 2, 30, 14), "x", "fracture"),))
    bad = Sample(tmp_path / "gone.png", "gone.png")
    assert sample_tile(good).boxes == [((1, 2, 30, 14), KIND_COLOURS["fracture"])]
    assert "gone.png" in sample_tile(bad).caption
    pages = list(sheets(SampleSet("s", "table", tmp_path, (good, bad, good)), rows=1, columns=2, tile_size=64))
    assert [page.shape[1] for page in pages] == [128, 64]


@pytest.mark.parametrize("name", ["a.png", "b.jpg"])
def test_written_picture_is_the_page(tmp_path, name):
    page = contact_sheet([tile(boxes=[((0, 0, 100, 50), RED)])], 1, 256)
    write_picture(tmp_path / "new" / name, page)
    read = cv2.cvtColor(cv2.imread(str(tmp_path / "new" / name)), cv2.COLOR_BGR2RGB)
    assert np.abs(read.astype(int) - page).mean() < (0.01 if name.endswith("png") else 4)


def test_wrong_ending(tmp_path):
    with pytest.raises(OutputError, match=r"expected .png or .jpg"):
        write_picture(Path(tmp_path / "a.gif"), contact_sheet([]))
