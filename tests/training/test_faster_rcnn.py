from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from fxdet.core.errors import ConfigError, ModelError, TrainingError
from fxdet.core.labels import LabelMap
from fxdet.data.augment import AugmentOptions, detection_augment
from fxdet.data.samples import BoxLabel, Sample
from fxdet.imaging.preprocess import Preprocess
from fxdet.localize.faster_rcnn import build_faster_rcnn
from fxdet.training.config import load_config
from fxdet.training.detection_config import DetectionAugment, DetectionConfig, DetectionSource
from fxdet.training.detection_data import DetectionItem, DetectionParts, load_items
from fxdet.training.faster_rcnn import FasterRcnnTask, augment_options, loop_options, train_faster_rcnn
from fxdet.training.faster_rcnn_data import TargetBatches, TargetOptions, letterboxed
from fxdet.training.loop import run_training
from fxdet.training.options import FreezeStage
from fxdet.training.processes import Processes
from fxdet.training.run_folder import RunFolder

CONFIGS = Path(__file__).resolve().parents[2] / "configs" / "det"
CPU = Processes(torch.device("cpu"))
STILL = DetectionAugment(
    mosaic=0, mixup=0, degrees=0, translate=0, scale=0, flip_horizontal=0, flip_vertical=0,
    brightness=0, contrast=0, clahe=0, blur=0,
)  # fmt: skip


def tiny_config(folder, **changes):
    config = DetectionConfig(
        name="frcnn",
        tag="drawn",
        run=folder / "run",
        architecture="fasterrcnn_mobilenet_v3_large_fpn",
        sources=(DetectionSource(folder),),
        labels=("fracture",),
        initial_weights="none",
        input_size=128,
        epochs=1,
        batch_size=8,
        workers=0,
        precision="fp32",
        patience=0,
        augment=STILL,
    )
    return replace(config, **changes)


