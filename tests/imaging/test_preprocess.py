from __future__ import annotations

import json

import numpy as np
import pytest

from fxdet.core.errors import ModelError
from fxdet.core.objects import Radiograph
from fxdet.imaging.geometry import apply_affine, invert_affine
from fxdet.imaging.preprocess import Preprocess
from fxdet.imaging.reading import radiograph_from_array


def deep(pixels: np.ndarray, window: tuple[float, float] | None = None, bits: int = 16) -> Radiograph:
    return Radiograph(pixels.astype(np.uint16), "array", "", bits=bits, window=window)


def test_eight_bits_are_divided_by_255(generator):
    pixels = generator.integers(0, 256, (9, 7)).astype(np.uint8)
    grey = Preprocess(size=32).grey(radiograph_from_array(pixels))
    assert grey.dtype == np.float32
    assert grey == pytest.approx(pixels / 255, abs=1e-6)


def test_window_of_the_file_is_used():
    grey = Preprocess(size=32).grey(deep(np.array([[0, 100, 150, 200, 300]]), window=(150.0, 100.0)))
    assert grey == pytest.approx(np.array([[0, 0, 0.5, 1, 1]]))


def test_percentile_window_ignores_border_and_outliers(generator):
    pixels = np.zeros((400, 400))
    pixels[50:350, 50:350] = generator.uniform(20000, 30000, (300, 300))
    pixels[60:64, 60:64] = 65000  # a burned-in marker
    low, high = Preprocess(size=32).window(deep(pixels))
    assert low == pytest.approx(20050, abs=60) and high == pytest.approx(29950, abs=60)
    assert Preprocess(size=32).grey(deep(pixels))[50:350, 50:350].std() > 0.25


@pytest.mark.parametrize("pixels", [np.zeros((5, 5)), np.full((5, 5), 65535), np.eye(64) * 65535, np.full((99, 99), 7)])
def test_pictures_without_greys_take_the_full_range(pixels):
    grey = Preprocess(size=32).grey(deep(pixels))
    assert grey == pytest.approx(pixels / 65535, abs=1e-6)


def test_whole_is_letterboxed_with_its_way_back():
    radiograph = radiograph_from_array(np.full((100, 50), 255, np.uint8))
    crops = Preprocess(size=20).whole(radiograph)
    assert crops.parent.tolist() == [-1] and crops.box.tolist() == [[0, 0, 50, 100]]
    assert (crops.pixels[0, :, 5:15] == 1).all() and not crops.pixels[0, :, :5].any()
    assert apply_affine(crops.to_image[0], np.array([[5, 0, 15, 20]]))[0] == pytest.approx([0, 0, 50, 100])


def test_crops_hold_the_box_with_its_context(drawn_fracture):
    radiograph = radiograph_from_array(drawn_fracture.pixels)
    boxes = np.array([[100.0, 80, 140, 100], [0, 0, 10, 10]])
    crops = Preprocess(size=64, context=2.0, minimum_side=0.0).crops(radiograph, boxes)
    assert crops.parent.tolist() == [0, 1]
    assert crops.box.tolist() == [[80, 50, 160, 130], [-5, -5, 15, 15]]
    inside = apply_affine(invert_affine(crops.to_image[0]), boxes[:1])[0]
    assert inside == pytest.approx([16, 24, 48, 40])
    assert not crops.pixels[1, :16].any() and not crops.pixels[1, :, :16].any()  # beyond the picture


def test_minimum_side_is_a_share_of_the_longer_side():
    radiograph = radiograph_from_array(np.zeros((400, 200), np.uint8))
    crops = Preprocess(size=16, minimum_side=0.25).crops(radiograph, np.array([[50.0, 50, 54, 54]]))
    assert crops.box.tolist() == [[2, 2, 102, 102]]


def test_crop_equals_the_cut_out_of_the_picture(generator):
    pixels = generator.integers(0, 256, (80, 90)).astype(np.uint8)
    crops = Preprocess(size=40, minimum_side=0).crops(radiograph_from_array(pixels), np.array([[30.0, 20, 50, 40]]))
    assert crops.pixels[0] == pytest.approx(pixels[10:50, 20:60] / 255, abs=1e-6)


def test_no_boxes_give_no_crops():
    crops = Preprocess(size=16).crops(radiograph_from_array(np.zeros((40, 40), np.uint8)), np.zeros((0, 4)))
    assert len(crops) == 0 and crops.pixels.shape == (0, 16, 16) and crops.to_image.shape == (0, 2, 3)


def test_beyond_the_picture_stays_black_for_windows_below_zero():
    radiograph = deep(np.full((40, 40), 100), window=(0.0, 400.0))
    crops = Preprocess(size=40, minimum_side=0, context=1).crops(radiograph, np.array([[20.0, 0, 60, 40]]))
    assert crops.pixels[0, :, :20] == pytest.approx(0.75) and not crops.pixels[0, :, 20:].any()


def test_normalise():
    assert Preprocess(size=8, mean=0.5, std=0.25).normalise(np.ones((2, 8, 8)))[0, 0, 0] == 2.0


def test_same_input_same_output(drawn_fracture):
    radiograph = radiograph_from_array(drawn_fracture.pixels)
    first, second = (Preprocess(size=96).crops(radiograph, drawn_fracture.fracture_boxes) for _ in range(2))
    assert (first.pixels == second.pixels).all()


def test_json_round_trip():
    preprocess = Preprocess(size=320, mean=0.4, context=1.7)
    assert Preprocess.from_json(json.loads(json.dumps(preprocess.to_json()))) == preprocess


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"size": 8, "meam": 0.4}, "did you mean 'mean'"),
        ({}, "size"),
        ({"size": 0}, "at least 1 px"),
        ({"size": 8, "std": 0}, "expected > 0"),
        ({"size": 8, "context": -1}, "expected > 0"),
        ({"size": 8, "minimum_side": 64}, "share of 0 to 1"),
        ({"size": 8, "low_percentile": 99.9}, "low < high"),
        ({"size": "big"}, "preprocess"),
    ],
)
def test_wrong_cards_are_named(data, message):
    with pytest.raises(ModelError, match=message):
        Preprocess.from_json(data)
