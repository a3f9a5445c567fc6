"""The summary of an audit, as a terminal shows it."""

from __future__ import annotations

from dataclasses import replace

from fxdet.data.audit.results import AuditResult, Fault, Leak, SetFacts
from fxdet.data.audit.summary_text import WIDTH, summary_text
from fxdet.data.audit.verdicts import judge


def test_no_line_is_too_wide_and_no_name_breaks_the_terminal(made):
    text = summary_text(made)
    text.encode("utf-8")
    assert max(len(line) for line in text.splitlines()) <= WIDTH


def test_figures(made):
    text = summary_text(made)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[0] == "set: 6 pictures (train 4, val 2); 1 picture with boxes of several classes"
    assert "val train 2 0 0 1 50.0 % 9.0–91.0 %" in lines
    assert lines[lines.index("alike at least groups pictures") + 1 :][:3] == [
        "byte for byte 1 2",
        "pixel for pixel 1 2",
        "nearly 2 5",
    ]
    assert "val train 506 99.2 % 98.0–99.7 % 98.6 % 53.4 %" in lines
    assert "truncated 0.910 normal the file ends before the picture does" in lines
    assert "all, 5 folds 0.930 interval 0.900–0.960" in lines
    assert "truncated: 4" in lines
    assert "… and 1 more" in lines
    assert "screw box 2 0 2 tiny" in lines
    assert "val/a.png fractured = train/b.png fractured = train/c.png normal" in lines
    assert lines[-1] == "6 pictures in 1.2 s, fxdet 0.0. For research only; nothing here is a diagnosis."


def test_places_stand_below_the_folder_of_the_set(made):
    places = [line for line in summary_text(made).splitlines() if "ends early" in line]
    assert places == [f"    train/{name}.png: the file ends early" for name in "bcd"]


def test_verdicts_come_worst_first(made):
    levels = [verdict.level for verdict in judge(made)]
    assert levels == sorted(levels, key=("bad", "look", "fine").index)
    assert [verdict.topic for verdict in judge(made)][:4] == ["leak", "conflict", "look-up", "shortcut"]


def test_names_are_not_called_leaks(made):
    (verdict,) = (verdict for verdict in judge(made) if verdict.topic == "names")
    assert verdict.level == "fine"
    assert "not leaks" in verdict.advice


def test_tiny_classes_are_no_faults_of_files(made):
    (faults,) = (verdict for verdict in judge(made) if verdict.topic == "faults")
    assert faults.finding == "4 faults in files and labels: truncated 4."


def test_a_clean_set_says_so():
    facts = SetFacts("a", "yolo", "/a", None, 2, {"train": 1, "val": 1})
    clean = AuditResult((facts,), (), leaks=(Leak("a/val", "a/train", 1, 0, 0, 0, (0.0, 0.79)),))
    assert {verdict.topic: verdict.level for verdict in judge(clean)} == {
        "leak": "fine",
        "faults": "fine",
        "duplicates": "fine",
    }
    assert "✗" not in summary_text(clean)


def test_two_sets_that_share_pictures_are_judged_once(made):
    shared = (Leak("a/*", "b/*", 100, 0, 0, 9, (0.05, 0.16)), Leak("b/*", "a/*", 50, 0, 0, 7, (0.07, 0.26)))
    leaks = [verdict for verdict in judge(replace(made, leaks=shared)) if verdict.topic == "leak"]
    assert [(leak.level, leak.finding) for leak in leaks] == [
        ("bad", "9 of 100 pictures of a and 7 of 50 of b are the same radiographs.")
    ]


def test_a_part_of_one_label_says_nothing_about_looking_up(made):
    one_label = replace(made.baselines[0], right=506, majority=506)
    assert "look-up" not in {verdict.topic for verdict in judge(replace(made, baselines=(one_label,)))}


def test_a_single_part_is_not_praised_for_having_no_leak():
    alone = AuditResult((SetFacts("a", "yolo", "/a", None, 2, {"train": 2}),), ())
    assert "leak" not in {verdict.topic for verdict in judge(alone)}


def test_sets_are_named_where_there_are_several(made):
    two = replace(made, sets=(*made.sets, SetFacts("other", "coco", "/other", "some/list", 1, {"-": 1})))
    text = summary_text(two)
    assert any(line.split()[:2] == ["set/val", "set/train"] for line in text.splitlines())
    assert "other: 1 picture (no part 1)" in text
    assert "layout coco, parts by some/list, /other" in text


def test_long_words_are_broken(made):
    long = replace(made, faults=(Fault("set", "other", "x" * 300, "what"),))
    assert max(len(line) for line in summary_text(long).splitlines()) <= WIDTH
