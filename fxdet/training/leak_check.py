"""The check before every training: is a validation picture among the training pictures?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from logging import getLogger
from pathlib import Path
from time import perf_counter
from typing import Any

from fxdet.core.errors import DataError
from fxdet.core.files import sha256_bytes
from fxdet.data.audit.quick import SharedPicture, leak_between, refuse_leak
from fxdet.data.samples import Sample
from fxdet.data.splits import LeakStamp
from fxdet.training.run_folder import RunFolder

logger = getLogger(__name__)

REMEDY = "take a grouped list (fxdet data split), or allow the leak (--allow-leak); every result is stamped with it"


@dataclass(frozen=True, slots=True)
class LeakCheck:
    """What the check found; it is kept in ``split.json`` and goes into the card.

    Attributes:
        train, val: Number of files in both parts.
        shared: Validation files that are also training files: the same bytes or pixels, or nearly.
        example: The first one and its like, or empty.
        allowed: Whether the caller allowed a leak.
        files: Hash of the files' paths and sizes: a resumed run with the same files is not checked again.
    """

    train: int
    val: int
    shared: int
    example: str
    allowed: bool
    files: str

    def one_line(self) -> str:
        """Return what the log says.

        Example:
            >>> LeakCheck(574, 82, 16, "b.jpg = a.jpg", True, "").one_line()
            'audit: LEAKY, 16 of 82 validation pictures are among the 574 training pictures, as b.jpg = a.jpg'
        """
        if self.shared:
            shared = f"{self.shared:,} of {self.val:,} validation pictures"
            return f"audit: LEAKY, {shared} are among the {self.train:,} training pictures, as {self.example}"
        return f"audit: none of the {self.val:,} validation pictures is among the {self.train:,} training pictures"


def check_leak(
    train: Sequence[Sample], val: Sequence[Sample], folder: RunFolder, allow_leak: bool = False
) -> LeakCheck:
    """Look for validation pictures among the training pictures, unless the run folder holds the answer.

    Args:
        train: Training samples of all sources.
        val: Validation samples of all sources.
        folder: The run's folder; an earlier check of the same files is taken from its ``split.json``.
        allow_leak: Log a leak instead of raising.

    Raises:
        DataError: There is a leak, and it is not allowed.
    """
    files = files_hash(train, val)
    found = _stored(folder, files)
    if found is None or (found.shared and not allow_leak):
        started = perf_counter()
        shared = leak_between([sample.path for sample in train], [sample.path for sample in val])
        if not allow_leak:
            refuse_leak(shared, len({sample.path for sample in val}), REMEDY)
        found = _made(train, val, shared, allow_leak, files)
        logger.debug("audit took %.1f s", perf_counter() - started)
    (logger.warning if found.shared else logger.info)("%s", found.one_line())
    return found


def _made(
    train: Sequence[Sample], val: Sequence[Sample], shared: Sequence[SharedPicture], allowed: bool, files: str
) -> LeakCheck:
    example = f"{shared[0].val.name} = {shared[0].train.name}" if shared else ""
    counts = len({sample.path for sample in train}), len({sample.path for sample in val})
    return LeakCheck(*counts, len(shared), example, allowed, files)


def files_hash(train: Iterable[Sample], val: Iterable[Sample]) -> str:
    """Return a hash of the parts' paths and file sizes."""
    parts = (("train", train), ("val", val))
    lines = [f"{name} {size_of(sample.path)} {sample.path}" for name, samples in parts for sample in samples]
    return sha256_bytes("\n".join(lines).encode("utf-8", "surrogateescape"))


def size_of(path: Path) -> int:
    """Return a file's size, bytes; -1 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _stored(folder: RunFolder, files: str) -> LeakCheck | None:
    try:
        found = LeakCheck(**json.loads((folder.path / "split.json").read_text(encoding="utf-8"))["audit"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # no run before, or one that was not checked
    return found if found.files == files else None


def split_record(rows: Sequence[dict[str, Any]], check: LeakCheck | None) -> dict[str, Any]:
    """Return the content of ``split.json``: sources, the check, and whether anything is leaky."""
    leaky = any(row.get("leaky") for row in rows) or bool(check and check.shared)
    return {"sources": list(rows), "audit": None if check is None else asdict(check), "leaky": leaky}


def card_record(folder: RunFolder) -> dict[str, Any]:
    """Return what a card says of the data: sources, the check, and whether anything is leaky.

    Raises:
        DataError: ``split.json`` can't be read.
    """
    path = folder.path / "split.json"
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"can't read {path}: {error} – start another run folder") from error
    audit = {key: value for key, value in (record.get("audit") or {}).items() if key != "files"}
    return {"sources": record["sources"], "audit": audit or None, "leaky": record.get("leaky", False)}


def leak_note(stamps: Iterable[LeakStamp], check: LeakCheck | None) -> str:
    """Return what heads the log of a leaky run; empty where nothing is leaky."""
    said = [stamp.one_line() for stamp in stamps if stamp.leaky]
    if check is not None and check.shared:
        said.append(check.one_line())
    return "; ".join(said)
