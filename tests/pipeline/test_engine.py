from __future__ import annotations

import csv
import json
import os
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from fxdet.core.errors import OutputError
from fxdet.core.files import LineFile, read_json_lines
from fxdet.core.protocols import FakeClassifier, FakeLocalizer
from fxdet.pipeline import engine
from fxdet.pipeline.api import Pipeline
from fxdet.pipeline.engine import Run, RunOptions, unique_overlay_name
from fxdet.pipeline.records import FAILURE_COLUMNS, SUMMARY_COLUMNS
from fxdet.pipeline.sources import Source, SourceList


def write_pictures(folder: Path, count: int, side: int = 40) -> list[Source]:
    folder.mkdir(parents=True, exist_ok=True)
    sources = []
    for index in range(count):
        path = folder / f"{index:03d}.png"
        cv2.imwrite(str(path), np.full((side, side), 20 + index, np.uint8))
        sources.append(Source(path, path.name))
    return sources


def run(sources, out: Path, options: RunOptions | None = None, pipeline: Pipeline | None = None, **more):
    drawn = []

    def sink(analysis, path):
        drawn.append(path)

    work = Run(pipeline or Pipeline(FakeLocalizer(), FakeClassifier()), out, options or RunOptions(batch_size=4), sink)
    tally = work.process(sources, **more)
    return tally, drawn


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_results_come_in_input_order_with_failures_between(tmp_path):
    sources = write_pictures(tmp_path / "in", 11)
    sources[5].path.write_text("no picture")
    tally, drawn = run(sources, tmp_path / "out")
    reports = list(read_json_lines(tmp_path / "out" / "reports.jsonl"))
    assert [report["source"] for report in reports] == [str(source.path) for source in sources]
    assert [report["error"] is None for report in reports].count(False) == 1
    assert (tally.read, tally.failed, len(drawn)) == (10, 1, 10)
    summary, failures = rows(tmp_path / "out" / "summary.csv"), rows(tmp_path / "out" / "failures.csv")
    assert tuple(summary[0]) == SUMMARY_COLUMNS
    assert tuple(failures[0]) == FAILURE_COLUMNS
    assert len(summary) == 10
    assert failures[0]["source"] == str(sources[5].path)
    assert failures[0]["reason"]


def test_slow_readers_do_not_change_the_order(tmp_path, monkeypatch):
    sources = write_pictures(tmp_path / "in", 9)
    reading = engine._read

    def slow(source):
        time.sleep(0.02 if source.name < "003" else 0)
        return reading(source)

    monkeypatch.setattr(engine, "_read", slow)
    run(sources, tmp_path / "out", RunOptions(batch_size=2, readers=4))
    reports = read_json_lines(tmp_path / "out" / "reports.jsonl")
    assert [Path(report["source"]).name for report in reports] == [source.name for source in sources]


def test_no_more_is_read_ahead_than_the_queue_holds(tmp_path):
    taken = []

    def lazily():
        for source in write_pictures(tmp_path / "in", 40):
            taken.append(source)
            yield source

    ahead = []
    done = []

    def on_report(report):
        done.append(report)
        ahead.append(len(taken) - len(done))

    run(lazily(), tmp_path / "out", RunOptions(batch_size=3), on_report=on_report)
    assert len(done) == 40
    assert max(ahead) <= 3 + 2 * 3 + 1


def test_large_pictures_make_small_batches(tmp_path, monkeypatch):
    sizes = []

    class Counting(FakeLocalizer):
        def locate(self, radiographs):
            sizes.append(len(radiographs))
            return super().locate(radiographs)

    monkeypatch.setattr(engine, "PIXEL_BUDGET", 40 * 40 * 2)
    run(write_pictures(tmp_path / "in", 6), tmp_path / "out", pipeline=Pipeline(Counting(), FakeClassifier()))
    assert sizes == [2, 2, 2]


def test_every_line_is_on_disk_when_it_is_reported(tmp_path):
    seen = []

    def on_report(report):
        lines = (tmp_path / "out" / "reports.jsonl").read_bytes()
        assert lines.endswith(b"\n")
        seen.append(lines.count(b"\n"))

    run(write_pictures(tmp_path / "in", 5), tmp_path / "out", on_report=on_report)
    assert seen == [1, 2, 3, 4, 5]


def test_stopping_between_batches_leaves_whole_results(tmp_path):
    stops = iter([False, True])
    tally, drawn = run(write_pictures(tmp_path / "in", 20), tmp_path / "out", should_stop=lambda: next(stops))
    assert tally.stopped
    assert tally.read == len(drawn) == 8
    assert len(list(read_json_lines(tmp_path / "out" / "reports.jsonl"))) == 8


