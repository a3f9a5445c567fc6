from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import cv2
import pytest

from fxdet.report.plots import Axes, Bars, Line, draw_confusion, draw_curves, draw_reliability


def size(path: Path) -> tuple[int, int]:
    picture = cv2.imread(str(path))
    assert picture.std() > 1
    ElementTree.parse(path.with_suffix(".svg"))
    return picture.shape[:2]


def test_curves_with_their_names(tmp_path: Path):
    lines = [Line("both .9", [0, 0.2, 1], [0, 0.8, 1]), Line("alone .7", [0, 0.5, 1], [0, 0.5, 1])]
    draw_curves(tmp_path / "plots/roc", lines, Axes("ROC", "1 − specificity", "sensitivity", diagonal=True))
    assert min(size(tmp_path / "plots/roc.png")) > 300
    text = (tmp_path / "plots/roc.svg").read_text(encoding="utf-8")
    assert "both .9" in text and "sensitivity" in text


def test_the_same_plot_has_the_same_bytes(tmp_path: Path):
    for name in ("a", "b"):
        draw_curves(tmp_path / name, [Line("x", [0, 1], [0, 1])], Axes("t", "x", "y"))
    for ending in (".png", ".svg"):
        first, second = ((tmp_path / name).with_suffix(ending).read_bytes() for name in ("a", "b"))
        assert first == second


def test_froc_has_the_rates_as_marks(tmp_path: Path):
    axes = Axes("FROC", "false boxes per image", "found", x_ticks=(0.125, 1, 8))
    draw_curves(tmp_path / "froc", [Line("x", [0, 0.1, 0.5], [0, 0.2, 0.8]), Line("none", [], [])], axes, steps=True)
    assert "1/8" in (tmp_path / "froc.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("count", [0, 1, 2])
def test_reliability(tmp_path: Path, count: int):
    bars = [Bars(f"number {k}", [0.1, 0.9], [0.2, 0.7], [30, 5]) for k in range(count)]
    draw_reliability(tmp_path / "reliability", [*bars, Bars("empty", [], [], [])], "Calibration")
    height, width = size(tmp_path / "reliability.png")
    assert width / height > 0.8 * (count + 1)


def test_confusion(tmp_path: Path):
    draw_confusion(tmp_path / "confusion", ["elbow", "hip", "leg", "wrist"], [[5, 1, 0, 0]] * 4, "region")
    text = (tmp_path / "confusion.svg").read_text(encoding="utf-8")
    assert "elbow" in text and "truth" in text
    draw_confusion(tmp_path / "empty", ["normal", "fractured"], [[0, 0], [0, 0]], "nothing")
