"""Pages of contact sheets: headings, legends, what is drawn, and the rows of an audit's groups."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from fxdet.core.errors import DataError
from fxdet.data.audit.results import AuditedFile, AuditResult, DuplicateGroup, Link
from fxdet.data.browse import KIND_COLOURS, Tile, with_heading
from fxdet.data.group_sheets import group_pages, read_groups, rows_with
from fxdet.data.lettering import LINE, shortened, text_picture, text_width
from fxdet.data.samples import BoxLabel, Sample
from fxdet.data.series import Score
from fxdet.data.sheet_tiles import FINDING, LEGEND, WEAK_REGION, SheetOptions, full_tile, legend_of, pages

GREEN = (0, 255, 0)


def test_letters_of_other_languages_are_drawn():
    """A letter that the font lacks would be drawn as the same box for all."""
    drawn = {letter: text_picture(letter, 20, LINE, 255, 0).tobytes() for letter in "äöüßéЖ–×…"}
    assert len(set(drawn.values())) == len(drawn)


def test_long_names_lose_their_middle():
    name = "a_very_long_name_of_a_radiograph_of_the_left_wrist_IMG0004711.jpg"
    short = shortened(name, 120)
    assert text_width(short) <= 120
    assert short.startswith("a_very") and short.endswith("4711.jpg") and "…" in short
    assert shortened("short", 120) == "short"
    assert shortened(name, 3) == ""
    assert shortened("train · not fractured · hand/humerus/shoulder", 140).startswith("train · not fractured · ")


def test_heading_with_legend():
    page = np.full((50, 300, 3), 77, np.uint8)
    headed = with_heading(page, "title", {"good": GREEN})
    assert headed.shape == (70, 300, 3)
    assert (headed[20:] == 77).all()
    assert (headed[:20] == GREEN).all(axis=2).any()
    narrow = with_heading(page[:, :60], "a title that is too long", {"good": GREEN, "bad": (255, 0, 0)})
    assert narrow.shape == (90, 60, 3)


@pytest.fixture
def sample(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(np.tile(np.arange(100, dtype=np.uint8), (60, 1))).save(path)
    boxes = (BoxLabel((10, 10, 40, 30), "break"), BoxLabel((50, 10, 60, 20), "screw", "other"))
    return Sample(path, "a.png", "train", None, True, frozenset({"wrist"}), boxes)


def test_tile_with_everything(sample):
    options = SheetOptions(
        scores={"a.png": Score(0.91, 0.42, ((1.0, 2.0, 3.0, 4.0),))},
        find_regions=lambda _: [(0.0, 0.0, 9.0, 9.0)],
        sizes=True,
    )
    tile = full_tile(sample, options)
    assert tile.caption.split("\n") == [
        "a.png",
        "train · fractured · wrist",
        "picture 0.91 · best finding 0.42",
        "100 × 60 px · box 10 × 10",
    ]
    assert [colour for _, colour in tile.boxes] == [
        WEAK_REGION,
        FINDING,
        KIND_COLOURS["fracture"],
        KIND_COLOURS["other"],
    ]
    assert list(legend_of([tile])) == ["fracture, labelled", "other, labelled", "region, weak", "finding, predicted"]
    assert legend_of([Tile(tile.pixels)]) == {}
    assert len(set(LEGEND)) == 5


def test_sixteen_bit_is_shown_through_its_window(tmp_path):
    ramp = np.tile(np.linspace(1000, 3000, 100), (60, 1)).astype(np.uint16)
    Image.fromarray(ramp).save(tmp_path / "deep.png")
    tile = full_tile(Sample(tmp_path / "deep.png", "d"), SheetOptions())
    assert (tile.pixels.dtype, int(tile.pixels.min()), int(tile.pixels.max())) == (np.uint8, 0, 255)


def test_pages_are_numbered_and_unreadable_files_line_up(sample, tmp_path):
    gone = Sample(tmp_path / "gone.png", "gone.png")
    found = list(pages([sample, gone, sample], "t", SheetOptions(rows=1, columns=2, tile_size=64, sizes=True)))
    assert [page.shape for page in found] == [(20 + 20 + 64 + 3 * LINE, 128, 3), (20 + 20 + 64 + 3 * LINE, 64, 3)]


@pytest.fixture
def audit(tmp_path, sample):
    files = [AuditedFile("s", "a.png", str(sample.path), "train", True)]
    for name in ("b", "c", "d", "e"):
        Image.fromarray(np.zeros((60, 100), np.uint8)).save(tmp_path / f"{name}.png")
        files.append(AuditedFile("s", f"{name}.png", str(tmp_path / f"{name}.png"), "test", False))
    groups = (
        DuplicateGroup((3, 4), "bytes", (Link(3, 4, "bytes"),), ("s/test",), False),
        DuplicateGroup(
            (0, 1, 2), "near", (Link(0, 1, "near", 0.97, "m1"), Link(1, 2, "pixels")), ("s/test", "s/train"), True
        ),
    )
    path = tmp_path / "audit.json"
    path.write_text(json.dumps(AuditResult((), tuple(files), groups).to_json()))
    return path


def test_groups_of_an_audit(audit, sample):
    rows = read_groups(audit)
    assert [(row.number, len(row.files), row.group.conflict) for row in rows] == [(2, 3, True), (1, 2, False)]
    assert [row.number for row in rows_with(rows, [sample])] == [2]
    (page,) = group_pages(rows, [sample], "t", SheetOptions(rows=4, columns=6, tile_size=80))
    # A heading for the page (title and legend), and for each group; as wide as the largest group.
    assert page.shape == (2 * 20 + 2 * (20 + 80 + 3 * LINE), 3 * 80, 3)
    reds = (page.astype(int) @ [1, -1, 0]) > 150
    assert reds[40:, :80].any() and not reds[40:, 80:].any()


@pytest.mark.parametrize(
    "text", ["nonsense", "[]", '{"files": [], "groups": [{}]}', '{"files": [{"x": 1}], "groups": []}']
)
def test_wrong_audit(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError, match=r"can't read audit .* pass the audit.json of fxdet data audit"):
        read_groups(tmp_path / "a.json")
