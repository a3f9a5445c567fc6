"""Near-duplicates that shipped split lists don't know of: what an audit found across their parts."""

from __future__ import annotations

from collections.abc import Mapping

KNOWN: Mapping[str, Mapping[str, Mapping[str, int]]] = {
    # fracatlas/grouped
    "fb1a1e7b2c3cf7562871e4ac51484d920df35c77347d495a48364010875447c9": {
        "test": {"train": 18, "val": 3},
        "val": {"train": 6, "test": 3},
    },
}
"""Checksum of a list → part → other part → how many pictures of the first have a near-duplicate in the other."""


def known_likes(sha256: str) -> dict[str, dict[str, int]]:
    """Return how many pictures of each judged part have a near-duplicate in other parts; empty where nobody looked.

    Args:
        sha256: Checksum of a split list.

    Example:
        >>> known_likes("fb1a1e7b2c3cf7562871e4ac51484d920df35c77347d495a48364010875447c9")["test"]
        {'train': 18, 'val': 3}
    """
    return {part: dict(others) for part, others in KNOWN.get(sha256, {}).items()}
