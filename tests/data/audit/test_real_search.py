"""The search for duplicates on the published sets, against the figures that were measured without it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

from fxdet.data.audit.fingerprints import Fingerprint
from fxdet.data.audit.grouping import GroupingOptions, distinct_pictures, find_groups
from fxdet.data.audit.leakage import baselines, find_collisions, find_leaks
from fxdet.data.audit.results import AuditedFile, DuplicateGroup
from fxdet.data.audit.scan import ScanOptions, scan
from fxdet.data.formats import open_samples
from fxdet.imaging.pixels import TRUNCATED

pytestmark = [pytest.mark.data, pytest.mark.slow]


@dataclass(frozen=True)
class Searched:
    files: list[AuditedFile]
    prints: list[Fingerprint]
    groups: tuple[DuplicateGroup, ...]

    def stems(self, group: DuplicateGroup) -> set[str]:
        return {PurePosixPath(self.files[index].name).stem for index in group.members}


def search(*roots: Path) -> Searched:
    sets = [open_samples(root) for root in roots]
    files = [
        AuditedFile(samples.name, each.name, str(each.path), each.part, each.fractured, each.label)
        for samples in sets
        for each in samples
    ]
    prints = scan([Path(file.path) for file in files], ScanOptions(workers=1))
    return Searched(files, prints, find_groups(prints, files))


@pytest.fixture(scope="module")
def fracatlas(data_root):
    return search(data_root / "FracAtlas")


@pytest.fixture(scope="module")
def multiregion_root(data_root, tmp_path_factory):
    root = tmp_path_factory.mktemp("sets") / "multiregion"
    subprocess.run([sys.executable, str(data_root / "multiregion" / "expand.py"), str(root)], check=True)
    return root


def test_fracatlas_groups(fracatlas):
    digests = Counter(found.sha256 for found in fracatlas.prints)
    repeated = [count for count in digests.values() if count > 1]
    assert (len(repeated), sum(repeated)) == (12, 27)
    # 90 groups of 192 files were known; the others are copies shifted by a pixel or cut short (see docs/audit.md).
    assert (len(fracatlas.groups), sum(len(group.members) for group in fracatlas.groups)) == (143, 299)
    assert max(len(group.members) for group in fracatlas.groups) == 5
    exact = find_groups(fracatlas.prints, fracatlas.files, GroupingOptions(near=False))
    assert (len(exact), sum(len(group.members) for group in exact)) == (79, 163)


def test_fracatlas_opposite_labels(fracatlas):
    conflicts = [fracatlas.stems(group) for group in fracatlas.groups if group.conflict]
    known = [
        {"IMG0002886", "IMG0004243"},
        {"IMG0002952", "IMG0004262"},
        {"IMG0002998", "IMG0004280"},
        {"IMG0003034", "IMG0004314", "IMG0004341"},
    ]
    assert all(group in conflicts for group in known)
    assert len(conflicts) == 11
    # In each of the others, the normal picture is a truncated copy of the fractured one.
    cut = {PurePosixPath(file.name).stem for file, found in _pairs(fracatlas) if TRUNCATED in found.warnings}
    assert all(len(group & cut) == 1 for group in conflicts if group not in known)


def _pairs(found: Searched) -> list[tuple[AuditedFile, Fingerprint]]:
    return list(zip(found.files, found.prints, strict=True))


def test_fracatlas_truncated_files_are_copies(fracatlas):
    grouped = {index for group in fracatlas.groups for index in group.members}
    cut = [index for index, found in enumerate(fracatlas.prints) if TRUNCATED in found.warnings]
    assert len(cut) == 59
    assert sum(index in grouped for index in cut) == 54


def test_fracatlas_leaks(fracatlas):
    leaks = {(leak.part, leak.source): leak for leak in find_leaks(fracatlas.prints, fracatlas.files, fracatlas.groups)}
    assert (leaks["fracatlas/val", "fracatlas/train"].near, leaks["fracatlas/val", "fracatlas/train"].total) == (17, 82)
    assert not any(leak.near for (part, _), leak in leaks.items() if part == "fracatlas/test")
    assert {"IMG0004061", "IMG0002668"} in [fracatlas.stems(group) for group in fracatlas.groups]
    assert baselines(fracatlas.prints, fracatlas.files) == ()  # its parts hold fractured pictures only


def test_bonefracture_names_are_no_leak(data_root):
    found = search(data_root / "BoneFractureYolo8")
    assert not any(leak.near for leak in find_leaks(found.prints, found.files, found.groups))
    assert all(len(found.stems(group)) == len(group.members) <= 3 for group in found.groups)
    assert all(len({stem.split(".rf.")[0] for stem in found.stems(group)}) == 1 for group in found.groups)
    shared = {index for collision in find_collisions(found.files, found.groups) for index in collision.members}
    assert sum(found.files[index].part == "test" for index in shared) >= 54
    assert sum(found.files[index].part == "val" for index in shared) >= 107


def test_multiregion(data_root, multiregion_root):
    found = search(multiregion_root)
    assert len(found.files) == 10_580
    assert all(each.error is None for each in found.prints)
    # 3,869 distinct as published; 3 pairs of them differ in what was not kept here.
    assert len({each.sha256 for each in found.prints}) == 3866
    assert len(distinct_pictures(found.prints)) == 3865
    leaks = {
        tuple(name.split("/")[1] for name in (leak.part, leak.source)): leak
        for leak in find_leaks(found.prints, found.files, found.groups)
    }
    assert (leaks["test", "train"].bytes, leaks["test", "train"].total) == (491, 506)
    assert (leaks["val", "train"].bytes, leaks["val", "train"].total) == (728, 828)
    shares = {base.part.split("/")[1]: base.right / base.total for base in baselines(found.prints, found.files)}
    assert shares["test"] == pytest.approx(0.992, abs=0.001)
    assert shares["val"] == pytest.approx(0.970, abs=0.012)


def test_sets_against_each_other(data_root, multiregion_root):
    found = search(data_root / "FracAtlas", data_root / "BoneFractureYolo8", multiregion_root)
    names = list(dict.fromkeys(file.set_name for file in found.files))
    leaks = {(leak.part, leak.source): leak for leak in find_leaks(found.prints, found.files, found.groups)}
    assert leaks[f"{names[2]}/*", f"{names[0]}/*"].near == 229
    assert leaks[f"{names[1]}/*", f"{names[0]}/*"].near == leaks[f"{names[1]}/*", f"{names[2]}/*"].near == 0
    shared = [group for group in found.groups if {part.split("/")[0] for part in group.parts} == {names[0], names[2]}]
    copies = {found.prints[i].sha256 for group in shared for i in group.members if found.files[i].set_name == names[2]}
    assert len(copies) == 96
