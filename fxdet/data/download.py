"""Fetch a public set: ask for its files, fetch and check each, unpack them, and give the folder its name at the end."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fxdet.core.errors import DataError, OutputError
from fxdet.core.files import write_json
from fxdet.data.catalogue import PublicSet, RemoteFile
from fxdet.data.listing import FIGSHARE_API, list_files
from fxdet.data.remote import Patience
from fxdet.data.transfer import Progress, fetch
from fxdet.data.unpack import unpack

RECORD = "fxdet-downloads.json"
"""File in the folder that remembers accepted licences and what was fetched."""


@dataclass(frozen=True, slots=True)
class DownloadOptions:
    """How a set is fetched.

    Attributes:
        patience: How often and how long a failing server is tried.
        progress: Told of each block, of fetching and of unpacking.
        keep_archives: Keep the fetched archives beside the unpacked folder.
        api: Address of Figshare's interface.
    """

    patience: Patience = field(default_factory=Patience)
    progress: Progress = lambda name, done, total: None
    keep_archives: bool = False
    api: str = FIGSHARE_API


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A set on disk.

    Attributes:
        folder: Where it lies.
        files: Number of files in it.
        fetched: Whether anything was fetched now; False where it was there already.
    """

    folder: Path
    files: int
    fetched: bool = True


def licence_accepted(entry: PublicSet, folder: Path) -> bool:
    """Return whether the licence of a set was accepted for this folder before."""
    return _record(folder).get(entry.name, {}).get("licence") == entry.licence.name


def accept_licence(entry: PublicSet, folder: Path, day: str) -> None:
    """Remember that the licence was accepted.

    Args:
        entry: The set.
        folder: Folder that the set goes to.
        day: Date, as ``2026-05-31``.

    Raises:
        OutputError: The folder can't be written.
    """
    terms = {"licence": entry.licence.name, "licence_url": entry.licence.url, "accepted": day}
    _remember(entry, folder, {**terms, "page": entry.page, "citation": entry.citation})


def download(entry: PublicSet, folder: Path, options: DownloadOptions) -> Downloaded:
    """Fetch and unpack an open set.

    A download that was stopped goes on where it ended. The set's own folder appears when all of it is there.

    Args:
        entry: An open set whose licence was accepted.
        folder: Folder that gets the set's folder.
        options: How.

    Raises:
        DataError: A server refuses or can't be reached, bytes are wrong, or an archive is damaged.
        OutputError: The folder can't be written, or something else lies in the set's place.
    """
    target = folder / entry.folder
    if target.exists():
        if _record(folder).get(entry.name, {}).get("complete"):
            return Downloaded(target, _count(target), fetched=False)
        raise OutputError(f"can't download {entry.name}: {target} exists and fxdet did not make it – move it away")
    work = folder / f"{entry.folder}.download"
    ready = work / "ready"
    files = list_files(entry, options.patience, options.api)
    _check_room(files, work, folder)
    for file in files:
        _bring(file, work, ready, options)
    rows = [{key: value for key, value in asdict(file).items() if key != "mirrors"} for file in files]
    # Before the renaming: what is killed between the two is told from a folder of someone else's.
    _remember(entry, folder, {"version": entry.version, "folder": entry.folder, "complete": True, "files": rows})
    _give_name(ready, target, files)
    _keep_or_remove(work, options.keep_archives)
    return Downloaded(target, _count(target))


def _bring(file: RemoteFile, work: Path, ready: Path, options: DownloadOptions) -> None:
    """Have the file's content in ``ready``; an archive that was unpacked before is not fetched again."""
    is_archive = file.name.lower().endswith(".zip")
    place = ready / (Path(file.name).stem if is_archive else file.name)
    if place.exists():
        return
    fetched = fetch(file, work, options.patience, options.progress)
    if is_archive:
        unpack(fetched, place, lambda done, total: options.progress(f"unpacking {file.name}", done, total))
    else:
        try:
            ready.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(fetched, ready / f".{file.name}")
            (ready / f".{file.name}").replace(place)
        except OSError as error:
            raise OutputError(f"can't write {place}: {error.strerror or error} – free some space") from error
    if not options.keep_archives:
        fetched.unlink(missing_ok=True)


def _give_name(ready: Path, target: Path, files: Sequence[RemoteFile]) -> None:
    """Move the whole set to its place; the content of a single archive is the set itself."""
    only = ready / Path(files[0].name).stem
    source = only if len(files) == 1 and only.is_dir() else ready
    try:
        source.replace(target)
    except OSError as error:
        raise OutputError(f"can't move {source} to {target}: {error.strerror or error} – move it by hand") from error


def _keep_or_remove(work: Path, keep: bool) -> None:
    if keep:
        shutil.rmtree(work / "ready", ignore_errors=True)
    else:
        shutil.rmtree(work, ignore_errors=True)


def _check_room(files: Sequence[RemoteFile], work: Path, folder: Path) -> None:
    """Refuse before the first byte where the disk can't even hold what is to be fetched."""
    wanted = 0
    for file in files:
        done = (work / file.name, work / f"{file.name}.part", work / "ready" / Path(file.name).stem)
        wanted += max(0, (file.size or 0) - max((_size(path) for path in done), default=0))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise OutputError(f"can't write {folder}: {error.strerror or error} – choose another folder") from error
    if wanted > free:
        got = f"{free / 1e6:,.0f} MB are free in {folder}, {wanted / 1e6:,.0f} MB are to be fetched"
        raise OutputError(f"can't download: {got} – choose another folder")


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(inner.stat().st_size for inner in path.rglob("*") if inner.is_file())
    return path.stat().st_size if path.is_file() else 0


def _count(folder: Path) -> int:
    return sum(1 for path in folder.rglob("*") if path.is_file())


def _record(folder: Path) -> dict[str, dict[str, Any]]:
    path = folder / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): dict(entry) for name, entry in record.items()}
    except FileNotFoundError:
        return {}
    except NotADirectoryError as error:
        raise OutputError(f"can't write {folder}: it is no folder – choose another one") from error
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise DataError(f"can't read {path}: {error} – mend or remove it") from error


def _remember(entry: PublicSet, folder: Path, facts: Mapping[str, Any]) -> None:
    record = _record(folder)
    write_json(folder / RECORD, {**record, entry.name: {**record.get(entry.name, {}), **facts}})
