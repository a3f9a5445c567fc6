from __future__ import annotations

from urllib.error import URLError

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from torchvision.models import mobilenet_v3_large

from fxdet.core.errors import ModelError
from fxdet.core.labels import LabelMap
from fxdet.core.objects import Radiograph
from fxdet.core.protocols import Localizer
from fxdet.imaging.geometry import apply_affine, letterbox_matrix
from fxdet.imaging.preprocess import Preprocess
from fxdet.localize.faster_rcnn import (
    FAMILIES,
    FasterRcnnLocalizer,
    build_faster_rcnn,
    load_faster_rcnn,
)

PYRAMID = "fasterrcnn_mobilenetv2_100_fpn"
SMALL = "fasterrcnn_mobilenet_v3_large_fpn"
LABELS = LabelMap(("fracture", "wrist"))
PREPROCESS = Preprocess(96)


@pytest.fixture(autouse=True)
def repeatable():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        yield


@pytest.fixture(scope="module")
def small_network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build_faster_rcnn(SMALL, LABELS, preprocess=PREPROCESS)


class OneBox(torch.nn.Module):
    """Stands in for a network: returns fixed boxes in pixels of its input and notes the inputs."""

    def __init__(self, boxes, labels=(1,), scores=(0.9,)):
        super().__init__()
        self.roi_heads = torch.nn.Module()
        self.roi_heads.box_predictor = torch.nn.Module()
        self.roi_heads.box_predictor.cls_score = torch.nn.Linear(2, len(LABELS) + 1)
        self.result = {"boxes": torch.tensor(boxes), "labels": torch.tensor(labels), "scores": torch.tensor(scores)}
        self.batches = []

    def forward(self, images):
        self.batches.append([tuple(image.shape) for image in images])
        return [self.result] * len(images)


def radiograph(height, width):
    return Radiograph(np.full((height, width), 90, np.uint8), "drawn", "0")


@pytest.mark.parametrize("architecture", FAMILIES)
def test_every_architecture_runs_and_has_one_class_for_the_background(architecture):
    network = build_faster_rcnn(architecture, LABELS, preprocess=Preprocess(64)).eval()
    assert network.roi_heads.box_predictor.cls_score.out_features == 3
    with torch.inference_mode():
        result = network([torch.zeros(3, 64, 64)])[0]
    assert result["boxes"].shape[1] == 4


def test_the_input_is_neither_resized_nor_normalised_twice(small_network):
    image = torch.rand(3, 96, 96)
    batch, _ = small_network.transform([image])
    assert batch.image_sizes == [(96, 96)]
    torch.testing.assert_close(batch.tensors[0], (image - 0.449) / 0.226)


@pytest.mark.parametrize("size_hw", [(50, 200), (301, 97), (96, 96), (1, 1)])
def test_boxes_come_back_in_pixels_of_the_radiograph(size_hw):
    height, width = size_hw
    truth = np.array([[0.2 * width, 0.1 * height, 0.7 * width, 0.9 * height]])
    at_input = apply_affine(letterbox_matrix(size_hw, 96), truth)
    localizer = FasterRcnnLocalizer(OneBox(at_input.astype(np.float32)), LABELS, "x.y", PREPROCESS)
    located = localizer.locate([radiograph(height, width)])[0]
    np.testing.assert_allclose(located.fractures.xyxy, truth, rtol=1e-4, atol=1e-4)
    assert located.fractures.image_size == size_hw
    assert len(located.regions) == 0


def test_the_background_is_taken_off_the_labels():
    network = OneBox([[0.0, 0, 9, 9], [0.0, 0, 5, 5]], labels=(2, 1), scores=(0.9, 0.8))
    located = FasterRcnnLocalizer(network, LABELS, "x.y", PREPROCESS).locate([radiograph(96, 96)])[0]
    assert located.regions.xyxy.tolist() == [[0, 0, 9, 9]]
    assert located.regions.labels.names == ("wrist",)
    assert located.fractures.xyxy.tolist() == [[0, 0, 5, 5]]


def test_batches_hold_at_most_batch_size_and_keep_the_order():
    network = OneBox([[0.0, 0, 96, 96]])
    localizer = FasterRcnnLocalizer(network, LABELS, "x.y", PREPROCESS, batch_size=2)
    found = localizer.locate([radiograph(side, side) for side in (10, 20, 30)])
    assert [len(batch) for batch in network.batches] == [2, 1]
    assert [located.fractures.xyxy[0].tolist() for located in found] == [[0, 0, s, s] for s in (10, 20, 30)]
    assert localizer.locate([]) == []
    assert isinstance(localizer, Localizer)


