from __future__ import annotations

import numpy as np
import pytest

from fxdet.data.augment import AugmentOptions, classification_augment, detection_augment

OFF = {name: 0.0 for name in AugmentOptions.__dataclass_fields__}
PICTURE = np.random.default_rng(0).integers(0, 256, (48, 40), dtype=np.uint8)


def test_same_seed_same_picture_whatever_came_before():
    augment = classification_augment(AugmentOptions(rotate=20, clahe=0.5, blur=0.5, dropout=0.5, gamma=0.3))
    want = augment(PICTURE, np.random.default_rng(4))
    for seed in range(10):
        augment(PICTURE, np.random.default_rng(seed))
    assert np.array_equal(augment(PICTURE, np.random.default_rng(4)), want)
    assert not np.array_equal(augment(PICTURE, np.random.default_rng(5)), want)
    assert want.dtype == np.uint8 and want.shape == PICTURE.shape


def test_everything_off_changes_nothing():
    assert np.array_equal(classification_augment(AugmentOptions(**OFF))(PICTURE, np.random.default_rng(0)), PICTURE)


def test_changes_are_decided_independently():
    options = AugmentOptions(**{**OFF, "flip": 0.5, "vertical_flip": 0.5})
    augment = classification_augment(options)
    kinds = {
        name: sum(np.array_equal(augment(PICTURE, np.random.default_rng(seed)), turned) for seed in range(200))
        for name, turned in {
            "none": PICTURE,
            "x": PICTURE[:, ::-1],
            "y": PICTURE[::-1],
            "both": PICTURE[::-1, ::-1],
        }.items()
    }
    assert sum(kinds.values()) == 200
    assert min(kinds.values()) > 25


def test_the_global_state_is_left_alone():
    np.random.seed(3)
    want = np.random.rand()
    np.random.seed(3)
    classification_augment(AugmentOptions())(PICTURE, np.random.default_rng(0))
    assert np.random.rand() == want


def test_boxes_follow_the_picture():
    pixels = np.zeros((80, 100), np.uint8)
    pixels[20:40, 30:60] = 255
    augment = detection_augment(AugmentOptions(**{**OFF, "flip": 0.5, "scale": 0.2, "translate": 0.1}))
    for seed in range(20):
        given = np.array([[30.0, 20, 60, 40]])
        changed, boxes, label = augment(pixels, given, np.array([7]), np.random.default_rng(seed))
        rows, columns = np.nonzero(changed > 127)
        seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert np.abs(boxes[0] - seen).max() <= 1.0
        assert label.tolist() == [7]


def test_boxes_that_leave_the_picture_lose_their_label():
    augment = detection_augment(AugmentOptions(**{**OFF, "translate": 0.9}))
    boxes = np.array([[0.0, 0, 10, 10], [30, 30, 60, 60]])
    met = set()
    for seed in range(60):
        _, kept, label = augment(np.zeros((80, 80), np.uint8), boxes, np.array([1, 2]), np.random.default_rng(seed))
        assert len(kept) == len(label)
        assert (kept >= 0).all() and (kept <= 80).all()
        met.add(tuple(label.tolist()))
    assert (1,) in met or (2,) in met
    assert len(met) >= 3


def test_no_boxes_are_fine():
    _, boxes, label = detection_augment(AugmentOptions())(
        PICTURE, np.zeros((0, 4)), np.zeros(0, np.int64), np.random.default_rng(0)
    )
    assert boxes.shape == (0, 4) and label.shape == (0,)


@pytest.mark.parametrize("changes", [{"flip": 1.5}, {"rotate": -1}, {"scale": 0.95}])
def test_limits(changes: dict[str, float]):
    with pytest.raises(ValueError, match=f"{next(iter(changes))}: got"):
        AugmentOptions(**changes)
