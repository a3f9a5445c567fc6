"""HTTPS requests for parts of a file, and what can go wrong with them: errors that pass, and refusals."""

from __future__ import annotations

import http.client
import logging
import re
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from typing import Any, TypeVar
from urllib.parse import urlsplit

from fxdet._version import __version__

Result = TypeVar("Result")

_LOGGER = logging.getLogger(__name__)

BLOCK = 1 << 18
"""Bytes read at once."""

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts that may be asked without encryption."""

LONGEST_PAUSE = 60.0
"""Seconds between two attempts."""

PASSING_CODES = frozenset({408, 421, 425, 429, 500, 502, 503, 504, 507, 509, 520, 521, 522, 523, 524})
"""Status codes after which it is worth trying again."""


class RemoteError(Exception):
    """Something went wrong between here and the server.

    Attributes:
        wait: Seconds that the server asks to wait, or None.
        attempts: At most so many attempts are worth it, or None.
    """

    def __init__(self, message: str, wait: float | None = None, attempts: int | None = None) -> None:
        super().__init__(message)
        self.wait = wait
        self.attempts = attempts


class Passing(RemoteError):
    """It may work later: a cut, a timeout, a busy server, no network."""


class Refused(RemoteError):
    """It will not work by trying again."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long a failing server is tried.

    Attributes:
        attempts: Attempts in a row that bring nothing before it is given up.
        pause: Seconds after the first failure; they double with each further one, up to :data:`LONGEST_PAUSE`.
        timeout: Silence of the server after which an attempt has failed, s.
        sleep: Waits for seconds.
    """

    attempts: int = 5
    pause: float = 1.0
    timeout: float = 30.0
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"attempts: got {self.attempts}, expected at least 1")

    def wait_after(self, error: Passing, failures: int) -> None:
        """Wait before the next attempt.

        Args:
            error: What went wrong.
            failures: Failures in a row that brought nothing.

        Raises:
            Passing: There were enough of them.
        """
        if failures >= min(self.attempts, error.attempts or self.attempts):
            raise error
        seconds = max(self.pause * 2 ** max(failures - 1, 0), error.wait or 0.0)
        _LOGGER.info("%s; trying again in %.0f s", error, min(seconds, LONGEST_PAUSE))
        self.sleep(min(seconds, LONGEST_PAUSE))


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for.

    Attributes:
        url: Address.
        start: First byte that is wanted.
        validator: ETag or date of the version that the earlier bytes are of; of another one all bytes are wanted.
    """

    url: str
    start: int = 0
    validator: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """An answer.

    Attributes:
        start: First byte that it holds.
        total: Bytes of the whole file, or None.
        etag: Version of the file as the server names it, or None.
        modified: Date of the file, or None.
        past_the_end: Whether the first byte asked for lies beyond the file's end; there are no blocks then.
        stream: The connection.
    """

    start: int
    total: int | None
    etag: str | None
    modified: str | None
    past_the_end: bool = False
    stream: Any = None

    def blocks(self) -> Iterator[bytes]:
        """Yield the bytes as they come.

        Raises:
            Passing: The connection was cut.
        """
        try:
            while block := self.stream.read1(BLOCK):
                yield block
        except (OSError, http.client.HTTPException) as error:
            raise Passing(f"the connection was cut: {_reason(error)}") from error


@contextmanager
def open_url(request: Request, timeout: float) -> Iterator[Response]:
    """Ask for a file from some byte on.

    Args:
        request: What is asked for.
        timeout: Longest silence, s.

    Raises:
        Passing: Worth another attempt.
        Refused: Not worth one.
    """
    headers = {"User-Agent": f"fxdet/{__version__}", "Accept-Encoding": "identity"}
    if request.start:
        headers["Range"] = f"bytes={request.start}-"
        if request.validator:
            headers["If-Range"] = request.validator
    check_address(request.url)
    try:
        stream = _opener().open(urllib.request.Request(request.url, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 416:
                yield Response(0, _total(error.headers), None, None, past_the_end=True)
                return
            raise _status_error(error.code, error.reason, error.headers) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _connection_error(error, request.url) from error
    with stream:
        yield _response(stream, request)


def _response(stream: Any, request: Request) -> Response:
    headers: Message = stream.headers
    if stream.status not in (200, 206):
        raise _status_error(stream.status, stream.reason, headers)
    start = _first_byte(headers) if stream.status == 206 else 0
    total = _total(headers) if stream.status == 206 else _length(headers)
    return Response(start, total, headers.get("ETag"), headers.get("Last-Modified"), stream=stream)


def check_address(url: str) -> None:
    """Take HTTPS alone, or HTTP to this machine.

    Raises:
        Refused: The address is another one.
    """
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOCAL_HOSTS):
        return
    raise Refused(f"got an address of {parts.scheme or 'no scheme'}://{parts.hostname or ''}, expected https")


class _CheckedRedirects(urllib.request.HTTPRedirectHandler):
    """Redirects only to addresses that would be taken themselves."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        try:
            check_address(newurl)
        except Refused:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_CheckedRedirects)


def _status_error(code: int, reason: str, headers: Message) -> RemoteError:
    if headers.get("x-amzn-waf-action") or code == 202:
        return Refused(f"{code} {reason}: the server wants to see a browser")
    what = f"the server says {code} {reason}".strip()
    if code in PASSING_CODES:
        wait = headers.get("Retry-After", "")
        return Passing(what, wait=float(wait) if wait.isdecimal() else None)
    if code in (401, 403):
        return Refused(f"{what}: it gives the file to no one, or not to programs")
    if code in (404, 410):
        return Refused(f"{what}: the file is gone or has moved")
    return Refused(what)


def _connection_error(error: Exception, url: str) -> RemoteError:
    host = urlsplit(url).hostname
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, socket.gaierror):
        # A name that is not found is seldom found a second later.
        return Passing(f"no network, or no such host: {host} is not found ({_reason(cause)})", attempts=2)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Refused(f"the certificate of {host} can't be verified ({cause.verify_message}) – check clock and proxy")
    if isinstance(cause, ValueError) and not isinstance(cause, OSError):
        return Refused(f"got a wrong address: {cause}")
    return Passing(f"can't reach {host}: {_reason(cause)}")


def _reason(error: object) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text)[:1].lower() + str(text)[1:]


def _first_byte(headers: Message) -> int:
    found = re.match(r"bytes (\d+)-", headers.get("Content-Range", ""))
    if found is None:
        raise Refused("the server sends a part of the file and does not say which")
    return int(found.group(1))


def _total(headers: Message) -> int | None:
    found = re.search(r"/(\d+)$", headers.get("Content-Range", "").strip())
    return int(found.group(1)) if found else None


def _length(headers: Message) -> int | None:
    length = headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def retry(action: Callable[[], Result], options: Patience) -> Result:
    """Return the action's result; a passing error is waited out.

    Raises:
        RemoteError: The last one, when it is given up.
    """
    failures = 0
    while True:
        try:
            return action()
        except Passing as error:
            failures += 1
            options.wait_after(error, failures)
