"""What Figshare says of a record: its licence and its files, held against the catalogue."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import Any

from fxdet.core.errors import DataError
from fxdet.data.catalogue import FIGSHARE_FILES, PublicSet, RemoteFile
from fxdet.data.remote import Passing, Patience, RemoteError, Request, open_url, retry

FIGSHARE_API = "https://api.figshare.com/v2"

LONGEST_ANSWER = 1 << 23
"""Bytes; an answer about a record has some thousands."""

_LOGGER = logging.getLogger(__name__)


def list_files(entry: PublicSet, patience: Patience, api: str = FIGSHARE_API) -> tuple[RemoteFile, ...]:
    """Return the files of a set with addresses, sizes and checksums as the publisher states them now.

    Where the publisher can't be asked, files whose checksum the catalogue knows are taken from there.

    Args:
        entry: An open set.
        patience: How often and how long the publisher is asked.
        api: Address of Figshare's interface.

    Raises:
        DataError: The publisher can't be reached, or states another licence, size or checksum than the catalogue.
    """
    url = f"{api}/articles/{entry.article}/versions/{entry.version}"
    try:
        answer = retry(lambda: _read(url, patience.timeout), patience)
    except RemoteError as error:
        if entry.files and all(file.md5 or file.sha256 for file in entry.files):
            _LOGGER.warning("%s: %s; the catalogue's own list of files is taken", url, error)
            return entry.files
        raise DataError(f"can't ask for the files of {entry.name} at {url}: {error} – try again later") from error
    return files_of(answer, entry, api)


def _read(url: str, timeout: float) -> bytes:
    with open_url(Request(url), timeout) as response:
        data = b""
        for block in response.blocks():
            data += block
            if len(data) > LONGEST_ANSWER:
                break
        if response.total is not None and len(data) < response.total:
            raise Passing("the connection was cut")
    return data


def files_of(answer: bytes, entry: PublicSet, api: str = FIGSHARE_API) -> tuple[RemoteFile, ...]:
    """Return the files that an answer lists.

    Args:
        answer: JSON of a record.
        entry: What the catalogue says of it.
        api: Address of Figshare's interface.

    Raises:
        DataError: The answer is no record, or does not agree with the catalogue.
    """
    where = f"the publisher's record of {entry.name} ({entry.page})"
    try:
        record = json.loads(answer)
        licence = str(record["license"]["name"])
        listed = {str(row["name"]): _file(row, api) for row in record["files"] if not row.get("is_link_only")}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        got = f"{type(error).__name__} {error}" if str(error) else type(error).__name__
        raise DataError(f"{where}: its answer is no record of files ({got}) – try again later") from error
    if _plain(licence) != _plain(entry.licence.name):
        raise DataError(f"{where}: licence is now {licence!r}, expected {entry.licence.name!r} – read it on its page")
    for name in listed:
        if name in (".", "..") or "/" in name or "\\" in name or "\0" in name or not name:
            raise DataError(f"{where}: got the file name {name!r}, expected a plain name – fetch it by hand")
    for known in entry.files:
        if known.name not in listed:
            raise DataError(f"{where}: {known.name} is not listed any more – look at its page")
        listed[known.name] = _agreed(listed[known.name], known, where)
    if not listed:
        raise DataError(f"{where}: it lists no file – look at its page")
    return tuple(listed.values())


def _file(row: dict[str, Any], api: str) -> RemoteFile:
    number = int(row["id"])
    own = str(row.get("download_url") or FIGSHARE_FILES.format(id=number))
    others = (f"{api}/file/download/{number}",)
    md5 = str(row.get("computed_md5") or row.get("supplied_md5") or "")
    return RemoteFile(str(row["name"]), own, int(row["size"]), md5 or None, mirrors=others)


def _agreed(listed: RemoteFile, known: RemoteFile, where: str) -> RemoteFile:
    for what, got, expected in (("size", listed.size, known.size), ("MD5", listed.md5, known.md5)):
        if expected is not None and got is not None and got != expected:
            raise DataError(f"{where}: {known.name} has {what} {got}, expected {expected} – look at its page")
    return replace(listed, md5=listed.md5 or known.md5, sha256=known.sha256)


def _plain(licence: str) -> str:
    """Return letters and digits alone.

    Example:
        >>> _plain("CC BY 4.0") == _plain("cc-by-4.0")
        True
    """
    return "".join(sign for sign in licence.lower() if sign.isalnum())
