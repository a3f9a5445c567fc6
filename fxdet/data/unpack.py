"""Unpack a ZIP archive whole or not at all, and never outside its folder."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from fxdet.core.errors import DataError, OutputError

LITTER = frozenset({"__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini"})
"""What operating systems leave in archives."""

MOST_MEMBERS = 1_000_000
BLOCK = 1 << 20


def unpack(archive: Path, target: Path, progress: Callable[[int, int], None] = lambda done, total: None) -> int:
    """Unpack an archive into a new folder; a single outer folder is left out.

    Links, absolute names and names with ``..`` are refused before anything is written. Owners and permissions are not
    taken over. Until all is there and its checksums are right, the files lie in ``.NAME.unpacking`` beside the target.

    Args:
        archive: ZIP file.
        target: Folder that does not exist yet.
        progress: Told of bytes written and bytes in all.

    Returns:
        Number of files.

    Raises:
        DataError: The archive is damaged, or holds what it should not.
        OutputError: The target exists, the disk has no room, or it can't be written.
    """
    if target.exists():
        raise OutputError(f"can't unpack {archive}: {target} exists – move it away")
    temporary = target.parent / f".{target.name}.unpacking"
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        with zipfile.ZipFile(archive) as source:
            members = _checked(source, archive)
            _check_room(sum(info.file_size for info in members), target.parent, archive)
            _extract(source, members, temporary, progress)
        temporary.replace(target)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DataError(f"can't unpack {archive}: {error} – fetch it anew") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"can't unpack {archive} into {target}: {reason} – choose another folder") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return len(members)


def _checked(source: zipfile.ZipFile, archive: Path) -> list[zipfile.ZipInfo]:
    """Return the files of the archive if none of its names is dangerous."""
    members = source.infolist()
    if len(members) > MOST_MEMBERS:
        raise DataError(f"can't unpack {archive}: got {len(members):,} members, expected at most {MOST_MEMBERS:,}")
    kept = []
    met: set[PurePosixPath] = set()
    for info in members:
        path = member_path(info.filename)
        if path is None:
            raise DataError(f"can't unpack {archive}: member {info.filename!r} lies outside the folder – do not use it")
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise DataError(f"can't unpack {archive}: member {info.filename!r} is a link or device – do not use it")
        if info.flag_bits & 1:
            raise DataError(f"can't unpack {archive}: member {info.filename!r} is encrypted – unpack it by hand")
        if info.is_dir() or LITTER & set(path.parts) or path.name.startswith("._"):
            continue
        if path in met:
            raise DataError(f"can't unpack {archive}: member {info.filename!r} is there twice – unpack it by hand")
        met.add(path)
        kept.append(info)
    if not kept:
        raise DataError(f"can't unpack {archive}: it holds no file – fetch it anew")
    return kept


def member_path(name: str) -> PurePosixPath | None:
    r"""Return the path of an archive's member, or None where it could leave the folder.

    Example:
        >>> member_path("a/./b.png")
        PurePosixPath('a/b.png')
        >>> [member_path(name) for name in ("../b", "/b", "a/../../b", "C:b", "a\\\\b")]
        [None, None, None, None, None]
    """
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts:
        return None
    if "\\" in name or "\0" in name or (len(name) > 1 and name[1] == ":"):
        return None
    return path


def _check_room(wanted: int, folder: Path, archive: Path) -> None:
    free = shutil.disk_usage(folder).free
    if wanted > free:
        got = f"{free / 1e6:,.0f} MB are free, {wanted / 1e6:,.0f} MB are needed"
        raise OutputError(f"can't unpack {archive}: {got} – free some space")


def _extract(
    source: zipfile.ZipFile, members: list[zipfile.ZipInfo], folder: Path, progress: Callable[[int, int], None]
) -> None:
    paths = [PurePosixPath(info.filename) for info in members]
    outer = {path.parts[0] for path in paths}
    skip = 1 if len(outer) == 1 and all(len(path.parts) > 1 for path in paths) else 0
    done, total = 0, sum(info.file_size for info in members)
    for info, path in zip(members, paths, strict=True):
        place = folder.joinpath(*path.parts[skip:])
        place.parent.mkdir(parents=True, exist_ok=True)
        # zipfile stops at the stated size and compares the checksum at the end.
        with source.open(info) as packed, open(place, "xb") as handle:
            while block := packed.read(BLOCK):
                handle.write(block)
                done += len(block)
                progress(done, total)
