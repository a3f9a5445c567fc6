"""A folder that is filled in full before it is shown: staging, resuming, replacing, and placing of pictures."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fxdet.core.errors import FxdetError, OutputError, ReadError
from fxdet.core.files import atomic_write, write_json

STAGE = ".fxdet-unfinished"
"""Folder inside the destination that holds everything until the last file is written."""

REPLACED = ".fxdet-replaced"
SETTINGS = "settings.json"
RECORD = "conversion.json"
"""Written last: what was done, and which entries of the folder came of it."""


def open_stage(destination: Path, settings: Mapping[str, Any], overwrite: bool) -> tuple[Path, bool]:
    """Return the staging folder, and whether it goes on from an interrupted run with the same settings.

    Args:
        destination: Where the result is to be.
        settings: What the result depends on, as JSON data; staged files of other settings are thrown away.
        overwrite: Take a folder that is not empty.

    Raises:
        OutputError: The destination is a file, can't be written, or is not empty.
    """
    stage = destination / STAGE
    with _told(destination):
        if destination.exists() and not destination.is_dir():
            raise OutputError(f"can't write to {destination}: it is a file – name a folder")
        others = [name for name in _entries(destination) if name not in (STAGE, REPLACED)]
        if others and not overwrite:
            what = f"it holds {len(others)} entries, as {others[0]}, expected an empty or a new folder"
            raise OutputError(f"can't write to {destination}: {what} – choose another folder or pass --overwrite")
        resumed = _settings_of(stage) == json.loads(json.dumps(settings))
        if stage.exists() and not resumed:
            shutil.rmtree(stage)
        stage.mkdir(parents=True, exist_ok=True)
    if not resumed:
        write_json(stage / SETTINGS, settings)
    return stage, resumed


def publish(stage: Path, destination: Path, record: Mapping[str, Any]) -> None:
    """Move everything from the staging folder to its place; what an earlier conversion left there goes away.

    Entries that neither the new result nor an earlier conversion names stay untouched. The old ones are kept until the
    new ones are in place.

    Args:
        stage: The staging folder.
        destination: The folder around it.
        record: What was done, as JSON data.

    Raises:
        OutputError: An entry can't be moved.
    """
    new = sorted(set(_entries(stage)) - {SETTINGS})
    old = {name for name in [*new, RECORD, *_recorded(destination)] if (destination / name).exists()}
    replaced = destination / REPLACED
    with _told(destination):
        if old:
            shutil.rmtree(replaced, ignore_errors=True)
            replaced.mkdir()
        for name in sorted(old):
            (destination / name).rename(replaced / name)
        for name in new:
            (stage / name).rename(destination / name)
    write_json(destination / RECORD, {**record, "entries": new})
    with _told(destination):
        shutil.rmtree(stage)
        shutil.rmtree(replaced, ignore_errors=True)


def link_picture(source: Path, target: Path) -> None:
    """Give a file a second name: a hard link, else (another disk) a symbolic one.

    Raises:
        OutputError: The disk takes neither.
    """
    with _told(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source.resolve(), target)
        except OSError:
            target.symlink_to(source.resolve())


def copy_picture(source: Path, target: Path) -> None:
    """Copy a file's bytes, whole or not at all.

    Raises:
        ReadError: The source can't be read.
        OutputError: The copy can't be written.
    """
    try:
        data = source.read_bytes()
    except OSError as error:
        raise ReadError(f"can't read {source}: {error.strerror or error}") from error
    write_picture_bytes(target, data)


def write_picture_bytes(target: Path, data: bytes) -> None:
    """Write one of thousands of pictures, whole or not at all, without waiting for the disk.

    Raises:
        OutputError: The folder can't be written, or the disk is full.
    """
    with atomic_write(target, "wb", durable=False) as handle:
        handle.write(data)


@contextmanager
def _told(place: Path) -> Iterator[None]:
    try:
        yield
    except FxdetError:
        raise
    except OSError as error:
        raise OutputError(f"can't write {place}: {error.strerror or error} – choose another folder") from error


def _entries(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []


def _settings_of(stage: Path) -> Any:
    return _json_or_none(stage / SETTINGS)


def _recorded(destination: Path) -> list[str]:
    """Return the entries that an earlier conversion wrote; only plain names are believed."""
    record = _json_or_none(destination / RECORD)
    names = record.get("entries") if isinstance(record, dict) else None
    plain = [name for name in names or () if isinstance(name, str) and Path(name).name == name]
    return [name for name in plain if name not in ("", ".", "..")]


def _json_or_none(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
