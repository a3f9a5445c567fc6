"""Rows of a made-up paper on drawn radiographs, from the command to the result file."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch
import yaml
from click.testing import CliRunner
from safetensors.torch import load_file

from fxdet.classify.model import build_network
from fxdet.cli.main import main
from fxdet.core.errors import DataError, ModelError, TrainingError
from fxdet.data.drawn import write_drawn_set
from fxdet.data.formats import open_samples
from fxdet.imaging.synthetic import DrawingOptions
from fxdet.training.attention_figure import draw_row_attention
from fxdet.training.classification import ClassifierTask, train_classifier
from fxdet.training.paper_attention import weights_of, write_row_attention
from fxdet.training.paper_comparison import filter_tests
from fxdet.training.paper_config import read_row
from fxdet.training.paper_figures import draw_learning_curves, draw_roc
from fxdet.training.paper_results import read_result
from fxdet.training.reproduction import Selection
from fxdet.training.run_folder import RunFolder
from fxdet.training.scores import distinct_pictures
from fxdet.zoo.hub import load_classifier

PLAIN = {"rotate": 0, "scale": 0, "translate": 0, "brightness": 0, "contrast": 0, "clahe": 0, "blur": 0, "dropout": 0}


@pytest.fixture(scope="module", autouse=True)
def no_learning_curves():
    """Drawing them takes most of the time of a tiny training; other tests look at them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fxdet.training.callbacks.draw_curves", lambda *given: None)
        yield


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn set with three parts, a list of folds and a list that publishes some pictures twice."""
    folder = tmp_path_factory.mktemp("paper")
    options = DrawingOptions((64, 64), "forearm", displacement=3.0, noise=0.5, collimation_share=0, marker_share=0)
    counts = [("train", 32), ("val", 16), ("test", 16)]
    table = write_drawn_set(folder, counts, np.random.default_rng(5), options)
    samples = open_samples(table)
    rows = [("name", "group", "part", "fold", "fractured")]
    rows += [(s.name, f"g{i // 2}", s.part, i // 2 % 3, int(bool(s.fractured))) for i, s in enumerate(samples)]
    write_csv(folder / "folds.csv", rows)
    twice = [("name", "file", "group", "part", "fractured")]
    for i, s in enumerate(samples):
        repeats = 3 if s.part == "test" and i % 2 else 1
        label = int(bool(s.fractured))
        twice += [(f"{s.part}/{i}-{k}.png", s.name, f"g{i}", s.part, label) for k in range(repeats)]
    first = next(s for s in samples if s.part == "train" and s.fractured)
    twice.append(("test/again.png", first.name, "g0", "test", 1))
    write_csv(folder / "twice.csv", twice)
    return folder


def write_csv(path: Path, rows: list[tuple]) -> None:
    with open(path, "w", newline="") as handle:
        handle.write("# set: drawn; seed: none; rule: made for a test\n")
        csv.writer(handle, lineterminator="\n").writerows(rows)


@pytest.fixture
def paper(tmp_path: Path, drawn: Path) -> list[str]:
    return write_paper(tmp_path, drawn)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, drawn: Path):
    """A paper all of whose rows were run: the command's arguments, its folder, and what it printed."""
    folder = tmp_path_factory.mktemp("finished")
    arguments = write_paper(folder, drawn)
    before = run(arguments, "--list").output
    assert not (folder / "results").exists()
    return arguments, folder, before, run(arguments).output


def write_paper(tmp_path: Path, drawn: Path) -> list[str]:
    """Write the row ``tiny`` of a paper; return the arguments of the command that runs it."""
    base = {
        "paper": "sriram2026", "tag": "test", "run": str(tmp_path / "runs"), "head": "fracture",
        "heads": {"fracture": ["normal", "fractured"]}, "initial_weights": "none", "dropout": 0.0,
        "preprocess": {"size": 32, "fit": "stretch"}, "sources": [{"path": str(drawn / "drawn.csv")}], "augment": PLAIN,
        "audit": False,
        "protocols": {
            "as-published": {"split": str(drawn / "twice.csv"), "allow_leak": True},
            "grouped": {"split": str(drawn / "folds.csv"), "folds": [0, 1]},
        },
        "optimiser": {"learning_rate": 0.003},
        "loop": {"epochs": 2, "batch_size": 16, "ema_decay": 0, "precision": "fp32", "monitor": "val_loss",
                 "monitor_mode": "min"},
    }  # fmt: skip
    folder = tmp_path / "configs" / "sriram2026"
    folder.mkdir(parents=True)
    (folder / "base.yaml").write_text(yaml.safe_dump(base))
    row = {"base": "base.yaml", "row": "tiny", "name": "tiny", "label": "Tiny", "architecture": "test_resnet"}
    (folder / "tiny.yaml").write_text(yaml.safe_dump(row))
    places = ["--configs", str(tmp_path / "configs"), "--results", str(tmp_path / "results"), "--device", "cpu"]
    return ["reproduce", "sriram2026", *places]


