"""YOLO behind the localizer protocol: pixels in, pixels out."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from fxdet.core.errors import ModelError
from fxdet.core.labels import LabelMap
from fxdet.core.objects import Radiograph
from fxdet.core.protocols import Localizer
from fxdet.localize.yolo import (
    STRIDE,
    YoloLocalizer,
    YoloNetwork,
    YoloOptions,
    build_yolo,
    load_state,
    network_picture,
)

LABELS = LabelMap(("fracture", "bone"))


def radiograph(height: int, width: int, seed: int = 0) -> Radiograph:
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width), dtype=np.uint8)
    return Radiograph(pixels, f"{height}x{width}", "")


@pytest.fixture(scope="module")
def network() -> YoloNetwork:
    torch.manual_seed(0)
    return build_yolo("yolov8n", LABELS).eval()


class FixedOutput(torch.nn.Module):
    """Stands for a network whose head returns given rows: centre, size (input px) and a score per class."""

    def __init__(self, rows: list[list[float]]) -> None:
        super().__init__()
        self.model = [None]
        self.rows = torch.tensor(rows).T

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return self.rows.expand(len(batch), -1, -1)


def test_importing_it_changes_no_other_package() -> None:
    code = (
        "import os, cv2, torch; from PIL import Image\n"
        "before = Image.open, torch.save, cv2.imread, cv2.imwrite, os.environ.get('OMP_NUM_THREADS')\n"
        "import fxdet.localize.yolo, fxdet.training.yolo\n"
        "after = Image.open, torch.save, cv2.imread, cv2.imwrite, os.environ.get('OMP_NUM_THREADS')\n"
        "assert before == after, (before, after)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("architecture", ["yolov8n", "yolo11n", "yolo26n"])
def test_every_family_locates_in_pixels_of_the_radiograph(architecture: str) -> None:
    torch.manual_seed(1)
    options = YoloOptions(input_size=64, score_floor=0.0)
    localizer = YoloLocalizer(build_yolo(architecture, LABELS), LABELS, options)
    assert isinstance(localizer, Localizer)
    pictures = [radiograph(50, 80), radiograph(200, 100)]
    for picture, located in zip(pictures, localizer.locate(pictures), strict=True):
        assert len(located.regions) + len(located.fractures) > 0
        for boxes in (located.regions, located.fractures):
            assert boxes.image_size == picture.size
            assert (boxes.xyxy[:, 2] <= picture.size[1]).all() and (boxes.xyxy[:, 3] <= picture.size[0]).all()


def test_boxes_are_scaled_clipped_split_and_suppressed() -> None:
    rows = [
        [32.0, 16.0, 16.0, 8.0, 0.9, 0.1],  # fracture
        [33.0, 16.0, 16.0, 8.0, 0.8, 0.1],  # the same fracture again
        [32.0, 16.0, 64.0, 40.0, 0.1, 0.7],  # bone, higher than the picture
        [32.0, 16.0, 16.0, 8.0, 0.001, 0.002],  # below the floor
    ]
    localizer = YoloLocalizer(FixedOutput(rows), LABELS, YoloOptions(input_size=64, score_floor=0.05), "fixed.output")
    (located,) = localizer.locate([radiograph(64, 128)])
    np.testing.assert_allclose(located.fractures.xyxy, [[48, 24, 80, 40]], atol=1e-4)
    np.testing.assert_allclose(located.fractures.score, [0.9], atol=1e-6)
    np.testing.assert_allclose(located.regions.xyxy, [[0, 0, 128, 64]], atol=1e-4)
    assert located.regions.labels.names == ("bone",)
    assert located.fractures.model == "fixed.output"


class MeanOutput(torch.nn.Module):
    """Stands for a network: one box per picture, whose score is the mean of the padded picture."""

    def __init__(self) -> None:
        super().__init__()
        self.model = [None]

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        mean = batch.mean(dim=(1, 2, 3))
        box = torch.tensor([16.0, 16.0, 8.0, 8.0]).expand(len(batch), 4)
        return torch.cat([box, mean[:, None], torch.zeros(len(batch), 1)], dim=1)[:, :, None]


def test_a_result_does_not_depend_on_the_company() -> None:
    localizer = YoloLocalizer(MeanOutput(), LABELS, YoloOptions(input_size=96, score_floor=0.0))
    pictures = [radiograph(90, 60, 1), radiograph(60, 90, 2), radiograph(90, 61, 3), radiograph(400, 90, 4)]
    together = localizer.locate(pictures)
    for picture, located in zip(pictures, together, strict=True):
        (alone,) = localizer.locate([picture])
        assert located.fractures.score.tolist() == alone.fractures.score.tolist()
        assert located.fractures.xyxy.tolist() == alone.fractures.xyxy.tolist()


def test_sixteen_bit_and_eight_bit_pictures_agree(network: YoloNetwork) -> None:
    localizer = YoloLocalizer(network, LABELS, YoloOptions(input_size=64, score_floor=0.0))
    eight = radiograph(64, 64)
    sixteen = Radiograph(eight.pixels.astype(np.uint16) * 16, "16", "", bits=12, window=(127.5 * 16, 255 * 16))
    first, second = localizer.locate([eight, sixteen])
    np.testing.assert_allclose(first.fractures.score, second.fractures.score, atol=1e-5)


def test_no_radiographs_give_no_results(network: YoloNetwork) -> None:
    assert YoloLocalizer(network, LABELS).locate([]) == []


def test_three_colour_weights_become_one_without_changing_the_function() -> None:
    torch.manual_seed(2)
    colour = YoloNetwork("yolov8n.yaml", ch=3, nc=2, verbose=False).eval()
    grey = build_yolo("yolov8n", LABELS).eval()
    assert load_state(grey, colour.state_dict()) == len(grey.state_dict())
    picture = torch.rand(1, 1, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(grey(picture)[0], colour(picture.expand(-1, 3, -1, -1))[0], atol=1e-3, rtol=1e-3)


def test_weights_of_another_number_of_classes_fit_up_to_the_head() -> None:
    coco = YoloNetwork("yolov8n.yaml", ch=3, nc=80, verbose=False)
    grey = build_yolo("yolov8n", LABELS)
    with pytest.raises(ModelError, match="do not fit the network"):
        load_state(grey, coco.state_dict())
    taken = load_state(grey, coco.state_dict(), strict=False)
    assert 0.8 * len(grey.state_dict()) < taken < len(grey.state_dict())


def test_weights_of_another_architecture_are_refused() -> None:
    with pytest.raises(ModelError, match="check architecture"):
        load_state(build_yolo("yolov8n", LABELS), build_yolo("yolo11n", LABELS).state_dict(), strict=False)


def test_an_unknown_architecture_names_the_nearest() -> None:
    with pytest.raises(ModelError, match="did you mean 'yolov8n'"):
        build_yolo("yolo8n", LABELS)


def test_bf16_outputs_stay_near_and_are_float32(network: YoloNetwork) -> None:
    picture = torch.rand(1, 1, 64, 64)
    with torch.inference_mode():
        exact = network(picture)[0]
        network.autocast_dtype = torch.bfloat16
        try:
            half = network(picture)[0]
        finally:
            network.autocast_dtype = None
    assert half.dtype == torch.float32
    torch.testing.assert_close(half[:, 4:], exact[:, 4:], atol=0.02, rtol=0.1)


def test_boxes_keep_their_place_under_bf16(network: YoloNetwork) -> None:
    from ultralytics.nn.modules import Detect  # after fxdet, which undoes what importing ultralytics patches

    head = network.model[-1]
    features = [torch.zeros(1, 1, 512 // stride, 512 // stride) for stride in (8, 16, 32)]
    places = sum(feature[0].numel() for feature in features)
    torch.manual_seed(4)
    raw = {"boxes": torch.randn(1, 64, places) * 3, "scores": torch.randn(1, 2, places), "feats": features}
    half = {"boxes": raw["boxes"].bfloat16(), "scores": raw["scores"].bfloat16(), "feats": features}
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        kept, coarse = head._inference(half)[:, :4], Detect._inference(head, half)[:, :4]
    with torch.inference_mode():
        exact = Detect._inference(head, {**raw, "boxes": half["boxes"].float()})[:, :4]
    assert (kept - exact).abs().max() < 1e-3
    assert (coarse.float() - exact).abs().max() > 1


@pytest.mark.parametrize(("size", "expected"), [((200, 100), (64, 32)), ((10, 20), (32, 64)), ((1, 500), (1, 64))])
def test_the_longest_side_is_brought_to_the_input_size(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert network_picture(np.zeros(size, dtype=np.uint8), 64).shape == expected


def test_shrinking_keeps_the_mean_of_fine_lines() -> None:
    lines = np.zeros((512, 512), dtype=np.uint8)
    lines[::4] = 200
    assert network_picture(lines, 2 * STRIDE).astype(float).mean() == pytest.approx(50, abs=1)
