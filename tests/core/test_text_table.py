"""Plain text tables by hand."""

from __future__ import annotations

from fxdet.core.text_table import aligned_lines


def test_text_stands_left_and_numbers_right_without_trailing_blanks() -> None:
    rows = [("part", "n", "note"), ("train", "12", ""), ("val", "3", "small")]
    assert aligned_lines(rows, numbers=[1]) == ["part    n  note", "train  12", "val     3  small"]


def test_least_widths_hold_and_no_rows_give_no_lines() -> None:
    assert aligned_lines([("a", "1")], numbers=[1], least=[3, 4]) == ["a       1"]
    assert aligned_lines([]) == []