def draw_samples(folder, count, seed, side=128):
    """A grey shaft in noise; three of four have a bright block on it, which is the fracture."""
    generator = np.random.default_rng(seed)
    samples = []
    for index in range(count):
        picture = generator.normal(60, 8, (side, side))
        x = int(generator.integers(side // 3, side - side // 3))
        picture[:, x - 16 : x + 16] += 90
        boxes = ()
        if index % 4 != 3:
            y, half = int(generator.integers(18, side - 18)), int(generator.integers(12, 18))
            picture[y - half : y + half, x - half : x + half] = generator.normal(235, 8, (2 * half, 2 * half))
            boxes = (BoxLabel((x - half, y - half, x + half, y + half), "fractured"),)
        path = folder / f"{seed}_{index}.png"
        assert cv2.imwrite(str(path), np.clip(picture, 0, 255).astype(np.uint8))
        samples.append(Sample(path, path.name, fractured=bool(boxes), boxes=boxes))
    return tuple(samples)


def drawn_item(height, width, boxes, label=()):
    xyxy = np.array(boxes, np.float32).reshape(-1, 4)
    label = np.array(label or [0] * len(xyxy), np.int64)
    pixels = np.zeros((height, width), np.uint8)
    for x1, y1, x2, y2 in xyxy.astype(int):
        pixels[y1:y2, x1:x2] = 255
    return DetectionItem(Path("drawn.png"), pixels, xyxy, label, bool(len(xyxy)))


def sparse(network):
    """Few proposals: on a processor they are most of the cost."""
    network.roi_heads.fg_bg_sampler.batch_size_per_image = 16
    network.rpn._post_nms_top_n = {"training": 50, "testing": 25}
    return network


def test_letterbox_moves_picture_and_boxes_together():
    pixels, xyxy = letterboxed(drawn_item(50, 100, [[20, 10, 60, 30]]), 64)
    assert pixels.shape == (64, 64)
    rows, columns = np.nonzero(pixels > 127)
    bright = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    np.testing.assert_allclose(xyxy[0], bright, atol=1)


@pytest.mark.parametrize("flip", [0.0, 1.0])
def test_targets_cover_the_bright_block_and_count_from_one(flip):
    batches = TargetBatches(
        [drawn_item(64, 64, [[10, 20, 30, 50]], [1])],
        detection_augment(replace(augment_options(tiny_config(Path())), flip=flip)),
        TargetOptions(side=64, batch_size=4, seed=0),
    )
    pictures, targets = next(iter(batches.epoch(0)))
    assert targets[0]["labels"].tolist() == [2]
    assert targets[0]["boxes"].tolist() == [[34, 20, 54, 50] if flip else [10, 20, 30, 50]]
    assert pictures[0].shape == (3, 64, 64)
    x1, y1, x2, y2 = (int(value) for value in targets[0]["boxes"][0])
    assert pictures[0][:, y1:y2, x1:x2].min() == 1
    assert pictures[0].sum() == 3 * (x2 - x1) * (y2 - y1)


def test_a_picture_without_boxes_is_a_target_without_boxes():
    options = TargetOptions(side=64, batch_size=1, seed=0)
    _, targets = next(TargetBatches([drawn_item(64, 64, [])], detection_augment(AugmentOptions()), options).epoch(0))
    assert targets[0]["boxes"].shape == (0, 4)
    assert targets[0]["labels"].shape == (0,)


@pytest.mark.parametrize("workers", [0, 1])
def test_batches_depend_on_seed_and_epoch_alone_and_show_everything_once(workers):
    items = [drawn_item(40 + index, 40, [[5, 5, 5 + index, 30]]) for index in range(4, 10)]
    augment = detection_augment(AugmentOptions())

    def seen(epoch, seed=3):
        options = TargetOptions(side=32, batch_size=2, seed=seed, workers=workers)
        return torch.stack([p for pictures, _ in TargetBatches(items, augment, options).epoch(epoch) for p in pictures])

    assert torch.equal(seen(0), seen(0))
    assert not torch.equal(seen(0), seen(1))
    assert not torch.equal(seen(0), seen(0, seed=4))
    assert len(seen(0)) == len(items)


def test_processes_share_an_epoch_without_overlap():
    items = [drawn_item(16, 16, [[0, 0, 2 + index, 8]]) for index in range(8)]

    def widths(rank, world):
        options = TargetOptions(side=16, batch_size=4, seed=3, rank=rank, world=world)
        batches = TargetBatches(items, detection_augment(augment_options(tiny_config(Path()))), options)
        return [float(t["boxes"][0, 2]) for _, targets in batches.epoch(0) for t in targets]

    assert sorted(widths(0, 2) + widths(1, 2)) == sorted(widths(0, 1))
    with pytest.raises(TrainingError, match="expected a multiple"):
        TargetOptions(side=16, batch_size=3, seed=0, world=2)


@pytest.mark.parametrize("name", ["mosaic", "mixup"])
def test_what_only_yolo_has_is_refused(tmp_path, name):
    config = tiny_config(tmp_path, augment=replace(STILL, **{name: 0.5}))
    with pytest.raises(ConfigError, match=f"augment.{name} – got 0.5, expected 0"):
        train_faster_rcnn(config, RunFolder(tmp_path / "run"), CPU)


def test_initial_weights_that_are_not_there_are_a_model_error(tmp_path):
    samples = draw_samples(tmp_path, 2, 0)
    config = tiny_config(tmp_path, initial_weights=str(tmp_path / "none.safetensors"))
    with pytest.raises(ModelError, match=r"none\.safetensors"):
        train_faster_rcnn(config, RunFolder(tmp_path / "run"), CPU, parts=DetectionParts(samples, samples, ()))


def test_pictures_that_can_not_be_read_end_the_run_before_it_starts(tmp_path):
    (tmp_path / "no.png").write_text("no picture")
    sample = Sample(tmp_path / "no.png", "no.png", fractured=False, boxes=())
    with pytest.raises(TrainingError, match="no picture of the train part"):
        parts = DetectionParts((sample,), (sample,), ())
        train_faster_rcnn(tiny_config(tmp_path), RunFolder(tmp_path / "run"), CPU, parts=parts)


@pytest.mark.parametrize("name", ["faster_rcnn_mobilenetv2", "faster_rcnn_mobilenet_v3", "faster_rcnn_resnet50_v2"])
def test_published_configs_fit_the_schema_and_the_trainer(name):
    config = load_config(CONFIGS / f"{name}.yaml", (), DetectionConfig)
    assert config.initial_weights == "hub"
    options = loop_options(config)
    assert options.loop.epochs == config.epochs
    assert options.optimiser.learning_rate == config.learning_rate
    with pytest.raises(ModelError, match="did you mean"):  # got past every check of the config itself
        build_faster_rcnn(config.architecture + "x", LabelMap(config.labels))


def test_the_gradient_reaches_every_part(tmp_path):
    config = tiny_config(tmp_path, input_size=64)
    items = [drawn_item(64, 64, [[12, 12, 44, 52]])] * 2
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = sparse(build_faster_rcnn(config.architecture, LabelMap(config.labels), preprocess=Preprocess(64)))
        task = FasterRcnnTask(network, config, items, items, CPU)
        loss = task.loss(network.train(), next(task.batches(0)))
    loss.backward()
    still = [name for name, value in network.named_parameters() if value.grad is None or not value.grad.any()]
    assert still == []
    assert torch.isfinite(loss)


def test_a_short_run_leaves_weights_and_figures(tmp_path):
    samples = draw_samples(tmp_path, 4, 0, side=64)
    config = tiny_config(tmp_path, input_size=64, batch_size=4)
    folder = RunFolder(tmp_path / "run")
    folder.prepare(False, "")
    result = train_faster_rcnn(config, folder, CPU, parts=DetectionParts(samples, samples, ()))
    assert folder.best.is_file()
    assert set(result.history[0].figures) == {"fitness", "fracture_AP50", "fracture_AP50-95"}


def test_frozen_stages_stand_still_and_the_rest_moves(tmp_path):
    samples = draw_samples(tmp_path, 4, 0, side=64)
    stages = (FreezeStage("backbone.body.conv_stem", 1), FreezeStage("backbone.body.bn1", 1))
    config = tiny_config(
        tmp_path, input_size=64, batch_size=4, architecture="fasterrcnn_mobilenetv2_100_fpn", freeze=stages
    )
    folder = RunFolder(tmp_path / "run")
    folder.prepare(False, "")
    train_faster_rcnn(config, folder, CPU, parts=DetectionParts(samples, samples, ()))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        first = build_faster_rcnn(config.architecture, LabelMap(config.labels), preprocess=Preprocess(64)).state_dict()
    trained = load_file(folder.best)
    same = {key for key, value in first.items() if torch.equal(value, trained[key].to(value.dtype))}
    assert {key for key in first if key.startswith(("backbone.body.conv_stem.", "backbone.body.bn1."))} <= same
    assert not {key for key in same if key.endswith("weight")} - {
        "backbone.body.conv_stem.weight",
        "backbone.body.bn1.weight",
    }


@pytest.mark.slow
def test_drawn_fractures_are_learned_from_nothing(tmp_path):
    """About a hundred steps from random weights: AP50 on drawings that were not trained on, where chance is 0."""
    config = tiny_config(tmp_path, epochs=18, augment=replace(STILL, flip_horizontal=0.5, brightness=0.1))
    labels = LabelMap(config.labels)
    train, val = (load_items(draw_samples(tmp_path, count, seed), labels) for count, seed in ((64, 1), (24, 2)))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = sparse(build_faster_rcnn(config.architecture, labels, preprocess=Preprocess(128)))
    options = loop_options(config)
    options = replace(options, loop=replace(options.loop, validate_every=config.epochs, ema_decay=0.0))
    folder = RunFolder(config.run)
    folder.prepare(False, "")
    result = run_training(FasterRcnnTask(network, config, train, val, CPU), options, folder, CPU)
    assert result.history[-1].figures["fracture_AP50"] > 0.3


@pytest.mark.slow
def test_a_resumed_run_ends_like_one_that_was_not_interrupted(tmp_path):
    samples = draw_samples(tmp_path, 4, 0, side=64)
    parts = DetectionParts(samples, samples, ())
    weights = []
    for name, stops in (("whole", (2,)), ("resumed", (1, 2))):
        folder = RunFolder(tmp_path / name)
        folder.prepare(False, "")
        for count in stops:
            # A constant rate: the schedule's length is part of the config, and stopping early here changes it.
            config = tiny_config(
                tmp_path, input_size=64, batch_size=2, epochs=count, warmup_epochs=0, final_learning_rate=1.0
            )
            train_faster_rcnn(config, folder, CPU, resume=count > 1 and len(stops) > 1, parts=parts)
        weights.append(folder.read_state()["network"])
    assert all(torch.equal(value, weights[1][key]) for key, value in weights[0].items())
