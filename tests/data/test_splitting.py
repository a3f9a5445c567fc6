"""Splitting: what must hold for every set, group structure and seed, and a comparison with scikit-learn."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from fxdet.core.errors import ConfigError, DataError
from fxdet.data.audit.results import AuditedFile, DuplicateGroup
from fxdet.data.samples import Sample, SampleSet
from fxdet.data.split_balance import allocate, chi_square
from fxdet.data.split_groups import Duplicates, Grouping, group_samples, read_duplicates
from fxdet.data.split_mending import mended_split
from fxdet.data.split_writing import picture_checksums, split_text, write_checksums, write_split
from fxdet.data.splits import apply_split, parse_split, read_split
from fxdet.data.splitting import SEVERAL, SplitOptions, make_split, published_split

THREE = {"train": 0.7, "val": 0.1, "test": 0.2}
HERE = Path(__file__)  # a file that exists; splitting looks at no pixel


def sample(name, fractured=None, region=(), **known):
    return Sample(HERE, name, fractured=fractured, regions=frozenset(region), **known)


def sample_set(*samples, layout="table"):
    return SampleSet("drawn", layout, Path("root"), tuple(samples))


def many(groups: int, seed: int = 0, largest: int = 4) -> SampleSet:
    """Patients with 1 to ``largest`` pictures of one label and region each."""
    generator = np.random.default_rng(seed)
    samples = []
    for group in range(groups):
        fractured = bool(generator.random() < 0.2)
        region = ["wrist", "leg", "hip"][int(generator.choice(3, p=[0.6, 0.3, 0.1]))]
        for index in range(int(generator.integers(1, largest + 1))):
            samples.append(sample(f"p{group:03}_{index}.png", fractured, [region], group=f"p{group:03}"))
    return sample_set(*samples)


def parts_of(plan):
    return {row.name: row.part for row in plan.rows}


@st.composite
def any_set(draw):
    """A set of up to 60 pictures in groups of any size, some with opposite labels, some without one."""
    labels = st.sampled_from([True, False, None])
    regions = st.sampled_from([(), ("wrist",), ("leg",), ("hip", "leg")])
    pictures = draw(st.lists(st.tuples(st.integers(0, 20), labels, regions), min_size=12, max_size=60))
    samples = [
        sample(f"{index}.png", fractured, region, group=f"g{group}")
        for index, (group, fractured, region) in enumerate(pictures)
    ]
    return sample_set(*samples)


def split_or_none(samples, options):
    try:
        return make_split(samples, group_samples(samples), options)
    except DataError:
        return None  # too few groups or no labels; the messages are tested below


@settings(max_examples=40, deadline=None)
@given(any_set(), st.integers(0, 5), st.randoms(use_true_random=False))
def test_whatever_the_set(samples, seed, random):
    options = SplitOptions(THREE, folds=3, seed=seed)
    plan = split_or_none(samples, options)
    if plan is None:
        return
    assert sorted(row.name for row in plan.rows) == sorted(s.name for s in samples)  # all, and once
    for place in ("part", "fold"):
        where: dict[str, set] = {}
        for row in plan.rows:
            if row.part is not None:
                where.setdefault(row.group, set()).add(getattr(row, place))
        assert all(len(met) == 1 for met in where.values())
        assert len(set().union(*where.values())) == 3
    labels: dict[str, set] = {}
    for s in samples:
        labels.setdefault(s.group, set()).add(s.fractured)
    out = {row.name for row in plan.rows if row.part is None}
    assert out == {s.name for s in samples if {True, False} <= labels[s.group]}
    assert all(row.columns["reason"] == SEVERAL for row in plan.rows if row.part is None)
    shuffled = list(samples)
    random.shuffle(shuffled)
    assert split_or_none(replace(samples, samples=tuple(shuffled)), options) == plan


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(40, 200), st.integers(1, 6))
def test_sizes_and_strata_come_close(seed, groups, largest):
    samples = many(groups, seed, largest)
    plan = make_split(samples, group_samples(samples), SplitOptions(THREE, seed=seed))
    total, counts = len(samples), plan.counts()
    for part, share in THREE.items():
        assert abs(counts[part] - share * total) <= max(2, largest)
    fractured = plan.counts(lambda row: row.part if row.columns["fractured"] == "1" else None)
    wanted = sum(bool(s.fractured) for s in samples)
    for part, share in THREE.items():
        assert abs(fractured.get(part, 0) - share * wanted) <= 1.5 * largest


def test_seeds_give_other_lists_and_the_same_seed_the_same():
    samples = many(80)
    grouping = group_samples(samples)
    plans = [make_split(samples, grouping, SplitOptions(THREE, 5, seed)) for seed in (1, 1, 2)]
    assert plans[0] == plans[1]
    assert parts_of(plans[0]) != parts_of(plans[2])
    folds = [[row.fold for row in plan.rows] for plan in plans]
    assert folds[0] != folds[2]


def unevenness(place, strata):
    """Mean over strata of the spread of a stratum's shares over the folds: what StratifiedGroupKFold looks at."""
    table = np.array([[np.sum((place == fold) & (strata == s)) for s in np.unique(strata)] for fold in range(5)])
    return float((table / table.sum(axis=0)).std(axis=0).mean())


