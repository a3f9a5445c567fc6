"""How much two grey pictures differ: PSNR, SSIM, and the PSNR of a published script that wraps around.

Both measure closeness to the first picture, not how well a fracture is seen: the picture left as it is wins always.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Plane = NDArray[np.float64]

PEAK = 255.0
"""Brightest value of a grey byte."""

WINDOW_SIDE, WINDOW_SIGMA = 11, 1.5
"""Side and spread of the Gaussian window of SSIM, px."""

STABILISER_1, STABILISER_2 = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2
"""C1 and C2 of SSIM."""


def psnr(first: Pixels, second: Pixels) -> float:
    """Return the peak signal-to-noise ratio, dB: 10 log10(255² / mean squared difference); ∞ for equal pictures.

    Args:
        first: Grey picture, uint8 (H, W).
        second: Grey picture, uint8 (H, W).

    Example:
        >>> round(psnr(np.array([[10, 200], [50, 50]], np.uint8), np.array([[12, 180], [50, 66]], np.uint8)), 2)
        25.96
    """
    _check(first, second)
    difference = first.astype(np.float64) - second.astype(np.float64)
    return _decibels(float(np.mean(np.square(difference))))


def psnr_with_wraparound(first: Pixels, second: Pixels) -> float:
    """Return the PSNR as the published Team-05 script computes it, dB: the arithmetic stays in bytes.

    That script takes ``np.mean((img1 - img2) ** 2)`` of two byte arrays. Differences wrap around at 256, which their
    square would undo; but the square wraps around as well, so that a difference d counts as d² mod 256: right up to
    15, too small from 16 on, and nothing at all for 16, 32, 48, …

    A worked example, 2 × 2 px::

        first   10  200     second   12  180     difference    −2   20     square    4  400     mean 165
                50   50              50   66                    0  −16               0  256     PSNR 25.96 dB

        in bytes: difference        254   20     square         4  144     mean 37
                                      0  240                    0    0     PSNR 32.45 dB

    No d² mod 256 exceeds 249, so that the result is never below 24.17 dB, however much the pictures differ.

    Args:
        first: Grey picture, uint8 (H, W).
        second: Grey picture, uint8 (H, W).

    Example:
        >>> a, b = np.array([[10, 200], [50, 50]], np.uint8), np.array([[12, 180], [50, 66]], np.uint8)
        >>> round(psnr_with_wraparound(a, b), 2)
        32.45
        >>> white, grey = np.full((4, 4), 255, np.uint8), np.full((4, 4), 95, np.uint8)
        >>> psnr_with_wraparound(white, grey), round(psnr(white, grey), 2)
        (inf, 4.05)
    """
    _check(first, second)
    difference = np.subtract(first, second)
    return _decibels(float(np.mean(np.multiply(difference, difference))))


def _decibels(mean_square: float) -> float:
    return math.inf if mean_square == 0 else 10 * math.log10(PEAK**2 / mean_square)


def ssim(first: Pixels, second: Pixels) -> float:
    """Return the mean structural similarity, −1 to 1; 1 for equal pictures.

    Wang, Bovik, Sheikh, Simoncelli, IEEE Trans. Image Process. 13 (2004) 600: Gaussian window of 11 × 11 px with a
    spread of 1.5 px, K1 = 0.01, K2 = 0.03, mean over the places where the window lies inside the picture. Their later
    code first shrinks pictures of 384 px and more; this does not.

    Args:
        first: Grey picture, uint8 (H, W), at least 11 px on each side.
        second: Grey picture, uint8 (H, W).

    Raises:
        ValueError: Sizes differ, or a side is shorter than the window.

    Example:
        >>> flat = np.full((11, 11), 100, np.uint8)
        >>> round(ssim(flat, flat + 100), 4), ssim(flat, flat)
        (0.8, 1.0)
    """
    _check(first, second)
    if min(first.shape) < WINDOW_SIDE:
        raise ValueError(f"ssim: got {first.shape}, expected at least {WINDOW_SIDE} px on each side")
    x, y = first.astype(np.float64), second.astype(np.float64)
    mean_x, mean_y = _windowed(x), _windowed(y)
    variances = _windowed(x * x) - mean_x**2 + _windowed(y * y) - mean_y**2
    covariance = _windowed(x * y) - mean_x * mean_y
    top = (2 * mean_x * mean_y + STABILISER_1) * (2 * covariance + STABILISER_2)
    bottom = (mean_x**2 + mean_y**2 + STABILISER_1) * (variances + STABILISER_2)
    return float(np.mean(top / bottom))


def _windowed(plane: Plane) -> Plane:
    """Return Gaussian-weighted means, only where the window lies inside."""
    edge = WINDOW_SIDE // 2
    blurred = np.asarray(cv2.GaussianBlur(plane, (WINDOW_SIDE, WINDOW_SIDE), WINDOW_SIGMA), dtype=np.float64)
    return blurred[edge : plane.shape[0] - edge, edge : plane.shape[1] - edge]


def _check(first: Pixels, second: Pixels) -> None:
    for name, pixels in (("first", first), ("second", second)):
        if pixels.dtype != np.uint8 or pixels.ndim != 2 or 0 in pixels.shape:
            raise ValueError(f"{name}: got {pixels.dtype} {pixels.shape}, expected uint8 (H, W)")
    if first.shape != second.shape:
        raise ValueError(f"second: got {second.shape}, expected {first.shape} as the first")
