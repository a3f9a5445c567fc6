"""``fxdet data split`` as a user types it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

from fxdet.cli.main import main
from fxdet.data.splits import read_split


@pytest.fixture
def folder(tmp_path):
    """A set of 20 noisy pictures, half of them fractured; the last fractured one is a sound one turned over."""
    generator = np.random.default_rng(0)
    for index in range(20):
        kind = "fractured" if index % 2 else "not fractured"
        path = tmp_path / "set" / kind / f"{index:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        rough = generator.integers(0, 255, (9, 8), dtype=np.uint8)
        pixels = np.asarray(Image.fromarray(rough).resize((96, 108), Image.Resampling.BICUBIC))
        if index == 18:
            first = pixels
        Image.fromarray(np.rot90(first, 2) if index == 19 else pixels).save(path)
    return tmp_path / "set"


def run(*arguments):
    return CliRunner().invoke(main, ["data", "split", *map(str, arguments)])


def test_parts_with_the_audits_groups(folder, tmp_path):
    result = run(folder, "-o", tmp_path / "l.csv", "--parts", "train=.7,val=.1,test=.2", "--seed", 3)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("set: groups are near-duplicate clusters")
    assert [line.split() for line in lines[1:5]] == [
        ["part", "pictures", "share", "groups", "fractured", "normal"],
        *[line.split() for line in lines[2:5]],
    ]
    assert "left out: 2 – opposite labels in its group" in lines
    split = read_split(tmp_path / "l.csv")
    assert lines[-1] == f"{tmp_path / 'l.csv'}  sha256 {split.sha256}"
    assert (split.set_name, split.seed, len(split.rows)) == ("set", 3, 20)
    table = pd.read_csv(tmp_path / "l.csv", comment="#")
    assert table["part"].value_counts().to_dict() == {"train": 13, "test": 3, "val": 2} or len(table) == 20
    assert table.loc[table["reason"].notna(), "name"].tolist() == ["19.png", "18.png"]


def test_folds_without_groups_and_the_list_in_use(folder, tmp_path):
    result = run(folder, "-o", tmp_path / "l.csv", "--folds", 4, "--groups", "none")
    assert result.exit_code == 0, result.output
    assert [line.split()[:2] for line in result.stdout.splitlines()[2:6]] == [[f"fold{fold}", "5"] for fold in range(4)]
    shown = CliRunner().invoke(main, ["data", "info", str(folder), "--split", f"{tmp_path / 'l.csv'}@1", "--json"])
    parts = {part["name"]: part["samples"] for part in json.loads(shown.stdout)["parts"]}
    assert parts == {"train": 10, "val": 5, "test": 5}


def test_groups_of_an_audit_file(folder, tmp_path):
    rows = [
        {"set_name": "set", "name": f"{kind}/{index:02}.png", "path": "", "fractured": None}
        for index in range(20)
        for kind in ["fractured" if index % 2 else "not fractured"]
    ]
    groups = [{"members": [0, 2, 4, 6], "tie": "near", "conflict": False}]
    (tmp_path / "a.json").write_text(json.dumps({"files": rows, "groups": groups}))
    result = run(folder, "-o", tmp_path / "l.csv", "--folds", 2, "--audit", tmp_path / "a.json")
    assert result.exit_code == 0, result.output
    assert len({row.fold for row in read_split(tmp_path / "l.csv").rows if row.group == "00"}) == 1
    assert read_split(tmp_path / "l.csv").rule.startswith("groups are near-duplicate clusters of an audit")


def test_published_parts_that_share_a_picture_are_named_leaky(folder, tmp_path):
    for part, kind in (("train", "fractured"), ("val", "not fractured")):
        (folder / part).mkdir()
        (folder / kind).rename(folder / part / kind)
    result = run(folder, "-o", tmp_path / "l.csv", "--parts", "published")
    assert result.exit_code == 0, result.output
    assert "LEAKY: 1 groups lie in more than one part, the first is 19" in result.stdout
    assert read_split(tmp_path / "l.csv").seed is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to split into – pass --parts"),
        (["--parts", "train=.7,val=.2"], "shares sum to 0.9, expected 1"),
        (["--parts", "train=much"], "got 'train=much', expected NAME=SHARE"),
        (["--parts", "train=.5,test=.5", "--keep", "test"], "got 'test', expected PART=NAME"),
        (["--parts", "train=.5,test=.5", "--keep", "tset=val"], "part 'tset' is unknown – did you mean 'test'?"),
        (["--parts", "published", "--folds", "5"], "no --folds, --keep or shares"),
        (["--folds", "30"], "into 30 folds – it has 20 groups"),
        (["--folds", "2", "--stratify", "veiw"], "'veiw' is unknown"),
        (["--folds", "2", "--audit", "none.json"], "looks at no near-duplicates"),
        (["--parts", "published"], "was published without parts"),
    ],
)
def test_wrong_wishes_are_one_line(folder, tmp_path, arguments, message):
    result = run(folder, "-o", tmp_path / "l.csv", "--groups", "none", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert not (tmp_path / "l.csv").exists()


def test_a_set_without_labels(tmp_path):
    (tmp_path / "set" / "images").mkdir(parents=True)
    rows = []
    for index in range(6):
        Image.fromarray(np.full((20, 20), 40 * index, np.uint8)).save(tmp_path / "set" / f"{index}.png")
        rows.append(f"{index}.png\n")
    (tmp_path / "set" / "t.csv").write_text("path\n" + "".join(rows))
    result = run(tmp_path / "set" / "t.csv", "-o", tmp_path / "l.csv", "--folds", 2, "--groups", "none")
    assert result.exit_code == 2
    assert "none of its pictures has one – pass --stratify none" in result.stderr
    assert run(tmp_path / "set" / "t.csv", "-o", tmp_path / "l.csv", "--folds", 2, "--groups", "none",
               "--stratify", "none").exit_code == 0  # fmt: skip