def both_ways(samples, seed, stratify):
    """Folds of scikit-learn and ours for a set's strata, and the columns of strata."""
    columns = {"label": [str(s.fractured) for s in samples], "region": [str(sorted(s.regions)) for s in samples]}
    strata = np.array(["/".join(values) for values in zip(*(columns[name] for name in stratify), strict=True)])
    theirs = np.full(len(samples), -1)
    cross = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
    for fold, (_, held) in enumerate(cross.split(np.zeros(len(samples)), strata, [s.group for s in samples])):
        theirs[held] = fold
    plan = make_split(samples, group_samples(samples), SplitOptions(folds=5, seed=seed, stratify=stratify))
    by_name = {row.name: row.fold for row in plan.rows}
    ours = np.array([by_name[s.name] for s in samples])
    return ours, theirs, {"all": np.full(len(samples), "-"), **columns, "together": strata}


@pytest.mark.parametrize("largest", [1, 4, 30])
def test_folds_are_at_least_as_even_as_those_of_scikit_learn_in_one_stratum(largest):
    for seed in range(3):
        ours, theirs, columns = both_ways(many(120, seed, largest), seed, ("label",))
        assert unevenness(ours, columns["together"]) <= unevenness(theirs, columns["together"]) + 1e-9


@pytest.mark.filterwarnings("ignore:The least populated class")
@pytest.mark.parametrize("largest", [1, 4, 30])
def test_sizes_labels_and_regions_are_more_even_than_those_of_scikit_learn(largest):
    spread = {"all": [], "label": [], "region": [], "together": []}
    for seed in range(3):
        ours, theirs, columns = both_ways(many(120, seed, largest), seed, ("label", "region"))
        for name, strata in columns.items():
            spread[name].append((unevenness(ours, np.array(strata)), unevenness(theirs, np.array(strata))))
    means = {name: np.mean(pairs, axis=0) for name, pairs in spread.items()}
    assert all(means[name][0] <= means[name][1] + 0.001 for name in ("all", "label", "region"))
    # It looks at the combinations alone, each as heavy as any other; rare ones are more even there.
    assert means["together"][0] <= 1.1 * means["together"][1]


def test_allocation_is_close_to_the_best_there_is_on_small_tables():
    generator = np.random.default_rng(0)
    shares = np.array([0.5, 0.3, 0.2])
    found, possible = 0.0, 0.0
    for _ in range(12):
        counts = np.column_stack([np.ones(6, int), generator.integers(0, 2, 6)]) * generator.integers(1, 5, (6, 1))
        counts = counts[:, counts.sum(axis=0) > 0]
        every = np.stack(np.meshgrid(*[range(3)] * 6), axis=-1).reshape(-1, 6)
        possible += min(chi_square(counts, shares, place) for place in every)
        found += chi_square(counts, shares, allocate(counts, shares, generator))
    assert possible <= found <= 1.25 * possible


def test_fixed_groups_stay_and_the_others_make_up_for_them():
    counts = np.array([[10, 10], [10, 0], [5, 5], [5, 0], [5, 5], [5, 0]])
    fixed = np.array([1, -1, -1, -1, -1, -1])
    place = allocate(counts, np.array([0.5, 0.5]), np.random.default_rng(0), fixed)
    assert place[0] == 1
    assert [counts[place == part].sum(axis=0).tolist() for part in range(2)] == [[20, 10], [20, 10]]


