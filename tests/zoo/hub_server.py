"""The small part of the hub's protocol that a download needs, over a local folder; uploads are not spoken."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote

COMMIT = "c0ffee" + "0" * 34


class HubFiles:
    """Files of one repository, and what was asked of it."""

    def __init__(self, repository: str, folder: Path) -> None:
        self.repository = repository
        self.folder = folder
        self.asked: list[str] = []
        self.parts: list[str] = []
        """Ranges that were asked for, empty for a whole file."""
        self.broken: set[str] = set()
        """Files whose connection breaks shortly before the end, unless a part is asked for."""


def _handler(files: HubFiles) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, body: bool) -> None:
            files.asked.append(f"{self.command} {self.path}")
            files.parts.append(self.headers.get("Range", ""))
            start = f"/{files.repository}/resolve/"
            path = unquote(self.path.split("?")[0])
            if not path.startswith(start):
                self._refuse(401 if "/resolve/" in path else 404, "RepoNotFound")
                return
            revision, _, name = path[len(start) :].partition("/")
            if revision not in ("main", COMMIT):
                self._refuse(404, "RevisionNotFound")
                return
            file = files.folder / name
            if not file.is_file():
                self._refuse(404, "EntryNotFound")
                return
            self._send(name, file.read_bytes(), body)

        def _send(self, name: str, data: bytes, body: bool) -> None:
            begin = int(self.headers.get("Range", "bytes=0-")[6:].partition("-")[0])
            self.send_response(206 if begin else 200)
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
            self.send_header("Content-Length", str(len(data) - begin))
            if begin:
                self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
            self.end_headers()
            if body and name in files.broken and not begin:
                self.wfile.write(data[:-1000])
                self.close_connection = True
            elif body:
                self.wfile.write(data[begin:])

        def _refuse(self, status: int, code: str) -> None:
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Content-Length", "0")
            self.end_headers()

    return Handler


@contextmanager
def serve(files: HubFiles) -> Iterator[str]:
    """Give the address of a server on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(files))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
