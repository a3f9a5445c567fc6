from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fxdet.data.augment import AugmentOptions, classification_augment
from fxdet.data.samples import BoxLabel, Sample
from fxdet.imaging.preprocess import Preprocess
from fxdet.imaging.reading import open_radiograph
from fxdet.training.batches import BatchOptions, TrainingBatches
from fxdet.training.classifier_config import CropOptions
from fxdet.training.items import Item
from fxdet.training.pictures import PictureMaker, RadiographStore, fracture_shares, jitter_box

PREPROCESS = Preprocess(32, minimum_side=0.0)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Left half dark, right half bright."""
    pixels = np.full((120, 200), 10, np.uint8)
    pixels[:, 100:] = 200
    path = tmp_path / "half.png"
    Image.fromarray(pixels).save(path)
    return path


def maker(longest: int = 1024, augment: AugmentOptions | None = None) -> PictureMaker:
    change = None if augment is None else classification_augment(augment)
    return PictureMaker(RadiographStore(PREPROCESS, longest), PREPROCESS, CropOptions(), change, {})


def test_training_and_prediction_see_the_same_picture(picture: Path):
    item = Item(Sample(picture, "half.png"), "s", "whole", False, 1.0)
    got = maker().fixed(item, np.random.default_rng(0))
    want = PREPROCESS.whole(open_radiograph(picture)).pixels[0]
    assert np.abs(got / 255 - want).max() <= 0.5 / 255 + 1e-6


def test_crops_of_a_reduced_radiograph_show_the_same_place(picture: Path):
    box = (80.0, 40.0, 120.0, 80.0)
    item = Item(Sample(picture, "half.png"), "s", "fracture_box", True, 1.0, box)
    full, reduced = (maker(longest).fixed(item, np.random.default_rng(0)) for longest in (1024, 100))
    want = PREPROCESS.crops(open_radiograph(picture), np.array([box])).pixels[0]
    assert np.abs(full / 255 - want).max() <= 0.5 / 255 + 1e-6
    assert full[16, 8] == 10 and full[16, 24] == 200
    assert np.abs(full.astype(int) - reduced)[4:-4].mean() < 8


def test_background_lies_on_anatomy_and_off_the_fracture(picture: Path):
    label = BoxLabel((150.0, 0.0, 200.0, 120.0), "fracture")
    item = Item(Sample(picture, "half.png", boxes=(label,)), "s", "background", False, 1.0)
    made = maker()
    centres = []
    for seed in range(40):
        x1, _, x2, _ = made._place(item, np.random.default_rng(seed))
        centres.append((x1 + x2) / 2)
    # Bright is right of 100, free is left of 150 with context to spare: most draws find a place in between.
    assert np.mean([100 <= x < 150 for x in centres]) > 0.8


def test_jitter_stays_within_its_limits():
    box, options = (10.0, 20.0, 50.0, 40.0), CropOptions(shift=0.1, resize=0.5)
    boxes = np.array([jitter_box(box, options, np.random.default_rng(seed)) for seed in range(300)])
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 - [30, 30]
    widths = boxes[:, 2] - boxes[:, 0]
    assert np.abs(centre).max() <= 4 + 1e-9 and np.abs(centre).max() > 3
    assert widths.max() <= 60 + 1e-9 and widths.min() >= 40 / 1.5 - 1e-9 and widths.max() > 55
    assert np.allclose(widths / (boxes[:, 3] - boxes[:, 1]), 2)


def test_sides_of_fractures_are_shares_of_the_radiograph():
    label = BoxLabel((0.0, 0.0, 30.0, 60.0), "fracture")
    item = Item(Sample(Path("x"), "x", boxes=(label,), image_size=(120, 240)), "s", "whole", True, 1.0)
    assert fracture_shares([item])["s"].tolist() == [0.5]


def batches(picture: Path, rank: int = 0, world: int = 1, presentations: int = 12) -> TrainingBatches:
    items = [Item(Sample(picture, "half.png"), "s", "whole", bool(index % 2), 1.0) for index in range(12)]
    options = BatchOptions(4, presentations, seed=1, rank=rank, world=world)
    return TrainingBatches(items, {"fracture": ("normal", "fractured")}, maker(augment=AugmentOptions()), options)


def test_processes_share_the_batches_of_one(picture: Path):
    alone = list(batches(picture).epoch(2))
    shared = [list(batches(picture, rank, 2).epoch(2)) for rank in (0, 1)]
    assert len(alone) == len(shared[0]) == len(shared[1]) == 3
    for step, batch in enumerate(alone):
        for rank in (0, 1):
            assert np.array_equal(batch.pixels[rank::2], shared[rank][step].pixels)
            assert np.array_equal(batch.allowed["fracture"][rank::2], shared[rank][step].allowed["fracture"])


def test_epochs_differ_and_repeat(picture: Path):
    one, again, other = (list(batches(picture).epoch(epoch)) for epoch in (0, 0, 1))
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(one, again, strict=True))
    assert not np.array_equal(one[0].pixels, other[0].pixels)


def test_fewer_pictures_than_a_batch_still_make_one(picture: Path):
    assert [len(batch.pixels) for batch in batches(picture, presentations=3).epoch(0)] == [3]