def test_kept_parts_take_their_whole_groups():
    published = {"a": "test", "b": None, "c": "val", "d": "train", "e": "test", "f": None}
    base = many(40)
    groups = {"a": "ab", "b": "ab", "e": "ef", "f": "ef"}
    extra = [sample(f"{n}.png", n in "aef", ["leg"], group=groups.get(n, n), part=p) for n, p in published.items()]
    samples = sample_set(*base, *extra)
    options = SplitOptions(THREE, keep={"test": ("val", "test")})
    plan = make_split(samples, group_samples(samples), options)
    assert plan.left_out() == {SEVERAL: 2}  # a is fractured, b is not
    assert [parts_of(plan)[f"{name}.png"] for name in "cef"] == ["test", "test", "test"]
    assert "test holds the published val and test" in plan.rule


def test_near_duplicates_join_the_sets_own_groups_and_reach_other_sets():
    samples = sample_set(
        *(sample(name, group=group) for name, group in [("a", "p1"), ("b", "p1"), ("c", ""), ("d", "")])
    )
    files = [AuditedFile("drawn", name, name) for name in "abcd"] + [AuditedFile("other", "x", "x")]
    groups = (DuplicateGroup((1, 2), "near", (), (), False), DuplicateGroup((3, 4), "bytes", (), (), False))
    duplicates = Duplicates(files, groups, "clusters of a test")
    both = group_samples(samples, duplicates)
    assert dict(both.group) == {"a": "a", "b": "a", "c": "a", "d": "d"}
    assert both.elsewhere == {"d": "other/x"}
    assert both.rule == "groups are patients, studies or sources as the set states them joined with clusters of a test"
    assert dict(group_samples(samples, duplicates, own=False).group) == {"a": "a", "b": "b", "c": "b", "d": "d"}
    assert group_samples(samples, own=False).rule == "each picture is its own group"


def test_groups_of_an_audit_file(write):
    row = '{"set_name": "drawn", "name": "%s", "path": "", "fractured": true, "readable": %s}'
    files = ", ".join([row % ("a", "true"), row % ("b", "true"), row % ("c", "false")])
    group = '{"members": [0, 1], "tie": "near", "links": [], "parts": [], "conflict": false}'
    path = write("audit.json", f'{{"files": [{files}], "groups": [{group}]}}')
    samples = sample_set(
        *(sample(name, True) for name in "abcdefgh"[:3]),
    )
    grouping = group_samples(samples, read_duplicates(path))
    assert dict(grouping.group) == {"a": "a", "b": "a", "c": "c"}
    plan = make_split(samples, grouping, SplitOptions({"train": 1.0}))
    assert plan.left_out() == {"unreadable": 1}
    with pytest.raises(DataError, match=r"audit is of drawn and lacks 1 of 4 pictures of drawn, the first is d"):
        group_samples(sample_set(*samples, sample("d")), read_duplicates(path))


@pytest.mark.parametrize("text", ["{", "[]", '{"files": []}', '{"files": [], "groups": [{"members": [3]}]}'])
def test_what_is_no_audit_is_refused(write, text):
    with pytest.raises(DataError, match=r"can't read audit .* – pass the JSON file of 'fxdet data audit'"):
        read_duplicates(write("audit.json", text))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "nothing to split into"),
        ({"folds": 1}, "--folds: got 1, expected at least 2"),
        ({"parts": {"train": 0.7, "val": 0.2}}, r"shares sum to 0\.9, expected 1"),
        ({"parts": {"train": 1.2, "val": -0.2}}, r"got train=1\.2, expected a share"),
        ({"parts": THREE, "keep": {"tset": ("val",)}}, "part 'tset' is unknown – did you mean 'test'"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ConfigError, match=message):
        SplitOptions(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"folds": 9}, r"can't split root into 9 folds – it has 5 groups"),
        ({"parts": dict.fromkeys("abcdef", 1 / 6)}, r"into 6 parts – it has 5 groups"),
        ({"parts": {"train": 0.99, "val": 0.01}}, r"part 'val' gets no picture: a share of 0\.01 of 5 pictures"),
        ({"parts": THREE, "keep": {"val": ("valid",)}}, r"no published part 'valid' – did you mean 'val'"),
        ({"parts": THREE, "stratify": ("regoin",)}, r"'regoin' is unknown – did you mean 'region'"),
    ],
)
def test_what_a_set_does_not_allow(options, message):
    samples = sample_set(*(sample(f"{index}", bool(index % 2), part="val") for index in range(5)))
    with pytest.raises(DataError, match=message) as caught:
        make_split(samples, group_samples(samples), SplitOptions(**options))
    assert "\n" not in str(caught.value)


