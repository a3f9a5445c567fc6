"""Split lists: reading, matching, checksums, leaks."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from fxdet.core.errors import DataError
from fxdet.data.samples import Sample, SampleSet
from fxdet.data.splits import apply_split, builtin_split, builtin_split_names, named_split, read_split

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


def test_builtin_lists_are_whole():
    assert builtin_split_names() == ["bonefracture/as-published", "fracatlas/grouped"]
    parts = {name: [row.part for row in builtin_split(name).rows] for name in builtin_split_names()}
    counts = {name: [found.count(part) for part in ("train", "val", "test", None)] for name, found in parts.items()}
    assert counts == {"fracatlas/grouped": [2836, 407, 816, 24], "bonefracture/as-published": [3631, 348, 169, 0]}
    assert all(builtin_split(name).shared_groups() == [] for name in parts)
    assert builtin_split("fracatlas/grouped").seed == 7


def test_builtin_list_that_was_changed_is_refused(monkeypatch, tmp_path):
    from fxdet.data import splits

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
