from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fxdet
from fxdet.core.errors import ConfigError, ModelError, ReadError
from fxdet.core.findings import Report
from fxdet.core.labels import REGIONS, Decision, LabelMap, Verdict
from fxdet.core.objects import ClassScores, Crops, Radiograph
from fxdet.core.processors import usable_processors
from fxdet.core.protocols import FakeClassifier, FakeLocalizer
from fxdet.pipeline import device
from fxdet.pipeline.api import Pipeline, PipelineOptions
from fxdet.pipeline.device import choose_device, choose_precision
from fxdet.pipeline.fusion import finding_features, fuse, image_features
from fxdet.pipeline.loading import load_pipeline
from fxdet.zoo.cards import LogisticCoefficients, OperatingPoints, PipelineCard


def picture(height: int = 90, width: int = 70, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (height, width), dtype=np.uint8)


def fake(**card) -> Pipeline:
    return Pipeline(FakeLocalizer(), FakeClassifier(), PipelineCard("fake", "a.json", "b.json", **card))


@pytest.fixture(scope="module")
def tiny(tiny_pipeline) -> Pipeline:
    return load_pipeline(tiny_pipeline, options=PipelineOptions(precision="fp32"))


def test_probabilities_are_the_fusion_of_the_stated_scores():
    card = PipelineCard(
        "f", "a", "b", finding=LogisticCoefficients(0.3, {"localizer": 0.5, "crop": 2.0, "whole": -1.0})
    )
    report = Pipeline(FakeLocalizer(score=0.7), FakeClassifier(), card)(picture())
    finding, whole = report.findings[0], report.class_probability["fracture"]["fractured"]
    detector, crop = np.array([finding.detector_score]), np.array([finding.classifier_probability])
    assert finding.probability == pytest.approx(fuse(card.finding, finding_features(detector, crop, whole))[0])
    expected = fuse(card.image, image_features(detector, crop, whole, card.candidate_floor))[0]
    assert report.image_probability == pytest.approx(expected)


def test_a_finding_takes_the_region_of_the_radiograph():
    class WristAsAWhole(FakeClassifier):
        """Takes the first crop, the whole radiograph, for a wrist with certainty and all others likely for fingers."""

        def classify(self, crops: Crops) -> ClassScores:
            found = super().classify(crops)
            region = found.logits["region"].copy()
            region[:, REGIONS.index("fingers")] = 1.0
            region[0] = 30.0 * (np.arange(len(REGIONS)) == REGIONS.index("wrist"))
            return ClassScores({**found.logits, "region": region}, found.labels)

    report = Pipeline(FakeLocalizer(), WristAsAWhole())(picture())
    assert report.region == report.findings[0].region == "wrist"
    assert report.findings[0].region_probability == report.region_probability
    assert report.regions[0].region == "wrist"


def test_boxes_are_in_pixels_of_the_radiograph():
    report = fake()(picture(100, 200))
    assert report.findings[0].box == pytest.approx((80, 40, 120, 60), abs=1e-4)
    assert report.regions[0].box == pytest.approx((20, 10, 180, 90), abs=1e-4)
    assert report.image_size == (100, 200)


@pytest.mark.parametrize(("definite", "expected"), [(0.0, Decision.FRACTURE), (1.0, Decision.DOUBT)])
def test_decisions_follow_the_operating_points(definite, expected):
    points = OperatingPoints(definite, 0.0)
    report = fake(finding_points=points, image_points=points)(picture())
    assert (report.decision, report.findings[0].decision, report.findings[0].threshold) == (
        expected,
        expected,
        definite,
    )


def test_candidates_below_the_floor_and_flat_boxes_are_left_out():
    assert fake(candidate_floor=0.81)(picture()).findings == ()
    flat = Pipeline(FakeLocalizer(fracture=(0.5, 0.5, 0.501, 0.9)), FakeClassifier())
    assert flat(picture()).findings == ()


def test_no_candidate_is_a_valid_report():
    report = Pipeline(FakeLocalizer(fracture=None, region=None), FakeClassifier())(picture())
    assert report.findings == report.regions == ()
    assert 0 < report.image_probability < 1


def test_findings_without_an_explanation_are_not_checked():
    assert fake()(picture()).findings[0].crosscheck is None


def test_crosscheck_uses_the_candidates_own_crop_and_never_changes_a_probability():
    def corner(classifier, crops):
        maps = np.zeros(crops.pixels.shape, np.float32)
        maps[:, 0, 0] = 1
        return maps

    def middle(classifier, crops):
        maps = np.zeros(crops.pixels.shape, np.float32)
        side = crops.pixels.shape[-1]
        maps[:, side // 2, side // 2] = 1
        return maps

    unchecked = fake()(picture()).findings[0]
    verdicts = []
    for attention in (corner, middle):
        finding = replace(fake(), attention=attention)(picture()).findings[0]
        assert finding.probability == unchecked.probability
        verdicts.append(finding.crosscheck.verdict)
    assert verdicts == [Verdict.DISAGREES, Verdict.AGREES]


def test_named_regions_come_from_the_localizer_unnamed_ones_from_the_classifier():
    named = Pipeline(FakeLocalizer(region_labels=LabelMap(("wrist",))), FakeClassifier())(picture())
    assert (named.regions[0].region, named.regions[0].region_probability) == ("wrist", pytest.approx(0.8))
    unnamed = fake()(picture())
    assert unnamed.regions[0].region == unnamed.region


def test_sizes_in_mm_where_the_spacing_is_known():
    radiograph = Radiograph(picture(100, 200), "x", "", spacing_mm=(0.5, 0.1))
    assert fake()(radiograph).findings[0].size_mm == pytest.approx((4.0, 10.0), abs=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (20, 20_000)])
