"""Which files to read: files, folders, globs and list files, found lazily and in a stable order."""

from __future__ import annotations

import glob
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from fxdet.core.errors import ConfigError
from fxdet.imaging.reading import RADIOGRAPH_SUFFIXES

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read.

    Attributes:
        path: The file.
        name: Its name below the input that named it, with ``/``; results are filed under it.
    """

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class SourceList:
    """Everything that the user named; iterating walks the disk anew each time and holds one folder at a time.

    Attributes:
        inputs: Files, folders, globs, and ``@list.txt`` for a file with one of these per line.
        recursive: Whether sub-folders are searched.
        leave_out: A folder whose files are results of ours, not input.

    Example:
        >>> [source.name for source in SourceList(("no-such-file.png",))]
        ['no-such-file.png']
    """

    inputs: tuple[str, ...]
    recursive: bool = True
    leave_out: Path | None = None

    def __iter__(self) -> Iterator[Source]:
        for text in self.inputs:
            yield from self._expand(text)

    def check(self) -> None:
        """Look at every input before the work begins.

        Raises:
            ConfigError: An input does not exist, can't be searched, or holds no radiograph.
        """
        if not self.inputs:
            raise ConfigError("no input – name files, folders, globs or a list file")
        for text in self.inputs:
            _check_exists(text)
            if next(self._expand(text), None) is None:
                raise ConfigError(_nothing_found(text, self.recursive))

    def _expand(self, text: str) -> Iterator[Source]:
        path = Path(text)
        if path.is_dir():
            yield from self._walk(path, PurePath())
        elif os.path.lexists(path):
            yield Source(path, path.name)
        elif text.startswith("@"):
            yield from self._listed(Path(text[1:]))
        elif glob.has_magic(text):
            yield from self._globbed(text)
        else:
            yield Source(path, path.name)

    def _walk(self, folder: Path, below: PurePath) -> Iterator[Source]:
        seen: set[tuple[int, int]] = set()
        yield from self._walk_once(folder, below, seen)

    def _walk_once(self, folder: Path, below: PurePath, seen: set[tuple[int, int]]) -> Iterator[Source]:
        """Yield a folder's files, then its sub-folders'; a folder met twice is left out, so links can't loop."""
        status = folder.stat()
        if (status.st_dev, status.st_ino) in seen:
            _log.warning("left out %s – a symbolic link leads to a folder that was read already", printable(folder))
            return
        seen.add((status.st_dev, status.st_ino))
        if self.leave_out is not None and folder.resolve() == self.leave_out:
            return
        try:
            files, folders = _list_folder(folder)
        except (
            OSError
        ):  # handed on, so that it fails like an unreadable file and the run does not end as if all was read
            yield Source(folder, below.as_posix())
            return
        yield from (Source(folder / name, (below / name).as_posix()) for name in files)
        if self.recursive:
            for name in folders:
                yield from self._walk_once(folder / name, below / name, seen)

    def _globbed(self, pattern: str) -> Iterator[Source]:
        base = Path(pattern.split("*")[0].split("?")[0].split("[")[0] or ".")
        base = base if base.is_dir() else base.parent
        for match in sorted(glob.glob(pattern, recursive=True)):  # noqa: PTH207 - Path.glob takes no absolute pattern
            path = Path(match)
            if path.is_dir():
                if self.recursive and "**" not in pattern:
                    yield from self._walk(path, PurePath(_below(path, base)))
            elif _is_candidate(path):
                yield Source(path, _below(path, base))

    def _listed(self, path: Path) -> Iterator[Source]:
        for line in _list_lines(path):
            given = Path(line)
            found = given if given.is_absolute() or os.path.lexists(given) else path.parent / line
            chosen = found if os.path.lexists(found) else given
            if chosen.is_dir():
                yield from self._walk(chosen, PurePath(chosen.name))
            else:
                yield Source(chosen, listed_name(given))


def listed_name(path: Path) -> str:
    """Return the name of a listed file: its path as listed, without root and ``..``.

    Example:
        >>> listed_name(Path("/data/a/../b/x.png"))
        'data/a/b/x.png'
    """
    parts = [part for part in path.parts if part not in (path.anchor, "..", ".")]
    return "/".join(parts) or path.name


def printable(path: str | os.PathLike[str]) -> str:
    r"""Return a path on one line: control characters and bytes that are no UTF-8 are written out.

    Example:
        >>> printable("a\nb\udcff")
        'a\\nb\\udcff'
    """
    text = os.fspath(path).encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def _check_exists(text: str) -> None:
    if glob.has_magic(text) and not os.path.lexists(text):
        return
    path = Path(text[1:] if text.startswith("@") and not os.path.lexists(text) else text)
    if not os.path.lexists(path):
        raise ConfigError(f"no such file or folder: {printable(path)} – check the path")
    if path.is_dir() and not os.access(path, os.R_OK | os.X_OK):
        raise ConfigError(f"can't read folder {printable(path)} – permission denied – check its permissions")


def _nothing_found(text: str, recursive: bool) -> str:
    hint = "" if recursive else " or drop --no-recursive"
    if glob.has_magic(text) and not os.path.lexists(text):
        return f"no radiographs match {printable(text)} – check the pattern"
    return f"no radiographs in {printable(text)} – expected {_known()} or DICOM files – name another folder{hint}"


def _known() -> str:
    return " ".join(sorted(RADIOGRAPH_SUFFIXES))


def _list_folder(folder: Path) -> tuple[list[str], list[str]]:
    """Return the names of candidate files and of sub-folders, sorted; hidden entries are left out."""
    files, folders = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if _is_folder(entry):
                folders.append(entry.name)
            elif _is_candidate(Path(entry.path)):
                files.append(entry.name)
    return sorted(files), sorted(folders)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _is_candidate(path: Path) -> bool:
    """Tell whether a file found in a folder is meant: by suffix, else by the DICOM mark at byte 128."""
    if path.suffix.lower() in RADIOGRAPH_SUFFIXES:
        return True
    try:
        if not path.is_file():
            return False
        with path.open("rb") as handle:
            return handle.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _list_lines(path: Path) -> Iterable[str]:
    """Yield the lines of a list file that are neither empty nor a comment."""
    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape") as handle:
            for line in handle:
                text = line.rstrip("\r\n")
                if text.strip() and not text.startswith("#"):
                    yield text
    except OSError as error:
        raise ConfigError(f"can't read list file {printable(path)} – {error.strerror or error} – check it") from error


def _below(path: Path, base: Path) -> str:
    try:
        return path.relative_to(base).as_posix()
    except ValueError:
        return path.name


def as_inputs(paths: Sequence[str], lists: Sequence[str]) -> tuple[str, ...]:
    """Return paths and list files as one tuple of inputs, list files marked by ``@``."""
    return (*paths, *(f"@{name}" for name in lists))
