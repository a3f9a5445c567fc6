"""Conversions of the real sets: every box of FracAtlas, forth and back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fxdet.data.compact import CompactOptions
from fxdet.data.convert import ConvertOptions, convert
from fxdet.data.formats import open_samples
from fxdet.data.splits import apply_split, builtin_split
from fxdet.data.writers import TARGETS

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def fracatlas(data_root):
    return open_samples(data_root / "FracAtlas")


@pytest.fixture(scope="module")
def boxed(fracatlas):
    """All pictures with boxes, and some of those without."""
    kept = tuple(s for index, s in enumerate(fracatlas) if s.boxes or index % 40 == 0)
    return replace(fracatlas, samples=kept)


def by_file(samples):
    return {sample.path.stem: sample for sample in samples}


def largest_box_error(samples, reference, scaled=False):
    """Largest distance of an edge, px of the original, over all boxes of all pictures."""
    found, worst, count = by_file(samples), 0.0, 0
    for name, expected in by_file(reference).items():
        got = found[name]
        assert (got.boxes is None, len(got.boxes or ())) == (expected.boxes is None, len(expected.boxes or ()))
        for a, b in zip(got.boxes or (), expected.boxes or (), strict=True):
            factor = np.ones(4)
            if scaled:
                (height, width), (old_height, old_width) = got.image_size, expected.image_size
                factor = np.array([old_width / width, old_height / height] * 2)
            assert (a.label, a.kind) == (b.label, b.kind)
            worst, count = max(worst, float(np.abs(np.array(a.xyxy) * factor - b.xyxy).max())), count + 1
    assert count == 922
    return worst


@pytest.mark.parametrize("first", TARGETS)
def test_every_box_of_fracatlas_goes_forth_and_back(boxed, tmp_path, first):
    """FracAtlas into a format, from there into COCO: every edge within half a pixel (in fact a thousandth)."""
    convert(boxed, tmp_path / "one", ConvertOptions(first, "link"))
    there = open_samples(tmp_path / "one")
    assert (len(there), there.problems) == (len(boxed), ())
    assert largest_box_error(there, boxed) <= 0.0011
    assert there.counts() == boxed.counts()
    convert(there, tmp_path / "two", ConvertOptions("coco", "link"))
    back = open_samples(tmp_path / "two")
    assert largest_box_error(back, boxed) <= 0.0011
    if first in ("coco", "yolo", "fxdet"):
        outlines = [
            (a.polygon, b.polygon)
            for n, s in by_file(back).items()
            for a, b in zip(s.boxes, by_file(boxed)[n].boxes, strict=True)
        ]
        assert len(outlines) == 922
        assert max(np.abs(np.array(a) - np.array(b)).max() for a, b in outlines) < 1e-4


@pytest.mark.slow
def test_compact_copy_of_fracatlas(fracatlas, tmp_path):
    options = ConvertOptions("fxdet", compact=CompactOptions(max_side=800, grey=True, quality=88))
    result = convert(fracatlas, tmp_path / "out", options)
    copy = open_samples(tmp_path / "out")
    assert (result.pictures, len(copy), result.failures) == (4083, 4083, ())
    # 4,000 radiographs in 60 MB, labels included.
    assert sum(path.stat().st_size for path in (tmp_path / "out").rglob("*") if path.is_file()) < 40e6
    assert max(max(sample.image_size) for sample in copy) == 800
    assert largest_box_error(copy, fracatlas, scaled=True) < 1e-6
    assert [s.regions for s in copy] == [s.regions for s in fracatlas]
    for name in ("fracatlas/grouped-strict", "fracatlas/official"):
        split = builtin_split(name)
        parts, copied = (
            [(s.path.stem, s.part, s.group) for s in apply_split(samples, split, allow_leak=True)]
            for samples in (fracatlas, copy)
        )
        assert sorted(parts) == sorted(copied)


def test_every_outline_of_bonefracture_comes_back(data_root, tmp_path):
    samples = open_samples(data_root / "BoneFractureYolo8")
    for target in ("coco", "fxdet", "yolo"):
        convert(samples, tmp_path / target, ConvertOptions(target, "link"))
        back = open_samples(tmp_path / target)
        assert (back.counts(), back.problems, back.classes) == (samples.counts(), (), samples.classes)
        found = {(s.part, s.path.name): s for s in back}
        for sample in samples:
            other = found[sample.part, sample.path.name]
            assert (other.fractured, other.regions) == (sample.fractured, sample.regions)
            for a, b in zip(other.boxes, sample.boxes, strict=True):
                assert (a.label, a.kind) == (b.label, b.kind)
                assert np.abs(np.array(a.polygon) - np.array(b.polygon)).max() < 1e-4
