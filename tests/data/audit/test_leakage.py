from __future__ import annotations

import math

import numpy as np
import pytest

from fxdet.core.shares import wilson_interval
from fxdet.data.audit.fingerprints import Fingerprint
from fxdet.data.audit.leakage import (
    BaselineOptions,
    baselines,
    find_collisions,
    find_leaks,
    name_stem,
)
from fxdet.data.audit.results import DuplicateGroup, Leak, Link
from tests.data.audit.pictures import audited


def group(*members: int) -> DuplicateGroup:
    links = tuple(Link(members[0], member, "near", 0.95) for member in members[1:])
    return DuplicateGroup(members, "near", links, (), False)


def prints(*keys: str) -> list[Fingerprint]:
    """Fingerprints whose bytes and pixels are named by one letter each, e.g. ``aB``."""
    return [Fingerprint(key[0], key[1:], (72, 72)) for key in keys]


@pytest.mark.parametrize(("right", "total"), [(0, 61), (16, 82), (491, 506), (7, 7)])
def test_wilson_interval_by_its_formula(right, total):
    z, share = 1.959963984540054, right / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    assert wilson_interval(right, total) == pytest.approx((max(0, middle - half), min(1, middle + half)), abs=1e-9)
    assert wilson_interval(0, 0) == (0, 1)


def test_leaks_within_a_set():
    # bytes, pixels, near-duplicates and new pictures; 6 is tied to 1, 7 to 4 (both in test)
    files = audited(["s/train"] * 3 + ["s/val"] + ["s/test"] * 5)
    found = find_leaks(prints("aA", "bB", "cC", "xX", "aA", "yC", "zZ", "wW", "uU"), files, [group(1, 6), group(4, 7)])
    assert [(leak.part, leak.source) for leak in found] == [
        ("s/val", "s/train"),
        ("s/test", "s/train"),
        ("s/test", "s/val"),
    ]
    clean, leak, other = found
    assert (clean.total, clean.bytes, clean.pixels, clean.near) == (1, 0, 0, 0)
    assert leak == Leak("s/test", "s/train", 5, 1, 2, 3, wilson_interval(3, 5))
    assert other.near == 0


def test_leaks_between_sets():
    files = audited(["a/train", "a/-", "a/test", "b/train", "b/val", "c/-"])
    found = {
        (leak.part, leak.source): leak for leak in find_leaks(prints("aA", "bB", "cC", "cC", "dB", "eE"), files, [])
    }
    whole = {key: leak for key, leak in found.items() if key[0].endswith("*")}
    assert set(whole) == {(f"{one}/*", f"{other}/*") for one in "abc" for other in "abc" if one != other}
    assert (whole["a/*", "b/*"].bytes, whole["a/*", "b/*"].pixels, whole["a/*", "b/*"].total) == (1, 2, 3)
    assert (whole["b/*", "a/*"].near, whole["b/*", "c/*"].near, whole["c/*", "a/*"].near) == (2, 0, 0)
    between = [key for key in found if key not in whole and key[0][0] != key[1][0]]
    assert sorted(between) == [("a/test", "b/train"), ("b/val", "a/-")]


def test_unreadable_files_leak_by_bytes_alone():
    broken = [Fingerprint("aa", error="broken"), Fingerprint("aa", error="broken"), Fingerprint("", error="gone")]
    found = find_leaks(
        [*broken, Fingerprint("", error="gone")], audited(["s/train", "s/test", "s/test", "s/train"]), []
    )
    assert (found[0].total, found[0].bytes, found[0].near) == (2, 1, 1)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("train/images/hand_1_jpg.rf.0a1b.jpg", "hand_1_jpg"),
        ("a/b.c/IMG0001.png", "IMG0001"),
        ("scan.v2.dcm", "scan.v2"),
        ("no-ending", "no-ending"),
    ],
)
def test_name_stem(name, stem):
    assert name_stem(name) == stem


def test_collisions_are_shared_names_of_different_pictures():
    names = ["a.rf.1.jpg", "a.rf.2.jpg", "b.jpg", "b.png", "c.jpg", "c.jpg", "d.rf.1.jpg", "d.rf.2.jpg", "d.rf.3.jpg"]
    parts = ["s/train", "s/test", "s/train", "s/train", "s/train", "t/-", "s/train", "s/train", "s/val"]
    found = find_collisions(audited(parts, names=names), [group(4, 5), group(6, 7)])
    # a: other pictures in another part; b: one part; c: the same picture, a leak; d: copies in train, another in val
    assert [(collision.stem, collision.members) for collision in found] == [("a", (0, 1)), ("d", (6, 7, 8))]


def pictures(count: int) -> list[Fingerprint]:
    generator = np.random.default_rng(4)
    thumbnails = generator.integers(0, 256, (count, 72, 72), dtype=np.uint8)
    return [Fingerprint(f"{i}", f"{i}", (72, 72), 0, thumbnail) for i, thumbnail in enumerate(thumbnails)]


def test_baseline_copies_the_label_of_the_nearest():
    train = pictures(6)
    labels = [True, True, True, True, False, False]
    near = [Fingerprint(f"n{i}", f"n{i}", (72, 72), 0, np.uint8(train[i].thumbnail // 2)) for i in (0, 4, 5, 1)]
    files = audited(["s/train"] * 6 + ["s/test"] * 4, [*labels, True, False, True, None])
    (found,) = baselines([*train, *near], files)
    # the three labelled ones copy True, False, False; by always saying True, two are right
    assert (found.part, found.source, found.total, found.right, found.majority) == ("s/test", "s/train", 3, 2, 2)
    assert found.interval == wilson_interval(2, 3)


def test_baseline_by_hash_copies_the_label_of_the_fewest_differing_bits():
    blank = np.zeros((72, 72), np.uint8)
    hashes = [0, 0xFF, 2**64 - 1, 0x7, 0xFE, 2**64 - 2]
    files = audited(["s/train"] * 3 + ["s/test"] * 3, [True, False, False, True, True, False])
    (found,) = baselines([Fingerprint(f"{h}", f"{h}", (72, 72), h, blank) for h in hashes], files)
    # 0x7 is 3 bits from 0 and 5 from 0xFF: fractured, right; 0xFE is 1 from 0xFF: normal, wrong; the last is right.
    # The thumbnails are all alike, and so the first of the training part, fractured, is nearest by them.
    assert (found.right_by_hash, found.right) == (2, 2)
    assert baselines([Fingerprint(f"{h}", f"{h}", (72, 72), h, blank) for h in hashes], files)[0] == found
    flipped = audited(["s/train"] * 3 + ["s/test"] * 3, [True, False, False, True, False, False])
    (found,) = baselines([Fingerprint(f"{h}", f"{h}", (72, 72), h, blank) for h in hashes], flipped)
    assert (found.right_by_hash, found.right) == (3, 1)


def test_baseline_of_many_comparisons_is_sampled():
    files = audited(["s/train"] * 4 + ["s/val"] * 20, [True, False] * 12)
    (found,) = baselines(pictures(24), files, BaselineOptions(comparisons=20))
    assert found.total == 5


def test_baseline_needs_both_labels_and_looks_into_other_sets():
    one_label = audited(["s/train"] * 2 + ["s/test"] * 2, [True, True, True, False])
    assert baselines(pictures(4), one_label) == ()
    apart = audited(["s/test"] * 2 + ["t/-", "t/-", "u/val"], [True, False, True, False, True])
    assert [(found.part, found.source) for found in baselines(pictures(5), apart)] == [
        ("s/test", "t/-"),
        ("u/val", "t/-"),
    ]
    assert baselines([], []) == ()
