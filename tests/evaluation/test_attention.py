from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxdet.evaluation.attention import (
    AttentionRows,
    FindingRows,
    attention_figures,
    best_overlaps,
    centre_grid,
    covered_share,
    energy_inside,
    finding_figures,
    in_any_box,
)
from fxdet.evaluation.resampling import IntervalOptions

OPTIONS = IntervalOptions(50)
LEFT = np.array([[0.0, 0, 50, 100]])


def test_energy_by_hand():
    grid = np.array([[0.3, 0.1], [0.6, 0.0]])
    assert energy_inside(grid, LEFT, (100, 100)) == pytest.approx(0.9)
    quarter = np.array([[0.0, 0, 25, 50]])  # half of the first cell
    assert energy_inside(grid, quarter, (100, 100)) == pytest.approx(0.15)
    assert np.isnan(energy_inside(np.zeros((2, 2)), LEFT, (100, 100)))  # no energy: no share of it


def test_boxes_that_overlap_count_once():
    twice = np.concatenate([LEFT, LEFT, LEFT + np.array([25, 0, 25, 0])])
    assert covered_share(twice, (100, 100), (1, 4)).tolist() == [[1, 1, 1, 0]]
    assert covered_share(np.zeros((0, 4)), (100, 100), (2, 2)).sum() == 0


@given(st.integers(0, 90), st.integers(0, 90), st.integers(8, 60), st.integers(8, 60))
def test_even_attention_has_the_boxes_share_of_the_area(x: int, y: int, width: int, height: int):
    box = np.array([[x, y, min(x + width, 100), min(y + height, 100)]], dtype=float)
    share = (box[0, 2] - x) * (box[0, 3] - y) / 1e4
    assert energy_inside(np.full((32, 32), 1 / 1024), box, (100, 100)) == pytest.approx(share, abs=0.01)


def test_centre_grid_is_a_box_of_half_the_sides():
    grid = centre_grid((8, 8))
    assert grid.sum() == pytest.approx(1)
    assert grid[2:6, 2:6].sum() == pytest.approx(1)


def test_points_on_edges():
    assert in_any_box((0.0, 0.0), LEFT)
    assert not in_any_box((50.0, 10.0), LEFT)
    assert not in_any_box((5.0, 5.0), np.zeros((0, 4)))


def test_attention_figures_by_hand():
    left, right, none = np.array([[1.0, 0]]), np.array([[0.0, 1]]), np.zeros((1, 2))
    rows = AttentionRows(
        [left, right, none, left],
        np.array([[10.0, 50], [90, 50], [10, 50], [10, 50]]),
        [LEFT, LEFT, LEFT, LEFT + np.array([50, 0, 50, 0])],
        [(100, 100)] * 4,
        np.arange(4),
    )
    figures = attention_figures(rows, OPTIONS)
    # The empty map has neither energy nor a peak: left out and counted, no miss.
    assert (figures["energy_inside"].value, figures["energy_inside"].n) == (pytest.approx(1 / 3), 3)
    assert (figures["pointing_game"].value, figures["pointing_game"].n) == (pytest.approx(1 / 3), 3)
    assert (str(figures["maps_without_attention"]), str(figures["maps_without_peak"])) == ("1, n = 4", "1, n = 4")
    # What needs no network stands on all radiographs.
    assert (figures["energy_centre_box"].value, figures["energy_centre_box"].n) == (pytest.approx(0.5), 4)
    assert figures["energy_even"].value == pytest.approx(0.5)
    assert (figures["pointing_centre"].value, figures["pointing_centre"].n) == (0.25, 4)  # x = 50 is outside


