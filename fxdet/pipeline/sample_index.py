"""Finding the picture of a set that a prediction is of: by path, by the end of a path, by bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from fxdet.core.errors import DataError
from fxdet.core.files import sha256_file
from fxdet.core.findings import Report
from fxdet.data.folders import PART_NAMES
from fxdet.data.samples import Sample

Tails = dict[str, set[str]]
"""End of a path → keys of the files that have it."""


class SampleIndex:
    """Finds a sample's file by what a prediction calls it.

    A file is known by its key, its resolved path. Tables of ends of paths are made when the first prediction asks for
    that many folders; files are hashed only where a prediction states a hash and does not name the file itself.
    """

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._folders: dict[Path, Path] = {}
        self._names: dict[str, set[str]] = {}
        self._shown: dict[str, str] = {}
        self._published: dict[str, dict[str, None]] = {}
        self._tails: dict[tuple[int, bool], Tails] = {}
        self._hashes: dict[str, str] = {}
        self._copies: dict[str, dict[str, set[str]]] = {}
        for sample in samples:
            key = self.key(sample.path)
            self._shown.setdefault(key, sample.name)
            self._published.setdefault(key, {})[sample.name] = None
            for name in (sample.name, sample.path.as_posix()):
                self._names.setdefault(name, set()).add(key)

    def key(self, path: Path) -> str:
        """Return what two spellings of one file have in common; each folder is resolved once."""
        if path.parent not in self._folders:
            self._folders[path.parent] = path.parent.resolve()
        return str(self._folders[path.parent] / path.name)

    def find(self, report: Report) -> str | None:
        """Return the key of the file that a prediction is of, or None.

        Raises:
            DataError: Several files fit.
        """
        key = self.key(Path(report.source))
        if key in self._shown:
            return key
        parts = _split(report.source)
        fits = {key for key in self._named(parts) if self._may_be(key, report.sha256)}
        fits = fits or self._same_bytes(parts, report.sha256)
        if len(fits) > 1:
            one, two = sorted(fits)[:2]
            raise DataError(f"predictions: {report.source} fits both {one} and {two} – name it by path below the set")
        return next(iter(fits), None)

    def names_of(self, key: str, source: str) -> list[str]:
        """Return the names of a file in the set that a source may spell: one is the end of the other."""
        parts = _split(source)
        return [name for name in self._published[key] if _ends_alike(parts, name)]

    def nearest(self, source: str) -> str:
        """Return in words which picture a source that fits none comes near to; empty where there is none."""
        parts = _split(source)
        for keys, but in (
            (self._named(parts), "holds other bytes"),
            (self._named(parts[-1:]), "has the same file name and lies in another folder"),
        ):
            if keys:
                return f"{min(self._shown[key] for key in keys)} of the set {but}"
        return ""

    def _named(self, parts: tuple[str, ...]) -> set[str]:
        """Return the files that a path fits best."""
        return next((keys for keys in self._fits(parts) if keys), set())

    def _fits(self, parts: tuple[str, ...]) -> Iterator[set[str]]:
        """Yield the files that a path fits, the best fit first; folders that both paths have never differ.

        Either the name of a sample is the end of the path, or the path is the end of a sample's.
        """
        below = _below_root(parts)
        for names, path, stems in ((self._names, parts, False), (self._tails_of(0, True), below, True)):
            for start in range(len(path)):
                keys = names.get("/".join(path[start:]), set())
                yield {key for key in keys if not _other_part(path, start, _parts(key, stems))}
            yield self._tails_of(len(below), stems).get("/".join(below), set())

    def _tails_of(self, count: int, stems: bool) -> Tails:
        """Return the ends of all names with ``count`` parts, 0 for whole names, with or without the file's ending."""
        if (count, stems) not in self._tails:
            tails: Tails = {}
            for name, keys in self._names.items():
                parts = _parts(name, stems)
                if len(parts) >= count:
                    tails.setdefault("/".join(parts[-count:]), set()).update(keys)
            self._tails[count, stems] = tails
        return self._tails[count, stems]

    def _may_be(self, key: str, sha256: str) -> bool:
        return not sha256 or self._hash(key) in ("", sha256)

    def _same_bytes(self, parts: tuple[str, ...], sha256: str) -> set[str]:
        """Return the files of the same file name, in any folder, that hold these bytes."""
        if not sha256 or not parts:
            return set()
        name = parts[-1]
        if name not in self._copies:
            copies: dict[str, set[str]] = {}
            for key in self._tails_of(1, False).get(name, set()):
                copies.setdefault(self._hash(key), set()).add(key)
            self._copies[name] = copies
        return self._copies[name].get(sha256, set())

    def _hash(self, key: str) -> str:
        """Return the SHA-256 of a file; empty where it can't be read."""
        if key not in self._hashes:
            try:
                self._hashes[key] = sha256_file(Path(key))
            except OSError:
                self._hashes[key] = ""
        return self._hashes[key]


def _split(source: str) -> tuple[str, ...]:
    return PurePosixPath(source.replace("\\", "/")).parts


def _ends_alike(parts: tuple[str, ...], name: str) -> bool:
    """Return whether the shorter of two paths is the end of the other, ``name`` with or without the file's ending.

    Example:
        >>> _ends_alike(("0.png",), "val/0.png"), _ends_alike(("my", "val", "0"), "val/0.png")
        (True, True)
        >>> _ends_alike(("train", "0.png"), "val/0.png")
        False
    """
    shared = min(len(parts), len(_split(name)))
    return any(parts[-shared:] == _parts(name, stems)[-shared:] for stems in (False, True)) and shared > 0


def _parts(path: str, stems: bool) -> tuple[str, ...]:
    """Return the folders and the file of a path, the file without its ending if so wished."""
    whole = PurePosixPath(path)
    return (*whole.parts[:-1], whole.stem) if stems else whole.parts


def _below_root(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the parts of a path that name folders: what follows ``/``, ``C:``, ``.`` and ``..``.

    Example:
        >>> _below_root(("..", "val", "0.png")), _below_root(("C:", "0.png"))
        (('val', '0.png'), ('0.png',))
    """
    start = max((place for place, part in enumerate(parts) if part in ("/", "//", ".", "..") or part[-1:] == ":"),
                default=-1)  # fmt: skip
    return parts[start + 1 :]


def _other_part(parts: tuple[str, ...], start: int, file: tuple[str, ...]) -> bool:
    """Return whether the folders above a shared end of two paths name two different parts of a split.

    Example:
        >>> _other_part(("train", "0.png"), 1, ("set", "val", "0.png"))
        True
        >>> _other_part(("mine", "0.png"), 1, ("set", "val", "0.png"))
        False
    """
    shared = len(parts) - start
    if not start or len(file) <= shared or file[-shared:] != parts[start:]:
        return False
    ours, theirs = (PART_NAMES.get(folder.lower()) for folder in (parts[start - 1], file[-shared - 1]))
    return ours is not None and theirs is not None and ours != theirs
