"""Writing that leaves either the whole file or none, hashing, and JSON lines."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from fxdet.core.errors import OutputError


def sha256_bytes(data: bytes) -> str:
    """Return the hexadecimal SHA-256 of ``data``.

    Example:
        >>> sha256_bytes(b"")[:8]
        'e3b0c442'
    """
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file, read in blocks."""
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def atomic_write(path: Path, mode: str = "w", durable: bool = True) -> Iterator[IO[Any]]:
    """Open a temporary file beside ``path`` and rename it onto ``path`` when the block ends well.

    Args:
        path: Final place; missing parent folders are made.
        mode: ``"w"`` (UTF-8 text) or ``"wb"``.
        durable: Whether the bytes are forced to the disk before the renaming; without it a power cut (not a kill) may
            leave an empty file, which is good enough for thousands of pictures that can be drawn again.

    Raises:
        OutputError: The folder can't be written, or the disk is full.
    """
    path = Path(path)
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        encoding = None if "b" in mode else "utf-8"
        newline = None if "b" in mode else ""
        descriptor, temporary = _new_file_beside(path)
        with os.fdopen(descriptor, mode, encoding=encoding, newline=newline) as handle:
            yield handle
            handle.flush()
            if durable:
                os.fsync(handle.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"can't write {path}: {error.strerror or error} – choose another folder") from error
    finally:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)


def _new_file_beside(path: Path) -> tuple[int, str]:
    """Open a new file for writing, with the permissions that the process's mask gives; return descriptor and name.

    ``tempfile`` would make one that only its owner may read, and the mask can't be asked for without setting it, which
    other threads would notice.
    """
    while True:
        name = os.path.join(path.parent, f".{path.name[:40]}.{secrets.token_hex(6)}.part")
        try:
            return os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666), name
        except FileExistsError:
            continue


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, whole or not at all."""
    with atomic_write(path) as handle:
        handle.write(text)


def write_json(path: Path, data: Any) -> None:
    """Write ``data`` as indented UTF-8 JSON, whole or not at all."""
    write_text(path, json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_json_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write one JSON object per line, whole or not at all."""
    with atomic_write(path) as handle:
        for row in rows:
            handle.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")


class LineFile:
    r"""A text file that grows by whole lines: each call is one write, so that a kill leaves no half line.

    Characters that are no Unicode (bytes of a file name that are no UTF-8) are written as ``\udcff``.
    """

    def __init__(self, path: Path) -> None:
        """Start an empty file at ``path``.

        Raises:
            OutputError: The folder or file can't be written.
        """
        self.path = Path(path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = open(self.path, "wb", buffering=0)  # noqa: SIM115 - closed by close()
        except OSError as error:
            raise OutputError(f"can't write {path}: {error.strerror or error} – choose another folder") from error

    def write(self, text: str) -> None:
        """Append ``text``, which ends with a newline.

        Raises:
            OutputError: The disk is full or gone.
        """
        data = memoryview(text.encode("utf-8", "backslashreplace"))
        try:
            while data:
                data = data[self._handle.write(data) or 0 :]
        except OSError as error:
            raise OutputError(f"can't write {self.path}: {error.strerror or error} – free some space") from error

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        self._handle.close()

    def __enter__(self) -> LineFile:
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()


def read_json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSON-lines file; a last line cut short is left out."""
    with open(path, encoding="utf-8") as handle:
        for line in handle:
            if line.endswith("\n") and line.strip():
                yield json.loads(line)
