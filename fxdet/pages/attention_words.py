"""What a paper's attention figures say: which networks look at the fracture more than something that knows nothing."""

from __future__ import annotations

from collections.abc import Sequence

from fxdet.evaluation.estimate import Estimate
from fxdet.pages.sources import NOTHING_RUN, Record, Repository

RANDOM = "random weights"
"""Run of an untrained network in the file."""

_INSIDE = "energy_inside"


def attention_words(repository: Repository, paper: str) -> str:
    """Return which trained networks put more energy into the boxes than even attention, themselves untrained, a centre.

    More means that the 95 % intervals lie apart.
    """
    rows = [row for record in repository.records(f"papers/{paper}/attention.json").values() for row in record["rows"]]
    if not rows:
        return NOTHING_RUN
    trained = [row for row in rows if row["run"] != RANDOM]
    untrained = {row["row"]: _figure(row, _INSIDE) for row in rows if row["run"] == RANDOM}
    compared = (
        ("even attention", [_figure(row, "energy_even") for row in trained]),
        ("the same network with random weights", [untrained.get(row["row"]) for row in trained]),
        ("a box around the centre", [_figure(row, "energy_centre_box") for row in trained]),
    )
    return "\n".join(f"- more than {words}: {_above(trained, others)}" for words, others in compared)


def _above(trained: Sequence[Record], others: Sequence[Estimate | None]) -> str:
    # An untrained network whose map is empty has no interval and can't be compared with.
    pairs = [pair for pair in zip(trained, others, strict=True) if pair[1] is not None and pair[1].high is not None]
    found = [f"`{row['run']}`" for row, other in pairs if other and _apart(_figure(row, _INSIDE), other)]
    return f"{len(found)} of {len(pairs)} runs{': ' if found else ''}{', '.join(found)}"


def _apart(ours: Estimate, other: Estimate) -> bool:
    return ours.low is not None and other.high is not None and ours.low > other.high


def _figure(row: Record, name: str) -> Estimate:
    return Estimate.from_json(row["figures"][name])
