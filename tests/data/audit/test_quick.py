"""The check before every training."""

from __future__ import annotations

import shutil
import time

import numpy as np
import pytest
from PIL import Image

from fxdet.core.errors import DataError
from fxdet.data.audit.quick import QuickOptions, leak_between, refuse_leak
from fxdet.data.formats import open_samples
from fxdet.data.splits import apply_split, builtin_split
from fxdet.imaging.synthetic import DrawingOptions, draw_radiograph

QUIET = QuickOptions(workers=1, quiet=True)


@pytest.fixture
def folder(tmp_path):
    """Six drawn radiographs."""
    for seed in range(6):
        drawn = draw_radiograph(np.random.default_rng(seed), DrawingOptions(size=(160, 128)))
        Image.fromarray(drawn.pixels).save(tmp_path / f"{seed}.png")
    return tmp_path


def test_distinct_pictures_share_nothing(folder):
    assert leak_between([folder / f"{n}.png" for n in range(4)], [folder / "4.png", folder / "5.png"], QUIET) == ()


def test_each_kind_of_copy_is_found_with_its_likest_training_picture(folder):
    train = [folder / f"{n}.png" for n in range(4)]
    shutil.copy(train[0], folder / "bytes.png")
    Image.open(train[1]).save(folder / "pixels.bmp")
    Image.open(train[2]).rotate(90, expand=True).save(folder / "turned.jpg", quality=70)
    Image.open(train[0]).save(folder / "train_near.jpg", quality=60)
    val = [folder / name for name in ("5.png", "turned.jpg", "pixels.bmp", "bytes.png")]
    found = leak_between([folder / "train_near.jpg", *train], val, QUIET)
    assert [(one.val.name, one.train.name, one.tie) for one in found] == [
        ("turned.jpg", "2.png", "near"),
        ("pixels.bmp", "1.png", "pixels"),
        ("bytes.png", "0.png", "bytes"),
    ]
    assert 0.96 <= found[0].similarity < 1
    assert {one.similarity for one in found[1:]} == {1.0}


def test_one_file_in_both_parts(folder):
    (one,) = leak_between([folder / "1.png", folder / "2.png"], [folder / "1.png"], QUIET)
    assert (one.val, one.train, one.tie) == (folder / "1.png", folder / "1.png", "bytes")


def test_unreadable_files_are_passed_over(folder):
    (folder / "a.png").write_bytes(b"")
    (folder / "b.png").write_bytes(b"no picture")
    assert leak_between([folder / "a.png"], [folder / "b.png", folder / "gone.png"], QUIET) == ()


def test_nothing_to_compare(folder):
    assert leak_between([], [folder / "1.png"], QUIET) == leak_between([folder / "1.png"], [], QUIET) == ()


def test_refusal_names_pictures_and_remedy(folder):
    paths = [folder / f"{n}.png" for n in range(5)]
    found = leak_between(paths, paths, QUIET)
    expected = (
        "training and validation share pictures: 5 of 7 validation pictures are also training pictures "
        r"\(0.png = 0.png, 1.png = 1.png, 2.png = 2.png and 2 more\) – set allow_leak"
    )
    with pytest.raises(DataError, match=expected):
        refuse_leak(found, 7, "set allow_leak")
    refuse_leak((), 7, "set allow_leak")


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("split", "number", "example"),
    [
        ("fracatlas/grouped-strict", 0, None),
        # A truncated copy that the clusters of this list missed.
        ("fracatlas/grouped", 6, ("IMG0002721.jpg", "IMG0004134.jpg")),
        (None, 17, ("IMG0004061.jpg", "IMG0002668.jpg")),
    ],
)
def test_fracatlas(data_root, split, number, example):
    samples = open_samples(data_root / "FracAtlas")
    if split is not None:
        samples = apply_split(samples, builtin_split(split), allow_leak=True)
    train, val = ([sample.path for sample in samples.part(part)] for part in ("train", "val"))
    start = time.process_time()
    found = leak_between(train, val, QUIET)
    assert time.process_time() - start < 30
    assert len(found) == number
    assert example is None or example in {(one.val.name, one.train.name) for one in found}
