"""Turns against NumPy's own turning of pictures."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from fxdet.data.audit.fingerprints import TURNS
from fxdet.data.audit.results import Link
from fxdet.data.audit.turns import Way, apply_turn, inverse_turn, join_turns, ways_onto

PICTURE = np.arange(6).reshape(2, 3)


def test_the_eight_turns_differ():
    assert len({apply_turn(PICTURE, turn).tobytes() + bytes(apply_turn(PICTURE, turn).shape) for turn in TURNS}) == 8


@pytest.mark.parametrize(("turn", "expected"), [("1", np.rot90(PICTURE)), ("m2", np.rot90(np.fliplr(PICTURE), 2))])
def test_a_turn_is_numpys(turn, expected):
    np.testing.assert_array_equal(apply_turn(PICTURE, turn), expected)


@pytest.mark.parametrize(("first", "second"), list(product(TURNS, TURNS)))
def test_joined_turns_do_what_both_do(first, second):
    both = apply_turn(apply_turn(PICTURE, first), second)
    np.testing.assert_array_equal(apply_turn(PICTURE, join_turns([first, second])), both)


@pytest.mark.parametrize("turn", TURNS)
def test_inverse(turn):
    np.testing.assert_array_equal(apply_turn(apply_turn(PICTURE, turn), inverse_turn(turn)), PICTURE)


@pytest.mark.parametrize("anchor", range(4))
def test_every_member_of_a_chain_is_laid_onto_the_anchor(anchor):
    # Picture n is the original undone by a chain: turn n brings picture n + 1 onto picture n.
    turns = ("1", "m2", "m1")
    pictures = [PICTURE]
    for turn in turns:
        pictures.append(apply_turn(pictures[-1], inverse_turn(turn)))
    links = [Link(n, n + 1, "near", 0.99 - n / 100, turn) for n, turn in enumerate(turns)]
    ways = ways_onto(anchor, links)
    assert ways[anchor] == Way()
    for index, picture in enumerate(pictures):
        np.testing.assert_array_equal(apply_turn(picture, ways[index].turn), pictures[anchor])
    assert ways[3].similarity == (1.0 if anchor == 3 else 0.97)


def test_unknown_turn():
    with pytest.raises(ValueError, match="got '4', expected one of"):
        apply_turn(PICTURE, "4")
