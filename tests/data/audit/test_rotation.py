from __future__ import annotations

import numpy as np
import pytest

from fxdet.data.audit.rotation import Canvas, Pose, best_pose
from tests.data.audit.pictures import drawn_pictures, printed, rotated

PICTURES = drawn_pictures(6)
CANVASES = [Canvas(printed(picture)) for picture in PICTURES]


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("angle", [0, 7, 33, 97, 250, -12])
def test_rotation_is_undone(angle, mirrored):
    laid = PICTURES[0][:, ::-1] if mirrored else PICTURES[0]
    turned = Canvas(printed(rotated(laid, angle)))
    pose = best_pose(turned, Canvas(printed(rotated(PICTURES[0], 0))))
    assert pose.similarity > 0.9 and pose.mirrored is mirrored
    assert (pose.angle - angle + 180) % 360 - 180 == pytest.approx(0, abs=1)
    assert pose.turn == f"{'m' * mirrored}{round(angle / 90) % 4}"


@pytest.mark.parametrize("index", range(4))
def test_crop_of_a_rotated_picture_is_found(index):
    whole = rotated(PICTURES[index], 20)
    middle = whole[50:-50, 50:-50]
    unturned = rotated(PICTURES[index], 0)[50:-50, 50:-50]
    assert best_pose(Canvas(printed(middle)), Canvas(printed(unturned))).similarity > 0.9


def test_different_pictures_stay_apart():
    found = [best_pose(one, other).similarity for i, one in enumerate(CANVASES) for other in CANVASES[:i]]
    assert max(found) < 0.85


def test_empty_pictures_agree_with_nothing():
    flat = Canvas(printed(np.full((60, 40), 7, np.uint8)))
    assert best_pose(flat, flat).similarity <= 0
    assert best_pose(CANVASES[0], flat).similarity <= 0


def test_canvas_has_the_true_shape():
    tall = Canvas(printed(np.random.default_rng(0).integers(0, 255, (144, 72), dtype=np.uint8)))
    assert tall.inside.sum() == 72 * 36
    assert not tall.fine[:, :18].any() and tall.fine[:, 18:54].any()


@pytest.mark.parametrize(("angle", "turn"), [(0, "0"), (-44, "0"), (46, "1"), (181, "2"), (271, "3"), (359, "0")])
def test_nearest_quarter_turn(angle, turn):
    assert Pose(1.0, False, angle).turn == turn
