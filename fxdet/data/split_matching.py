"""Which picture of a set a name of a split list, or of another list of names, means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from fxdet.core.errors import DataError


def match_names(names: Iterable[str], listed: Sequence[str], source: str) -> dict[str, str]:
    """Return listed name → name in the set; first whole names, then file names, then file names without ending.

    Args:
        names: Names of the set's pictures, paths below its root.
        listed: Names of the list, each once.
        source: The list, for errors.

    Raises:
        DataError: A file name fits two pictures.

    Example:
        >>> match_names(["x/a.jpg", "x/b.png"], ["a.jpg", "b.jpg", "c.jpg"], "list.csv")
        {'a.jpg': 'x/a.jpg', 'b.jpg': 'x/b.png'}
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    names = list(names)
    for level in range(3):
        by_key: dict[str, list[str]] = {}
        for name in names:
            if name not in taken:
                by_key.setdefault(_keys(name)[level], []).append(name)
        times = Counter(_keys(name)[level] for name in listed)
        for name in listed:
            key = _keys(name)[level]
            fits = by_key.get(key, [])
            if not fits or name in found or times[key] > 1:
                continue
            if len(fits) == 1:
                found[name] = fits[0]
                taken.add(fits[0])
            elif "/" not in name:
                what = f"{name} fits both {fits[0]} and {fits[1]}"
                raise DataError(f"split list {source}: {what} – list paths below the set's root")
    return found


def listed_names(names: Iterable[str], listed: Sequence[str], source: str) -> tuple[set[str], list[str]]:
    """Return which of a set's names are listed, and the listed names that fit none.

    Paths fit as in :func:`match_names`; a bare file name fits every picture of that name, else every one of that name
    without ending, since copies in another format have another ending.

    Args:
        names: Names of the set's pictures, paths below its root.
        listed: Names of the list.
        source: The list, for errors.

    Example:
        >>> listed_names(["x/a.webp", "y/a.webp", "y/b.webp"], ["b.jpg", "c.jpg"], "list.txt")
        ({'y/b.webp'}, ['c.jpg'])
    """
    names = list(names)
    paths = list(dict.fromkeys(line for line in listed if "/" in line))
    found = {line: [name] for line, name in match_names(names, paths, source).items()}
    for level in (1, 2):
        by_key: dict[str, list[str]] = {}
        for name in names:
            by_key.setdefault(_keys(name)[level], []).append(name)
        for line in listed:
            if "/" not in line and line not in found and _keys(line)[level] in by_key:
                found[line] = by_key[_keys(line)[level]]
    return {name for fits in found.values() for name in fits}, [line for line in listed if line not in found]


def _keys(name: str) -> tuple[str, str, str]:
    path = PurePosixPath(name)
    return name, path.name, path.stem
