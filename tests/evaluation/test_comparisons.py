"""Paired tests against direct computation, scipy and published examples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, multinomial

from fxdet.evaluation.comparisons import (
    compare_auroc,
    compare_figures,
    delong_covariance,
    delong_estimate,
    holm,
    mcnemar,
    two_sided,
)
from fxdet.evaluation.ranking import Ranking
from fxdet.evaluation.resampling import IntervalOptions, Resampling
from fxdet.evaluation.shares import paired_difference_interval


def direct_delong(truth: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All pairs, as the paper's equations 4 to 6 have it."""
    tens, ones, areas = [], [], []
    for score in scores:
        x, y = score[truth][:, None], score[~truth][None]
        psi = (x > y) + 0.5 * (x == y)
        tens.append(psi.mean(axis=1))
        ones.append(psi.mean(axis=0))
        areas.append(psi.mean())
    return np.array(areas), np.cov(tens) / truth.sum() + np.cov(ones) / (~truth).sum()


def drawn(seed: int, count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    truth = generator.random(count) < 0.4
    shared = generator.normal(0, 1, count)
    return truth, np.stack([np.round(truth * k + shared + generator.normal(0, 1, count), 1) for k in (1.0, 0.6)])


@pytest.mark.parametrize("seed", range(5))
def test_delong_as_all_pairs(seed: int):
    truth, scores = drawn(seed)
    areas, covariance = delong_covariance(truth, scores)
    want_areas, want = direct_delong(truth, scores)
    assert areas == pytest.approx(want_areas)
    assert covariance == pytest.approx(want)


def test_delong_by_hand():
    # X = 3, 5; Y = 1, 4: psi = [[1, 0], [1, 1]]; V10 = .5, 1; V01 = 1, .5; variances .125 / 2 + .125 / 2.
    areas, covariance = delong_covariance([1, 1, 0, 0], [[3.0, 5, 1, 4]])
    assert areas[0] == 0.75
    assert covariance[0, 0] == pytest.approx(0.125)


def test_groups_of_one_change_nothing_and_repeated_rows_count_once():
    truth, scores = drawn(7)
    plain = delong_covariance(truth, scores)[1]
    assert delong_covariance(truth, scores, list(range(len(truth))))[1] == pytest.approx(plain)
    repeated = delong_covariance(np.tile(truth, 3), np.tile(scores, 3), list(range(len(truth))) * 3)[1]
    assert repeated == pytest.approx(plain)
    naive = delong_covariance(np.tile(truth, 3), np.tile(scores, 3))[1]
    assert naive[0, 0] < 0.5 * plain[0, 0]


def test_mixed_groups_as_the_bootstrap():
    generator = np.random.default_rng(3)
    group = np.repeat(np.arange(150), 2)
    truth = np.tile([False, True], 150)
    score = truth + np.repeat(generator.normal(0, 1, 150), 2) + generator.normal(0, 0.5, 300)
    variance = delong_covariance(truth, [score], group.tolist())[1][0, 0]
    draws = Resampling(group, IntervalOptions(3000)).draws(Ranking.of(truth, score).auroc)
    assert variance == pytest.approx(draws.var(), rel=0.15)
    assert delong_covariance(truth, [score])[1][0, 0] > 1.2 * variance  # shared effects cancel within mixed groups


def test_comparison_by_z():
    truth, scores = drawn(11, 200)
    item = compare_auroc(("a", "b"), truth, *scores)
    areas, covariance = direct_delong(truth, scores)
    spread = np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    assert item.difference.value == pytest.approx(areas[0] - areas[1])
    assert item.p == pytest.approx(two_sided((areas[0] - areas[1]) / spread))
    assert (item.difference.low < 0 < item.difference.high) == (item.p > 0.05)
    swapped = compare_auroc(("b", "a"), truth, *scores[::-1])
    assert swapped.difference.value == pytest.approx(-item.difference.value)
    assert swapped.p == pytest.approx(item.p)


def test_the_same_ranking_does_not_differ():
    truth, scores = drawn(1)
    assert compare_auroc(("a", "b"), truth, scores[0], np.exp(scores[0])).p == 1.0


@pytest.mark.parametrize("truth", [[], [1, 1, 1], [0, 0], [1, 0]])
def test_delong_without_two_of_each_class(truth: list[int]):
    item = compare_auroc(("a", "b"), truth, np.arange(len(truth)), -np.arange(len(truth)))
    assert item.p is None
    assert delong_estimate(truth, np.arange(len(truth))).low is None


def test_delong_interval_stays_within_0_and_1():
    truth = np.array([0] * 30 + [1] * 5)
    score = np.r_[np.arange(30), [40, 41, 42, 43, 28.5]]
    estimate = delong_estimate(truth, score)
    assert 0 < estimate.low < estimate.value < estimate.high < 1


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_as_the_binomial_test(only_first: int, only_second: int):
    first = np.array([True] * only_first + [False] * only_second + [True] * 3, dtype=bool)
    second = np.array([False] * only_first + [True] * only_second + [True] * 3, dtype=bool)
    p = mcnemar(("a", "b"), first, second).p
    discordant = only_first + only_second
    assert p == pytest.approx(binomtest(only_first, discordant).pvalue if discordant else 1.0)


def test_mcnemar_large_and_empty():
    first = np.r_[np.ones(2600, bool), np.zeros(2400, bool)]
    assert mcnemar(("a", "b"), first, ~first).p == pytest.approx(binomtest(2600, 5000).pvalue)
    assert mcnemar(("a", "b"), [], []).p is None
    with pytest.raises(ValueError, match="got 1 and 2 rows"):
        mcnemar(("a", "b"), [True], [True, False])


def test_mcnemar_interval_by_hand():
    """Of 21 rows both are right on 1, the first alone on 1, the second alone on 7, as in Fagerland et al. 2014."""
    first = np.r_[np.ones(2), np.zeros(19)].astype(bool)
    second = np.r_[1, 0, np.ones(7), np.zeros(12)].astype(bool)
    item = mcnemar(("a", "b"), first, second)
    assert item.difference.value == pytest.approx(-6 / 21)
    assert (item.difference.low, item.difference.high) == pytest.approx((-0.507, -0.026), abs=5e-4)


def test_mcnemar_interval_has_a_width_on_few_rows():
    right, three_wrong = np.ones(10, bool), np.r_[np.zeros(3), np.ones(7)].astype(bool)
    same = mcnemar(("a", "b"), right, right).difference
    assert (
        same.value == 0
        and same.low == pytest.approx(-0.2775, abs=1e-4)
        and same.high == pytest.approx(0.2775, abs=1e-4)
    )
    item = mcnemar(("a", "b"), right, three_wrong)
    assert (
        item.p == 0.25 and item.difference.low < 0 < item.difference.value
    )  # as the test says: no difference is shown


def test_mcnemar_and_its_interval_may_differ_near_the_edge():
    """The example of docs/evaluation.md: five discordant rows of 83, all on one side."""
    item = mcnemar(("a", "b"), np.ones(83, bool), np.r_[np.zeros(5), np.ones(78)].astype(bool))
    assert str(item.difference) == ".060 (.004–.133), n = 83"
    assert item.p == 2 * 0.5**5 == 0.0625
    page = (Path(__file__).resolve().parents[2] / "docs/evaluation.md").read_text(encoding="utf-8")
    assert f"the difference is {item.difference.short}" in page and "$p = .0625$" in page


@pytest.mark.parametrize("shares", [(0.7, 0.1, 0.1, 0.1), (0.8, 0.15, 0.03, 0.02), (0.4, 0.3, 0.1, 0.2)])
def test_newcombe_interval_covers_the_true_difference(shares: tuple[float, ...]):
    """Over all tables of 14 rows, by their probability."""
    covered, rows = 0.0, 14
    for both in range(rows + 1):
        for first in range(rows + 1 - both):
            for second in range(rows + 1 - both - first):
                table = both, first, second, rows - both - first - second
                low, high = paired_difference_interval(*table)
                covered += multinomial.pmf(table, rows, shares) * (low <= shares[1] - shares[2] <= high)
    assert covered >= 0.94


def test_holm_by_hand():
    # Sorted .005, .01, .03, .04 times 4, 3, 2, 1 gives .02, .03, .06, .04, made monotone.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([None, 0.9, 0.8]) == [None, 1.0, 1.0]


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_never_lowers_and_keeps_the_order(values: list[float]):
    corrected = holm(values)
    assert all(after >= before for before, after in zip(values, corrected, strict=True))
    order = np.argsort(values, kind="stable")
    assert (np.diff([corrected[place] for place in order]) >= 0).all()
    if values:  # Bonferroni is never smaller
        assert all(after <= min(1, p * len(values)) + 1e-12 for p, after in zip(values, corrected, strict=True))


def test_paired_bootstrap_sees_a_difference_and_none():
    truth, scores = drawn(2, 400)
    resampling = Resampling(np.arange(400), IntervalOptions(500))
    figures = [Ranking.of(truth, score).average_precision for score in (*scores, -scores[0])]
    worse = compare_figures("AUPRC", ("a", "c"), resampling, figures[0], figures[2])
    assert worse.p == pytest.approx(2 / 501)
    assert worse.difference.low > 0
    same = compare_figures("AUPRC", ("a", "a"), resampling, figures[0], figures[0])
    assert same.p == 1.0
    nothing = Ranking.of(np.zeros(400, bool), scores[0]).average_precision
    assert compare_figures("AUPRC", ("a", "b"), resampling, nothing, nothing).p is None


def test_normal_tail():
    assert two_sided(1.959963984540054) == pytest.approx(0.05)
    assert two_sided(0) == 1.0
