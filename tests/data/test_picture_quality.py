"""PSNR and SSIM against other implementations and numbers worked by hand."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fxdet.data.picture_quality import psnr, psnr_with_wraparound, ssim

pictures = arrays(np.uint8, (13, 14))


def test_psnr_by_hand():
    first, second = np.array([[10, 200], [50, 50]], np.uint8), np.array([[12, 180], [50, 66]], np.uint8)
    assert psnr(first, second) == pytest.approx(10 * math.log10(255**2 / 165))
    assert psnr_with_wraparound(first, second) == pytest.approx(10 * math.log10(255**2 / 37))
    assert psnr(np.zeros((2, 2), np.uint8), np.full((2, 2), 255, np.uint8)) == 0


@given(pictures, pictures)
def test_psnr_against_opencv(first, second):
    if (first == second).all():
        assert psnr(first, second) == math.inf
    else:
        assert psnr(first, second) == pytest.approx(cv2.PSNR(first, second), abs=1e-6)


@given(pictures, pictures)
def test_wraparound_is_what_the_published_script_computes(first, second):
    mean = np.mean((first - second) ** 2)  # as it stands there
    expected = math.inf if mean == 0 else 20 * math.log10(255.0 / math.sqrt(mean))
    assert psnr_with_wraparound(first, second) == pytest.approx(expected)
    assert psnr_with_wraparound(first, second) >= max(psnr(first, second) - 1e-9, 24.168)


def test_wraparound_tells_no_lie_below_16_and_a_gross_one_at_16():
    ground = np.full((4, 4), 100, np.uint8)
    for difference in (-15, -1, 1, 15):
        other = np.full_like(ground, 100 + difference)
        assert psnr_with_wraparound(ground, other) == psnr(ground, other)
    for difference in (16, 32, 64, -96):
        assert psnr_with_wraparound(ground, np.full_like(ground, 100 + difference)) == math.inf


def test_ssim_of_flat_pictures_by_hand():
    first, second = np.full((11, 11), 100, np.uint8), np.full((11, 11), 150, np.uint8)
    c1 = (0.01 * 255) ** 2
    assert ssim(first, second) == pytest.approx((2 * 100 * 150 + c1) / (100**2 + 150**2 + c1))


def _ssim_by_loops(first, second):
    """The formula of the paper for a picture of one window's size."""
    place = np.arange(11) - 5.0
    weight = np.exp(-(place[:, None] ** 2 + place[None] ** 2) / (2 * 1.5**2))
    weight /= weight.sum()
    x, y = first.astype(float), second.astype(float)
    mx, my = (weight * x).sum(), (weight * y).sum()
    vx, vy, cov = (weight * (x - mx) ** 2).sum(), (weight * (y - my) ** 2).sum(), (weight * (x - mx) * (y - my)).sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return (2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))


def test_ssim_against_its_definition(generator):
    first, second = generator.integers(0, 256, (2, 11, 11), dtype=np.uint8)
    assert ssim(first, second) == pytest.approx(_ssim_by_loops(first, second))
    wide = generator.integers(0, 256, (2, 12, 13), dtype=np.uint8)
    windows = [_ssim_by_loops(*wide[:, y : y + 11, x : x + 11]) for y in range(2) for x in range(3)]
    assert ssim(wide[0], wide[1]) == pytest.approx(np.mean(windows))


def test_ssim_against_scikit_image(drawn_fracture, generator):
    metrics = pytest.importorskip("skimage.metrics", reason="scikit-image is not installed")
    first = drawn_fracture.pixels
    second = np.clip(first + generator.normal(0, 12, first.shape), 0, 255).astype(np.uint8)
    expected = metrics.structural_similarity(
        first, second, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )
    assert ssim(first, second) == pytest.approx(expected, abs=1e-12)
    assert psnr(first, second) == pytest.approx(metrics.peak_signal_noise_ratio(first, second, data_range=255))


@given(pictures, pictures)
def test_ssim_is_symmetric_and_bounded(first, second):
    assert ssim(first, second) == pytest.approx(ssim(second, first))
    assert -1 <= ssim(first, second) <= 1 + 1e-12
    assert ssim(first, first) == pytest.approx(1)


@pytest.mark.parametrize("measure", [psnr, psnr_with_wraparound, ssim])
def test_pictures_that_do_not_fit(measure):
    good = np.zeros((12, 12), np.uint8)
    for wrong in (np.zeros((12, 13), np.uint8), np.zeros((12, 12)), np.zeros((12, 12, 3), np.uint8)):
        with pytest.raises(ValueError, match="expected"):
            measure(good, wrong)


def test_ssim_needs_a_window():
    with pytest.raises(ValueError, match="at least 11 px"):
        ssim(np.zeros((10, 30), np.uint8), np.zeros((10, 30), np.uint8))


@given(st.integers(0, 255), st.integers(0, 255))
def test_one_pixel(first, second):
    a, b = np.array([[first]], np.uint8), np.array([[second]], np.uint8)
    assert psnr(a, b) == psnr(b, a)
    assert psnr_with_wraparound(a, b) == psnr_with_wraparound(b, a)
