"""The filters of the comparison, each against an independent way to compute it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from fxdet.core.errors import ConfigError
from fxdet.data.filters import FILTERS, MEANINGS, apply_filter


@pytest.fixture
def pixels(drawn_fracture):
    return drawn_fracture.pixels


@pytest.mark.parametrize("name", FILTERS)
def test_size_and_type_stay(name, pixels):
    before = pixels.copy()
    filtered = apply_filter(name, pixels)
    assert (filtered.shape, filtered.dtype) == (pixels.shape, np.uint8)
    assert (pixels == before).all()
    assert (filtered != pixels).any()


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 2), (17, 250)])
def test_any_size(name, shape, generator):
    noise = generator.integers(0, 256, shape, dtype=np.uint8)
    assert apply_filter(name, noise).shape == shape


@pytest.mark.parametrize("name", FILTERS)
def test_read_only_and_strided_pictures(name, pixels):
    pixels.flags.writeable = False
    expected = apply_filter(name, np.ascontiguousarray(pixels[::2, ::3]).copy())
    assert (apply_filter(name, pixels[::2, ::3]) == expected).all()


def test_median_against_scipy(pixels):
    assert (apply_filter("median", pixels) == ndimage.median_filter(pixels, 3, mode="nearest")).all()


def test_gaussian_against_scipy(pixels):
    blurred = ndimage.gaussian_filter(pixels.astype(float), 1.1, mode="mirror", radius=2)
    assert np.abs(apply_filter("gaussian", pixels) - blurred).max() < 1


def test_bilateral_against_its_definition(generator):
    """Mean over a disc of 9 px, weighted by distance and by difference of grey, both with a spread of 75."""
    noise = generator.integers(0, 256, (16, 16), dtype=np.uint8)
    y, x = np.mgrid[-4:5, -4:5]
    disc = x**2 + y**2 <= 16
    around = np.pad(noise.astype(float), 4, mode="reflect")
    expected = np.empty(noise.shape)
    for row, column in np.ndindex(noise.shape):
        window = around[row : row + 9, column : column + 9]
        difference = window - float(noise[row, column])
        weight = np.exp(-(x**2 + y**2) / (2 * 75**2) - difference**2 / (2 * 75**2)) * disc
        expected[row, column] = (weight * window).sum() / weight.sum()
    assert np.abs(apply_filter("bilateral", noise) - expected).max() <= 1


def test_clahe_raises_local_contrast_and_keeps_a_flat_picture_flat(pixels):
    dim = (pixels // 8 + 20).astype(np.uint8)
    assert apply_filter("clahe", dim).std() > 1.5 * dim.std()
    assert np.ptp(apply_filter("clahe", np.full((64, 64), 90, np.uint8))) == 0


def test_clahe_median_is_one_after_the_other(pixels):
    assert (apply_filter("clahe_median", pixels) == apply_filter("median", apply_filter("clahe", pixels))).all()


def test_wrong_names_and_pictures(pixels):
    with pytest.raises(ConfigError, match="'medain' is unknown – did you mean 'median'"):
        apply_filter("medain", pixels)
    for wrong in (pixels.astype(np.float32), pixels[..., None], pixels[:0]):
        with pytest.raises(ValueError, match=r"expected uint8 \(H, W\)"):
            apply_filter("median", wrong)


def test_every_filter_is_described():
    assert list(MEANINGS) == list(FILTERS)