def rows_of(grids: list[np.ndarray]) -> AttentionRows:
    """Radiographs whose left half is a reference box; peaks are said to lie there."""
    count = len(grids)
    return AttentionRows(grids, np.full((count, 2), 10.0), [LEFT] * count, [(100, 100)] * count, np.arange(count) // 2)


def test_an_even_map_has_energy_and_no_peak():
    figures = attention_figures(rows_of([np.full((3, 4), 1 / 12), np.full((3, 4), 0.083333), np.eye(4) / 4]), OPTIONS)
    assert (figures["energy_inside"].value, figures["energy_inside"].n) == (pytest.approx(0.5), 3)
    assert (figures["maps_without_attention"].value, figures["maps_without_peak"].value) == (0, 2)
    assert (figures["pointing_game"].value, figures["pointing_game"].n) == (1.0, 1)


def test_maps_without_attention_alone_give_no_figure():
    figures = attention_figures(rows_of([np.zeros((2, 2))] * 4), OPTIONS)
    assert (str(figures["energy_inside"]), str(figures["pointing_game"])) == ("–, n = 0", "–, n = 0")
    assert figures["maps_without_attention"].value == figures["maps_without_peak"].value == 4
    assert figures["energy_even"].value == 0.5


def test_empty_maps_change_neither_the_mean_nor_its_interval():
    some = [np.array([[0.9, 0.1]]), np.array([[0.4, 0.6]]), np.array([[0.6, 0.4]]), np.array([[0.5, 0.5]])]
    alone = attention_figures(rows_of(some), OPTIONS)
    beside = attention_figures(rows_of([*some, np.zeros((1, 2)), np.zeros((1, 2))]), OPTIONS)
    assert beside["energy_inside"] == alone["energy_inside"]
    assert beside["energy_inside"].low is not None


def findings(iou: list[float], verdicts: list[str], decisions: list[str] | None = None) -> FindingRows:
    count = len(iou)
    return FindingRows(
        image=np.arange(count),
        group=np.arange(count),
        box=np.zeros((count, 4)),
        best_iou=np.array(iou),
        decision=np.array(decisions or ["fracture"] * count, dtype=str),
        verdict=np.array(verdicts, dtype=str),
        mass_in_box=np.linspace(0, 0.9, count),
        peak_in_box=np.ones(count, dtype=bool),
        peak_in_reference=np.array(iou) > 0.5,
    )


def test_verdicts_by_hand():
    rows = findings(
        [0.8, 0.3, 0.0, 0.1, 0.9, 0.2],
        ["agrees", "agrees", "agrees", "disagrees", "disagrees", ""],
        ["fracture", "none", "doubt", "none", "fracture", "fracture"],
    )
    figures = finding_figures(rows, OPTIONS)
    assert (figures["right"].value, figures["right"].n) == (0.6, 5)  # unchecked ones do not count
    assert figures["right_if_agrees"].value == pytest.approx(2 / 3)
    assert figures["right_if_disagrees"].value == 0.5
    assert figures["right_if_unsure"].value is None
    assert figures["shown_right_if_agrees"].value == 0.5
    assert figures["agrees_if_right"].value == pytest.approx(2 / 3)
    assert figures["disagrees_if_right"].value == pytest.approx(1 / 3)
    assert figures["disagrees_if_wrong"].value == 0.5
    assert figures["mass_in_box_right"].value == pytest.approx((0 + 0.18 + 0.72) / 3)
    assert figures["peak_in_reference_right"].value == pytest.approx(2 / 3)


def test_the_centre_of_the_box_is_a_baseline_of_the_peak():
    rows = replace(
        findings([0.8, 0.6, 0.4, 0.0, 0.9], ["agrees", "unsure", "agrees", "agrees", ""]),
        image=np.array([0, 0, 1, 1, 1]),
        box=np.array([[0.0, 0, 40, 40], [40, 0, 70, 40], [0, 0, 100, 90], [0, 0, 10, 10], [60, 0, 80, 10]]),
    )
    references = [LEFT, LEFT + np.array([50, 0, 50, 0])]
    figure = finding_figures(rows, OPTIONS, references)["box_centre_in_reference_right"]
    # Centres at x = 20 (inside), 55 (outside) and 50 (on the left edge, inside); the others do not count.
    assert (figure.value, figure.n) == (pytest.approx(2 / 3), 3)
    assert "box_centre_in_reference_right" not in finding_figures(rows, OPTIONS)


def test_where_no_fracture_has_a_box_none_can_be_right():
    rows = replace(findings([0.0, 0.0], ["agrees", "disagrees"]), image=np.array([0, 1]))
    figures = finding_figures(rows, OPTIONS, [np.zeros((0, 4)), np.zeros((0, 4))])
    defined = {name for name, figure in figures.items() if figure.value is not None}
    assert defined == {"mass_in_box_wrong", "disagrees_if_wrong"}
    assert (figures["disagrees_if_wrong"].value, figures["right"].n) == (0.5, 0)


def test_without_findings_all_is_undefined():
    figures = finding_figures(findings([], []), OPTIONS, [])
    assert {estimate.value for estimate in figures.values()} == {None}


def test_best_overlaps():
    boxes = np.array([[0.0, 0, 10, 10], [50, 50, 60, 60]])
    assert best_overlaps(boxes, boxes[:1]).tolist() == [1, 0]
    assert best_overlaps(boxes, np.zeros((0, 4))).tolist() == [0, 0]
    assert best_overlaps(np.zeros((0, 4)), boxes).tolist() == []
