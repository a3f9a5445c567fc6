"""Augmented copies of one source in an export: names that share a stem, and pictures that agree after a rotation.

Roboflow writes ``name.rf.<hash>.jpg``; with its augmentation, one source becomes several files of one stem, each
rotated, sheared, mirrored or brightened. But different sources share stems, too (``image1_0_png``), so the stem only
says whom to compare: the pictures decide. (A rotation changes the perceptual hash that the audit's search starts from.)
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from fxdet.data.audit.fingerprints import Fingerprint
from fxdet.data.audit.leakage import name_stem
from fxdet.data.audit.results import AuditedFile, Link
from fxdet.data.audit.rotation import Canvas, best_pose

MARK = ".rf."
"""What Roboflow puts between the name of the source and the hash of the copy."""

COARSE = 0.75
"""Correlation of the rotated 24 px pictures from which two of one stem count as copies."""

FINE = 0.65
"""Agreement after registration from which they do, too."""

MOST = 400
"""Pictures of one stem up to which all pairs are compared; a stem of more says nothing."""


def copy_links(files: Sequence[AuditedFile], fingerprints: Sequence[Fingerprint]) -> list[Link]:
    """Return links between copies of one source, by name and picture.

    Args:
        files: The files; only names with ``.rf.`` are looked at, and only within a set.
        fingerprints: One per file.
    """
    by_stem: dict[tuple[str, str], list[int]] = {}
    for index, file in enumerate(files):
        if MARK in file.name and fingerprints[index].error is None:
            by_stem.setdefault((file.set_name, name_stem(file.name)), []).append(index)
    links = []
    for members in by_stem.values():
        canvases = {index: Canvas(fingerprints[index]) for index in members if 1 < len(members) <= MOST}
        for first, second in combinations(canvases, 2):
            similarity, turn = source_likeness(canvases[first], canvases[second])
            if similarity > 0:
                links.append(Link(first, second, "near", similarity, turn))
    return links


def source_likeness(first: Canvas, second: Canvas) -> tuple[float, str]:
    """Return how much two pictures agree, and after which turn; 0 where they are not from one source."""
    coarse = float((second.rotated @ first.coarse).max())
    pose = best_pose(first, second)
    return (max(coarse, pose.similarity), pose.turn) if coarse >= COARSE or pose.similarity >= FINE else (0.0, "0")