def test_a_network_of_other_classes_is_refused():
    with pytest.raises(ModelError, match=r"got a network of 3 classes, expected 2: background and fracture"):
        FasterRcnnLocalizer(OneBox([[0.0, 0, 1, 1]]), LabelMap(("fracture",)), "x.y", PREPROCESS)


def test_unknown_architecture_names_the_nearest():
    with pytest.raises(ModelError, match="did you mean 'fasterrcnn_resnet50_fpn_v2'"):
        build_faster_rcnn("fasterrcnn_resnet50_fpn_v3", LABELS)


def test_saved_weights_load_and_give_the_same_boxes(small_network, tmp_path):
    save_file(small_network.state_dict(), tmp_path / "w.safetensors")
    first = FasterRcnnLocalizer(small_network, LABELS, "x.y", PREPROCESS, score_floor=0.0)
    second = load_faster_rcnn(SMALL, LABELS, tmp_path / "w.safetensors", PREPROCESS, "x.y")
    second.network.roi_heads.score_thresh = 0.0
    picture = radiograph(80, 60)
    one, two = (localizer.locate([picture])[0].fractures for localizer in (first, second))
    assert len(one) > 0
    np.testing.assert_array_equal(one.xyxy, two.xyxy)
    np.testing.assert_array_equal(one.score, two.score)


def test_weights_of_other_classes_or_damaged_files_are_model_errors(small_network, tmp_path):
    save_file(small_network.state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match="size mismatch"):
        load_faster_rcnn(SMALL, LabelMap(("fracture",)), tmp_path / "w.safetensors", PREPROCESS, "x.y")
    (tmp_path / "cut.safetensors").write_bytes(b"\x10\x00")
    for load in (
        lambda: load_faster_rcnn(SMALL, LABELS, tmp_path / "cut.safetensors", PREPROCESS, "x.y"),
        lambda: build_faster_rcnn(SMALL, LABELS, tmp_path / "cut.safetensors"),
    ):
        with pytest.raises(ModelError, match=r"cut\.safetensors"):
            load()


def test_the_backbone_starts_from_a_classifier_or_from_another_detector(small_network, tmp_path):
    classifier = mobilenet_v3_large(weights=None).half()
    save_file(classifier.state_dict(), tmp_path / "classifier.safetensors")
    network = build_faster_rcnn(SMALL, LABELS, tmp_path / "classifier.safetensors")
    torch.testing.assert_close(network.backbone.body["0"][0].weight, classifier.features[0][0].weight.float())

    save_file(small_network.state_dict(), tmp_path / "detector.safetensors")
    other = build_faster_rcnn(SMALL, LabelMap(("fracture",)), tmp_path / "detector.safetensors")
    for part in ("backbone", "rpn"):
        for key, value in getattr(small_network, part).state_dict().items():
            torch.testing.assert_close(getattr(other, part).state_dict()[key], value)


def test_a_pyramid_on_timm_starts_from_timm_s_own_weights(tmp_path):
    classifier = timm.create_model("mobilenetv2_100", num_classes=0)
    save_file(classifier.state_dict(), tmp_path / "timm.safetensors")
    network = build_faster_rcnn(PYRAMID, LABELS, tmp_path / "timm.safetensors", PREPROCESS).eval()
    pictures, stages = torch.rand(2, 3, 96, 96), []
    classifier.blocks[6].register_forward_hook(lambda module, given, out: stages.append(out))
    classifier.eval()(pictures)
    torch.testing.assert_close(network.backbone.body(pictures)[-1], stages[0])


def test_a_pyramid_on_timm_has_maps_of_8_to_64_px_with_an_anchor_of_every_side():
    network = build_faster_rcnn(PYRAMID, LABELS, preprocess=PREPROCESS).eval()
    maps = network.backbone(torch.zeros(1, 3, 128, 128))
    assert [(name, tuple(level.shape[2:])) for name, level in maps.items()] == [
        ("0", (16, 16)), ("1", (8, 8)), ("2", (4, 4)), ("pool", (2, 2)),
    ]  # fmt: skip
    scores, _ = network.rpn.head(list(maps.values()))
    assert [level.shape[1] for level in scores] == network.rpn.anchor_generator.num_anchors_per_location() == [6] * 4


def test_a_file_without_the_backbone_is_refused(tmp_path):
    save_file({"features.0.0.weight": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match=r"tensors are missing or of another shape"):
        build_faster_rcnn(SMALL, LABELS, tmp_path / "other.safetensors")


def test_the_hub_out_of_reach_is_one_clear_line(monkeypatch):
    def refuse(*arguments, **options):
        raise URLError("no network")

    monkeypatch.setattr("torch.hub.load_state_dict_from_url", refuse)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", refuse)
    with pytest.raises(ModelError, match=r"can't fetch .* set initial_weights to a local"):
        build_faster_rcnn(SMALL, LABELS, "hub")
