from __future__ import annotations

import numpy as np
import pytest

from fxdet.data.audit.embedding import EmbeddingOptions, embedding_links
from fxdet.data.audit.fingerprints import Fingerprint
from fxdet.data.audit.grouping import find_groups
from tests.data.audit.pictures import audited, drawn_pictures, printed, rotated

PICTURES = drawn_pictures(5)
PRINTS = [printed(rotated(PICTURES[0], 0)), *map(printed, PICTURES[1:]), printed(rotated(PICTURES[0], 25))]
FILES = audited(["set/train"] * 6)


def features(alike: bool) -> np.ndarray:
    """Random features; those of the picture and its rotated copy are near where asked."""
    rows = np.random.default_rng(1).normal(size=(6, 96)).astype(np.float32)
    if alike:
        rows[5] = rows[0] + 0.2 * rows[5]
    return rows


@pytest.mark.parametrize("exact_up_to", [100, 2])
def test_rotated_copy_is_found(exact_up_to):
    assert find_groups(PRINTS, FILES) == ()  # the hash alone can't
    links = embedding_links(PRINTS, features(True), EmbeddingOptions(exact_up_to=exact_up_to, quiet=True))
    assert [(link.first, link.second, link.tie) for link in links] == [(0, 5, "near")]
    assert 0.92 <= links[0].similarity <= 1
    assert [group.members for group in find_groups(PRINTS, FILES, further=links)] == [(0, 5)]


def test_what_the_network_holds_for_alike_must_agree():
    rows = np.random.default_rng(2).normal(size=(6, 8)) * 0.01 + np.arange(6)[:, None] % 2
    options = EmbeddingOptions(likeness=-1, neighbours=5, quiet=True)
    assert [(link.first, link.second) for link in embedding_links(PRINTS, rows, options)] == [(0, 5)]


def test_unlike_features_are_not_compared():
    assert embedding_links(PRINTS, features(False), EmbeddingOptions(quiet=True)) == ()


def test_known_groups_and_unreadable_files_are_left_out():
    rows = features(True)
    known = find_groups(PRINTS, FILES, further=embedding_links(PRINTS, rows, EmbeddingOptions(quiet=True)))
    assert embedding_links(PRINTS, rows, EmbeddingOptions(quiet=True), known) == ()
    rows[5] = np.nan
    assert embedding_links(PRINTS, rows, EmbeddingOptions(quiet=True)) == ()
    broken = [Fingerprint("aa", error="broken")] * 6
    assert embedding_links(broken, features(True), EmbeddingOptions(quiet=True)) == ()


def test_wrong_arguments():
    with pytest.raises(ValueError, match=r"got embeddings of shape \(5, 96\), expected \(6, D\)"):
        embedding_links(PRINTS, features(True)[:5])
    with pytest.raises(ValueError, match=r"EmbeddingOptions\.neighbours"):
        EmbeddingOptions(neighbours=0)
