"""Fitting a pipeline on its own reports, by hand and on simulated scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fxdet.core.errors import DataError
from fxdet.core.findings import Finding, Report
from fxdet.core.labels import Decision
from fxdet.data.samples import BoxLabel, Sample
from fxdet.pipeline.fitting import FitOptions, candidate_rows, fit_pipeline, image_rows, operating_points, pair_reports
from fxdet.pipeline.fusion import decide, fuse
from fxdet.zoo.cards import PipelineCard

CARD = PipelineCard("test", "localizer.json", "classifier.json")
BOX = (10.0, 10.0, 30.0, 30.0)


def finding(box: tuple[float, float, float, float], detector: float, crop: float) -> Finding:
    return Finding(box, detector, detector, 0.5, Decision.NONE, "leg", 0.9, crop)


def report(name: str, whole: float, *findings: Finding) -> Report:
    scores = {"fracture": {"normal": 1 - whole, "fractured": whole}}
    return Report(name, image_size=(100, 100), image_probability=whole, class_probability=scores, findings=findings)


def sample(name: str, fractured: bool | None) -> Sample:
    boxes = (BoxLabel(BOX, "fractured"),) if fractured else ()
    return Sample(Path(name), name, fractured=fractured, boxes=boxes)


def simulated(count: int = 200) -> list[tuple[Report, Sample]]:
    generator = np.random.default_rng(5)
    pairs = []
    for index in range(count):
        fractured = index % 2 == 0
        level = 0.65 if fractured else 0.35
        detector, crop, whole = np.clip(generator.normal(level, 0.15, 3), 0.02, 0.98)
        box = BOX if fractured else (60.0, 60.0, 80.0, 80.0)
        name = f"{index}.png"
        pairs.append((report(name, whole, finding(box, detector, crop)), sample(name, fractured)))
    return pairs


def test_every_stage_gets_weight_and_the_points_keep_their_promise() -> None:
    pairs = simulated()
    card = fit_pipeline(CARD, pairs)
    assert all(weight > 0 for weight in card.image.weights.values())
    assert all(weight > 0 for weight in card.finding.weights.values())
    probability = fuse(card.image, image_rows(pairs, card.candidate_floor).features)
    normal = np.array([not s.fractured for _, s in pairs])
    decisions = np.array([decide(float(p), card.image_points).value for p in probability])
    assert (decisions[normal] != "fracture").mean() >= 0.95
    assert (decisions[~normal] != "none").mean() >= 0.95


def test_the_points_keep_their_promise_on_the_part_that_chooses_them() -> None:
    """Radiographs of a second set score lower, fractured or not: they change the weights and not what is promised."""
    own = simulated()
    other = [
        (report(f"other{path}", 0.4 * item.image_probability, *item.findings), sample(f"other{path}", known.fractured))
        for item, known in own
        for path in [item.source]
    ]
    card = fit_pipeline(CARD, [*own, *other], chosen_on=own)
    assert card.image == fit_pipeline(CARD, [*own, *other]).image != fit_pipeline(CARD, own).image
    probability = fuse(card.image, image_rows(own, card.candidate_floor).features)
    normal = np.array([not known.fractured for _, known in own])
    assert card.image_points == operating_points(probability, (~normal).astype(np.int64), FitOptions())
    assert card.image_points != fit_pipeline(CARD, [*own, *other]).image_points
    assert (probability[normal] < card.image_points.definite).mean() >= 0.95
    assert (probability[~normal] >= card.image_points.doubt).mean() >= 0.95


def test_fused_probabilities_are_calibrated_on_average() -> None:
    pairs = simulated(400)
    card = fit_pipeline(CARD, pairs, FitOptions(penalty=1e-6))
    probability = fuse(card.image, image_rows(pairs, card.candidate_floor).features)
    assert probability.mean() == pytest.approx(0.5, abs=1e-3)


def test_candidates_between_hit_and_miss_are_left_out() -> None:
    near = (10.0, 10.0, 30.0, 14.0)  # overlap 0.2
    pairs = [
        (
            report(
                "a", 0.5, finding(BOX, 0.9, 0.8), finding(near, 0.5, 0.5), finding((50.0, 50.0, 60.0, 60.0), 0.3, 0.2)
            ),
            sample("a", True),
        ),
        (report("b", 0.1), sample("b", False)),
    ]
    rows = candidate_rows(pairs, FitOptions())
    assert rows.target.tolist() == [1, 0]
    assert rows.owner.tolist() == [0, 0]


def test_points_by_hand() -> None:
    probability = np.array([0.1, 0.2, 0.3, 0.4, 0.05, 0.35, 0.7, 0.9])
    target = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    points = operating_points(probability, target, FitOptions(specificity=0.75, sensitivity=0.75))
    assert points.definite == pytest.approx(0.35, abs=1e-5)
    assert points.doubt == pytest.approx(0.05)
    assert (probability[target == 0] < points.definite).mean() == 0.75


def test_one_kind_of_radiograph_can_not_be_fitted() -> None:
    pairs = [pair for pair in simulated(20) if pair[1].fractured]
    with pytest.raises(DataError, match="10 of 10 radiographs are fractured"):
        fit_pipeline(CARD, pairs)


def test_reports_are_paired_by_path_and_unknown_truth_is_left_out() -> None:
    reports = [report("a.png", 0.5), report("b.png", 0.5), Report("c.png", error="broken")]
    samples = [sample("./b.png", None), sample("c.png", True), sample("a.png", True)]
    assert [r.source for r, _ in pair_reports(reports, samples)] == ["a.png"]
    with pytest.raises(DataError, match=r"d\.png"):
        pair_reports([report("d.png", 0.1)], samples)
