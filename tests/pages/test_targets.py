"""The table of targets: what is met, what is missed, and by how much."""

from __future__ import annotations

import pytest

from fxdet.core.errors import DataError
from fxdet.evaluation.estimate import Estimate
from fxdet.pages.sources import Repository
from fxdet.pages.targets import SUBGROUPS, TARGETS, Target, targets_table


def at(value: float | None, low: float | None = None, high: float | None = None, at_most: bool = False) -> str:
    target = Target("figure", "part", 0.5, lambda _: Estimate(None), at_most)
    return target.verdict(Estimate(value, low, high, 100))


def test_a_target_is_met_with_its_whole_interval_alone():
    assert at(0.7, 0.6, 0.8) == "**met**"
    assert at(0.7, 0.49, 0.8) == "met, but not beyond chance"
    assert at(0.7) == "met, but not beyond chance"
    assert at(0.4, 0.3, 0.6) == "missed by .100"
    assert at(None) == "not measured"


def test_an_upper_bound_counts_the_other_way():
    assert at(0.3, 0.2, 0.4, at_most=True) == "**met**"
    assert at(0.3, 0.2, 0.6, at_most=True) == "met, but not beyond chance"
    assert at(0.6, 0.4, 0.7, at_most=True) == "missed by .100"


def test_every_target_has_its_line(checkout: Repository):
    assert len(targets_table(checkout).splitlines()) == len(TARGETS) + 2


def test_a_figure_that_was_not_evaluated_is_an_error(checkout: Repository):
    path = checkout.results / SUBGROUPS
    path.write_text(path.read_text(encoding="utf-8").replace("froc_iou_0.5", "froc_iou_5"), encoding="utf-8")
    with pytest.raises(DataError, match=r"froc_iou_0\.5"):
        targets_table(checkout)