def run(arguments: list[str], *more: str):
    result = CliRunner().invoke(main, [*arguments, *more])
    assert result.exit_code == 0, result.output
    return result


def test_a_row_from_the_command_to_its_result_files(finished):
    _, folder, listed, shown = finished
    assert listed.count("not run yet") == 2
    assert "tiny.grouped.7: fold1, filter none, 2 epochs" in shown and "not run yet" not in shown
    results = folder / "results" / "sriram2026"
    assert {"tiny.as-published.7.json", "tiny.grouped.7.json"} <= {path.name for path in results.iterdir()}
    grouped = read_result(results / "tiny.grouped.7.json")
    assert grouped["tested_folds"] == [0, 1] and len(grouped["folds"]) == 2 and not grouped["split"]["leaky"]
    assert grouped["n"] == grouped["distinct_files"] == len(grouped["scores"])
    assert [row["epoch"] for row in grouped["folds"][0]["history"]] == [0, 1]
    assert {"loss", "val_loss", "accuracy", "train_accuracy"} <= set(grouped["folds"][0]["history"][0])
    accuracy = grouped["figures"]["accuracy"]
    assert accuracy["low"] <= accuracy["value"] <= accuracy["high"] and accuracy["n"] == grouped["n"]
    assert grouped["environment"]["processors"] and grouped["training_seconds"] > 0
    assert grouped["initial_weights"] == "none" and len(grouped["config_hash"]) == 16
    text = (results / "tiny.grouped.7.json").read_text()
    assert str(folder) not in text and len(text) < 30_000
    rows = list(csv.reader(grouped["scores"]))
    right = sum((float(row[6]) > float(row[5])) == (row[3] == "1") for row in rows)
    assert accuracy["value"] == pytest.approx(right / len(rows), abs=1e-6)


def test_repeated_files_are_weights(finished):
    result = read_result(finished[1] / "results" / "sriram2026" / "tiny.as-published.7.json")
    assert result["split"]["leaky"] and result["split"]["shared_groups"] == 1
    assert result["distinct_files"] == 17 and result["n"] == 8 + 8 * 3 + 1
    truth, called = [], []
    for row in csv.reader(result["scores"]):
        truth += [row[3] == "1"] * int(row[2])
        called += [float(row[6]) > float(row[5])] * int(row[2])
    confusion = np.array(result["confusion"]["truth_in_rows"])
    assert confusion.sum() == len(truth) == result["n"]
    assert confusion.trace() == sum(t == c for t, c in zip(truth, called, strict=True))
    again = next(row for row in csv.reader(result["scores"]) if row[0] == "test/again.png")
    assert again[3] == again[4], "the look-up finds the training picture itself"


def test_a_finished_row_is_skipped_and_restart_makes_it_anew(paper, tmp_path: Path, monkeypatch):
    only = ["--protocol", "grouped", "--fold", "0"]
    run(paper, *only)
    path = tmp_path / "results" / "sriram2026" / "tiny.grouped.7.json"
    before = path.stat().st_mtime_ns
    with monkeypatch.context() as patch:
        patch.setattr("fxdet.training.fits.run_classifier", None)
        assert "tiny.grouped.7: done" in run(paper, *only).output
        path.unlink()
        run(paper, *only)  # the scores of the run folder are enough
    assert path.stat().st_mtime_ns != before
    run_folder = tmp_path / "runs" / "sriram2026" / "tiny.grouped.7" / "fold0"
    assert (run_folder / "best.safetensors").exists() and not (run_folder / "last.pt").exists()
    refused = CliRunner().invoke(main, [*paper, "--protocol", "grouped", "--set", "loop.epochs=1"])
    assert refused.exit_code == 0 and "made with another configuration" in refused.output
    path.unlink()
    refused = CliRunner().invoke(main, [*paper, *only, "--set", "loop.epochs=1"])
    assert refused.exit_code == TrainingError.exit_code and "--restart" in refused.output
    run(paper, *only, "--set", "loop.epochs=1", "--restart")
    assert read_result(path)["folds"][0]["epochs"] == 1