def test_extreme_sizes_give_a_report(tiny, size):
    report = tiny(np.full(size, 90, np.uint8))
    assert report.image_size == size
    assert Report.from_json(report.to_json()).image_size == size


def test_a_report_survives_json(tiny):
    report = tiny(picture())
    assert report.findings
    assert Report.from_json(json.loads(json.dumps(report.to_json()))).to_json() == report.to_json()


def test_real_networks_fill_every_field(tiny, tiny_pipeline):
    report = tiny(picture())
    finding = report.findings[0]
    assert finding.crosscheck is not None
    assert sum(report.class_probability["region"].values()) == pytest.approx(1)
    assert [stamp.name for stamp in report.models] == ["yolov8n.random", "mobilenetv3_small_050.random"]
    assert all(len(stamp.sha256) == 64 for stamp in report.models)
    assert (len(report.config_hash), report.version) == (16, fxdet.__version__)
    assert set(report.elapsed_ms) == {"locate", "classify", "explain"}


def test_a_batch_says_the_same_as_one_by_one(tiny):
    pictures = [picture(90, 70, 1), picture(60, 120, 2), picture(90, 70, 3)]
    for one, other in zip(tiny.batch(pictures), [tiny(item) for item in pictures], strict=True):
        assert one.image_probability == pytest.approx(other.image_probability, abs=1e-4)
        assert [f.box for f in one.findings] == [pytest.approx(f.box, abs=0.01) for f in other.findings]


def test_the_same_input_gives_the_same_report(tiny):
    one, other = (replace(tiny(picture()), elapsed_ms={}) for _ in range(2))
    assert one == other


def test_bf16_stays_near_fp32(tiny, tiny_pipeline):
    half = load_pipeline(tiny_pipeline, options=PipelineOptions(precision="bf16"))
    assert half(picture()).image_probability == pytest.approx(tiny(picture()).image_probability, abs=0.05)
    assert half.config_hash != tiny.config_hash


def test_a_path_is_read_and_an_unreadable_one_is_a_read_error(tmp_path, drawn_fracture):
    import cv2

    cv2.imwrite(str(tmp_path / "ä b.png"), drawn_fracture.pixels)
    report = fake()(tmp_path / "ä b.png")
    assert report.source.endswith("ä b.png")
    assert len(report.sha256) == 64
    with pytest.raises(ReadError):
        fake()(tmp_path / "missing.png")


def test_a_threshold_replaces_the_definite_point(tiny_pipeline):
    pipeline = load_pipeline(tiny_pipeline, options=PipelineOptions(threshold=0.1))
    assert pipeline.card.image_points == pipeline.card.finding_points == OperatingPoints(0.1, 0.1)


def test_the_heat_map_is_the_whole_radiographs(tiny_pipeline):
    pipeline = load_pipeline(tiny_pipeline, options=PipelineOptions(heatmap=True, crosscheck=False))
    (analysis,) = pipeline.analyse([Radiograph(picture(), "x", "")])
    assert analysis.heatmap.pixels.shape == (64, 64)
    assert analysis.report.findings[0].crosscheck is None


def test_a_classifier_without_a_fracture_head_is_refused(tiny_pipeline, tmp_path):
    folder = shutil.copytree(tiny_pipeline, tmp_path / "p")
    data = json.loads((folder / "classifier.json").read_text())
    data["heads"]["fracture"] = ["normal", "broken"]
    (folder / "classifier.json").write_text(json.dumps(data))
    with pytest.raises(ModelError, match="class 'fractured'"):
        load_pipeline(folder)


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "cpuu"])
def test_an_unknown_device_is_one_clear_line(name):
    with pytest.raises(ConfigError, match="--device"):
        choose_device(name)


def test_precision(monkeypatch, tmp_path):
    flags = tmp_path / "cpuinfo"
    monkeypatch.setattr(device, "_CPU_INFO", flags)
    assert choose_precision("auto", "cpu") == "fp32"
    flags.write_text("flags: avx512f avx512_bf16")
    assert choose_precision("auto", "cpu") == "bf16"
    assert choose_precision("auto", "cuda") == choose_precision("fp32", "cpu") == "fp32"
    with pytest.raises(ConfigError, match="did you mean 'bf16'"):
        choose_precision("bf1", "cpu")


def test_public_names_match_their_list():
    assert len(fxdet.__all__) <= 25
    for name in fxdet.__all__:
        assert getattr(fxdet, name) is not None
    listed = [name for names in fxdet._PLACES.values() for name in names]
    assert sorted([*listed, "__version__"]) == fxdet.__all__
    assert set(fxdet.__all__) <= set(dir(fxdet))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        fxdet.nothing  # noqa: B018


def test_importing_the_package_is_light():
    code = "import sys, fxdet; sys.exit(any(name in sys.modules for name in ('torch', 'numpy', 'cv2', 'click')))"
    root = Path(fxdet.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 0


def test_threads_follow_the_option_or_the_environment_or_the_usable_processors(monkeypatch):
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    try:
        assert device.set_threads(1) == torch.get_num_threads() == 1
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        assert device.set_threads(None) == usable_processors() >= 1
        for told, threads in (("1", 1), ("3", 3), ("0", usable_processors()), ("many", usable_processors())):
            monkeypatch.setenv("OMP_NUM_THREADS", told)
            assert device.set_threads(None) == torch.get_num_threads() == threads
            assert device.set_threads(2) == 2
    finally:
        torch.set_num_threads(before)
