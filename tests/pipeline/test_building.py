"""Packing and fitting a pipeline from two models on drawn radiographs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from fxdet.cli.main import main
from fxdet.core.errors import ModelError
from fxdet.core.files import sha256_file
from fxdet.data.samples import BoxLabel, Sample
from fxdet.imaging.reading import open_radiograph
from fxdet.imaging.synthetic import DrawingOptions, draw_radiograph
from fxdet.localize.views import FusedLocalizer, mirror_located, mirror_radiograph
from fxdet.pipeline.api import PipelineOptions
from fxdet.pipeline.building import BuildOptions, build_pipeline, pack_model, run_over
from fxdet.pipeline.loading import load_pipeline
from fxdet.zoo.card_facts import validated_size
from fxdet.zoo.cards import read_card, read_pipeline_card, write_card


def drawn_samples(folder: Path, count: int = 8) -> list[Sample]:
    generator = np.random.default_rng(1)
    samples = []
    for index in range(count):
        drawn = draw_radiograph(generator, DrawingOptions(size=(96, 96), fractured=index % 2 == 0))
        path = folder / f"{index}.png"
        cv2.imwrite(str(path), drawn.pixels)
        boxes = tuple(BoxLabel(tuple(map(float, box)), "fractured") for box in drawn.fracture_boxes)
        samples.append(Sample(path, path.name, fractured=drawn.fractured, boxes=boxes))
    return samples


def test_a_packed_model_is_half_as_large_and_says_the_same(tiny_pipeline: Path, tmp_path: Path) -> None:
    name = pack_model(tiny_pipeline / "classifier.json", tmp_path)
    before, after = read_card(tiny_pipeline / "classifier.json"), read_card(tmp_path / name)
    assert after.full_name == before.full_name and after.sha256 != before.sha256
    size = (tmp_path / after.weights).stat().st_size
    assert size < 0.6 * (tiny_pipeline / before.weights).stat().st_size


def test_a_model_at_another_size_says_at_which_its_figures_were_measured(tiny_pipeline: Path, tmp_path: Path) -> None:
    card = read_card(tiny_pipeline / "localizer.json")
    figures = {"validation": {"epoch_figures": {"fracture_AP50": 0.5}}}
    for path in (tiny_pipeline / card.weights, tiny_pipeline / "localizer.json"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    write_card(tmp_path / "localizer.json", replace(card, figures=figures))
    same = read_card(tmp_path / "a" / pack_model(tmp_path / "localizer.json", tmp_path / "a", card.input_size))
    other = read_card(tmp_path / "b" / pack_model(tmp_path / "localizer.json", tmp_path / "b", card.input_size + 32))
    assert (validated_size(same), same.figures) == (None, figures)
    assert (validated_size(other), other.input_size) == (card.input_size, card.input_size + 32)


def test_a_built_pipeline_loads_and_gives_the_fitted_probabilities(tiny_pipeline: Path, tmp_path: Path) -> None:
    samples = drawn_samples(tmp_path)
    folder = tmp_path / "built"
    options = BuildOptions("test", tiny_pipeline / "localizer.json", tiny_pipeline / "classifier.json", folder)
    # An untrained localizer's boxes hit nothing; the lowest bar makes some of them true.
    from fxdet.pipeline.fitting import FitOptions

    card = build_pipeline(options, samples, FitOptions(hit_iou=0.02, miss_iou=0.01))
    assert card == read_pipeline_card(folder)
    assert card.image_points.doubt <= card.image_points.definite
    assert (tmp_path / "test_validation.jsonl").exists()
    pipeline = load_pipeline(folder, options=PipelineOptions(crosscheck=False))
    reports = list(run_over(pipeline, samples, 3))
    assert [report.source for report in reports] == [str(sample.path) for sample in samples]
    assert all(0 <= report.image_probability <= 1 for report in reports if report.image_probability is not None)


def test_a_region_classifier_names_the_region_of_the_whole_radiograph(tiny_pipeline: Path, tmp_path: Path) -> None:
    from fxdet.pipeline.fitting import FitOptions

    sure = _always_wrist(tiny_pipeline, tmp_path / "sure")
    folder, samples = tmp_path / "built", drawn_samples(tmp_path, 4)
    options = BuildOptions(
        "test", tiny_pipeline / "localizer.json", tiny_pipeline / "classifier.json", folder, region_classifier=sure
    )
    card = build_pipeline(options, samples, FitOptions(hit_iou=0.02, miss_iou=0.01))
    pipeline = load_pipeline(folder, options=PipelineOptions(crosscheck=False))
    assert card.region_classifier == "mobilenetv3_small_050.sure.json"
    assert read_card(folder / card.region_classifier).unused_heads == ("fracture",)
    assert read_card(folder / card.classifier).unused_heads == ()
    assert [stamp.name for stamp in pipeline.models][-1] == "mobilenetv3_small_050.sure"
    reports = list(run_over(pipeline, samples, 3))
    assert {report.region for report in reports} == {"wrist"}
    # Everything but the region stays the classifier's.
    plain = load_pipeline(tiny_pipeline, options=PipelineOptions(crosscheck=False))
    for one, other in zip(reports, run_over(plain, samples, 3), strict=True):
        assert one.class_probability["fracture"] == pytest.approx(other.class_probability["fracture"], abs=2e-3)


def test_a_region_classifier_of_other_classes_is_refused(tiny_pipeline: Path, tmp_path: Path) -> None:
    sure = _always_wrist(tiny_pipeline, tmp_path / "sure")
    card = read_card(sure)
    write_card(sure, replace(card, heads={**card.heads, "region": tuple(reversed(card.heads["region"]))}))
    for path in tiny_pipeline.iterdir():
        (tmp_path / "sure" / path.name).write_bytes(path.read_bytes())
    pipeline = replace(read_pipeline_card(tiny_pipeline), region_classifier=sure.name)
    write_card(tmp_path / "sure" / "pipeline.json", pipeline)
    with pytest.raises(ModelError, match="for regions – field 'heads'"):
        load_pipeline(tmp_path / "sure")


def _always_wrist(tiny_pipeline: Path, folder: Path) -> Path:
    """Write a copy of the tiny classifier whose region head says wrist whatever it sees; return its card."""
    from safetensors.numpy import load_file, save_file

    card = read_card(tiny_pipeline / "classifier.json")
    weights = load_file(tiny_pipeline / card.weights)
    [bias] = [key for key in weights if "region" in key and key.endswith("bias")]
    wrist = np.arange(len(weights[bias])) == card.heads["region"].index("wrist")
    weights[bias] = np.where(wrist, 100, 0).astype(weights[bias].dtype)
    folder.mkdir()
    save_file(weights, folder / "sure.safetensors")
    sure = replace(card, tag="sure", weights="sure.safetensors", sha256=sha256_file(folder / "sure.safetensors"))
    write_card(folder / "sure.json", sure)
    return folder / "sure.json"


def test_an_ensemble_with_mirrored_views_is_packed_and_stamped(tiny_pipeline: Path, tmp_path: Path) -> None:
    from fxdet.pipeline.fitting import FitOptions

    twin = tmp_path / "twin"
    twin.mkdir()
    for name in ("localizer.json", "localizer.safetensors"):
        (twin / name).write_bytes((tiny_pipeline / name).read_bytes())
    write_card(twin / "localizer.json", replace(read_card(twin / "localizer.json"), tag="twin"))
    folder, samples = tmp_path / "built", drawn_samples(tmp_path, 4)
    options = BuildOptions(
        "test", tiny_pipeline / "localizer.json", tiny_pipeline / "classifier.json", folder,
        ensemble=(twin / "localizer.json",), mirrored=True, localizer_weights=(4.0, 1.0),
    )  # fmt: skip
    build_pipeline(options, samples, FitOptions(hit_iou=0.02, miss_iou=0.01))
    pipeline = load_pipeline(folder, options=PipelineOptions(crosscheck=False))
    assert [stamp.name for stamp in pipeline.models][:2] == ["yolov8n.random", "yolov8n.twin"]
    assert len(pipeline.models) == 3
    assert isinstance(pipeline.localizer, FusedLocalizer)
    assert pipeline.localizer.options.weights == (4.0, 1.0)
    assert "localizers count 4 : 1" in CliRunner().invoke(main, ["zoo", "show", str(folder)]).output
    # Left and right are alike to the fused localizer: mirrored pictures give mirrored boxes.
    radiograph = open_radiograph(samples[0].path)
    [plain] = pipeline.localizer.locate([radiograph])
    [turned] = pipeline.localizer.locate([mirror_radiograph(radiograph)])
    assert len(plain.fractures)
    best = mirror_located(turned).fractures.xyxy[0]
    np.testing.assert_allclose(best, plain.fractures.xyxy[0], atol=0.05)
