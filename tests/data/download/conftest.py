"""A server on this machine that can cut connections, ignore ranges, and answer with errors."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from fxdet.data.catalogue import RemoteFile
from fxdet.data.remote import Patience

Fault = Callable[[BaseHTTPRequestHandler, bytes], None]


@dataclass
class FileServer:
    """What the server gives, and what it was asked; each request uses up one fault, if there is one."""

    address: str = ""
    content: dict[str, bytes] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    heeds_if_range: bool = True
    says_length: bool = True
    faults: list[Fault | None] = field(default_factory=list)
    asked: list[tuple[str, Message]] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"{self.address}/{path}"

    def starts(self) -> list[int]:
        """First byte that each request asked for."""
        return [int(re.search(r"\d+", headers.get("Range", "bytes=0-"))[0]) for _, headers in self.asked]

    def file(self, path: str, **changes) -> RemoteFile:
        """The file as an honest publisher would state it."""
        data = self.content[path]
        known = {"size": len(data), "md5": hashlib.md5(data).hexdigest(), "sha256": hashlib.sha256(data).hexdigest()}
        return RemoteFile(path, self.url(path), **{**known, **changes})


def cut(after: int) -> Fault:
    """Promise the whole file and close after some bytes."""

    def act(handler, data):
        start = _start(handler)
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(data) - start))
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        handler.send_header("ETag", '"one"')
        handler.end_headers()
        handler.wfile.write(data[start : start + after])
        handler.close_connection = True

    return act


def status(code: int, headers: dict[str, str] | None = None) -> Fault:
    """Answer with a status."""

    def act(handler, data):
        handler.send_response(code)
        for name, value in {"Content-Length": "0", **(headers or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()

    return act


def hang_up(handler, data):
    """Close without an answer."""
    handler.close_connection = True


def _start(handler) -> int:
    found = re.match(r"bytes=(\d+)-", handler.headers.get("Range", ""))
    return int(found[1]) if found else 0


def _serve(server: FileServer, handler: BaseHTTPRequestHandler) -> None:
    path = handler.path.lstrip("/")
    server.asked.append((path, handler.headers))
    data = server.content.get(path)
    fault = server.faults.pop(0) if server.faults else None
    if fault is not None:
        fault(handler, data or b"")
        return
    if data is None:
        status(404)(handler, b"")
        return
    tag, start = server.tags.get(path), _start(handler) if server.ranges else 0
    condition = handler.headers.get("If-Range")
    if server.heeds_if_range and condition is not None and condition != tag:
        start = 0
    if start and start >= len(data):
        status(416, {"Content-Range": f"bytes */{len(data)}"})(handler, b"")
        return
    handler.send_response(206 if start else 200)
    if server.says_length:
        handler.send_header("Content-Length", str(len(data) - start))
    if start:
        handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
    if tag:
        handler.send_header("ETag", tag)
    handler.end_headers()
    handler.wfile.write(data[start:])


@pytest.fixture
def server(monkeypatch) -> Iterator[FileServer]:
    """A running server on this machine."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    state = FileServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            _serve(state, self)

        def log_message(self, *details):
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    state.address = f"http://127.0.0.1:{running.server_address[1]}"
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield state
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture
def pauses() -> list[float]:
    """Seconds that were waited for, without waiting."""
    return []


@pytest.fixture
def patience(pauses) -> Patience:
    return Patience(attempts=4, pause=1.0, timeout=5.0, sleep=pauses.append)


@pytest.fixture
def data(generator) -> bytes:
    """Three blocks and a bit of bytes."""
    return generator.integers(0, 256, 3 * (1 << 18) + 77, dtype=np.uint8).tobytes()


def figshare_record(files: list[RemoteFile]) -> bytes:
    """A record as Figshare's interface gives it."""
    rows = [
        {
            "id": index, "name": file.name, "size": file.size, "is_link_only": False, "download_url": file.url,
            "supplied_md5": "", "computed_md5": file.md5,
        }
        for index, file in enumerate(files, start=1)
    ]  # fmt: skip
    return json.dumps({"license": {"value": 1, "name": "CC BY 4.0"}, "files": rows}).encode()


@pytest.fixture
def faults():
    """The faults by name: ``cut(after)``, ``status(code, headers)``, ``hang_up``."""

    class Faults:
        pass

    Faults.cut, Faults.status, Faults.hang_up = staticmethod(cut), staticmethod(status), staticmethod(hang_up)
    return Faults


@pytest.fixture
def record():
    return figshare_record
