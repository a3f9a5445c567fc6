"""The eight ways to lay a picture: how an audit's turns are applied, and joined along a chain of links."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxdet.data.audit.fingerprints import TURNS
from fxdet.data.audit.results import Link

_CORNERS = np.arange(4).reshape(2, 2)


def apply_turn(pixels: NDArray[Any], turn: str) -> NDArray[Any]:
    """Return a picture (H, W) laid as a turn says.

    Args:
        pixels: The picture, shape (H, W).
        turn: One of :data:`TURNS`.

    Example:
        >>> apply_turn(np.array([[1, 2]]), "1").tolist(), apply_turn(np.array([[1, 2]]), "m0").tolist()
        ([[2], [1]], [[2, 1]])
    """
    if turn not in TURNS:
        raise ValueError(f"apply_turn: got {turn!r}, expected one of {TURNS}")
    mirrored = pixels[:, ::-1] if turn.startswith("m") else pixels
    return np.ascontiguousarray(np.rot90(mirrored, int(turn[-1])))


def join_turns(turns: Iterable[str]) -> str:
    """Return the one turn that does the same as several, the first one first.

    Example:
        >>> join_turns(["1", "3"]), join_turns(["m0", "1"]), join_turns(["1", "m0"])
        ('0', 'm1', 'm3')
    """
    corners = _CORNERS
    for turn in turns:
        corners = apply_turn(corners, turn)
    return next(turn for turn in TURNS if np.array_equal(apply_turn(_CORNERS, turn), corners))


def inverse_turn(turn: str) -> str:
    """Return the turn that undoes another.

    Example:
        >>> inverse_turn("1"), inverse_turn("m1")
        ('3', 'm1')
    """
    return next(other for other in TURNS if join_turns([turn, other]) == "0")


@dataclass(frozen=True, slots=True)
class Way:
    """How a picture of a group comes to lie on another one.

    Attributes:
        turn: What brings it there.
        similarity: Of the weakest link on the way, -1–1; 1 for the picture itself.
    """

    turn: str = "0"
    similarity: float = 1.0


def ways_onto(anchor: int, links: Sequence[Link]) -> dict[int, Way]:
    """Return for each picture of a group what brings it onto one of them.

    Args:
        anchor: Index of the picture that the others are laid onto.
        links: The chain that connects the group; each brings its second picture onto its first.

    Example:
        >>> ways_onto(4, [Link(2, 4, "near", 0.98, "1")])[2]
        Way(turn='3', similarity=0.98)
    """
    steps: dict[int, list[tuple[int, Way]]] = {}
    for link in links:
        steps.setdefault(link.first, []).append((link.second, Way(link.turn, link.similarity)))
        steps.setdefault(link.second, []).append((link.first, Way(inverse_turn(link.turn), link.similarity)))
    found, queue = {anchor: Way()}, [anchor]
    while queue:
        near = queue.pop()
        for far, step in steps.get(near, ()):
            if far not in found:
                onwards = found[near]
                turn = join_turns([step.turn, onwards.turn])
                found[far] = Way(turn, min(step.similarity, onwards.similarity))
                queue.append(far)
    return found