def test_a_group_can_not_be_kept_in_two_parts():
    samples = sample_set(
        *(
            sample(f"{index}", True, group="g" if index < 2 else "", part=["val", "test"][index % 2])
            for index in range(9)
        )
    )
    options = SplitOptions(THREE, keep={"val": ("val",), "test": ("test",)})
    with pytest.raises(DataError, match="group 0 has pictures for both val and test"):
        make_split(samples, group_samples(samples), options)


def test_a_set_without_labels_is_split_only_where_that_is_asked_for():
    samples = sample_set(*(sample(f"{index}") for index in range(10)))
    grouping = group_samples(samples)
    with pytest.raises(DataError, match="none of its pictures has one – pass --stratify none"):
        make_split(samples, grouping, SplitOptions(folds=2))
    plan = make_split(samples, grouping, SplitOptions(folds=2, stratify=()))
    assert plan.counts() == {"fold0": 5, "fold1": 5}


def test_a_missing_file_is_left_out_and_nothing_left_is_an_error():
    gone = replace(sample("gone.png", True), path=Path("/none/gone.png"))
    samples = sample_set(*(sample(f"{index}.png", True) for index in range(4)), gone)
    plan = make_split(samples, group_samples(samples), SplitOptions(folds=2))
    assert plan.left_out() == {"the file is missing": 1}
    with pytest.raises(DataError, match="all 1 pictures are left out"):
        make_split(sample_set(gone), group_samples(sample_set(gone)), SplitOptions(folds=2))


@pytest.mark.parametrize("attribute", ["view", "hardware"])
def test_any_attribute_can_be_spread(attribute):
    samples = sample_set(*(sample(f"{i}", True, attributes={attribute: "ab"[i % 2]}) for i in range(40)))
    plan = make_split(samples, group_samples(samples), SplitOptions(folds=5, stratify=(attribute,)))
    by_name = {s.name: s.attributes[attribute] for s in samples}
    assert Counter((row.fold, by_name[row.name]) for row in plan.rows) == dict.fromkeys(
        [(fold, value) for fold in range(5) for value in "ab"], 4
    )


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)


@settings(max_examples=40, deadline=None)
@given(st.lists(NAMES, min_size=4, max_size=12, unique=True))
def test_written_lists_are_read_back_by_fxdet_and_by_pandas(names):
    samples = sample_set(
        *(sample(name, index % 2 == 0, group="g" if index < 2 else "") for index, name in enumerate(names))
    )
    plan = make_split(samples, group_samples(samples, own=False), SplitOptions(folds=2, stratify=()))
    text = split_text(plan, picture_checksums(samples, ["0" * 64] * len(names)))
    read = parse_split(text, "x")
    assert [(row.name, row.part, row.fold) for row in read.rows] == [(r.name, r.part, r.fold) for r in plan.rows]
    table = pd.read_csv(io.StringIO(text), comment="#", dtype=str, keep_default_na=False)
    assert table["name"].tolist() == [row.name for row in plan.rows]
    assert table["part"].tolist() == [row.part for row in plan.rows]


@pytest.mark.parametrize("name", [" a.png", "a\n.png", "a\udcff.png"])
def test_names_that_a_table_can_not_hold_are_refused(name):
    samples = sample_set(sample(name, True), sample("b", True))
    plan = make_split(samples, Grouping({name: "g", "b": "b"}, ""), SplitOptions(folds=2))
    with pytest.raises(DataError, match="rename the file"):
        split_text(plan, {})


def test_header_and_checksums(tmp_path):
    samples = many(20)
    plan = make_split(samples, group_samples(samples), SplitOptions(THREE, 2, seed=4))
    path = tmp_path / "lists" / "drawn.csv"
    digest = write_split(path, plan, picture_checksums(samples))
    read = read_split(path, digest)
    assert (read.set_name, read.seed, read.rule) == ("drawn", 4, plan.rule)
    assert [(row.name, row.part, row.fold, row.columns) for row in read.rows] == [
        (row.name, row.part, row.fold, row.columns) for row in plan.rows
    ]
    assert len({row.group for row in read.rows}) == 20
    assert set(read.checksums) == {"names", "bytes", "rows"}
    other = picture_checksums(replace(samples, samples=samples.samples[::-1]))
    assert other == {key: read.checksums[key] for key in ("names", "bytes")}
    path.write_text(path.read_text().replace(",train,", ",test,", 1))
    with pytest.raises(DataError, match="rows were changed after the list was made"):
        read_split(path)
    write_checksums(tmp_path / "SHA256SUMS", [path])
    assert (tmp_path / "SHA256SUMS").read_text().endswith("  drawn.csv\n")