def test_a_result_that_takes_another_one_s_place_counts_its_looks(paper, tmp_path: Path, monkeypatch):
    only = ["--protocol", "grouped", "--fold", "0", "--set", "loop.epochs=1"]
    run(paper, *only)
    path = tmp_path / "results" / "sriram2026" / "tiny.grouped.7.json"
    first = read_result(path)
    assert first["looks_at_the_test_part"] == 1 and first["earlier"] == []
    with monkeypatch.context() as patch:  # killed twice before anything is tested: that adds no look
        patch.setattr("fxdet.training.reproduction.run_fit", Mock(side_effect=KeyboardInterrupt))
        for _ in range(2):
            assert CliRunner().invoke(main, [*paper, *only, "--restart"]).exit_code == 130
    assert not path.exists()
    run(paper, *only)
    second = read_result(path)
    run(paper, *only, "--restart", "--set", "loop.seed=8")
    third = read_result(path)
    assert second["looks_at_the_test_part"] == 2 and third["looks_at_the_test_part"] == 3
    assert [item["accuracy"] for item in third["earlier"]] == [
        first["figures"]["accuracy"],
        second["figures"]["accuracy"],
    ]
    assert third["earlier"][0]["config_hash"] == first["config_hash"] and third["earlier"][0]["looks"] == 1


def test_a_killed_row_goes_on_and_ends_the_same(paper, tmp_path: Path, monkeypatch):
    only = ["--protocol", "grouped", "--fold", "0"]
    run(paper, *only, "--set", f"run={tmp_path / 'through'}")
    path = tmp_path / "results" / "sriram2026" / "tiny.grouped.7.json"
    through = read_result(path)
    path.unlink()
    steps = ClassifierTask.batches

    def killed(self, epoch: int):
        for step, batch in enumerate(steps(self, epoch)):
            if epoch == 1 and step == 0:
                raise KeyboardInterrupt
            yield batch

    with monkeypatch.context() as patch:
        patch.setattr(ClassifierTask, "batches", killed)
        assert CliRunner().invoke(main, [*paper, *only]).exit_code == 130
    assert not path.exists() and "started" in run(paper, *only, "--list").output
    run(paper, *only, "--resume")
    resumed = read_result(path)
    assert resumed["scores"] == through["scores"] and resumed["figures"] == through["figures"]


@pytest.mark.slow
def test_a_second_fold_is_added_to_the_first(paper, tmp_path: Path):
    run(paper, "--protocol", "grouped", "--fold", "0")
    path = tmp_path / "results" / "sriram2026" / "tiny.grouped.7.json"
    one = read_result(path)
    run(paper, "--protocol", "grouped")
    both = read_result(path)
    assert both["tested_folds"] == [0, 1] and both["scores"][: len(one["scores"])] == one["scores"]
    assert not {row.split(",")[0] for row in one["scores"]} & {
        row.split(",")[0] for row in both["scores"][len(one["scores"]) :]
    }


@pytest.mark.slow
def test_folds_over_names_deal_every_name_once(paper, tmp_path: Path, drawn: Path):
    protocol = {"split": str(drawn / "twice.csv"), "allow_leak": True, "shuffled_folds": 3}
    run(paper, "--protocol", "x", "--set", f"protocols.x={json.dumps(protocol)}", "--set", "loop.epochs=1")
    result = read_result(tmp_path / "results" / "sriram2026" / "tiny.x.7.json")
    listed = (drawn / "twice.csv").read_text().count("\n") - 2
    assert result["n"] == listed and len(result["folds"]) == 3 and result["split"]["leaky"]


def fault_row(paper, tmp_path: Path, **changes: object) -> Path:
    row = {
        "base": "tiny.yaml", "row": "tiny_as_script", "tag": "faulty-test", "judged": "last",
        "fault": "optimiser_holds_another_network", "chain": ["median", "none"], **changes,
    }  # fmt: skip
    path = tmp_path / "configs" / "sriram2026" / "tiny_as_script.yaml"
    path.write_text(yaml.safe_dump(row))
    return path


def test_the_published_fault_moves_no_weight(paper, tmp_path: Path):
    fault_row(paper, tmp_path)
    shown = run(paper, "--row", "tiny_as_script", "--protocol", "as-published")
    assert "shows a published fault on purpose" in shown.output and "(fault shown)" in shown.output
    folder = tmp_path / "runs" / "sriram2026" / "tiny_as_script.as-published.7"
    with torch.random.fork_rng():
        torch.manual_seed(7)
        fresh = build_network("test_resnet", {"fracture": 2})
    for link in ("all-0", "all-1"):
        after = load_file(folder / link / "last.safetensors")
        assert all(torch.equal(after[name], weight) for name, weight in fresh.named_parameters())
    assert any(not torch.equal(after[name], value) for name, value in fresh.named_buffers())  # running statistics do
    result = read_result(tmp_path / "results" / "sriram2026" / "tiny_as_script.as-published.7.json")
    assert [link["filter"] for link in result["links"]] == ["median", "none"]
    assert result["looks_at_the_test_part"] == 2 and result["fault"] == "optimiser_holds_another_network"
    with pytest.raises(ModelError, match="shows the published fault"):
        load_classifier(folder / "all-1")


