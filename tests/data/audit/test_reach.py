"""How much a radiograph may be changed and still counts as nearly the same: real ones, changed in known ways."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from fxdet.data.audit.fingerprints import fingerprint
from fxdet.data.audit.grouping import find_groups
from fxdet.data.audit.results import AuditedFile

pytestmark = [pytest.mark.data, pytest.mark.slow]

SOURCES, COPIES = 60, 15


def rotated(pixels, degrees):
    height, width = pixels.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return cv2.warpAffine(pixels, matrix, (width, height))


def cropped(pixels, share):
    """Return a picture without a share of its height and width at every edge."""
    top, left = (round(share * side) for side in pixels.shape)
    return pixels[top : len(pixels) - top, left : pixels.shape[1] - left]


def cut(pixels, share):
    """Return a picture without a share of its height above and of its width on the left."""
    return pixels[round(share * len(pixels)) :, round(share * pixels.shape[1]) :]


def as_bytes(values):
    return np.clip(values, 0, 255).astype(np.uint8)


CHANGES = {
    "JPEG of quality 50": (".jpg", lambda pixels: pixels, 15),
    "WebP of quality 50": (".webp", lambda pixels: pixels, 15),
    "half the size": (
        ".png",
        lambda pixels: cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
        15,
    ),
    "300 × 300 px": (".png", lambda pixels: cv2.resize(pixels, (300, 300), interpolation=cv2.INTER_AREA), 15),
    "turned by 90°": (".png", np.rot90, 15),
    "mirrored": (".png", lambda pixels: pixels[:, ::-1], 15),
    "mirrored and turned by 270°": (".png", lambda pixels: np.rot90(pixels[:, ::-1], 3), 15),
    "a quarter brighter": (".png", lambda pixels: as_bytes(pixels * 1.25 + 12), 15),
    "gamma 0.7": (".png", lambda pixels: as_bytes(255 * (pixels / 255) ** 0.7), 15),
    "blurred": (".png", lambda pixels: cv2.GaussianBlur(pixels, (0, 0), 2), 15),
    "noise": (".png", lambda pixels: as_bytes(pixels + np.random.default_rng(0).normal(0, 12, pixels.shape)), 15),
    "rotated by 1°": (".png", lambda pixels: rotated(pixels, 1), 15),
    "cropped by 1 % a side": (".png", lambda pixels: cropped(pixels, 0.01), 15),
    "without 2 % above and left": (".png", lambda pixels: cut(pixels, 0.02), 15),
    "contrast × 1.4": (".png", lambda pixels: as_bytes((pixels - 128.0) * 1.4 + 128), 12),
    "CLAHE": (".png", lambda pixels: cv2.createCLAHE(2, (8, 8)).apply(pixels), 11),
    "cropped by 2 % a side": (".png", lambda pixels: cropped(pixels, 0.02), 8),
    "rotated by 2°": (".png", lambda pixels: rotated(pixels, 2), 2),
    "rotated by 3°": (".png", lambda pixels: rotated(pixels, 3), 0),
}
"""Change → ending of the file, what is done, and how many of 15 copies docs/audit.md says are found."""


@pytest.fixture(scope="module")
def sources(data_root):
    """Sixty different radiographs and their fingerprints."""
    paths = sorted((data_root / "FracAtlas/images/Non_fractured").glob("*.jpg"))[:3000]
    chosen = np.random.default_rng(3).choice(len(paths), SOURCES, replace=False)
    return [(paths[index], fingerprint(paths[index])) for index in chosen]


@pytest.mark.parametrize("change", CHANGES)
def test_how_many_changed_copies_are_found(sources, tmp_path, change):
    ending, changed, expected = CHANGES[change]
    prints = [found for _, found in sources]
    for path, _ in sources[:COPIES]:
        pixels = np.asarray(Image.open(path).convert("L"))
        copy = tmp_path / f"{path.stem}{ending}"
        Image.fromarray(np.ascontiguousarray(changed(pixels))).save(copy, quality=50)
        prints.append(fingerprint(copy))
    files = [AuditedFile("set", str(place), str(place), None, None) for place in range(len(prints))]
    groups = {group.members for group in find_groups(prints, files)}
    right = {(place, SOURCES + place) for place in range(COPIES)}
    assert groups <= right  # nothing else is joined
    assert len(groups) == expected
