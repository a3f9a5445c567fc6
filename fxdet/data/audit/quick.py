"""The check that is cheap enough for the start of every training: do two parts share pictures?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fxdet.core.errors import DataError
from fxdet.data.audit.fingerprints import Fingerprint
from fxdet.data.audit.grouping import GroupingOptions, find_groups
from fxdet.data.audit.results import AuditedFile, DuplicateGroup, Tie
from fxdet.data.audit.scan import ScanOptions, scan
from fxdet.data.audit.turns import ways_onto


@dataclass(frozen=True, slots=True)
class SharedPicture:
    """A validation picture that is also among the training pictures.

    Attributes:
        val: The validation file.
        train: The training file that is most like it.
        tie: How the two are the same.
        similarity: Of the weakest link between them, -1–1; 1 for bytes and pixels.
    """

    val: Path
    train: Path
    tie: Tie
    similarity: float


@dataclass(frozen=True, slots=True)
class QuickOptions:
    """How quickly two parts are compared.

    Attributes:
        grouping: When two pictures count as the same.
        workers: Files decoded at a time; None takes the number of processors.
        quiet: Hide the progress bar; None hides it where stderr is no terminal.
    """

    grouping: GroupingOptions = field(default_factory=GroupingOptions)
    workers: int | None = None
    quiet: bool | None = None


def leak_between(
    train: Sequence[Path], val: Sequence[Path], options: QuickOptions | None = None
) -> tuple[SharedPicture, ...]:
    """Return the validation pictures that are also training pictures, by bytes, pixels, or nearly.

    Files that can't be read are passed over; training names them itself.

    Args:
        train: Training files; one that is named twice counts once.
        val: Validation files.
        options: How to compare.
    """
    options = options or QuickOptions()
    known, judged = list(dict.fromkeys(map(Path, train))), list(dict.fromkeys(map(Path, val)))
    if not known or not judged:
        return ()
    paths = [*known, *judged]
    prints = scan(paths, ScanOptions(workers=options.workers, quiet=options.quiet))
    parts = ["train"] * len(known) + ["val"] * len(judged)
    files = [AuditedFile("", str(path), str(path), part) for path, part in zip(paths, parts, strict=True)]
    found = []
    for group in find_groups(prints, files, options.grouping):
        if len(group.parts) > 1:
            found += _shared(group, len(known), paths, prints)
    return tuple(sorted(found, key=lambda shared: judged.index(shared.val)))


def refuse_leak(shared: Sequence[SharedPicture], val_count: int, remedy: str) -> None:
    """Raise where training and validation share pictures.

    Args:
        shared: From :func:`leak_between`.
        val_count: Pictures of the validation part.
        remedy: What the user can do, e.g. which option allows the leak.

    Raises:
        DataError: There are shared pictures; the message names the first ones.
    """
    if not shared:
        return
    first = ", ".join(f"{one.val.name} = {one.train.name}" for one in shared[:3])
    more = f" and {len(shared) - 3} more" if len(shared) > 3 else ""
    got = f"{len(shared)} of {val_count} validation pictures are also training pictures ({first}{more})"
    raise DataError(f"training and validation share pictures: {got} – {remedy}")


def _shared(
    group: DuplicateGroup, known: int, paths: Sequence[Path], prints: Sequence[Fingerprint]
) -> list[SharedPicture]:
    """Return the validation pictures of a group, each with the training picture that is most like it.

    Args:
        group: Pictures of both parts.
        known: Number of training files, which come first.
        paths: All files.
        prints: Their fingerprints.
    """
    trained = [index for index in group.members if index < known]
    rows = []
    for judged in group.members:
        if judged >= known:
            ways = ways_onto(judged, group.links)
            like = {index: (_tie(prints[index], prints[judged]), ways[index].similarity) for index in trained}
            best = min(trained, key=lambda index: (_STRENGTH.index(like[index][0]), -like[index][1], index))
            rows.append(SharedPicture(paths[judged], paths[best], *like[best]))
    return rows


_STRENGTH: tuple[Tie, ...] = ("bytes", "pixels", "near")


def _tie(first: Fingerprint, second: Fingerprint) -> Tie:
    if first.sha256 and first.sha256 == second.sha256:
        return "bytes"
    return "pixels" if first.pixels and first.pixels == second.pixels else "near"
