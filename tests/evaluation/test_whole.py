"""A whole evaluation from arrays: every section by hand or by scikit-learn, and what happens where parts miss."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics

from fxdet.core.labels import Decision, LabelMap
from fxdet.evaluation.binary import decision_figures, ranking_figures
from fxdet.evaluation.boxes import BoxRows, box_figures
from fxdet.evaluation.cohort import Cohort
from fxdet.evaluation.matching import ImageBoxes
from fxdet.evaluation.multiclass import ClassRows, class_figures
from fxdet.evaluation.resampling import IntervalOptions, Resampling
from fxdet.evaluation.results import sections_from_json
from fxdet.evaluation.strata import reference_hits
from fxdet.evaluation.tables import (
    comparison_rows,
    comparison_table,
    figure_rows,
    main_figures,
    markdown,
    subgroup_rows,
    summary,
)
from fxdet.evaluation.whole import EvaluationOptions, evaluate

OPTIONS = EvaluationOptions(IntervalOptions(60))
LABELS = LabelMap(("elbow", "leg", "wrist"))
BOX = np.array([[10.0, 10, 40, 40]])


def class_rows(count: int, seed: int) -> ClassRows:
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 3, count)
    probability = generator.dirichlet([1, 1, 1], count) * 0.6 + 0.4 * np.eye(3)[truth]
    allowed = np.eye(3, dtype=bool)[truth]
    allowed[::5] = True  # unknown
    allowed[1::5, 2] = True  # or a wrist
    return ClassRows(LABELS, probability, allowed, np.arange(count) // 2)


def build(count: int = 120, seed: int = 0) -> Cohort:
    generator = np.random.default_rng(seed)
    truth = (generator.random(count) < 0.4).astype(np.int8)
    scores = {
        name: np.clip(truth * gain + generator.normal(0.3, 0.2, count), 0, 1)
        for name, gain in (("pipeline", 0.4), ("classifier", 0.3), ("localizer", 0.2))
    }
    decision = np.where(scores["pipeline"] >= 0.6, "fracture", np.where(scores["pipeline"] >= 0.4, "doubt", "none"))
    images = [
        ImageBoxes(BOX + generator.normal(0, 4), np.array([score]), BOX if fractured else BOX[:0])
        for score, fractured in zip(scores["pipeline"], truth, strict=True)
    ]
    group = np.arange(count) // 2
    rows = BoxRows(images, [(100, 100)] * count, group)
    return Cohort(
        tuple(f"{index}.png" for index in range(count)),
        group,
        truth,
        scores,
        decision,
        decision,
        class_rows(count, seed),
        {"pipeline": rows, "localizer": rows},
        np.arange(count),
        strata={"view": tuple("frontal" if i % 3 else "lateral" for i in range(count))},
    )


COHORT, VALIDATION = build(), build(seed=1)
RESULT = evaluate(COHORT, VALIDATION, options=OPTIONS)


def test_ranking_as_scikit_learn():
    for name, score in COHORT.scores.items():
        figures = RESULT.section(f"ranking/{name}").figures
        assert figures["auroc"].value == pytest.approx(metrics.roc_auc_score(COHORT.fractured, score))
        assert figures["auroc_delong"].value == pytest.approx(figures["auroc"].value)
        assert figures["auprc"].value == pytest.approx(metrics.average_precision_score(COHORT.fractured, score))
        assert figures["auroc"].low < figures["auroc"].value < figures["auroc"].high
    brier = metrics.brier_score_loss(COHORT.fractured, COHORT.scores["pipeline"])
    assert RESULT.section("ranking/pipeline").figures["brier"].value == pytest.approx(brier)
    assert "brier" not in RESULT.section("ranking/localizer").figures  # its score is no probability


@pytest.mark.parametrize(("key", "least"), [("definite", Decision.FRACTURE), ("doubt", Decision.DOUBT)])
def test_decisions_as_scikit_learn(key: str, least: Decision):
    figures = RESULT.section(f"decision/recorded/{key}").figures
    truth, called = COHORT.fractured == 1, COHORT.called(least)
    wanted = {
        "accuracy": metrics.accuracy_score(truth, called),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, called),
        "sensitivity": metrics.recall_score(truth, called),
        "specificity": metrics.recall_score(~truth, ~called),
        "ppv": metrics.precision_score(truth, called),
        "npv": metrics.precision_score(~truth, ~called),
        "f1_fractured": metrics.f1_score(truth, called),
        "f1_normal": metrics.f1_score(~truth, ~called),
        "f1_macro": metrics.f1_score(truth, called, average="macro"),
        "f1_weighted": metrics.f1_score(truth, called, average="weighted"),
        "mcc": metrics.matthews_corrcoef(truth, called),
        "kappa": metrics.cohen_kappa_score(truth, called),
    }
    assert {name: figures[name].value for name in wanted} == pytest.approx(wanted)
    assert figures["sensitivity"].n == truth.sum()


def test_points_are_chosen_on_validation_and_used_here():
    threshold = RESULT.points["classifier"].definite.threshold
    other = VALIDATION.scores["classifier"][VALIDATION.fractured == 0]
    assert np.mean(other < threshold) >= 0.95
    figures = RESULT.section("decision/classifier/definite").figures
    called = COHORT.scores["classifier"] >= threshold
    assert figures["specificity"].value == pytest.approx(np.mean(~called[COHORT.fractured == 0]))
    assert not any("definite" in s.key and "recorded" not in s.key and "boxes" not in s.key
                   for s in evaluate(COHORT, options=OPTIONS).sections)  # fmt: skip


def test_regions_as_scikit_learn():
    rows = COHORT.regions
    keep = rows.allowed.sum(axis=1) == 1
    truth, probability = rows.allowed[keep].argmax(axis=1), rows.probability[keep]
    said = probability.argmax(axis=1)
    figures, table = class_figures(rows, OPTIONS.intervals)
    assert figures["accuracy"].value == pytest.approx(metrics.accuracy_score(truth, said))
    assert figures["accuracy"].n == keep.sum()
    assert figures["f1_macro"].value == pytest.approx(metrics.f1_score(truth, said, average="macro"))
    assert figures["auroc_macro"].value == pytest.approx(metrics.roc_auc_score(truth, probability, multi_class="ovr"))
    assert figures["auprc_leg"].value == pytest.approx(metrics.average_precision_score(truth == 1, probability[:, 1]))
    assert figures["specificity_leg"].value == pytest.approx(np.mean(said[truth != 1] != 1))
    assert figures["log_loss"].value == pytest.approx(metrics.log_loss(truth, probability))
    assert table.rows == tuple(map(tuple, metrics.confusion_matrix(truth, said)))
    counts = [figures[f"labels_{name}"].value for name in ("certain", "several", "none")]
    assert sum(counts) == len(keep)
    assert counts[2] == 24  # every fifth is unknown


def reached(score: np.ndarray, truth: np.ndarray, level: float, given: str) -> float:
    """The best share that some threshold reaches while it keeps the level of the other share."""
    tried = [(np.mean(score[truth] >= t), np.mean(score[~truth] < t)) for t in [*np.unique(score), np.inf]]
    if given == "specificity":
        return max(float(sensitivity) for sensitivity, specificity in tried if specificity >= level - 1e-9)
    return max(float(specificity) for sensitivity, specificity in tried if sensitivity >= level - 1e-9)


@pytest.mark.parametrize("level", [0.85, 0.9, 0.95])
@pytest.mark.parametrize("pair", [("sensitivity", "specificity"), ("specificity", "sensitivity")])
def test_fixed_points_of_regions_by_trying_every_threshold(level: float, pair: tuple[str, str]):
    rows = COHORT.regions
    figures, _ = class_figures(rows, OPTIONS.intervals)
    keep = rows.certain
    for index, label in enumerate(LABELS.names):
        truth, score = rows.allowed[keep][:, index], rows.probability[keep][:, index]
        figure = figures[f"{pair[0]}_at_{pair[1]}_{level:.2f}_{label}"]
        assert figure.value == pytest.approx(reached(score, truth, level, pair[1]))
        # The fracture head's own figure of the same rows: the same value, interval and n.
        alone = ranking_figures(truth, score, Resampling(rows.group[keep], OPTIONS.intervals))
        assert figure == alone[f"{pair[0]}_at_{pair[1]}_{level:.2f}"]


def test_fixed_points_of_regions_stand_last():
    names = list(class_figures(COHORT.regions, OPTIONS.intervals)[0])
    assert all("_at_" in name for name in names[-18:]) and not any("_at_" in name for name in names[:-18])
    assert "_at_" not in summary(RESULT)


def test_a_class_list_in_another_order_changes_nothing():
    rows = COHORT.regions
    order = [2, 0, 1]
    other = ClassRows(
        LabelMap(tuple(LABELS[k] for k in order)), rows.probability[:, order], rows.allowed[:, order], rows.group
    )
    first, second = class_figures(rows, OPTIONS.intervals)[0], class_figures(other, OPTIONS.intervals)[0]
    assert {name: first[name].value for name in first} == pytest.approx(
        {name: second[name].value for name in first}, nan_ok=True
    )


def test_boxes_count_normals():
    figures = RESULT.section("boxes/pipeline").figures
    assert figures["images"].value == 120
    assert figures["images_without_fracture_box"].value == (COHORT.fractured == 0).sum()
    alone = [place for place, truth in enumerate(COHORT.fractured) if truth]
    rows = COHORT.boxes["pipeline"]
    only = BoxRows([rows.images[p] for p in alone], [(100, 100)] * len(alone), rows.group[alone])
    assert box_figures(only, OPTIONS.intervals)["ap50"].value > figures["ap50"].value
    assert figures["ap50"].n == len(alone)


def test_stage_comparisons():
    named = {(item.figure, item.second): item for item in RESULT.comparisons}
    difference = (
        RESULT.section("ranking/pipeline").figures["auroc"].value
        - RESULT.section("ranking/localizer").figures["auroc"].value
    )
    assert named["AUROC", "localizer"].difference.value == pytest.approx(difference)
    assert all(item.p_holm >= item.p for item in RESULT.comparisons if item.p is not None)
    assert named["AP50", "localizer"].p == 1.0  # the same boxes
    assert ("sensitivity, definite point", "classifier") in named


def test_calibration_gets_better_on_what_it_was_fitted_on():
    sharp = replace(COHORT, scores={"pipeline": np.clip(COHORT.scores["pipeline"], 0.01, 0.99) ** 3})
    result = evaluate(sharp, sharp, options=OPTIONS)
    figures = result.calibrations[0].figures
    assert figures["log_loss_after"].value <= figures["log_loss_before"].value
    assert result.calibrations[0].fitted_on == 120
    assert evaluate(sharp, options=OPTIONS).calibrations[0].after == ()


def test_subgroups_are_marked_not_hidden():
    names = ["rare" if index < 3 else "common" for index in range(120)]
    result = evaluate(replace(COHORT, strata={"view": tuple(names), "one": ("x",) * 120}), options=OPTIONS)
    groups = {(group.kind, group.name): group for group in result.subgroups}
    assert groups["view", "rare"].too_small and not groups["view", "common"].too_small
    assert groups["view", "rare"].n == 3
    assert ("one", "x") not in groups  # a single subgroup is the whole
    sizes = [group for group in result.subgroups if group.kind == "box area"]
    assert sum(group.n for group in sizes) == (COHORT.fractured == 1).sum()
    keep = np.array(names) == "common"
    want = metrics.roc_auc_score(COHORT.fractured[keep], COHORT.scores["pipeline"][keep])
    assert groups["view", "common"].figures["auroc"].value == pytest.approx(want)


def test_without_positives_nothing_is_invented():
    normal = replace(COHORT, fractured=np.zeros(120, np.int8))
    result = evaluate(normal, options=OPTIONS)
    figures = result.section("ranking/pipeline").figures
    assert {figures[name].value for name in ("auroc", "auroc_delong", "auprc")} == {None}
    assert result.section("decision/recorded/definite").figures["sensitivity"].value is None
    assert result.section("decision/recorded/definite").figures["specificity"].value is not None
    decided = result.section("decision/recorded/definite").figures
    absent = ("balanced_accuracy", "f1_macro", "f1_weighted", "f1_fractured", "mcc", "kappa")
    assert {decided[name].value for name in absent} == {None}
    assert decided["f1_normal"].value > 0
    assert not [curve for curve in result.curves if curve.kind == "roc"]
    assert all(item.p is None for item in result.comparisons if item.figure in ("AUROC", "AUPRC"))
    assert "–" in summary(result)
    aside = evaluate(COHORT, normal, options=OPTIONS)
    assert aside.points["pipeline"].definite.threshold is None
    assert aside.section("decision/pipeline/definite") is None


def test_without_negatives_nothing_is_invented():
    result = evaluate(replace(COHORT, fractured=np.ones(120, np.int8)), options=OPTIONS)
    for name in COHORT.scores:
        ranked = result.section(f"ranking/{name}").figures
        fixed = [key for key in ranked if "_at_" in key]
        assert len(fixed) == 6
        assert {ranked[key].value for key in ("auroc", "auroc_delong", "auprc", *fixed)} == {None}
    decided = result.section("decision/recorded/definite").figures
    absent = ("specificity", "balanced_accuracy", "f1_macro", "f1_weighted", "f1_normal", "mcc", "kappa")
    assert {decided[name].value for name in absent} == {None}
    assert all(item.p is None for item in result.comparisons if item.figure in ("AUROC", "AUPRC"))


def test_a_region_alone_is_ranked_against_nothing():
    rows = COHORT.regions
    elbows = rows.certain & rows.allowed[:, 0]
    figures, _ = class_figures(
        ClassRows(LABELS, rows.probability[elbows], rows.allowed[elbows], rows.group[elbows]), OPTIONS.intervals
    )
    undefined = [key for key in figures if key.startswith(("auroc_", "auprc_")) or "_at_" in key]
    undefined += ["balanced_accuracy", "f1_macro", "f1_weighted", "mcc", "kappa"]
    assert len(undefined) == 8 + 18 + 5
    assert {figures[key].value for key in undefined} == {None}
    assert {figures[key].value for key in ("f1_leg", "f1_wrist", "sensitivity_leg")} == {None}
    assert figures["f1_elbow"].value > 0


def test_draws_without_a_class_are_left_out_and_counted():
    resampling = Resampling(np.arange(6), IntervalOptions(200))
    truth = np.array([True, True, False, False, False, False])
    drawn = (resampling.counts[:, truth].sum(axis=1) == 0).sum()
    assert drawn > 0
    figures = decision_figures(truth, np.array([True, False, True, False, False, False]), resampling)
    figures |= ranking_figures(truth, np.array([0.9, 0.4, 0.6, 0.3, 0.2, 0.1]), resampling)
    for name in ("balanced_accuracy", "f1_macro", "f1_fractured", "auroc", "auprc"):
        assert figures[name].method.endswith(f", {drawn} undefined"), name


def test_unknown_labels_and_nothing_at_all():
    unknown = replace(COHORT, fractured=np.full(120, -1, np.int8), boxes={})
    result = evaluate(unknown, options=OPTIONS)
    assert [section.key for section in result.sections] == ["region"]
    assert result.counts["fracture_unknown"] == 120
    empty = Cohort((), np.zeros(0), np.zeros(0, np.int8))
    assert evaluate(empty, options=OPTIONS).sections == ()


def test_json_holds_no_nan_and_comes_back():
    data = json.loads(json.dumps(RESULT.to_json(), allow_nan=False))
    back = {section.key: section for section in sections_from_json(data)}
    assert back["ranking/pipeline"].figures["auroc"].n == 120
    assert back["region"].note.startswith("labels that name one region")


def test_tables_show_all():
    page = markdown(RESULT, ["a line"])
    assert "## Gain of the second stage" in page and "## Subgroups" in page and "| **fractured** |" in page
    assert sum(1 for _ in figure_rows(RESULT.sections)) == sum(len(s.figures) for s in RESULT.sections)
    assert len(list(comparison_rows(RESULT.comparisons))) == len(RESULT.comparisons)
    assert {row[0] for row in subgroup_rows(RESULT.subgroups)} >= {"view", "box area"}
    assert comparison_table(RESULT.comparisons).count("\n") == len(RESULT.comparisons) + 1
    lines = summary(RESULT).splitlines()
    assert lines[0].split()[:3] == ["fractured", "or", "not"]
    assert max(map(len, lines)) <= 100


def test_main_figures_fall_back_to_a_plain_classifier():
    scores = replace(
        COHORT, scores={"classifier": COHORT.scores["classifier"]}, decision=None, box_decision=None, boxes={}
    )
    rows = main_figures(evaluate(scores, options=OPTIONS).sections)["fractured or not"]
    assert list(rows) == [
        "AUROC", "AUPRC", "sensitivity, from one half on", "specificity, from one half on",
        "accuracy, from one half on", "calibration error (ECE)",
    ]  # fmt: skip


def test_the_same_seed_gives_the_same_result():
    assert evaluate(COHORT, VALIDATION, options=OPTIONS).to_json() == RESULT.to_json()


def test_cohort_is_checked():
    with pytest.raises(ValueError, match=r"Cohort.group: got 1 rows, expected 120"):
        replace(COHORT, group=np.zeros(1))
    with pytest.raises(ValueError, match=r"scores\['pipeline'\]: expected numbers in \[0, 1\]"):
        replace(COHORT, scores={"pipeline": np.full(120, 1.5)})


def test_reference_hits_by_hand():
    images = [ImageBoxes(BOX, np.ones(1), np.concatenate([BOX, BOX + 50])), ImageBoxes(BOX[:0], np.zeros(0), BOX)]
    assert reference_hits(images).tolist() == [True, False, False]
    assert reference_hits([]).tolist() == []
