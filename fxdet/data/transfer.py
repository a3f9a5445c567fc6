"""One file over HTTP: resumed after a cut, tried again, and taken only with the right size and checksum.

The bytes grow in ``NAME.part``; ``NAME.part.json`` remembers which version of the file they belong to. Both stay when
a download is stopped, and the next one goes on where it ended. ``NAME`` itself is there only whole and checked.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from fxdet.core.errors import DataError, OutputError
from fxdet.core.files import write_json
from fxdet.data.catalogue import RemoteFile
from fxdet.data.remote import BLOCK, Passing, Patience, Refused, RemoteError, Request, Response, open_url

Progress = Callable[[str, int, int | None], None]
"""Called with the file's name, the bytes at hand, and all bytes where known."""

_LOGGER = logging.getLogger(__name__)


def fetch(file: RemoteFile, folder: Path, patience: Patience, progress: Progress) -> Path:
    """Return the file's place in ``folder``, fetched unless it is there already with the right checksum.

    Args:
        file: What to fetch.
        folder: Where it goes; made if missing.
        patience: How often and how long a failing server is tried.
        progress: Told of each block.

    Raises:
        DataError: The server refuses, gives other bytes than expected, or can't be reached.
        OutputError: The folder can't be written, the disk is full, or another process fetches the same file.
    """
    target = folder / file.name
    if target.is_file():
        fault = fault_of(target, file)
        if fault is None:
            progress(file.name, target.stat().st_size, target.stat().st_size)
            return target
        _LOGGER.warning("%s: %s; fetching it anew", target, fault)
    try:
        with _writing(target), _Part(folder, file) as part:
            _fetch_checked(part, file, patience, progress)
            part.finish(target)
    except RemoteError as error:
        by_hand = f"try again later, or save it as {target} by other means and run the same command again"
        raise DataError(f"can't fetch {file.url}: {error} – {by_hand}") from error
    return target


def _fetch_checked(part: _Part, file: RemoteFile, patience: Patience, progress: Progress) -> None:
    resumed = part.size > 0
    _fill(part, file, patience, progress)
    fault = fault_of(part.path, file)
    if fault is not None and resumed:
        # The earlier bytes may belong to another version of the file.
        _LOGGER.warning("%s: %s after going on with an earlier download; fetching it anew", file.name, fault)
        part.restart()
        _fill(part, file, patience, progress)
        fault = fault_of(part.path, file)
    if fault is not None:
        part.restart()
        raise Refused(f"{fault}; the file was damaged on the way, or the publisher has changed it")


def fault_of(path: Path, file: RemoteFile) -> str | None:
    """Return what is wrong with the bytes at ``path``, or None where size and checksums are as expected."""
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        return f"got {size:,} bytes, expected {file.size:,}"
    wanted = {"MD5": file.md5, "SHA-256": file.sha256}
    found = _digests(path) if any(wanted.values()) else {}
    for name, value in wanted.items():
        if value is not None and found[name] != value.lower():
            return f"got {name} {found[name]}, expected {value.lower()}"
    return None


def _digests(path: Path) -> dict[str, str]:
    # MD5 is what Figshare publishes; it finds damage, not malice, which is what HTTPS is for.
    sums = {"MD5": hashlib.md5(usedforsecurity=False), "SHA-256": hashlib.sha256()}
    with open(path, "rb") as handle:
        while block := handle.read(BLOCK):
            for digest in sums.values():
                digest.update(block)
    return {name: digest.hexdigest() for name, digest in sums.items()}


def _fill(part: _Part, file: RemoteFile, patience: Patience, progress: Progress) -> None:
    """Fetch bytes until all are there; a failed attempt that brought none is counted."""
    failures = 0
    addresses = [file.url, *file.mirrors]
    while True:
        before = part.size
        try:
            if _attempt(part, Request(addresses[0], part.size, part.validator), file, patience.timeout, progress):
                return
            error = Passing("the connection was cut")
        except Refused:
            if len(addresses) == 1:
                raise
            addresses.pop(0)
            continue
        except Passing as passing:
            error = passing
        failures = 0 if part.size > before else failures + 1
        patience.wait_after(error, failures)


