"""Which layout a folder or file has, and the one way to open it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType

from fxdet.core.errors import DataError, did_you_mean
from fxdet.data.formats.meanings import ClassMeaning, read_meanings
from fxdet.data.formats.reading import ReadOptions
from fxdet.data.samples import SampleSet

RELEASES = ("multiregion", "fracatlas", "mura", "grazpedwri")
GENERIC = ("yolo", "coco", "voc", "table", "manifest")
LAYOUTS = (*RELEASES, *GENERIC, "class_folders")
"""Names of the layouts; a named release wins over a general format, class folders come last."""

MEANINGS_FILE = "meanings.yaml"
"""In the set's folder, it says what class names mean; what a caller states wins over it."""


def _reader(layout: str) -> ModuleType:
    return import_module(f"fxdet.data.formats.{layout}")


def recognise(path: Path) -> str:
    """Return the layout's name.

    Raises:
        DataError: The path does not exist, or no layout or more than one fits it.
    """
    for tier in (RELEASES, GENERIC):
        if layout := _fitting(path, tier):
            return layout
    inner = _only_folder(path)
    if inner is not None and any(_fitting(inner, tier) for tier in (RELEASES, GENERIC)):
        raise DataError(f"{path}: holds nothing but {inner.name}, which is a set of its own – name {inner}")
    if layout := _fitting(path, ("class_folders",)):
        return layout
    raise DataError(f"{path}: no layout fits, found {_contents(path)} – expected one of: {', '.join(LAYOUTS)}")


def _fitting(path: Path, layouts: Sequence[str]) -> str | None:
    """Return the one layout that fits, or None.

    Raises:
        DataError: More than one does.
    """
    found = {layout: reason for layout in layouts if (reason := _reader(layout).matches(path))}
    if len(found) > 1:
        what = " and ".join(f"{layout} ({reason})" for layout, reason in found.items())
        option = f"--layout {next(iter(found))}"
        raise DataError(f"{path}: more than one layout fits: {what} – pass the layout, as {option}")
    return next(iter(found), None)


def _only_folder(path: Path) -> Path | None:
    """Return the one folder that a folder holds, as an unpacked archive often does; None where there is more."""
    entries = [entry for entry in path.iterdir() if not entry.name.startswith(".")] if path.is_dir() else []
    return entries[0] if len(entries) == 1 and entries[0].is_dir() else None


def _contents(path: Path) -> str:
    if path.is_file():
        return f"a {path.suffix or 'nameless'} file"
    names = sorted(entry.name + ("/" if entry.is_dir() else "") for entry in path.iterdir())
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "") or "an empty folder"


def _meanings_beside(path: Path) -> dict[str, ClassMeaning]:
    """Return what a ``meanings.yaml`` in the set's folder says."""
    file = (path if path.is_dir() else path.parent) / MEANINGS_FILE
    return read_meanings(file) if file.is_file() else {}


def open_samples(
    path: Path, layout: str | None = None, meanings: Mapping[str, ClassMeaning] | None = None
) -> SampleSet:
    """Read a data set.

    Args:
        path: Folder or file of the set.
        layout: One of ``LAYOUTS``; recognised where None.
        meanings: What the set's class names mean, where the built-in tables and the words do not say it; they win over
            a ``meanings.yaml`` in the set's folder.

    Returns:
        The samples in a stable order, with all problems that were met.

    Raises:
        DataError: The path does not exist, has no known layout, or its main file can't be read.
    """
    path = Path(path)
    if layout is not None and layout not in LAYOUTS:
        raise DataError(f"layout {layout!r} is unknown{did_you_mean(layout, LAYOUTS)}")
    try:
        if not path.exists():
            raise DataError(f"can't open data set {path}: no such file or folder – check the path")
        name = layout or recognise(path)
        own = {**_meanings_beside(path), **(meanings or {})}
        result: SampleSet = _reader(name).read(path, ReadOptions(own))
    except OSError as error:
        raise DataError(f"can't read data set {path}: {error} – check the files' permissions") from error
    # The folder "." has no name of its own.
    return result if result.name else replace(result, name=result.root.resolve().name or result.layout)
