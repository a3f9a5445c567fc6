from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from fxdet.data.audit.fingerprints import TURNS, Fingerprint
from fxdet.data.audit.grouping import GroupingOptions, confirmed_link, distinct_pictures, find_groups, join_links
from fxdet.data.audit.results import Link
from fxdet.data.audit.turns import apply_turn
from tests.data.audit.pictures import audited, drawn_pictures, printed

PICTURES = drawn_pictures(10)
OTHERS = [printed(picture) for picture in PICTURES[1:]]
FIRST = PICTURES[0]


def copies() -> dict[str, Fingerprint]:
    half = np.asarray(Image.fromarray(FIRST).resize((75, 90), Image.Resampling.LANCZOS))
    return {
        "resaved": printed(FIRST, "JPEG", 50),
        "resized": printed(half),
        "paler": printed(np.uint8(FIRST * 0.7 + 20)),
        **{f"turned {turn}": printed(apply_turn(FIRST, turn)) for turn in TURNS[1:]},
        "mirrored and resaved": printed(apply_turn(FIRST, "m0"), "JPEG", 70),
    }


@pytest.mark.parametrize("name", copies())
def test_each_kind_of_copy_is_found(name):
    found = find_groups([printed(FIRST), *OTHERS, copies()[name]], audited(["set/train"] * 11))
    assert [group.members for group in found] == [(0, 10)]
    assert found[0].tie == "near" and found[0].links[0].similarity > 0.9


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("second", [0, 1])
def test_turn_of_a_link_brings_the_second_onto_the_first(turn, second):
    pair = [FIRST, apply_turn(FIRST, turn)]
    if second == 0:
        pair.reverse()
    marked = [np.where(np.arange(each.size).reshape(each.shape) % 7 == 0, each // 2, each) for each in pair]
    found = find_groups([printed(each) for each in marked], audited(["set/train"] * 2))
    link = found[0].links[0]
    assert (link.first, link.second) == (0, 1)
    assert np.array_equal(apply_turn(pair[1], link.turn), pair[0])


def test_all_copies_make_one_group_and_ties_are_told():
    made = copies()
    prints = [printed(FIRST), printed(FIRST, "BMP"), printed(FIRST), *made.values(), *OTHERS]
    found = find_groups(prints, audited(["set/train"] * len(prints)))
    assert [group.members for group in found] == [tuple(range(3 + len(made)))]
    group = found[0]
    assert [link.tie for link in group.links[:2]] == ["bytes", "pixels"]
    assert {link.tie for link in group.links[2:]} == {group.tie} == {"near"}
    assert len(group.links) == len(group.members) - 1
    similarities = [link.similarity for link in group.links]
    assert similarities == sorted(similarities, reverse=True)


def test_exact_groups_only():
    prints = [printed(FIRST), printed(FIRST), printed(FIRST, "BMP"), printed(FIRST, "JPEG"), *OTHERS]
    files = audited(["set/train"] * len(prints))
    exact = find_groups(prints, files, GroupingOptions(near=False))
    assert [(group.members, group.tie) for group in exact] == [((0, 1, 2), "pixels")]
    assert find_groups(prints, files)[0].members == (0, 1, 2, 3)


def test_parts_and_opposite_labels():
    prints = [OTHERS[0], printed(FIRST), OTHERS[0], printed(FIRST, "BMP"), OTHERS[1], OTHERS[1]]
    parts = ["a/train", "a/train", "b/-", "a/val", "a/test", "a/test"]
    found = find_groups(prints, audited(parts, [True, True, False, True, None, False]))
    assert [(group.members, group.parts, group.conflict) for group in found] == [
        ((0, 2), ("a/train", "b/-"), True),
        ((1, 3), ("a/train", "a/val"), False),
        ((4, 5), ("a/test",), False),
    ]


def test_unreadable_files_are_tied_by_bytes_alone():
    broken = [Fingerprint(sha, error="broken") for sha in ("aa", "bb", "aa", "", "")]
    found = find_groups(broken, audited(["set/train"] * 5))
    assert [(group.members, group.tie) for group in found] == [((0, 2), "bytes")]
    assert distinct_pictures(broken) == []


def test_a_thousand_black_pictures_do_not_clump():
    generator = np.random.default_rng(0)
    thumbnails = generator.integers(0, 4, (300, 72, 72), dtype=np.uint8) * np.uint8(85)
    prints = [Fingerprint(f"{i}", f"{i}", (72, 72), 0, thumbnail) for i, thumbnail in enumerate(thumbnails)]
    flat = np.zeros((72, 72), np.uint8)
    prints += [Fingerprint(f"flat {i}", f"flat {i}", (72, 72), 0, flat) for i in range(700)]
    assert find_groups(prints, audited(["set/train"] * 1000)) == ()


def test_further_links_join_groups():
    prints = [printed(picture) for picture in PICTURES[:4]]
    found = find_groups(prints, audited(["set/train"] * 4), further=[Link(1, 3, "near", 0.95, "2")])
    assert [(group.members, group.links) for group in found] == [((1, 3), (Link(1, 3, "near", 0.95, "2"),))]


def test_confirmed_link_puts_the_lower_index_first():
    prints = [printed(FIRST), printed(apply_turn(FIRST, "1"))]
    link = confirmed_link(prints, (1, 0), "1", 0.9)
    assert (link.first, link.second, link.turn) == (0, 1, "3")
    assert confirmed_link([*prints, OTHERS[0]], (0, 2), "0", 0.9) is None


def test_turned_copies_must_agree_more():
    blurred = cv2.GaussianBlur(FIRST, (0, 0), 2.5)
    prints = [printed(FIRST), printed(blurred), printed(apply_turn(blurred, "2"))]
    link = confirmed_link(prints, (0, 1), "0", 0.5)
    assert 0.8 < link.similarity < 0.99
    assert confirmed_link(prints, (0, 1), "0", link.similarity - 0.001) is not None
    assert confirmed_link(prints, (0, 2), "2", link.similarity - 0.001) is None
    assert confirmed_link(prints, (0, 2), "2", 1 - 4 / 3 * (1 - link.similarity) - 0.01) is not None


pairs = st.tuples(st.integers(0, 11), st.integers(0, 11), st.floats(0.9, 1)).filter(lambda pair: pair[0] < pair[1])


@settings(max_examples=50, deadline=None)
@given(st.lists(pairs, max_size=25))
def test_groups_are_the_connected_components(drawn):
    links = [Link(first, second, "near", similarity) for first, second, similarity in drawn]
    found = join_links(links, audited(["set/train"] * 12))
    rows, columns = [link.first for link in links], [link.second for link in links]
    _, label = connected_components(coo_matrix((np.ones(len(links)), (rows, columns)), shape=(12, 12)), directed=False)
    expected = {tuple(np.flatnonzero(label == value).tolist()) for value in set(label.tolist())}
    assert {group.members for group in found} == {members for members in expected if len(members) > 1}
    for group in found:
        assert len(group.links) == len(group.members) - 1
        assert {end for link in group.links for end in (link.first, link.second)} == set(group.members)


def test_wrong_arguments():
    with pytest.raises(ValueError, match=r"GroupingOptions\.similarity"):
        GroupingOptions(similarity=0)
    with pytest.raises(ValueError, match="got 1 fingerprints"):
        find_groups(OTHERS[:1], [])
    assert find_groups([], []) == ()
