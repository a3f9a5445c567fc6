"""Where the pictures of a converted set come to lie: folders, and names that can't collide."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from fxdet.data.folders import PART_NAMES
from fxdet.data.samples import Sample, SampleSet

UNASSIGNED = "unassigned"
"""Folder of the pictures without a part, where others have one."""

_DROPPED = frozenset({"images", "labels", "jpegimages", UNASSIGNED, *PART_NAMES})
"""Folders of layouts and parts: readers look for these names, so they must not come back further down."""


def picture_stems(samples: SampleSet, flat: bool = False) -> list[str]:
    """Return for each sample a path without ending, below the picture folder, with ``/``.

    Sub-folders are kept, but for those that layouts and parts use. No two stems are equal, not even on file systems
    that ignore case, so that a label file, which has the picture's stem, belongs to one picture.

    Args:
        samples: The set.
        flat: Put all pictures into one folder, as Pascal VOC has it; else one folder per part where there are parts.

    Example:
        >>> from pathlib import Path
        >>> twins = (Sample(Path("a"), "train/images/x.png", "train"), Sample(Path("b"), "y/x.png", "test"))
        >>> picture_stems(SampleSet("s", "yolo", Path(), twins)), picture_stems(SampleSet("s", "", Path(), twins), True)
        (['train/x', 'test/y/x'], ['x', 'y_x'])
    """
    parted = not flat and any(sample.part for sample in samples)
    taken: set[str] = set()
    stems: list[str] = []
    for sample in samples:
        folder = f"{part_folder(sample.part)}/" if parted else ""
        stem = next(name for name in _candidates(sample, folder, flat) if name.casefold() not in taken)
        taken.add(stem.casefold())
        stems.append(stem)
    return stems


def part_folder(part: str | None) -> str:
    """Return the folder of a part.

    Example:
        >>> part_folder("val"), part_folder(None), part_folder("a/b")
        ('val', 'unassigned', 'a_b')
    """
    return _clean(part.replace("/", "_")) if part else UNASSIGNED


def _candidates(sample: Sample, folder: str, flat: bool) -> Iterator[str]:
    """Yield names, the plainest first: the own one, with the folders in front, then numbered."""
    pieces = [_clean(piece) for piece in PurePosixPath(sample.name).parts if piece not in ("/", ".", "..")]
    *folders, name = pieces or [_clean(sample.path.name)]
    stem = _clean(PurePosixPath(name).stem)
    kept = [piece for piece in folders if piece.lower() not in _DROPPED]
    inner = "" if flat else "".join(f"{piece}/" for piece in kept)
    yield f"{folder}{inner}{stem}"
    for start in range(len(kept) - 1, -1, -1) if flat else ():
        yield "_".join([*kept[start:], stem])
    if folders:
        yield f"{folder}{inner}{'_'.join([*folders, stem])}"
    number = 2
    while True:
        yield f"{folder}{inner}{stem}-{number}"
        number += 1


def _clean(piece: str) -> str:
    """Return a name that readers of every format take: no control characters, no undecodable bytes, not hidden."""
    clean = "".join(character if character.isprintable() and character != "\\" else "_" for character in piece).strip()
    return f"_{clean}" if not clean or clean.startswith(".") else clean