def _attempt(part: _Part, request: Request, file: RemoteFile, timeout: float, progress: Progress) -> bool:
    """Go on with the part; return whether it is whole."""
    if file.size is not None and part.size >= file.size > 0:
        if part.size == file.size:
            return True
        part.restart()
        request = Request(request.url)
    with open_url(request, timeout) as response:
        if response.past_the_end:
            return _is_whole(part, response)
        if response.start != part.size or part.is_of_another(response):
            part.restart()
            if response.start:
                return False
        total = _expected_size(file, response)
        part.remember(response)
        progress(file.name, part.size, total)
        for block in response.blocks():
            part.write(block)
            progress(file.name, part.size, total)
    return total is None or part.size >= total


def _is_whole(part: _Part, response: Response) -> bool:
    """Whether there was nothing left to ask for; bytes beyond the end of the file belong to another one."""
    if response.total == part.size:
        return True
    part.restart()
    return False


def _expected_size(file: RemoteFile, response: Response) -> int | None:
    if file.size is not None and response.total is not None and response.total != file.size:
        got = f"the server offers {response.total:,} bytes, expected {file.size:,}"
        raise Refused(f"{got}; the publisher has changed the file")
    return file.size if file.size is not None else response.total


class _Part:
    """The growing file and what is known of its source; locked against a second process."""

    def __init__(self, folder: Path, file: RemoteFile) -> None:
        self.path = folder / f"{file.name}.part"
        self._notes = folder / f"{file.name}.part.json"
        self._url = file.url
        self._known: dict[str, Any] = {}
        self._handle: IO[bytes] | None = None
        self.size = 0

    def __enter__(self) -> _Part:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = open(self.path, "ab", buffering=0)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            handle.close()
            what = f"another process writes {self.path}"
            raise OutputError(f"can't fetch {self._url}: {what} – wait for it, or stop it") from error
        except OSError:
            _LOGGER.info("%s: this file system knows no locks", self.path)
        self._handle, self.size = handle, self.path.stat().st_size
        self._known = self._read_notes()
        if self._known.get("url") != self._url:
            self.restart()
        return self

    def __exit__(self, *reason: object) -> None:
        if self._handle is not None:
            self._handle.close()
        if self.size == 0:
            self.path.unlink(missing_ok=True)
            self._notes.unlink(missing_ok=True)

    @property
    def validator(self) -> str | None:
        """A strong ETag or a date by which the server knows whether the file is still the same."""
        if not self.size:
            return None
        tag = self._known.get("etag")
        return tag if tag and not tag.startswith("W/") else self._known.get("modified")

    def is_of_another(self, response: Response) -> bool:
        """Whether the response is of another version of the file than the bytes at hand."""
        now = {"etag": response.etag, "modified": response.modified, "total": response.total}
        return any(self._known.get(key) and value and self._known[key] != value for key, value in now.items())

    def remember(self, response: Response) -> None:
        """Note the version of the file that the bytes are of."""
        now = {"url": self._url, "etag": response.etag, "modified": response.modified, "total": response.total}
        if now != self._known:
            self._known = now
            write_json(self._notes, now)

    def write(self, block: bytes) -> None:
        """Append bytes."""
        rest = memoryview(block)
        while rest:  # unbuffered, so that the file holds what was counted, even after a kill
            rest = rest[self._opened().write(rest) or 0 :]
        self.size += len(block)

    def restart(self) -> None:
        """Drop all bytes."""
        self._opened().truncate(0)
        self.size, self._known = 0, {}

    def finish(self, target: Path) -> None:
        """Give the whole file its name."""
        os.fsync(self._opened().fileno())
        self.path.replace(target)
        self._notes.unlink(missing_ok=True)

    def _opened(self) -> IO[bytes]:
        if self._handle is None:
            raise ValueError(f"{self.path} is not open")
        return self._handle

    def _read_notes(self) -> dict[str, Any]:
        try:
            known = json.loads(self._notes.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    """Turn a full disk or a folder that can't be written into a message."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"can't write {target}: {reason} – free some space or choose another folder") from error
