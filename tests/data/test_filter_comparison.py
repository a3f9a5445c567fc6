"""The comparison over a set: order of steps, means, files."""

from __future__ import annotations

import csv
import io
import json
import math

import cv2
import numpy as np
import pytest
from PIL import Image
from scipy import stats

from fxdet.core.errors import ConfigError, ReadError
from fxdet.data.filter_comparison import (
    ComparisonOptions,
    ComparisonResult,
    compare,
    compare_samples,
    filtered_pair,
    mean_interval,
    strip,
    summarise,
    write_comparison,
)
from fxdet.data.filters import FILTERS
from fxdet.data.samples import Sample


@pytest.fixture
def pixels(drawn_fracture):
    return drawn_fracture.pixels


@pytest.fixture
def samples(tmp_path, pixels):
    Image.fromarray(pixels).save(tmp_path / "a.png")
    Image.fromarray(np.full((60, 40), 90, np.uint8)).save(tmp_path / "flat.png")
    Image.fromarray(pixels.astype(np.uint16) * 200).save(tmp_path / "deep.png")
    (tmp_path / "broken.png").write_text("no picture")
    return [Sample(tmp_path / name, name) for name in ("a.png", "broken.png", "flat.png", "deep.png")]


def test_as_published(pixels):
    """The steps of the published script, written out."""
    first, second = filtered_pair(pixels, "clahe", ComparisonOptions())
    enhanced = cv2.createCLAHE(clipLimit=2.0, tileGridSize=(8, 8)).apply(pixels)
    assert (second == np.array(Image.fromarray(enhanced).resize((224, 224)))).all()
    assert (first == np.array(Image.fromarray(pixels).resize((224, 224)))).all()


def test_the_other_order(pixels):
    first, second = filtered_pair(pixels, "median", ComparisonOptions(order="resize-first"))
    assert (second == cv2.medianBlur(np.array(Image.fromarray(pixels).resize((224, 224))), 3)).all()
    assert (filtered_pair(pixels, "median", ComparisonOptions())[1] != second).any()
    assert first.shape == (224, 224)


def test_through_jpeg_as_published(pixels, tmp_path):
    Image.fromarray(pixels).resize((224, 224)).save(tmp_path / "a.jpg")
    first, _ = filtered_pair(pixels, "median", ComparisonOptions(jpeg_quality=75))
    assert (first == np.array(Image.open(tmp_path / "a.jpg").convert("L"))).all()


def test_rows_are_in_the_order_of_the_options(pixels):
    rows = compare(pixels, ComparisonOptions(("median", "clahe"), 64), "x")
    assert [(row.name, row.filter) for row in rows] == [("x", "median"), ("x", "clahe")]
    assert rows[0].psnr > rows[1].psnr
    assert rows[0].ssim > rows[1].ssim


def test_a_file_that_cannot_be_read_does_not_stop_the_rest(samples):
    found = list(compare_samples(samples, ComparisonOptions(size=32)))
    assert isinstance(found[1], ReadError)
    assert [len(rows) for rows in found if not isinstance(rows, ReadError)] == [len(FILTERS)] * 3


def test_means_against_scipy(generator):
    values = generator.normal(30, 4, 50).tolist()
    found = mean_interval(values)
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found.mean, found.low, found.high) == pytest.approx((np.mean(values), low, high))


def test_means_without_a_finite_value():
    assert mean_interval([math.inf]) == mean_interval([]).__class__(None, None, None, 1)
    assert mean_interval([2.0]) == mean_interval([]).__class__(2.0, None, None, 0)


def test_files(samples, tmp_path):
    options = ComparisonOptions(("median", "clahe"), 32)
    rows = [row for found in compare_samples(samples, options) if not isinstance(found, ReadError) for row in found]
    result = ComparisonResult("set", options, tuple(rows), summarise(rows), ("broken.png: why",))
    page = strip(samples, options)
    write_comparison(result, page, tmp_path / "out")
    data = json.loads((tmp_path / "out/filters.json").read_text())
    assert (data["set_name"], data["unreadable"], data["options"]["size"]) == ("set", ["broken.png: why"], 32)
    means = list(csv.DictReader(io.StringIO((tmp_path / "out/filters.csv").read_text())))
    assert [(row["filter"], row["pictures"], row["psnr_infinite"]) for row in means] == [
        ("median", "3", "1"), ("clahe", "3", "0")
    ]  # fmt: skip
    assert float(means[0]["ssim"]) == pytest.approx(data["summaries"][0]["ssim"]["mean"], abs=1e-4)
    pictures = list(csv.DictReader(io.StringIO((tmp_path / "out/pictures.csv").read_text())))
    assert [row["psnr"] for row in pictures if (row["name"], row["filter"]) == ("flat.png", "median")] == ["inf"]
    with Image.open(tmp_path / "out/strip.png") as picture:
        assert picture.size == (page.shape[1], page.shape[0]) == (3 * 226, 3 * (226 + 30))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"names": ("clae",)}, "'clae' is unknown – did you mean 'clahe'"),
        ({"size": 10}, "size: got 10"),
        ({"order": "both"}, "order: got 'both'"),
        ({"jpeg_quality": 0}, "jpeg_quality: got 0"),
    ],
)
def test_wrong_options(changes, what):
    with pytest.raises(ConfigError, match=what):
        ComparisonOptions(**changes)


@pytest.mark.data
@pytest.mark.slow
def test_the_wraparound_flatters_clahe_on_real_radiographs(data_root):
    """As docs/filters.md has it: the published arithmetic adds six decibels to CLAHE."""
    from fxdet.data.formats import open_samples

    test = open_samples(data_root / "BoneFractureYolo8").part("test")
    rows = [row for found in compare_samples(test, ComparisonOptions()) if isinstance(found, list) for row in found]
    by_name = {summary.filter: summary for summary in summarise(rows)}
    assert by_name["clahe"].pictures == 169
    assert by_name["clahe"].psnr.mean == pytest.approx(23.43, abs=0.05)
    assert by_name["clahe"].psnr_wraparound.mean == pytest.approx(29.68, abs=0.05)
    assert by_name["median"].psnr.mean == pytest.approx(46.81, abs=0.05)
    assert by_name["clahe"].ssim.mean == pytest.approx(0.829, abs=0.002)