def test_a_list_made_here_can_be_applied(tmp_path):
    samples = many(30)
    plan = make_split(samples, group_samples(samples), SplitOptions(THREE))
    write_split(tmp_path / "l.csv", plan, {})
    applied = apply_split(samples, read_split(tmp_path / "l.csv"))
    assert applied.counts() == plan.counts()
    assert applied.problems == ()


def test_published_parts_keep_what_they_share():
    samples = sample_set(
        *(
            sample(n, True, part=p, group="g" if n in "ab" else "")
            for n, p in {"a": "train", "b": "val", "c": "val", "d": None}.items()
        )
    )
    plan = published_split(samples, group_samples(samples))
    assert parts_of(plan) == {"a": "train", "b": "val", "c": "val", "d": None}
    assert plan.left_out() == {"in no published part": 1}
    assert parse_split(split_text(plan, {}), "x").shared_groups() == ["a"]
    with pytest.raises(DataError, match="was published without parts"):
        published_split(sample_set(sample("a")), group_samples(sample_set(sample("a"))))


def test_mending_keeps_the_test_part_and_leaves_out_what_it_shares():
    rows = {
        "a": ("train", "1", True), "b": ("val", "1", True), "c": ("test", "1", True),  # one group in all parts
        "d": ("train", "2", True), "e": ("train", "2", False),  # opposite labels
        "f": ("val", "3", True), "g": ("train", "3", True),
        "h": ("train", "4", True), "i": (None, "4", False),  # what the list leaves out speaks of its group, too
        "k": ("test", "5", True), "l": ("test", "5", False), "m": ("train", "", True),
    }  # fmt: skip
    samples = sample_set(*(sample(name, fractured, group=group) for name, (_, group, fractured) in rows.items()))
    text = "name,part,fold\n" + "".join(
        f"{name},{part or ''},{i % 3}\n" for i, (name, (part, _, _)) in enumerate(rows.items())
    )
    plan = mended_split(samples, group_samples(samples), parse_split(text, "old"))
    assert parts_of(plan) == {
        **{name: None for name in "abdeghi"},
        "c": "test",
        "f": "val",
        "k": "test",
        "l": "test",
        "m": "train",
    }
    reasons = {row.name: row.columns.get("reason") for row in plan.rows}
    assert [reasons[name] for name in "abdghi"] == [
        "its like is in test", "its like is in test", SEVERAL, "its like is in val", SEVERAL, "not in old",
    ]  # fmt: skip
    mended = parse_split(split_text(plan, {}), "new")
    assert mended.shared_groups() == []
    assert {row.fold for row in mended.rows if row.name in "kl"} == {0}


def test_copies_of_one_source_are_found_by_stem_and_picture(tmp_path):
    from fxdet.data.split_groups import find_duplicates
    from fxdet.imaging.synthetic import DrawingOptions, draw_radiograph

    first, second = (
        draw_radiograph(np.random.default_rng(seed), DrawingOptions(size=(240, 200), region=region)).pixels
        for seed, region in ((1, "forearm"), (2, "leg"))
    )
    turn = cv2.getRotationMatrix2D((100, 120), 11, 1.0)
    pictures = {
        "a_jpg.rf.1.png": first,
        "a_jpg.rf.2.png": cv2.warpAffine(first, turn, (200, 240)) // 2,
        "a_jpg.rf.3.png": second,
        "b_jpg.rf.4.png": cv2.warpAffine(second, turn, (200, 240)),
    }
    for name, pixels in pictures.items():
        cv2.imwrite(str(tmp_path / name), pixels)
    samples = sample_set(*(Sample(tmp_path / name, name) for name in pictures))
    duplicates = find_duplicates([samples])
    groups = group_samples(samples, duplicates).group
    assert groups["a_jpg.rf.1.png"] == groups["a_jpg.rf.2.png"]
    assert len(set(groups.values())) == 3  # another picture of that stem, and a copy under another name, are not joined
    assert "copies of one source" in duplicates.rule
