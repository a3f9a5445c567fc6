"""Published figures against hand-worked ones."""

from __future__ import annotations

from math import sqrt

import pytest
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef, precision_score, recall_score

from fxdet.core.errors import ConfigError
from fxdet.evaluation.estimate import Estimate
from fxdet.evaluation.paper_checks import attainable, check_published, judge, matrix_figures, place_of
from fxdet.evaluation.papers import PAPERS, PUBLISHED_MATRICES, PUBLISHED_ROWS, Printed, percent, published_row

CHECKS = {(check.paper, check.row, check.figure): check for check in check_published()}


def test_tamboli_by_hand():
    found = matrix_figures(PUBLISHED_MATRICES[0])
    assert found["accuracy"] == pytest.approx((1008 + 1041) / 2140)
    assert found["ppv"] == pytest.approx(1008 / 1047)
    assert found["sensitivity"] == pytest.approx(1008 / 1060)
    assert found["specificity"] == pytest.approx(1041 / 1080)
    assert found["f1_fractured"] == pytest.approx(2 * 1008 / (2 * 1008 + 52 + 39))
    assert [round(100 * found[name], 1) for name in ("accuracy", "ppv", "specificity", "f1_fractured")] == [
        95.7, 96.3, 96.4, 95.7,
    ]  # fmt: skip


def test_three_of_tambolis_five_figures_contradict_its_matrix():
    verdicts = {
        figure: CHECKS["tamboli2026", "efficientnet", figure].verdict for figure in PUBLISHED_MATRICES[0].figures
    }
    assert verdicts == {
        "accuracy": "contradicts", "ppv": "contradicts", "sensitivity": "agrees", "specificity": "contradicts",
        "f1_fractured": "last digit",
    }  # fmt: skip


def test_cnn2024_by_hand():
    found = matrix_figures(PUBLISHED_MATRICES[1])
    assert round(found["accuracy"], 3) == 0.912 and found["accuracy"] == pytest.approx(889 / 975)
    tp, fn, fp, tn = 694, 32, 54, 195
    want = (tp * tn - fp * fn) / sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    assert found["mcc"] == pytest.approx(want) and round(want, 3) == 0.763
    assert CHECKS["cnn2024", "keras_cnn", "mcc"].verdict == "last digit"
    others = [CHECKS["cnn2024", "keras_cnn", name].verdict for name in PUBLISHED_MATRICES[1].figures if name != "mcc"]
    assert others == ["agrees"] * 7


@pytest.mark.parametrize("matrix", PUBLISHED_MATRICES, ids=lambda matrix: matrix.paper)
def test_figures_agree_with_scikit_learn(matrix):
    (tn, fp), (fn, tp) = matrix.normal, matrix.fractured
    truth = [0] * (tn + fp) + [1] * (fn + tp)
    called = [0] * tn + [1] * fp + [0] * fn + [1] * tp
    found = matrix_figures(matrix)
    assert found["accuracy"] == pytest.approx(accuracy_score(truth, called))
    assert found["mcc"] == pytest.approx(matthews_corrcoef(truth, called))
    for label, ppv, recall, f1 in ((1, "ppv", "sensitivity", "f1_fractured"), (0, "npv", "specificity", "f1_normal")):
        assert found[ppv] == pytest.approx(precision_score(truth, called, pos_label=label))
        assert found[recall] == pytest.approx(recall_score(truth, called, pos_label=label))
        assert found[f1] == pytest.approx(f1_score(truth, called, pos_label=label))


def test_ninety_per_cent_of_83():
    check = CHECKS["team05", "resnet18", "accuracy"]
    assert "README" in check.printed and "8.4.2" in check.printed and check.verdict == "contradicts"
    counted = next(c for c in check_published() if c.row == "resnet18" and c.recomputed.startswith("75/83"))
    assert "82–95 %" in counted.why
    assert attainable(percent(49, 0), 83) == [41] and attainable(percent(50, 0), 83) == []


def test_six_per_cent_of_83_can_not_be_significant():
    assert "p = 0.0625" in CHECKS["team05", "resnet18", "CLAHE alone"].why  # 2 × (1/2)^5


def test_the_ap_of_cnn2024_is_a_mean_of_precisions():
    check = CHECKS["cnn2024", "keras_cnn", "AP"]
    assert check.recomputed == ".895" and check.verdict == "note" and "not comparable" in check.why


def test_accuracies_of_two_parts_do_not_contradict_each_other():
    check = CHECKS["cnn2024", "keras_cnn", "validation accuracy"]
    assert (check.printed, check.recomputed, check.verdict) == (".98", "–", "note")
    assert "another part" in check.why and ".912 (.892–.928)" in check.why
    assert not [c for c in check_published("cnn2024") if c.verdict == "contradicts"]


def test_the_three_faults_of_the_published_script_are_listed():
    for row, figure, word in (
        ("custom_cnn", "optimiser", "never trained"),
        ("all networks", "accuracy per filter", "same 83 images"),
        ("filters", "PSNR", "mod 256"),
    ):
        check = CHECKS["team05", row, figure]
        assert check.verdict == "contradicts" and word in check.recomputed


def test_checks_of_one_paper():
    assert {check.paper for check in check_published("team05")} == {"team05"}
    assert [c for paper in PAPERS for c in check_published(paper)] == list(check_published())
    with pytest.raises(ConfigError, match="PAPER – got 'team5' – did you mean 'team05'"):
        check_published("team5")


@pytest.mark.parametrize(
    ("printed", "value", "verdict"),
    [
        (percent(96.2), 0.9625, "agrees"),
        (percent(96.2), 0.9626, "last digit"),
        (percent(96.2), 0.9631, "contradicts"),
        (Printed(0.91, 2), 0.915, "agrees"),
    ],
)
def test_judge(printed, value, verdict):
    assert judge(printed, value) == verdict


@pytest.mark.parametrize(
    ("ours", "place"),
    [
        (Estimate(0.85, 0.80, 0.89), "above"),
        (Estimate(0.85, 0.80, 0.897), "inside"),
        (Estimate(0.95, 0.92, 0.97), "below"),
        (Estimate(None, n=3), "undefined"),
        (Estimate(0.9, n=3), "undefined"),
    ],
)
def test_place_of_ninety_per_cent(ours, place):
    assert place_of(percent(90, 0), ours) == place


def test_rows_are_of_known_papers_and_unique():
    keys = [(row.paper, row.row) for row in PUBLISHED_ROWS]
    assert len(set(keys)) == len(keys) and {paper for paper, _ in keys} == set(PAPERS)
    assert published_row("team05", "resnet34") is None