@pytest.mark.slow
def test_without_the_fault_the_same_chain_learns(paper, tmp_path: Path):
    fault_row(paper, tmp_path, fault="none")
    run(paper, "--row", "tiny_as_script", "--protocol", "as-published")
    folder = tmp_path / "runs" / "sriram2026" / "tiny_as_script.as-published.7"
    first, second = (load_file(folder / link / "last.safetensors") for link in ("all-0", "all-1"))
    assert not torch.equal(first["heads.fracture.weight"], second["heads.fracture.weight"])


@pytest.mark.slow
def test_a_chain_goes_on_from_the_last_weights(paper, tmp_path: Path):
    fault_row(paper, tmp_path, fault="none", optimiser={"learning_rate": 1e-12, "weight_decay": 0})
    run(paper, "--row", "tiny_as_script", "--protocol", "as-published")
    folder = tmp_path / "runs" / "sriram2026" / "tiny_as_script.as-published.7"
    first, second = (load_file(folder / link / "last.safetensors") for link in ("all-0", "all-1"))
    torch.testing.assert_close(first["backbone.conv1.0.weight"], second["backbone.conv1.0.weight"], atol=1e-6, rtol=0)
    torch.testing.assert_close(first["heads.fracture.weight"], second["heads.fracture.weight"], atol=1e-6, rtol=0)


@pytest.mark.slow
def test_filters_are_tested_against_none(paper, tmp_path: Path):
    run(paper, "--protocol", "grouped", "--filter", "none", "--filter", "clahe")
    run(paper, "--compare-filters")
    (row,) = json.loads((tmp_path / "results" / "sriram2026" / "filter_tests.json").read_text())["tests"]
    assert (row["row"], row["filter"], row["first"], row["second"]) == ("tiny", "clahe", "clahe", "none")
    results = tmp_path / "results" / "sriram2026"
    one, other = (read_result(results / f"tiny{end}.grouped.7.json") for end in ("-clahe", ""))
    gain = one["figures"]["accuracy"]["value"] - other["figures"]["accuracy"]["value"]
    assert row["difference"]["value"] == pytest.approx(gain, abs=1e-6) and row["test"].startswith("McNemar")
    with pytest.raises(ModelError, match="trained on pictures filtered by 'clahe'"):
        load_classifier(tmp_path / "runs" / "sriram2026" / "tiny-clahe.grouped.7" / "fold0")


def test_roc_and_attention(finished, drawn: Path):
    arguments, folder, *_ = finished
    results = folder / "results" / "sriram2026"
    run(arguments, "--roc")
    assert (results / "roc.png").read_bytes().startswith(b"\x89PNG") and b"<svg" in (results / "roc.svg").read_bytes()
    run(arguments, "--curves")
    assert (results / "curves.png").read_bytes().startswith(b"\x89PNG") and (results / "curves.svg").is_file()
    for draw in (draw_roc, draw_learning_curves):
        with pytest.raises(DataError, match="run a row first"):
            draw([], results)
    row = read_row(folder / "configs" / "sriram2026" / "tiny.yaml")
    place = drawn / "drawn.csv", str(drawn / "folds.csv")
    write_row_attention([row], Selection(("as-published",)), results, place)
    trained, untrained = json.loads((results / "attention.json").read_text())["rows"]
    assert untrained["run"] == "random weights" and trained["run"] == "tiny.as-published.7"
    for found in (trained, untrained):
        for figure, lacking in (("energy_inside", "maps_without_attention"), ("pointing_game", "maps_without_peak")):
            assert found["figures"][figure]["n"] + found["figures"][lacking]["value"] == 8
    assert trained["figures"]["energy_even"] == untrained["figures"]["energy_even"]
    assert weights_of(folder / "nowhere", row) is None
    run(arguments, "--overlays")
    assert (results / "attention.jpg").read_bytes().startswith(b"\xff\xd8")
    with pytest.raises(DataError, match=r"no row of .* has weights"):
        draw_row_attention([], Selection(), results)