def test_an_interrupt_in_a_batch_leaves_whole_results_and_no_threads(tmp_path):
    class Interrupting(FakeLocalizer):
        def locate(self, radiographs):
            if radiographs[0].pixels[0, 0] >= 28:
                raise KeyboardInterrupt
            return super().locate(radiographs)

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        run(write_pictures(tmp_path / "in", 20), tmp_path / "out", pipeline=Pipeline(Interrupting(), FakeClassifier()))
    assert len(list(read_json_lines(tmp_path / "out" / "reports.jsonl"))) == 8
    assert len(rows(tmp_path / "out" / "summary.csv")) == 8
    assert threading.active_count() == before


def test_one_radiograph_that_breaks_a_network_costs_only_itself(tmp_path):
    class Breaking(FakeLocalizer):
        def locate(self, radiographs):
            if any(radiograph.pixels[0, 0] == 22 for radiograph in radiographs):
                raise RuntimeError("shape\nmismatch")
            return super().locate(radiographs)

    tally, _ = run(
        write_pictures(tmp_path / "in", 6), tmp_path / "out", pipeline=Pipeline(Breaking(), FakeClassifier())
    )
    assert (tally.read, tally.failed) == (5, 1)
    (failure,) = rows(tmp_path / "out" / "failures.csv")
    assert failure["reason"] == "unexpected RuntimeError: shape mismatch"
    assert failure["source"].endswith("002.png")


def test_a_full_disk_ends_the_run_with_a_clear_error(tmp_path):
    def full(analysis, path):
        raise OutputError("can't write x: No space left on device")

    with pytest.raises(OutputError, match="No space left"):
        Run(Pipeline(FakeLocalizer(), FakeClassifier()), tmp_path / "out", RunOptions(), full).process(
            write_pictures(tmp_path / "in", 3)
        )


def test_odd_names_become_valid_json_and_csv(tmp_path):
    names = [os.fsdecode(b"\xff.png"), "a\nb.png", 'c,"d.png', "ü.png"]
    (picture,) = write_pictures(tmp_path / "in", 1)
    for name in names:
        (tmp_path / "odd").mkdir(exist_ok=True)
        (tmp_path / "odd" / name).write_bytes(picture.path.read_bytes())
    _, drawn = run(SourceList((str(tmp_path / "odd"),)), tmp_path / "out")
    lines = (tmp_path / "out" / "reports.jsonl").read_text("utf-8").splitlines()
    found = [json.loads(line)["source"] for line in lines]
    assert sorted(found) == sorted(str(tmp_path / "odd" / name) for name in names)
    assert len(rows(tmp_path / "out" / "summary.csv")) == len({*drawn}) == 4


@pytest.mark.parametrize(("overlays", "count"), [("all", 4), ("none", 0), ("findings", 0)])
def test_which_overlays_are_drawn(tmp_path, overlays, count):
    dark = Pipeline(FakeLocalizer(fracture=None, score=0.1), FakeClassifier())
    dark = Pipeline(dark.localizer, dark.classifier, card=dark.card.__class__("x", "a", "b", image_points=_never()))
    _, drawn = run(write_pictures(tmp_path / "in", 4), tmp_path / "out", RunOptions(overlays=overlays), dark)
    assert len(drawn) == count


def _never():
    from fxdet.zoo.cards import OperatingPoints

    return OperatingPoints(1.0, 1.0)


def test_two_inputs_of_one_name_keep_both_overlays(tmp_path):
    sources = [*write_pictures(tmp_path / "a", 2), *write_pictures(tmp_path / "b", 2)]
    _, drawn = run(sources, tmp_path / "out")
    assert len({*drawn}) == 4
    listed = [row["overlay"] for row in rows(tmp_path / "out" / "summary.csv")]
    assert {tmp_path / "out" / name for name in listed} == {*drawn}


def test_overlay_names():
    taken: set[int] = set()
    names = ["a/x.png", "a/x.PNG", "A/X.jpg", "../../x.png", "", "y.jpg/x.png", "noend", "k" * 300 + ".png"]
    paths = [unique_overlay_name(name, taken) for name in names]
    assert len(set(paths)) == len(paths)
    assert paths[:2] == ["overlays/a/x.jpg", "overlays/a/x-2.jpg"]
    assert all(".." not in path.split("/") and path.startswith("overlays/") for path in paths)
    assert all(len(part) <= 220 for path in paths for part in path.split("/"))
    assert paths[5] == "overlays/y.jpg_/x.jpg"


def test_a_line_is_one_write(tmp_path, monkeypatch):
    with LineFile(tmp_path / "x.jsonl") as file:
        file.write("1\n")
        assert (tmp_path / "x.jsonl").read_text() == "1\n"
        file.write("\udcff\n")
    assert (tmp_path / "x.jsonl").read_bytes() == b"1\n\\udcff\n"


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"readers": 0}, {"overlays": "some"}])
def test_wrong_options_are_refused(wrong):
    with pytest.raises(ValueError, match="RunOptions"):
        RunOptions(**wrong)
