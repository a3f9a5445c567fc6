"""One file over HTTP, from a server that misbehaves."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import socket
import ssl
import threading
import urllib.error
from dataclasses import replace
from pathlib import Path

import pytest

from fxdet._version import __version__
from fxdet.core.errors import DataError, OutputError
from fxdet.data import remote, transfer
from fxdet.data.catalogue import RemoteFile
from fxdet.data.remote import Patience, Refused, check_address
from fxdet.data.transfer import fetch


def nothing(name, done, total):
    """No progress bar."""


@pytest.fixture
def file(server, data) -> RemoteFile:
    server.content["a.zip"] = data
    server.tags["a.zip"] = '"one"'
    return server.file("a.zip")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_whole_file(server, file, data, tmp_path, patience):
    seen = []
    place = fetch(file, tmp_path / "new", patience, lambda *step: seen.append(step))
    assert place == tmp_path / "new" / "a.zip"
    assert place.read_bytes() == data
    assert names(place.parent) == ["a.zip"]
    assert seen[0] == ("a.zip", 0, len(data))
    assert seen[-1] == ("a.zip", len(data), len(data))
    assert server.asked[0][1]["User-Agent"] == f"fxdet/{__version__}"


def test_a_file_that_is_there_is_not_fetched_again(server, file, data, tmp_path, patience):
    (tmp_path / "a.zip").write_bytes(data)
    fetch(file, tmp_path, patience, nothing)
    assert server.asked == []


def test_a_wrong_file_in_its_place_is_fetched_anew(server, file, data, tmp_path, patience, caplog):
    (tmp_path / "a.zip").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert fetch(file, tmp_path, patience, nothing).read_bytes() == data
    assert "got MD5" in caplog.text


def test_an_empty_file(server, tmp_path, patience):
    server.content["e"] = b""
    assert fetch(server.file("e"), tmp_path, patience, nothing).read_bytes() == b""
    assert names(tmp_path) == ["e"]


def test_cuts_are_gone_on_from(server, file, data, tmp_path, patience, pauses, faults):
    server.faults = [faults.cut(1000), faults.cut(300_000), faults.hang_up]
    assert fetch(file, tmp_path, patience, nothing).read_bytes() == data
    assert server.starts() == [0, 1000, 301_000, 301_000]
    assert [headers.get("If-Range") for _, headers in server.asked] == [None, '"one"', '"one"', '"one"']
    assert len(pauses) == 3
    assert names(tmp_path) == ["a.zip"]


def test_a_cut_without_a_stated_length(server, file, data, tmp_path, patience):
    server.says_length = False
    assert fetch(replace(file, size=None), tmp_path, patience, nothing).read_bytes() == data


def test_many_cuts_are_no_reason_to_stop_while_bytes_come(server, file, data, tmp_path, patience, faults):
    server.faults = [faults.cut(10_000)] * 20
    assert fetch(file, tmp_path, patience, nothing).read_bytes() == data


def test_given_up_and_gone_on_with_later(server, file, data, tmp_path, patience, pauses, faults):
    server.faults = [faults.cut(5000), *[faults.hang_up] * 4]
    with pytest.raises(DataError, match=r"a\.zip: can't reach 127\.0\.0\.1: .* – try again later, or save it as "):
        fetch(file, tmp_path, patience, nothing)
    assert pauses == [1, 1, 2, 4]
    assert (tmp_path / "a.zip.part").read_bytes() == data[:5000]
    assert fetch(file, tmp_path, patience, nothing).read_bytes() == data
    assert server.starts()[-1] == 5000


def test_a_server_that_ignores_ranges(server, file, data, tmp_path, patience, faults):
    server.faults, server.ranges = [faults.cut(5000)], False
    assert fetch(file, tmp_path, patience, nothing).read_bytes() == data
    assert server.starts() == [0, 5000]


@pytest.mark.parametrize("heeds_if_range", [True, False])
@pytest.mark.parametrize("same_size", [True, False])
def test_a_file_that_changes_between_attempts(
    server, file, data, tmp_path, patience, faults, heeds_if_range, same_size
):
    fresh = data[::-1] if same_size else data[::-1][:-9]

    def cut_and_change(handler, content):
        faults.cut(5000)(handler, content)
        server.content["a.zip"], server.tags["a.zip"] = fresh, '"two"'

    server.faults, server.heeds_if_range = [cut_and_change], heeds_if_range
    wanted = replace(file, size=None, md5=hashlib.md5(fresh).hexdigest(), sha256=None)
    assert fetch(wanted, tmp_path, patience, nothing).read_bytes() == fresh
    assert server.starts()[:2] == [0, 5000]


def test_a_changed_file_is_not_taken_for_the_stated_one(server, file, data, tmp_path, patience):
    server.content["a.zip"] = data[::-1]
    with pytest.raises(DataError, match=f"got MD5 {hashlib.md5(data[::-1]).hexdigest()}, expected {file.md5}"):
        fetch(file, tmp_path, patience, nothing)
    server.content["a.zip"] = data + b"more"
    with pytest.raises(DataError, match=f"offers {len(data) + 4:,} bytes, expected {len(data):,}; the publisher has"):
        fetch(file, tmp_path, patience, nothing)
    assert names(tmp_path) == []


def test_a_wrong_sha256_alone(server, file, tmp_path, patience):
    with pytest.raises(DataError, match=r"got SHA-256 .*, expected 00"):
        fetch(replace(file, sha256="00" * 32), tmp_path, patience, nothing)
    assert names(tmp_path) == []


def test_an_earlier_part_with_wrong_bytes_is_dropped(server, file, data, tmp_path, patience, caplog):
    (tmp_path / "a.zip.part").write_bytes(b"x" * 5000)
    (tmp_path / "a.zip.part.json").write_text(json.dumps({"url": file.url, "etag": '"one"', "total": len(data)}))
    assert fetch(file, tmp_path, patience, nothing).read_bytes() == data
    assert server.starts() == [5000, 0]
    assert "fetching it anew" in caplog.text


@pytest.mark.parametrize("notes", ["", "no json", "[1]", '{"url": "https://elsewhere/a.zip"}'])
def test_a_part_of_unknown_origin_is_dropped(server, file, data, tmp_path, patience, notes):
    (tmp_path / "a.zip.part").write_bytes(data[:5000])
    (tmp_path / "a.zip.part.json").write_text(notes)
    assert fetch(file, tmp_path, patience, nothing).read_bytes() == data
    assert server.starts() == [0]


@pytest.mark.parametrize("size_is_known", [True, False])
def test_a_part_that_is_whole(server, file, data, tmp_path, patience, size_is_known):
    (tmp_path / "a.zip.part").write_bytes(data)
    (tmp_path / "a.zip.part.json").write_text(json.dumps({"url": file.url}))
    wanted = file if size_is_known else replace(file, size=None)
    assert fetch(wanted, tmp_path, patience, nothing).read_bytes() == data
    assert server.starts() == ([] if size_is_known else [len(data)])


@pytest.mark.parametrize("size_is_known", [True, False])
def test_a_part_that_is_longer_than_the_file(server, file, data, tmp_path, patience, size_is_known):
    (tmp_path / "a.zip.part").write_bytes(data + b"more")
    (tmp_path / "a.zip.part.json").write_text(json.dumps({"url": file.url}))
    wanted = file if size_is_known else replace(file, size=None)
    assert fetch(wanted, tmp_path, patience, nothing).read_bytes() == data


@pytest.mark.parametrize("code", [429, 500, 502, 503])
def test_a_busy_server_is_tried_again(server, file, data, tmp_path, patience, pauses, faults, code):
    server.faults = [faults.status(code), faults.status(code, {"Retry-After": "7"})]
    assert fetch(file, tmp_path, patience, nothing).read_bytes() == data
    assert pauses == [1, 7]


def test_a_server_may_not_make_us_wait_forever(server, file, tmp_path, patience, pauses, faults):
    server.faults = [faults.status(503, {"Retry-After": "86400"})]
    fetch(file, tmp_path, patience, nothing)
    assert pauses == [60]


@pytest.mark.parametrize(
    ("code", "headers", "what"),
    [
        (404, {}, "404 Not Found: the file is gone or has moved"),
        (410, {}, "410 Gone: the file is gone"),
        (403, {}, "403 Forbidden: it gives the file to no one, or not to programs"),
        (401, {}, "401 Unauthorized"),
        (418, {}, "418 I'm a Teapot"),
        (202, {"x-amzn-waf-action": "challenge"}, "202 Accepted: the server wants to see a browser"),
        (204, {}, "204 No Content"),
        (302, {"Location": "http://example.org/a"}, "got an address of http://example.org, expected https"),
        (302, {"Location": "file:///etc/passwd"}, "file"),
    ],
)
def test_refusals_are_final(server, file, tmp_path, patience, pauses, faults, code, headers, what):
    server.faults = [faults.status(code, headers)]
    with pytest.raises(DataError) as caught:
        fetch(file, tmp_path, patience, nothing)
    assert what.lower() in str(caught.value).lower()
    assert f"save it as {tmp_path / 'a.zip'}" in str(caught.value)
    assert (len(server.asked), pauses) == (1, [])
    assert names(tmp_path) == []


def test_redirects_are_followed_with_the_range(server, file, data, tmp_path, patience, faults):
    server.faults = [faults.cut(5000), faults.status(302, {"Location": server.url("a.zip")})]
    assert fetch(file, tmp_path, patience, nothing).read_bytes() == data
    assert server.starts() == [0, 5000, 5000]


def test_another_address_of_the_publisher_is_tried(server, file, data, tmp_path, patience):
    wanted = replace(file, url=server.url("gone.zip"), mirrors=(file.url,))
    assert fetch(wanted, tmp_path, patience, nothing).read_bytes() == data


def test_a_part_of_no_stated_place(server, file, tmp_path, patience, faults):
    server.faults = [faults.cut(5000), faults.status(206)]
    with pytest.raises(DataError, match="a part of the file and does not say which"):
        fetch(file, tmp_path, patience, nothing)


@pytest.mark.parametrize("address", ["http://example.org/a", "ftp://localhost/a", "file:///etc/passwd", "a.zip", ""])
def test_only_https(address):
    with pytest.raises(Refused, match="expected https"):
        check_address(address)
    check_address("https://example.org/a")


def test_no_network(tmp_path, patience, pauses, monkeypatch):
    def refuse(*details, **more):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("no_proxy", "*")
    wanted = RemoteFile("a.zip", "https://ndownloader.figshare.com/files/1", 3)
    with pytest.raises(DataError) as caught:
        fetch(wanted, tmp_path, patience, nothing)
    assert str(caught.value) == (
        "can't fetch https://ndownloader.figshare.com/files/1: no network, or no such host: ndownloader.figshare.com "
        "is not found (temporary failure in name resolution) – try again later, or save it as "
        f"{tmp_path / 'a.zip'} by other means and run the same command again"
    )
    assert pauses == [1]
    assert names(tmp_path) == []


def test_nobody_listens(tmp_path, patience, pauses):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(DataError, match=r"can't reach 127\.0\.0\.1: connection refused"):
        fetch(RemoteFile("a", f"http://127.0.0.1:{port}/a"), tmp_path, patience, nothing)
    assert pauses == [1, 2, 4]


def test_a_silent_server(server, file, data, tmp_path, pauses):
    done = threading.Event()
    server.faults = [lambda handler, content: done.wait(5)]
    patience = Patience(attempts=2, timeout=0.2, sleep=lambda seconds: (pauses.append(seconds), done.set()))
    assert fetch(file, tmp_path, patience, nothing).read_bytes() == data
    assert pauses == [1]


def test_ctrl_c_leaves_a_part_to_go_on_with(server, file, data, tmp_path, patience):
    def interrupt(name, done, total):
        if done > 1 << 18:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(file, tmp_path, patience, interrupt)
    kept = (tmp_path / "a.zip.part").read_bytes()
    assert len(kept) > 1 << 18
    assert kept == data[: len(kept)]
    assert names(tmp_path) == ["a.zip.part", "a.zip.part.json"]
    assert fetch(file, tmp_path, patience, nothing).read_bytes() == data
    assert server.starts() == [0, len(kept)]


class FullDisk:
    """A file that takes so many bytes and no more."""

    def __init__(self, handle, room):
        self._handle, self._room = handle, room

    def write(self, block):
        if self._room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = self._handle.write(bytes(block[: self._room]))
        self._room -= taken
        return taken

    def __getattr__(self, name):
        return getattr(self._handle, name)


def test_a_full_disk(server, file, data, tmp_path, patience, monkeypatch):
    real, handles = transfer._Part._opened, {}
    monkeypatch.setattr(transfer._Part, "_opened", lambda part: handles.setdefault(part, FullDisk(real(part), 300_000)))
    with pytest.raises(OutputError, match=r"can't write .*a\.zip: No space left on device – free some space"):
        fetch(file, tmp_path, patience, nothing)
    monkeypatch.undo()
    assert (tmp_path / "a.zip.part").read_bytes() == data[:300_000]
    assert fetch(file, tmp_path, patience, nothing).read_bytes() == data
    assert server.starts() == [0, 300_000]


def test_a_place_that_is_no_folder(server, file, tmp_path, patience):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OutputError, match=r"can't write .*taken/a\.zip: (File exists|Not a directory)"):
        fetch(file, tmp_path / "taken", patience, nothing)
    assert server.asked == []


def test_two_processes_do_not_mix_their_bytes(server, file, tmp_path, patience):
    with open(tmp_path / "a.zip.part", "ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(OutputError, match=r"another process writes .*a\.zip\.part – wait"):
            fetch(file, tmp_path, patience, nothing)


def test_patience_needs_an_attempt():
    with pytest.raises(ValueError, match="attempts: got 0"):
        Patience(attempts=0)


def test_a_server_with_a_wrong_certificate(monkeypatch, tmp_path, patience, pauses):
    fault = ssl.SSLCertVerificationError(1, "certificate verify failed")
    fault.verify_message = "self-signed certificate"

    class Opener:
        def open(self, request, timeout):
            raise urllib.error.URLError(fault)

    monkeypatch.setattr(remote, "_opener", Opener)
    with pytest.raises(DataError, match=r"certificate of example.org can't be verified .self-signed certificate."):
        fetch(RemoteFile("a", "https://example.org/a"), tmp_path, patience, nothing)
    assert pauses == []