def made_up(filter_name: str, right: str, times: int = 1) -> dict:
    """A result of test pictures that are named right (+) or wrong; the second was published several times."""
    count = [times if place == 1 else 1 for place in range(len(right))]
    wrong = [0.2 if sign == "+" else 0.8 for sign in right]
    return {
        "row": "r", "protocol": "p", "seed": 1, "filter": filter_name, "chain": [], "n": sum(count),
        "classes": ["a", "b"], "initial_weights_sha256": "",
        "scores": [f"p{i},g{i},{count[i]},1,0,{p},{1 - p}" for i, p in enumerate(wrong)],
        "configuration": {"epochs": 3, **({} if filter_name == "none" else {"filter": filter_name})},
    }  # fmt: skip


def test_paired_tests_by_hand():
    rows = filter_tests([made_up("none", "-+-++"), made_up("clahe", "+++++"), made_up("median", "+----")])
    clahe, median = rows
    # CLAHE: two pictures better, none worse: 2 × (1/2)² = .5; median: one better, three worse: 10/16 = .625.
    assert (clahe["filter"], clahe["p"], clahe["difference"]["value"]) == ("clahe", 0.5, pytest.approx(2 / 5, abs=1e-6))
    assert (median["filter"], median["p"]) == ("median", 0.625)
    assert [row["p_holm"] for row in rows] == [1.0, 1.0]
    assert clahe["test"] == "McNemar, exact"


def test_pictures_of_one_group_are_drawn_together():
    """40 pictures; the second, which CLAHE alone gets right, was published 60 times."""
    plain, better = "--" + "+-" * 19, "-+" + "+-" * 19
    (row,) = filter_tests([made_up("none", plain, 60), made_up("clahe", better, 60)])
    assert row["test"] == "paired bootstrap over groups"
    assert row["difference"]["value"] == pytest.approx(60 / 99, abs=1e-6) and row["n"] == 99
    # (39/40)^40 = .36 of all draws miss that picture: no difference can be told, whatever McNemar makes of 60 names.
    assert row["difference"]["low"] == 0.0 and row["p"] > 0.3


def test_results_that_fit_no_paired_test_are_refused():
    other = made_up("clahe", "++++")
    with pytest.raises(DataError, match="other pictures"):
        filter_tests([made_up("none", "-+-+"), {**other, "scores": other["scores"][1:]}])
    more_folds = [{**made_up(name, right), "tested_folds": folds} for name, right, folds in
                  (("none", "-+-+", [0, 1]), ("clahe", "++++", [0]))]  # fmt: skip
    more_folds[1]["scores"] = other["scores"][:3]
    (shared,) = filter_tests(more_folds)
    assert shared["difference"]["value"] == pytest.approx(2 / 3, abs=1e-6)  # of the first three pictures
    with pytest.raises(DataError, match="other pictures"):
        filter_tests([more_folds[0], {**more_folds[1], "scores": []}])
    longer = {**other, "configuration": {"epochs": 4, "filter": "clahe"}}
    with pytest.raises(DataError, match=r"r-clahe\.p\.1 was trained otherwise than without the filter: epochs –"):
        filter_tests([made_up("none", "-+-+"), longer])
    with pytest.raises(DataError, match="sha256"):
        filter_tests([made_up("none", "-+-+"), {**other, "initial_weights_sha256": "ab"}])
    assert filter_tests([made_up("clahe", "++++")]) == []


def test_distinct_pictures_count_names_and_leave_out_unlabelled_ones(drawn: Path):
    samples = open_samples(drawn / "drawn.csv").samples[:3]
    found = distinct_pictures([samples[0], samples[1], samples[0], samples[2]], "fracture", ("normal", "fractured"))
    assert [times for *_, times in found] == [2, 1, 1]
    assert distinct_pictures(samples, "region", ("leg", "forearm"))[0][1] == 1
    assert distinct_pictures(samples, "region", ("leg", "hip")) == []


def test_the_fault_is_loud_in_a_plain_training_too(config, tmp_path: Path, caplog):
    path = config(tag="faulty-test", fault="optimiser_holds_another_network")
    train_classifier(path, ["loop.epochs=1", "loop.ema_decay=0"])
    assert "shows a published fault on purpose" in caplog.text
    state = RunFolder(tmp_path / "run").read_state()["network"]
    with torch.random.fork_rng():
        torch.manual_seed(7)
        fresh = build_network("test_resnet", {"fracture": 2, "region": 8}, 0.2)
    assert all(torch.equal(state[name], weight) for name, weight in fresh.named_parameters())
