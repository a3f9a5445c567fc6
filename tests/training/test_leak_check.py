"""The check before a training: found, refused, allowed and stamped, not repeated by a resumed run."""

from __future__ import annotations

import csv
import json
import logging
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from fxdet.cli.main import main
from fxdet.core.errors import DataError
from fxdet.data.drawn import write_drawn_set
from fxdet.data.samples import Sample
from fxdet.data.splits import LeakStamp
from fxdet.imaging.synthetic import DrawingOptions
from fxdet.training import leak_check
from fxdet.training.classification import train_classifier
from fxdet.training.detection import train_detector
from fxdet.training.leak_check import LeakCheck, card_record, check_leak, leak_note
from fxdet.training.run_folder import RunFolder
from fxdet.zoo.cards import read_card


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn radiographs that are large enough to be told from each other."""
    folder = tmp_path_factory.mktemp("apart")
    options = DrawingOptions(size=(192, 176), displacement=3.0)
    return write_drawn_set(folder, [("train", 16), ("val", 8)], np.random.default_rng(8), options)


@pytest.fixture
def leaky(apart: Path, tmp_path: Path) -> Path:
    """The same set with two training pictures that are validation pictures as well: one copied, one resaved."""
    folder = tmp_path / "leaky"
    lines = apart.read_text().splitlines()
    rows = [line.split(",") for line in lines[1:]]
    first = {part: [row for row in rows if row[1] == part] for part in ("train", "val")}
    (folder / "again").mkdir(parents=True)
    added = []
    for index, row in enumerate(first["val"][:2]):
        picture = cv2.imread(str(apart.parent / row[0]), cv2.IMREAD_GRAYSCALE)
        name = f"again/{index}.{'png' if index else 'jpg'}"
        cv2.imwrite(str(folder / name), picture)
        added.append(",".join([str(folder / name), "train", *row[2:]]))
    table = [lines[0], *(f"{apart.parent}/{line}" for line in lines[1:]), *added]
    (folder / "drawn.csv").write_text("\n".join(table) + "\n")
    return folder / "drawn.csv"


CHANGES = {"audit": True, "loop": {"epochs": 1, "batch_size": 16, "precision": "fp32"}}


def source_of(table: Path) -> list[dict[str, object]]:
    return [{"path": str(table), "whole": 0.3}]


def samples_of(table: Path, part: str) -> list[Sample]:
    names = [line.split(",")[0] for line in table.read_text().splitlines()[1:] if f",{part}," in line]
    return [Sample(table.parent / name, name, part) for name in names]


def test_parts_that_are_apart_give_one_line(apart: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "fxdet")
    check = check_leak(samples_of(apart, "train"), samples_of(apart, "val"), RunFolder(tmp_path))
    assert (check.train, check.val, check.shared, check.example) == (16, 8, 0, "")
    assert [record.getMessage() for record in caplog.records] == [
        "audit: none of the 8 validation pictures is among the 16 training pictures"
    ]


def test_a_leak_stops_a_training_before_it_starts(config, leaky: Path, tmp_path: Path):
    with pytest.raises(
        DataError, match=r"2 of 8 validation pictures are also training pictures .*--allow-leak"
    ) as caught:
        train_classifier(config(sources=source_of(leaky), **CHANGES))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run" / "best.safetensors").exists()


def test_an_allowed_leak_is_stamped_on_every_result(config, leaky: Path, tmp_path: Path):
    path = config(sources=source_of(leaky), **CHANGES)
    result = CliRunner().invoke(main, ["train", "cls", str(path), "--device", "cpu", "--allow-leak"])
    assert result.exit_code == 0, result.output
    said = "audit: LEAKY, 2 of 8 validation pictures are among the 18 training pictures"
    assert said in result.output
    run = tmp_path / "run"
    split = json.loads((run / "split.json").read_text())
    assert split["leaky"] is True and split["audit"]["shared"] == 2 and split["audit"]["allowed"] is True
    training = read_card(run).training
    assert training["leaky"] is True and training["audit"]["shared"] == 2
    first, *table = (run / "log.csv").read_text().splitlines()
    assert first.startswith(f"# {said}")
    assert [row["epoch"] for row in csv.DictReader(table)] == ["0"]
    assert "allow_leak: true" in (run / "config.yaml").read_text()


def test_a_clean_run_says_so(config, apart: Path, tmp_path: Path):
    train_classifier(config(sources=source_of(apart), **CHANGES))
    training = read_card(tmp_path / "run").training
    assert training["leaky"] is False and training["audit"]["val"] == 8
    assert (training["sources"][0]["split"], training["sources"][0]["leaky"]) == ("as published", False)
    assert (tmp_path / "run" / "log.csv").read_text().startswith("epoch,")


def test_a_resumed_run_is_not_checked_again(config, apart: Path, monkeypatch: pytest.MonkeyPatch):
    path = config(sources=source_of(apart), **CHANGES)
    train_classifier(path, ["loop.epochs=1"])

    def again(*_: object) -> None:
        raise AssertionError("checked twice")

    monkeypatch.setattr(leak_check, "leak_between", again)
    train_classifier(path, ["loop.epochs=1"], resume=True)


def test_other_files_are_checked_again(apart: Path, leaky: Path, tmp_path: Path):
    folder = RunFolder(tmp_path)
    train, val = samples_of(apart, "train"), samples_of(apart, "val")
    check = check_leak(train, val, folder)
    (tmp_path / "split.json").write_text(json.dumps(leak_check.split_record([], check)))
    with pytest.raises(DataError, match="1 of 8 validation pictures"):
        check_leak([*train, val[0]], val, folder)


def test_a_localizer_is_refused_and_stamped_too(leaky: Path, tmp_path: Path):
    text = (
        f"name: yolov8n\ntag: x\narchitecture: yolov8n\nrun: {tmp_path / 'run'}\ninitial_weights: none\n"
        f"sources: [{{path: {leaky}, normals: null}}]\ninput_size: 64\nepochs: 1\nbatch_size: 8\nprecision: fp32\n"
        "threads: 1\nworkers: 0\n"
    )
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(DataError, match="2 of 8 validation pictures are also training pictures"):
        train_detector(path)
    train_detector(path, ["allow_leak=true"])
    assert read_card(tmp_path / "run").training["leaky"] is True
    assert (tmp_path / "run" / "log.csv").read_text().startswith("# audit: LEAKY, 2 of 8")


def test_a_list_whose_parts_share_a_group_is_refused_and_stamped(config, apart: Path, tmp_path: Path):
    names = [line.split(",")[:2] for line in apart.read_text().splitlines()[1:]]
    rows = "".join(f"{name},{part},{'g' if index in (0, 20) else index}\n" for index, (name, part) in enumerate(names))
    (tmp_path / "list.csv").write_text("name,part,group\n" + rows)
    path = config(sources=[{"path": str(apart), "whole": 0.3, "split": str(tmp_path / "list.csv")}], **CHANGES)
    with pytest.raises(DataError, match=r"list\.csv: 1 groups lie in more than one part, the first is g"):
        train_classifier(path)
    train_classifier(path, ["allow_leak=true"])
    training = read_card(tmp_path / "run").training
    assert training["leaky"] and training["sources"][0]["shared_groups"] == 1 and training["audit"]["shared"] == 0
    assert "LEAKY, 1 groups lie in more than one part" in (tmp_path / "run" / "log.csv").read_text().splitlines()[0]


def test_notes_and_records():
    clean, bad = LeakStamp("a", "0" * 64), LeakStamp("b", "1" * 64, 3, "g", True)
    assert leak_note([clean], None) == ""
    assert leak_note([clean, bad], LeakCheck(4, 2, 1, "x = y", True, "")).count("LEAKY") == 2


def test_a_run_folder_from_before_the_check_has_a_card_record(tmp_path: Path):
    (tmp_path / "split.json").write_text('{"sources": []}')
    assert card_record(RunFolder(tmp_path)) == {"sources": [], "audit": None, "leaky": False}
    (tmp_path / "split.json").write_text("{")
    with pytest.raises(DataError, match=r"can't read .*split\.json"):
        card_record(RunFolder(tmp_path))
