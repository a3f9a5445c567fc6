"""Options that the papers' rows need: stretching, filters, Keras's augmentation, plain Adam."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from fxdet.core.errors import ModelError
from fxdet.core.objects import Radiograph
from fxdet.data.augment import AugmentOptions, classification_augment
from fxdet.data.filters import apply_filter
from fxdet.imaging.preprocess import Preprocess
from fxdet.training.optimise import build_optimiser
from fxdet.training.options import OptimiserOptions
from fxdet.training.pictures import RadiographStore

OFF = {"flip": 0, "rotate": 0, "scale": 0, "translate": 0, "brightness": 0, "contrast": 0, "clahe": 0, "blur": 0,
       "dropout": 0}  # fmt: skip


def test_stretching_fills_the_square_and_maps_the_corners(generator: np.random.Generator):
    pixels = generator.integers(0, 255, (60, 120), dtype=np.uint8)
    crop = Preprocess(30, fit="stretch").whole(Radiograph(pixels, "a", ""))
    want = cv2.resize(pixels, (30, 30), interpolation=cv2.INTER_AREA) / 255
    np.testing.assert_allclose(crop.pixels[0], want, atol=1.01 / 255)
    corners = crop.to_image[0] @ np.array([[0, 30], [0, 30], [1, 1]])
    np.testing.assert_allclose(corners, [[0, 120], [0, 60]])
    letterboxed = Preprocess(30).whole(Radiograph(pixels, "a", ""))
    assert (letterboxed.pixels[0][0] == 0).all() and (crop.pixels[0][0] > 0).any()


def test_stretching_survives_a_card_and_letterboxing_leaves_no_trace():
    assert Preprocess.from_json(Preprocess(30, fit="stretch").to_json()).fit == "stretch"
    assert "fit" not in Preprocess(30).to_json() and Preprocess.from_json({"size": 30}).fit == "letterbox"
    with pytest.raises(ModelError, match="expected 'letterbox' or 'stretch'"):
        Preprocess.from_json({"size": 30, "fit": "squeeze"})


def test_a_store_filters_before_anything_is_resized(tmp_path: Path, generator: np.random.Generator):
    pixels = generator.integers(0, 255, (40, 50), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    plain, filtered = (RadiographStore(Preprocess(16), 64, name) for name in (None, "median"))
    assert (plain[tmp_path / "a.png"].radiograph.pixels == pixels).all()
    assert (filtered[tmp_path / "a.png"].radiograph.pixels == apply_filter("median", pixels)).all()


def test_nearest_fill_leaves_a_white_picture_white():
    white, changes = np.full((48, 48), 255, np.uint8), {"rotate": 40, "translate": 0.2, "scale": 0.2, "shear": 0.2}
    for border, darkest in (("nearest", 255), ("black", 0)):
        augment = classification_augment(AugmentOptions(**{**OFF, **changes}, border=border))
        assert min(int(augment(white, np.random.default_rng(seed)).min()) for seed in range(5)) == darkest


def test_width_and_height_are_scaled_apart():
    picture = np.zeros((96, 96), np.uint8)
    picture[24:72, 24:72] = 255
    ratios = {}
    for apart in (False, True):
        augment = classification_augment(AugmentOptions(**{**OFF, "scale": 0.4}, scale_axes_apart=apart))
        changed = [augment(picture, np.random.default_rng(seed)) > 127 for seed in range(8)]
        ratios[apart] = [mask.any(axis=0).sum() / mask.any(axis=1).sum() for mask in changed]
    assert max(abs(ratio - 1) for ratio in ratios[False]) < 0.05
    assert max(abs(ratio - 1) for ratio in ratios[True]) > 0.15


def test_shear_is_in_degrees():
    picture = np.zeros((96, 96), np.uint8)
    picture[:, 46:50] = 255
    slants = {}
    for degrees in (0.2, 30):
        augment = classification_augment(AugmentOptions(**OFF, shear=degrees))
        changed = [augment(picture, np.random.default_rng(seed)) for seed in range(8)]
        slants[degrees] = max(abs(int(c[4].argmax()) - int(c[-5].argmax())) for c in changed)
    assert slants[0.2] <= 1 and slants[30] > 10


def test_plain_adam_decays_everything():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    spared, plain = (
        build_optimiser(network, OptimiserOptions("adam", weight_decay=0.01, decay_everything=everything))
        for everything in (False, True)
    )
    assert {group["weight_decay"] for group in spared.param_groups} == {0.0, 0.01}
    assert {group["weight_decay"] for group in plain.param_groups} == {0.01}
    reference = torch.optim.Adam(network.parameters(), 1e-3, weight_decay=0.01)
    assert {type(plain)} == {type(reference)}
