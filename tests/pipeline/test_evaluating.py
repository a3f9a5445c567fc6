"""Predictions on disk against samples on disk: pairing, every kind of bad input, and the figures."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics

from fxdet.core.errors import DataError
from fxdet.core.findings import Report
from fxdet.core.labels import HAND_REGIONS
from fxdet.data.formats import open_samples
from fxdet.data.samples import Sample, SampleSet
from fxdet.evaluation.resampling import IntervalOptions
from fxdet.evaluation.whole import EvaluationOptions
from fxdet.pipeline.cohorts import build_cohort, class_rows
from fxdet.pipeline.comparing import aligned_runs, compare_runs, read_run
from fxdet.pipeline.evaluating import JudgeOptions, evaluate_predictions, members_of
from fxdet.pipeline.not_chosen import not_chosen
from fxdet.pipeline.pairing import PairingOptions, pair_predictions
from fxdet.pipeline.per_image import IMAGE_HEAD, box_rows, image_rows
from fxdet.pipeline.predictions import read_predictions
from fxdet.pipeline.worst import said_of, worst_cases

_spec = importlib.util.spec_from_file_location("evaluated", Path(__file__).parent / "evaluated.py")
made = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made)

QUICK = EvaluationOptions(IntervalOptions(40))
OPTIONS = JudgeOptions(evaluation=QUICK)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.write_set(tmp_path_factory.mktemp("set")).parent


@pytest.fixture(scope="module")
def samples(data: Path) -> SampleSet:
    return open_samples(data / "samples.csv")


@pytest.fixture(scope="module")
def reports(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.write_reports(tmp_path_factory.mktemp("run"), data)


def changed(reports: Path, folder: Path, change) -> Path:
    rows = [json.loads(line) for line in reports.read_text(encoding="utf-8").splitlines()]
    return made.write_lines(folder / "reports.jsonl", change(rows) or rows)


def test_figures_of_a_part(reports: Path, samples: SampleSet):
    judged = evaluate_predictions(read_predictions(reports.parent), samples, options=replace(OPTIONS, part="test"))
    rows = [index for index in range(made.COUNT) if index % 3 == 1]
    truth, score = [index % 2 == 0 for index in rows], [made.probability(index) for index in rows]
    assert judged.evaluation.counts["radiographs"] == len(rows)
    assert judged.paired.elsewhere == made.COUNT - len(rows)
    figures = judged.evaluation.section("ranking/pipeline").figures
    assert figures["auroc"].value == pytest.approx(metrics.roc_auc_score(truth, score))
    called = np.array(score) >= 0.55
    decided = judged.evaluation.section("decision/recorded/definite").figures
    assert decided["sensitivity"].value == pytest.approx(called[truth].mean())
    hits = [index % 5 != 0 for index in rows if index % 2 == 0]
    assert judged.evaluation.section("boxes/pipeline").figures["froc_iou_8"].value == pytest.approx(np.mean(hits))
    assert judged.evaluation.section("attention").figures["energy_inside"].n == sum(truth)
    assert judged.evaluation.section("region").figures["accuracy"].n == len(rows)
    assert judged.evaluation.section("boxes/pipeline").figures["images_without_fracture_box"].value == truth.count(
        False
    )


def test_points_on_validation(reports: Path, samples: SampleSet):
    predictions = read_predictions(reports)
    options = replace(OPTIONS, part="test", validation_part="val")
    judged = evaluate_predictions(predictions, samples, options=options)
    assert set(judged.evaluation.points) == {"pipeline", "classifier", "localizer"}
    assert judged.evaluation.calibrations[0].fitted_on == sum(index % 3 == 0 for index in range(made.COUNT))
    with pytest.raises(DataError, match="evaluated and chosen on"):
        evaluate_predictions(predictions, samples, options=replace(options, validation_part="test"))
    with pytest.raises(DataError, match="groups are in both"):
        evaluate_predictions(predictions, samples, options=replace(options, part=None))


def test_random_weights_stand_beside(reports: Path, samples: SampleSet, tmp_path: Path):
    def spread(rows):
        for row in rows:
            row["attention"] = {"cells": [[0.24, 0.24], [0.24, 0.28]], "peak_xy": [70.0, 80.0]}

    random = read_predictions(changed(reports, tmp_path, spread))
    judged = evaluate_predictions(read_predictions(reports), samples, random_weights=random, options=OPTIONS)
    trained, untrained = (judged.evaluation.section(key).figures for key in ("attention", "attention/random_weights"))
    assert trained["energy_inside"].value > untrained["energy_inside"].value
    assert (trained["pointing_game"].value, untrained["pointing_game"].value) == (1.0, 0.0)
    # 400 of 7,200 px², sampled at 8 × 8 points per cell.
    assert untrained["energy_inside"].value == pytest.approx(400 / 7200, abs=0.03)


def test_a_table_of_scores_says_the_same(reports: Path, samples: SampleSet, data: Path, tmp_path: Path):
    full = evaluate_predictions(read_predictions(reports), samples, options=OPTIONS).evaluation
    for columns in (["leg", "wrist"], ["wrist", "leg"]):
        scores = read_predictions(made.write_scores(tmp_path / "scores.csv", data, columns))
        plain = evaluate_predictions(scores, samples, options=OPTIONS).evaluation
        for key in ("auroc", "auprc", "brier"):
            one, two = (item.section("ranking/classifier").figures[key].value for item in (full, plain))
            assert one == pytest.approx(two)
        assert plain.section("region").figures["accuracy"] == full.section("region").figures["accuracy"]
        assert plain.section("boxes/pipeline") is None
        assert plain.section("decision/recorded/definite") is None


def test_names_are_found_by_path_name_and_stem(samples: SampleSet, data: Path):
    for source in (
        str(data / "pictures/07.png"),
        "elsewhere/pictures/07.png",
        "C:\\set\\pictures\\07.png",
        "07.png",
        "07",
    ):
        paired = pair_predictions([made.report_of(source, 7)], [samples.samples[7]], samples.samples, PairingOptions())
        assert paired.pairs[0][1].name == "pictures/07.png"


def test_a_file_name_that_fits_two_pictures_is_refused(tmp_path: Path):
    twice = [Sample(tmp_path / f"{part}/a.png", f"{part}/a.png") for part in ("x", "y")]
    with pytest.raises(DataError, match=r"a.png fits both .*x/a.png and .*y/a.png"):
        pair_predictions([made.report_of("a.png", 0)], twice, twice, PairingOptions())


def test_one_file_under_two_names_shares_its_prediction(tmp_path: Path):
    named = [Sample(tmp_path / "a.png", name, part="test") for name in ("first.png", "second.png")]
    paired = pair_predictions([made.report_of(str(tmp_path / "a.png"), 0)], named, named, PairingOptions())
    assert [sample.name for _, sample in paired.pairs] == ["first.png", "second.png"]
    both = [made.report_of(name, 0) for name in ("first.png", "second.png")]
    assert len(pair_predictions(both, named, named, PairingOptions()).pairs) == 2
    with pytest.raises(DataError, match=r"first.png and second.png: the same radiograph is predicted twice"):
        pair_predictions([both[0], replace(both[1], image_probability=0.9)], named, named, PairingOptions())


def test_missing_unknown_doubled(reports: Path, samples: SampleSet, tmp_path: Path):
    few = read_predictions(changed(reports, tmp_path, lambda rows: rows[:30]))
    with pytest.raises(
        DataError, match=r"10 of 40 radiographs have none: pictures/30.png, .* and 7 more – .*--allow-missing"
    ):
        evaluate_predictions(few, samples, options=OPTIONS)
    loose = replace(OPTIONS, pairing=PairingOptions(allow_missing=True))
    judged = evaluate_predictions(few, samples, options=loose)
    assert len(judged.paired.missing) == 10 and judged.evaluation.counts["radiographs"] == 30

    def rename(rows):
        rows[3]["source"] = "nobody/knows.png"

    strange = read_predictions(changed(reports, tmp_path, rename))
    with pytest.raises(DataError, match=r"1 of 40 are of no picture of the set: nobody/knows.png"):
        evaluate_predictions(strange, samples, options=OPTIONS)
    both = replace(OPTIONS, pairing=PairingOptions(True, True))
    assert evaluate_predictions(strange, samples, options=both).paired.unknown == ("nobody/knows.png",)

    doubled = read_predictions(changed(reports, tmp_path, lambda rows: [*rows, rows[5]]))
    with pytest.raises(DataError, match=r"05.png: the same radiograph is predicted twice"):
        evaluate_predictions(doubled, samples, options=OPTIONS)


def test_unreadable_files_are_left_out_and_counted(reports: Path, samples: SampleSet, tmp_path: Path):
    def fail(rows):
        rows[0] |= {"error": "cut short", "image_probability": None, "class_probability": {}, "findings": []}

    judged = evaluate_predictions(read_predictions(changed(reports, tmp_path, fail)), samples, options=OPTIONS)
    assert judged.paired.failed == ("pictures/00.png",)
    assert judged.evaluation.counts["radiographs"] == 39


def _set(key, value):
    def change(rows):
        row = rows[2]
        for part in key[:-1]:
            row = row[part]
        row[key[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            _set(["image_probability"], 1.2),
            r"reports.jsonl:3 .*image_probability: got 1.2, expected values in \[0, 1\]",
        ),
        (_set(["image_probability"], float("nan")), r"reports.jsonl:3 .*image_probability: got nan"),
        (
            _set(["class_probability", "fracture", "fractured"], -0.1),
            r"fractured: got -0.1, expected a number in \[0, 1\]",
        ),
        (_set(["class_probability", "fracture", "fractured"], float("nan")), "fractured: got nan, expected a number"),
        (
            _set(["class_probability", "region", "wrist"], 0.05),
            r"region: probabilities sum up to .* is a class missing",
        ),
        (_set(["class_probability", "region"], {"wrist": 1.0}), "classes of region differ"),
        (_set(["class_probability", "region", "tail"], 0.0), "region has class 'tail', expected names of elbow"),
        (_set(["findings", 0, "probability"], 7), r"Finding.probability: got 7"),
        (_set(["findings", 0, "verdict"], 7), "reports.jsonl:3"),
        (_set(["schema"], 99), "update fxdet"),
    ],
)
def test_a_wrong_line_is_named(reports: Path, tmp_path: Path, change, message: str):
    with pytest.raises(DataError, match=message):
        read_predictions(changed(reports, tmp_path, change))


def test_regions_outside_the_classes_count_as_unlabelled(tmp_path: Path):
    hand = frozenset({"wrist", "elbow"})
    pairs = [
        (made.report_of("a", 0), Sample(Path("a"), "a", regions=regions))
        for regions in (frozenset({"wrist"}), hand, frozenset({"hip"}), frozenset({"hip", "wrist"}), frozenset())
    ]
    rows = class_rows(pairs, ("wrist", "elbow", "leg"))
    assert rows.certain.tolist() == [True, False, False, False, False]
    assert rows.vague.tolist() == [False, True, False, False, False]
    assert rows.probability.sum(axis=1) == pytest.approx(1)
    assert class_rows([]) is None


def test_parts(samples: SampleSet):
    assert len(members_of(samples, samples, None)) == made.COUNT
    split = replace(samples, samples=tuple(replace(s, part="test") for s in samples))
    assert len(members_of(split, samples, "published:val")) == 14
    with pytest.raises(DataError, match=r"part 'tset' is unknown – did you mean 'test'"):
        members_of(samples, samples, "tset")


def test_a_part_without_positives_is_answered(reports: Path, samples: SampleSet):
    normal = samples.where(lambda sample: sample.fractured is False)
    judged = evaluate_predictions(read_predictions(reports), normal, samples, options=OPTIONS)
    assert judged.evaluation.section("ranking/pipeline").figures["auroc"].value is None
    assert judged.evaluation.section("boxes/pipeline").figures["ap50"].value is None
    assert judged.evaluation.section("decision/recorded/definite").figures["specificity"].n == 20
    with pytest.raises(DataError, match="is of part all"):
        evaluate_predictions(read_predictions(reports), samples.where(lambda sample: False), samples, options=OPTIONS)


def test_worst_first(reports: Path, samples: SampleSet):
    judged = evaluate_predictions(read_predictions(reports), samples, options=OPTIONS)
    found = worst_cases(judged.paired.pairs, judged.cohort, 5)
    missed = [report.image_probability for report, _ in found.missed]
    assert missed == sorted(missed) and max(missed) < 0.55
    alarms = [report.image_probability for report, sample in found.alarms if not sample.fractured]
    assert alarms == sorted(alarms, reverse=True) and len(alarms) == 5 and min(alarms) >= 0.4
    assert {sample.name for _, sample in found.missed_boxes} == {f"pictures/{i:02d}.png" for i in (0, 10, 20, 30)}


@pytest.mark.parametrize(
    ("group", "said"), [("p7", ("group p7",)), ("set/a.png", ()), ("a", ())], ids=["patient", "name", "stem"]
)
def test_a_group_that_is_the_picture_itself_is_not_told(group: str, said: tuple[str, ...]):
    sample = Sample(Path("a.png"), "set/a.png", group=group, regions=HAND_REGIONS | {"shoulder"})
    assert said_of(Report("a.png"), sample, 0.25, False) == ("score .250", "hand/shoulder", *said)


def test_rows_per_image_and_box(reports: Path, samples: SampleSet):
    judged = evaluate_predictions(read_predictions(reports), samples, options=OPTIONS)
    rows = [dict(zip(IMAGE_HEAD, row, strict=True)) for row in image_rows(judged.paired.pairs, judged.cohort)]
    assert rows[2]["pipeline"] == made.probability(2) and rows[2]["fractured"] == 1 and rows[2]["boxes"] == 1
    assert (rows[2]["region"], rows[2]["said_region"]) == ("leg", "leg")
    found = [row for row in box_rows(judged.cohort) if row[0] == "pipeline"]
    assert len(found) == made.COUNT
    assert sum(row[3] for row in found) == 16  # of 20 fractured, every fifth index is elsewhere


def write_run(folder: Path, data: Path, samples: SampleSet, shift: float) -> Path:
    from fxdet.core.files import write_json, write_text
    from fxdet.pipeline.per_image import BOX_HEAD
    from fxdet.pipeline.records import csv_line

    predictions = read_predictions(made.write_reports(folder, data, shift))
    judged = evaluate_predictions(predictions, samples, options=OPTIONS)
    write_json(folder / "evaluation.json", judged.evaluation.to_json())
    rows = [IMAGE_HEAD, *image_rows(judged.paired.pairs, judged.cohort)]
    write_text(folder / "images.csv", "".join(csv_line(row) for row in rows))
    write_text(folder / "boxes.csv", "".join(csv_line(row) for row in [BOX_HEAD, *box_rows(judged.cohort)]))
    return folder


def test_runs_are_compared_on_the_same_radiographs(data: Path, samples: SampleSet, tmp_path: Path):
    places = [write_run(tmp_path / name, data, samples, shift) for name, shift in (("a", 0.0), ("b", 0.3), ("c", 0.0))]
    runs = aligned_runs([read_run(place) for place in places])
    tests = {(test.figure, test.first, test.second): test for test in compare_runs(runs, IntervalOptions(60))}
    assert len([key for key in tests if key[0] == "AUROC"]) == 3
    own = [run.sections for run in runs]
    values = [next(s for s in sections if s.key == "ranking/pipeline").figures["auroc"].value for sections in own]
    assert tests["AUROC", "a", "b"].difference.value == pytest.approx(values[0] - values[1], abs=1e-6)
    assert tests["AUROC", "a", "c"].p == 1.0 and tests["AP50", "a", "c"].p == 1.0
    assert tests["sensitivity", "a", "c"].difference.value == 0
    assert tests["AUROC", "a", "b"].p_holm >= tests["AUROC", "a", "b"].p
    assert tests["region accuracy", "a", "b"].difference.value == 0
    ap50 = [next(s for s in sections if s.key == "boxes/pipeline").figures["ap50"].value for sections in own]
    assert tests["AP50", "a", "b"].difference.value == pytest.approx(ap50[0] - ap50[1], abs=1e-6)


def test_runs_that_do_not_fit(data: Path, samples: SampleSet, tmp_path: Path):
    whole = read_run(write_run(tmp_path / "whole", data, samples, 0.0))
    part = whole.of_rows(np.arange(5, 25))
    with pytest.raises(DataError, match="20 of 40 radiographs of whole are not in all runs"):
        aligned_runs([whole, part])
    one, two = aligned_runs([whole, part], shared=True)
    assert one.names == two.names and len(one.names) == 20
    assert one.matches().total == two.matches().total == 10
    other = replace(whole, truth=1 - whole.truth)
    with pytest.raises(DataError, match="is labelled otherwise"):
        aligned_runs([whole, other])
    with pytest.raises(DataError, match="no radiograph is in all runs"):
        aligned_runs([whole.of_rows(np.arange(3)), whole.of_rows(np.arange(5, 8))], shared=True)
    with pytest.raises(DataError, match=r"can't read .*evaluation.json"):
        read_run(tmp_path)
    (tmp_path / "whole/images.csv").write_text("name\na\n", encoding="utf-8")
    with pytest.raises(DataError, match="not as fxdet evaluate wrote it"):
        read_run(tmp_path / "whole")


def test_cohort_of_a_set_without_boxes(samples: SampleSet):
    pairs = [(made.report_of("", i), replace(s, boxes=None)) for i, s in enumerate(samples) if s.fractured]
    cohort = build_cohort(pairs, True)
    assert not cohort.boxes and cohort.findings is None and cohort.attention is None


def test_reports_of_pictures_of_another_size_are_refused(reports: Path, samples: SampleSet, tmp_path: Path):
    def shrink(rows):
        for row in rows:
            row["image_size"] = [45, 40]

    shrunk = read_predictions(changed(reports, tmp_path, shrink))
    message = (
        r"pictures/00.png is 40 × 45 px, pictures/00.png of the set is 80 × 90 px – predict the set's own pictures"
    )
    with pytest.raises(DataError, match=message):
        evaluate_predictions(shrunk, samples, options=OPTIONS)


def test_a_table_of_scores_finds_sizes_in_the_files(samples: SampleSet, data: Path, tmp_path: Path):
    scores = read_predictions(made.write_scores(tmp_path / "scores.csv", data))
    cohort = evaluate_predictions(scores, samples, options=OPTIONS).cohort
    assert any(sample.image_size is None for sample in samples)
    assert set(cohort.strata["image size"]) == {"up to 512 px"}
    gone = [(report, replace(sample, path=tmp_path / "gone.png", image_size=None)) for report, sample in
            zip(scores.reports[:1], samples, strict=False)]  # fmt: skip
    assert build_cohort(gone, False).strata["image size"] == ("",)


def test_what_could_not_be_chosen_is_told(reports: Path, samples: SampleSet, tmp_path: Path):
    options = replace(OPTIONS, part="test", validation_part="val")
    predictions = read_predictions(reports)
    judged = evaluate_predictions(predictions, samples, options=options)
    assert not_chosen(judged) == ""
    for keep, kind in ((True, "normal"), (False, "fractured")):
        some = samples.where(lambda s, keep=keep: s.part != "val" or s.fractured is keep)
        few = evaluate_predictions(predictions, some, samples, options=options)
        assert not_chosen(few) == (
            "points of pipeline, classifier and localizer and temperatures of pipeline and classifier could not be "
            f"chosen: no {kind} radiograph among 7"
        )
    blind = SampleSet(
        samples.name, samples.layout, samples.root,
        tuple(replace(s, regions=frozenset()) if s.part == "val" else s for s in samples),
    )  # fmt: skip
    told = not_chosen(evaluate_predictions(predictions, blind, options=options))
    assert told == "temperature of region could not be chosen: no radiograph that names one region among 14"

    unseen = read_predictions(changed(reports, tmp_path, lambda rows: [rows[i] for i in range(1, made.COUNT, 3)]))
    loose = replace(options, pairing=PairingOptions(allow_missing=True))
    told = not_chosen(evaluate_predictions(unseen, samples, options=loose))
    assert told.endswith("and temperature of region could not be chosen: none of its radiographs has a prediction")

    def flatten(rows):
        for row in rows:
            row["class_probability"]["fracture"] = {"normal": 0.5, "fractured": 0.5}

    flat = read_predictions(changed(reports, tmp_path, flatten))
    told = not_chosen(evaluate_predictions(flat, samples, options=options))
    assert told == "definite point of classifier could not be chosen: no score keeps specificity ≥ 0.95"
