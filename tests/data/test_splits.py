"""Split lists: reading, matching, checksums, leaks."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pytest

from fxdet.core.errors import DataError
from fxdet.data import splits
from fxdet.data.samples import Sample, SampleSet
from fxdet.data.splits import (
    LeakStamp,
    apply_split,
    builtin_split,
    builtin_split_names,
    named_split,
    read_split,
    split_samples,
)

LIST = """# set: Drawn; seed: 7; rule: patients; then ages
image_id,group,part,fold,region
a.jpg,p1,train,0,leg
b.jpg,p1,train,0,
c.jpg,p2,test,,hip
d.jpg,p3,,,
"""


def samples(*names):
    return SampleSet("drawn", "table", Path("root"), tuple(Sample(Path("root") / name, name) for name in names))


def test_read(write):
    path = write("l.csv", LIST)
    split = read_split(path)
    assert (split.set_name, split.seed, split.rule) == ("Drawn", 7, "patients; then ages")
    assert split.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [(r.name, r.group, r.part, r.fold) for r in split.rows] == [
        ("a.jpg", "p1", "train", 0),
        ("b.jpg", "p1", "train", 0),
        ("c.jpg", "p2", "test", None),
        ("d.jpg", "p3", None, None),
    ]
    assert split.rows[0].columns == {"region": "leg"}
    assert read_split(path, sha256=split.sha256.upper()) == split


def test_changed_list_is_refused(write):
    with pytest.raises(DataError, match=r"SHA-256 is .* expected 000000000000… – fetch the list anew"):
        read_split(write("l.csv", LIST), sha256="0" * 64)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "got columns none"),
        ("name,fold\na,1\n", "got columns name, fold, expected name and part"),
        ("name,part\na,train\n\n# note\na,test\n", r":5: a is listed twice"),
        ("name,part\n,train\n", ":2: name is empty"),
    ],
)
def test_wrong_list(write, text, what):
    with pytest.raises(DataError, match=what):
        read_split(write("l.csv", text))


def test_unreadable_list(tmp_path):
    with pytest.raises(DataError, match="can't read split list"):
        read_split(tmp_path / "gone.csv")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(DataError, match="UTF-8"):
        read_split(tmp_path / "b.csv")


def test_apply_sets_part_group_fold_and_drops_the_excluded(write):
    given = samples("x/a.jpg", "x/b.png", "y/c.jpg", "y/d.jpg", "y/e.jpg")
    result = apply_split(given, read_split(write("l.csv", LIST)))
    assert [(s.name, s.part, s.group, s.attributes.get("fold")) for s in result] == [
        ("x/a.jpg", "train", "p1", "0"),
        ("x/b.png", "train", "p1", "0"),
        ("y/c.jpg", "test", "p2", None),
    ]
    assert [p.what for p in result.problems] == ["pictures that the list does not name: 1; they are left out"]


def test_listed_and_missing_is_a_problem(write):
    result = apply_split(samples("a.jpg", "b.jpg"), read_split(write("l.csv", LIST)))
    assert [p.what for p in result.problems] == ["c.jpg is listed and not in the set"]


def test_shared_group_is_refused_unless_allowed(write):
    split = read_split(write("l.csv", LIST.replace("c.jpg,p2", "c.jpg,p1")))
    given = samples("a.jpg", "b.jpg", "c.jpg")
    with pytest.raises(DataError, match="1 groups lie in more than one part, the first is p1"):
        apply_split(given, split)
    assert apply_split(given, split, allow_leak=True).counts() == {"train": 2, "test": 1}


def test_an_excluded_row_may_share_a_group(write):
    split = read_split(write("l.csv", LIST.replace("d.jpg,p3", "d.jpg,p1")))
    assert split.shared_groups() == []


def test_paths_are_matched_as_paths(write):
    text = "name,part\np1/image1.png,train\np2/image1.png,test\np3/image1.png,test\n"
    result = apply_split(samples("p1/image1.png", "p2/image1.png", "p4/image1.png"), read_split(write("l.csv", text)))
    assert [(s.name, s.part) for s in result] == [("p1/image1.png", "train"), ("p2/image1.png", "test")]


def test_name_that_fits_two_pictures_is_refused(write):
    with pytest.raises(DataError, match=r"a.jpg fits both x/a.jpg and y/a.jpg"):
        apply_split(samples("x/a.jpg", "y/a.jpg"), read_split(write("l.csv", LIST)))


def test_list_of_another_set(write):
    with pytest.raises(DataError, match="no name fits a picture of root – pass the list of this set"):
        apply_split(samples("z.jpg"), read_split(write("l.csv", LIST)))


BUILTIN = {
    "bonefracture/as-published": [3631, 348, 169, 0],
    "bonefracture/grouped": [827, 826, 826, 827, 827, 15],
    "fracatlas/grouped": [2836, 407, 816, 24],
    "fracatlas/grouped-strict": [2804, 403, 816, 60],
    "fracatlas/official": [574, 82, 61, 3366],
    "multiregion/as-published": [9246, 828, 506, 0],
    "multiregion/grouped": [774, 774, 774, 773, 774, 0],
}
"""Pictures in train, val and test, or in the five folds, and those left out."""


def test_builtin_lists_are_whole():
    assert builtin_split_names() == sorted(BUILTIN)
    lists = {name: builtin_split(name) for name in BUILTIN}
    for name, counts in BUILTIN.items():
        parts = ["train", "val", "test"] if len(counts) == 4 else [f"fold{fold}" for fold in range(5)]
        found = [row.part for row in lists[name].rows]
        assert [found.count(part) for part in (*parts, None)] == counts, name
    leaky = {name: len(split.shared_groups()) for name, split in lists.items() if split.shared_groups()}
    assert leaky == {"fracatlas/official": 17, "multiregion/as-published": 172}
    assert builtin_split("fracatlas/grouped").seed == 7


@pytest.mark.parametrize("name", ["fracatlas/grouped", "multiregion/grouped", "bonefracture/grouped"])
def test_a_fold_of_a_builtin_list(name):
    split = named_split(f"{name}@4")
    assert split.source == f"{name}@4"
    assert split.sha256 == builtin_split(name).sha256
    assert split.shared_groups() == []
    folds = {part: {row.fold for row in split.rows if row.part == part} for part in ("train", "val", "test")}
    assert folds == {"train": {1, 2, 3}, "val": {0}, "test": {4}}


def test_strict_and_grouped_have_the_same_test_part():
    grouped, strict = builtin_split("fracatlas/grouped"), builtin_split("fracatlas/grouped-strict")
    known = {row.name: row.part for row in grouped.rows}
    assert {n for n, part in known.items() if part == "test"} == {r.name for r in strict.rows if r.part == "test"}
    assert all(row.part in (known[row.name], None) for row in strict.rows)
    assert all(row.part or row.columns["reason"] for row in strict.rows)


@pytest.mark.parametrize("name", sorted(BUILTIN))
def test_pandas_reads_the_builtin_lists(name):
    table = pd.read_csv(splits.BUILTIN / f"{name.replace('/', '_').replace('-', '_')}.csv", comment="#")
    assert len(table) == sum(BUILTIN[name])


FILES = """# set: Drawn; seed: none; rule: names
name,file,group,part
train/x/1.jpg,aa,g,train
train/x/1 - Copy.jpg,aa,g,train
val/x/2.jpg,aa,g,val
test/y/3.jpg,bb,,test
"""


def test_one_picture_under_several_names(write):
    split = read_split(write("l.csv", FILES))
    given = samples("unique/aa.jpg", "unique/bb.jpg", "unique/cc.jpg")
    with pytest.raises(DataError, match="1 groups lie in more than one part, the first is g"):
        apply_split(given, split)
    found = apply_split(given, split, allow_leak=True)
    assert [(s.name, s.path.name, s.part, s.group) for s in found] == [
        ("train/x/1.jpg", "aa.jpg", "train", "g"),
        ("train/x/1 - Copy.jpg", "aa.jpg", "train", "g"),
        ("val/x/2.jpg", "aa.jpg", "val", "g"),
        ("test/y/3.jpg", "bb.jpg", "test", "test/y/3.jpg"),
    ]
    assert [p.what for p in found.problems] == ["pictures that the list does not name: 1; they are left out"]
    published = samples("train/x/1.jpg", "train/x/1 - Copy.jpg", "val/x/2.jpg", "test/y/3.jpg")
    assert apply_split(published, split, allow_leak=True).counts() == {"train": 2, "val": 1, "test": 1}


def test_folds_by_name(write):
    path = write("l.csv", "name,part,fold\na,train,0\nb,train,1\nc,test,2\nd,,1\n")
    assert [row.part for row in named_split(f"{path}@2").rows] == ["val", "train", "test", None]
    with pytest.raises(DataError, match="got fold 3, expected 0 to 2"):
        named_split(f"{path}@3")
    with pytest.raises(DataError, match="got fold 0, and the list has no folds"):
        named_split("fracatlas/official@0")


def test_own_columns_become_attributes(write):
    path = write("l.csv", "name,part,fold,official,fractured,view\na.jpg,train,0,valid,1,lateral\n")
    given = SampleSet("drawn", "table", Path("root"), (Sample(Path("a.jpg"), "a.jpg", attributes={"view": "frontal"}),))
    attributes = apply_split(given, read_split(path)).samples[0].attributes
    assert attributes == {"view": "frontal", "official": "valid", "fold": "0"}


def test_stamps(write):
    parts = [Sample(Path(n), n, part, group="g" if n in "ab" else n) for n, part in {"a": "train", "b": "val"}.items()]
    leaky = SampleSet("drawn", "table", Path("root"), tuple(parts))
    with pytest.raises(DataError, match="published parts of root: 1 groups lie in more than one part"):
        split_samples(leaky, None)
    found, stamp = split_samples(leaky, None, allow_leak=True)
    assert found is leaky
    assert (stamp.split, stamp.leaky, stamp.shared_groups, stamp.example) == ("as published", True, 1, "g")
    assert stamp.to_json() == {"split": "as published", "sha256": stamp.sha256, "leaky": True, "shared_groups": 1}
    path = write("l.csv", "name,part\na,train\nb,val\n")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert split_samples(leaky, str(path), sha256=digest)[1] == LeakStamp(str(path), digest)
    with pytest.raises(DataError, match="SHA-256"):
        split_samples(leaky, str(path), sha256="0" * 64)


def test_a_stamp_tells_near_duplicates_that_the_list_does_not_know_of():
    grouped = builtin_split("fracatlas/grouped")
    stamp = LeakStamp(grouped.source, grouped.sha256)
    assert stamp.to_json()["leaky"] is False
    assert stamp.to_json()["near_duplicates"]["test"] == {"train": 18, "val": 3}
    strict = builtin_split("fracatlas/grouped-strict")
    assert "near_duplicates" not in LeakStamp(strict.source, strict.sha256).to_json()


def test_builtin_list_that_was_changed_is_refused(monkeypatch, tmp_path):
    for file in ("SHA256SUMS", "fracatlas_grouped.csv"):
        (tmp_path / file).write_bytes((splits.BUILTIN / file).read_bytes())
    monkeypatch.setattr(splits, "BUILTIN", tmp_path)
    assert len(builtin_split("fracatlas/grouped").rows) == 4083
    with open(tmp_path / "fracatlas_grouped.csv", "a", encoding="utf-8") as handle:
        handle.write("x.jpg,x,0,leg,none,train,2\n")
    with pytest.raises(DataError, match="SHA-256"):
        builtin_split("fracatlas/grouped")


def test_named_split(write, tmp_path):
    assert named_split("fracatlas/grouped").source == "fracatlas/grouped"
    assert named_split(str(write("l.csv", LIST))).set_name == "Drawn"
    with pytest.raises(DataError, match="did you mean 'fracatlas/grouped'"):
        named_split("fracatlas/group")
    with pytest.raises(DataError, match="can't read split list"):
        named_split(str(tmp_path / "gone.csv"))
