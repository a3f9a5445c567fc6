from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from fxdet.core.errors import OutputError
from fxdet.core.findings import Finding, RegionBox, Report
from fxdet.core.labels import Decision
from fxdet.core.objects import Radiograph
from fxdet.report.overlay import (
    DOUBT_COLOUR,
    FRACTURE_COLOUR,
    REGION_COLOUR,
    Heat,
    OverlayStyle,
    draw_overlay,
    write_overlay,
)


def radiograph(height: int = 454, width: int = 373, value: int = 60) -> Radiograph:
    return Radiograph(np.full((height, width), value, np.uint8), "x.png", "")


def report(picture: Radiograph, *decisions: Decision, image: Decision = Decision.NONE) -> Report:
    height, width = picture.size
    findings = tuple(
        Finding(
            (0.3 * width, (0.2 + 0.3 * i) * height, 0.7 * width, (0.35 + 0.3 * i) * height),
            0.5,
            0.6,
            0.5,
            decision,
            "wrist",
            0.9,
            0.5,
        )
        for i, decision in enumerate(decisions)
    )
    return Report(
        "x.png",
        image_size=picture.size,
        image_probability=0.83,
        decision=image,
        region="wrist",
        region_probability=0.97,
        findings=findings,
    )


def share(overlay: np.ndarray, colour: tuple[int, int, int], box: tuple[int, int, int, int] | None = None) -> float:
    x1, y1, x2, y2 = box or (0, 0, overlay.shape[1], overlay.shape[0])
    return float((overlay[y1:y2, x1:x2] == colour).all(axis=2).mean())


@pytest.mark.parametrize("size", [(454, 373), (3000, 2400), (1024, 819)])
def test_lines_grow_with_the_picture(size):
    picture = radiograph(*size)
    overlay = draw_overlay(picture, report(picture, Decision.FRACTURE))
    assert overlay.shape[1] == size[1]
    assert overlay.shape[0] > size[0]
    column = overlay[: size[0], size[1] // 2]
    lines = (column == FRACTURE_COLOUR).all(axis=1).sum() / 2
    assert lines == pytest.approx(max(size) / 250, abs=1.1)


def test_a_fracture_is_solid_a_doubt_is_dashed_and_none_is_not_drawn():
    picture = radiograph(1000, 1000)
    overlay = draw_overlay(picture, report(picture, Decision.FRACTURE, Decision.DOUBT))
    top, second = overlay[200, 300:700], overlay[501, 300:700]
    assert (top == FRACTURE_COLOUR).all(axis=1).mean() > 0.99
    assert 0.4 < (second == DOUBT_COLOUR).all(axis=1).mean() < 0.7
    nothing = draw_overlay(picture, report(picture, Decision.NONE))
    assert share(nothing, FRACTURE_COLOUR) == share(nothing, DOUBT_COLOUR) == 0


def test_region_boxes_are_thinner_and_can_be_left_out():
    picture = radiograph(1000, 1000)
    region = RegionBox((100, 100, 900, 900), 0.9, "wrist", 0.97)
    plain = report(picture, Decision.FRACTURE)
    full = Report("x", image_size=picture.size, regions=(region,), findings=plain.findings)
    overlay = draw_overlay(picture, full)
    thickness = (overlay[:1000, 500] == REGION_COLOUR).all(axis=1).sum() / 2
    assert 1 <= thickness < (overlay[:1000, 500] == FRACTURE_COLOUR).all(axis=1).sum() / 2
    assert share(draw_overlay(picture, full, style=OverlayStyle(regions=False)), REGION_COLOUR) == 0


@pytest.mark.parametrize("image", list(Decision))
def test_the_strip_lies_below_and_differs_by_decision(image):
    picture = radiograph()
    overlay = draw_overlay(picture, report(picture, image=image))
    assert (overlay[:454] == 60).all()
    others = [draw_overlay(picture, report(picture, image=other)) for other in Decision if other is not image]
    assert all(other.shape != overlay.shape or (other != overlay).any() for other in others)
    assert (overlay[454:] > 100).any()


@pytest.mark.parametrize("size", [(1, 1), (32, 20), (20, 20_000), (5000, 40)])
def test_extreme_sizes_stay_readable(size):
    picture = radiograph(*size)
    overlay = draw_overlay(picture, report(picture, Decision.FRACTURE, Decision.DOUBT))
    assert 240 <= overlay.shape[1] <= 3200
    assert 50 <= overlay.shape[0] <= 3400
    assert (overlay[-30:] > 100).any()


def test_sixteen_bits_go_through_their_window():
    pixels = np.linspace(0, 4095, 400 * 400).reshape(400, 400).astype(np.uint16)
    picture = Radiograph(pixels, "x", "", bits=12, window=(1000.0, 500.0))
    overlay = draw_overlay(picture, report(picture))
    assert overlay[0, 0].tolist() == [0, 0, 0]
    assert overlay[399, 399].tolist() == [255, 255, 255]
    assert 100 < overlay[97, 200, 0] < 160


def test_the_heat_map_lands_where_it_belongs():
    picture = radiograph(400, 400)
    heat = np.zeros((10, 10), np.float32)
    heat[2, 7] = 1.0
    overlay = draw_overlay(picture, report(picture), Heat(heat, np.array([[40.0, 0, 0], [0, 40.0, 0]])))
    changed = np.argwhere(np.abs(overlay[:400].astype(int) - 60).max(axis=2) > 20)
    centre = changed.mean(axis=0) + 0.5
    assert centre.tolist() == pytest.approx([100, 300], abs=3)


def test_drawing_leaves_the_radiograph_alone_and_repeats_exactly():
    picture = radiograph()
    before = picture.pixels.copy()
    one, other = (draw_overlay(picture, report(picture, Decision.FRACTURE)) for _ in range(2))
    assert (one == other).all()
    assert (picture.pixels == before).all()


def test_threads_may_draw_at_once():
    picture = radiograph()
    wanted = draw_overlay(picture, report(picture, Decision.FRACTURE, Decision.DOUBT))
    with ThreadPoolExecutor(4) as threads:
        drawn = list(
            threads.map(lambda _: draw_overlay(picture, report(picture, Decision.FRACTURE, Decision.DOUBT)), range(16))
        )
    assert all((item == wanted).all() for item in drawn)


def test_labels_do_not_cover_each_other():
    picture = radiograph(454, 373)
    findings = report(picture, Decision.FRACTURE).findings * 3
    crowded = Report("x", image_size=picture.size, findings=findings)
    overlay = draw_overlay(picture, crowded)
    alone = draw_overlay(picture, Report("x", image_size=picture.size, findings=findings[:1]))
    assert share(overlay, (0, 0, 0)) > 2 * share(alone, (0, 0, 0))


@pytest.mark.parametrize("name", ["ü b.jpg", "x.png"])
def test_written_overlays_read_back(tmp_path, name):
    picture = radiograph()
    overlay = draw_overlay(picture, report(picture, Decision.FRACTURE))
    write_overlay(tmp_path / "new folder" / name, overlay)
    data = np.fromfile(tmp_path / "new folder" / name, np.uint8)
    back = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]
    assert back.shape == overlay.shape
    assert np.abs(back.astype(int) - overlay).mean() < 3
    assert [path.name for path in (tmp_path / "new folder").iterdir()] == [name]


def test_a_folder_that_cannot_be_written_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="can't write"):
        write_overlay(tmp_path / "file" / "x.jpg", np.zeros((8, 8, 3), np.uint8))
