"""``fxdet data audit`` as a user types it, on a small set with planted faults."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from fxdet.cli.data_audit import FOUND
from fxdet.cli.main import main
from fxdet.data.audit.grouping import GroupingOptions
from fxdet.data.audit.results import AuditedFile, AuditResult, DuplicateGroup, Fault, Leak, Link
from fxdet.imaging.synthetic import DrawingOptions, draw_radiograph


def radiograph(seed):
    return draw_radiograph(np.random.default_rng(seed), DrawingOptions(size=(160, 128))).pixels


def save(path, pixels, quality=90):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, quality=quality)


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Eight training and four validation pictures; one of each kind of shared picture, one opposite label, one cut."""
    root = tmp_path_factory.mktemp("audit") / "planted"
    for seed in range(8):
        save(root / f"train/{'fractured' if seed % 2 else 'normal'}/p{seed}.jpg", radiograph(seed))
    shutil.copy(root / "train/fractured/p1.jpg", root / "train/fractured/again.jpg")
    (root / "val/fractured").mkdir(parents=True)
    shutil.copy(root / "train/fractured/p3.jpg", root / "val/fractured/bytes.jpg")
    save(root / "val/normal/turned.jpg", np.rot90(radiograph(4)), 60)
    save(root / "val/fractured/opposite.jpg", radiograph(6), 70)
    save(root / "val/normal/p1.jpg", radiograph(50))
    data = (root / "train/normal/p0.jpg").read_bytes()
    (root / "train/normal/p0.jpg").write_bytes(data[: len(data) // 2])
    return root


def run(*arguments):
    return CliRunner().invoke(main, ["data", "audit", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture(scope="module")
def found(planted):
    result = run(planted, "--json", "--workers", 1)
    assert result.exit_code == 0
    return json.loads(result.stdout)


def test_sets_and_files(found):
    (facts,) = found["sets"]
    assert (facts["name"], facts["layout"], facts["files"]) == ("planted", "class_folders", 13)
    assert facts["parts"] == {"train": 9, "val": 4}
    assert len(found["files"]) == 13
    assert found["settings"]["threshold"] == GroupingOptions().similarity


def test_groups(found):
    names = [(group["tie"], [found["files"][index]["name"] for index in group["members"]]) for group in found["groups"]]
    assert sorted(names) == [
        ("bytes", ["train/fractured/again.jpg", "train/fractured/p1.jpg"]),
        ("bytes", ["train/fractured/p3.jpg", "val/fractured/bytes.jpg"]),
        ("near", ["train/normal/p4.jpg", "val/normal/turned.jpg"]),
        ("near", ["train/normal/p6.jpg", "val/fractured/opposite.jpg"]),
    ]
    conflicts = [group["members"] for group in found["groups"] if group["conflict"]]
    assert [found["files"][index]["fractured"] for index in conflicts[0]] == [False, True]
    assert len(conflicts) == 1


def test_leak(found):
    (leak,) = found["leaks"]
    assert (leak["part"], leak["source"]) == ("planted/val", "planted/train")
    assert [leak[key] for key in ("total", "bytes", "pixels", "near")] == [4, 1, 1, 3]


def test_names_are_collisions_and_no_leaks(found):
    assert [collision["stem"] for collision in found["collisions"]] == ["p1"]


def test_faults_and_classes(found):
    truncated = [fault["where"] for fault in found["faults"] if fault["code"] == "truncated"]
    assert [where.rsplit("/", 1)[1] for where in truncated] == ["p0.jpg"]
    counts = {count["name"]: count["total"] for count in found["classes"]}
    assert counts == {"fractured": 7, "normal": 6}


def test_summary_and_folder(planted, tmp_path):
    result = run(planted, "-o", tmp_path / "out", "--workers", 1)
    assert result.stdout.splitlines()[0] == "planted: 13 pictures (train 9, val 4)"
    assert "3 of 4 pictures of val (75.0 %" in result.stdout
    assert json.loads((tmp_path / "out/audit.json").read_text())["sets"][0]["files"] == 13
    assert (tmp_path / "out/audit.html").read_text(encoding="utf-8").count("<article") == 4
    assert result.stderr.splitlines()[-1].startswith("written: ")


@pytest.mark.parametrize(
    ("codes", "code", "named"),
    [
        ("", 0, None),
        ("undecodable", 0, None),
        ("leak", FOUND, "leak (1)"),
        ("undecodable,conflict,truncated", FOUND, "conflict (1), truncated (1)"),
    ],
)
def test_fail_on(planted, monkeypatch, codes, code, named):
    files = (AuditedFile("planted", "a", "a", "val"),)
    group = DuplicateGroup((0, 1), "near", (Link(0, 1, "near"),), ("planted/val",), True)
    leak = Leak("planted/val", "planted/train", 1, 0, 0, 1, (0.2, 1.0))
    faults = (Fault("planted", "truncated", "a", "cut"),)
    made = AuditResult((), (*files, *files), groups=(group,), leaks=(leak,), faults=faults)
    monkeypatch.setattr("fxdet.data.audit.run.audit", lambda *_: made)
    result = run(planted, "--fail-on", codes)
    assert result.exit_code == code
    assert result.stdout
    assert named is None or result.stderr.splitlines()[-1] == f"fxdet: found what --fail-on names: {named}"


def test_help_states_the_threshold_and_the_exit_codes():
    text = " ".join(run("--help").stdout.split())
    assert f"[default: {GroupingOptions().similarity}]" in text
    assert "Exit codes: 0 the audit ran" in text


def test_against_another_set(planted, tmp_path):
    other = tmp_path / "other"
    save(other / "train/normal/x.png", np.fliplr(radiograph(2)))
    save(other / "train/fractured/y.png", radiograph(77))
    found = json.loads(run(planted, "--against", other, "--json", "--workers", 1).stdout)
    assert [facts["name"] for facts in found["sets"]] == ["planted", "other"]
    shared = {(leak["part"], leak["source"]): leak["near"] for leak in found["leaks"]}
    assert (shared["planted/*", "other/*"], shared["other/*", "planted/*"]) == (1, 1)
    assert {count["set_name"] for count in found["classes"]} == {"planted"}


def test_a_split_list_sets_the_parts(planted, tmp_path):
    rows = "\n".join(f"p{seed}.jpg,{'val' if seed > 5 else 'train'}" for seed in (0, 2, 3, 4, 5, 6, 7))
    (tmp_path / "list.csv").write_text(f"name,part\n{rows}\n")
    found = json.loads(run(planted, "--split", tmp_path / "list.csv", "--json", "--workers", 1).stdout)
    assert found["sets"][0]["parts"] == {"train": 5, "val": 2}
    assert found["sets"][0]["split"] == str(tmp_path / "list.csv")


def test_a_set_that_can_not_be_opened_is_a_fault_of_the_others_audit(planted, tmp_path):
    (tmp_path / "nothing").mkdir()
    result = run(planted, tmp_path / "nothing", "--json", "--fail-on", "unreadable_set", "--workers", 1)
    assert result.exit_code == FOUND
    faults = json.loads(result.stdout)["faults"]
    assert [fault["set_name"] for fault in faults if fault["code"] == "unreadable_set"] == [str(tmp_path / "nothing")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--fail-on", "leek"), "--fail-on: got 'leek' – did you mean 'leak'?"),
        (("--layout", "yolo", "--layout", "coco"), "--layout: got 2 values for 1 sets"),
        (("--against", "gone"), "can't open gone: no such file or folder"),
        (("--split", "fracatlas/gruped"), "did you mean 'fracatlas/grouped'?"),
    ],
)
def test_usage(planted, arguments, message):
    result = run(planted, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_a_set_named_twice(planted):
    result = run(planted, planted)
    assert (result.exit_code, "is given twice" in result.stderr) == (2, True)


def test_a_threshold_of_one_finds_equal_pictures_only(planted):
    found = json.loads(run(planted, "--threshold", 1.0, "--json", "--workers", 1).stdout)
    assert {group["tie"] for group in found["groups"]} == {"bytes"}


def test_search_with_a_network(planted, tiny_pipeline):
    found = json.loads(run(planted, "--embedding", tiny_pipeline, "--json", "--workers", 1).stdout)
    assert found["settings"]["embedding"] == str(tiny_pipeline)
    assert len(found["groups"]) == 4
