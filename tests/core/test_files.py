"""Files appear whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from fxdet.core.errors import OutputError
from fxdet.core.files import atomic_write, read_json_lines, sha256_bytes, sha256_file, write_json, write_json_lines


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"kept": 1})
    with pytest.raises(RuntimeError), atomic_write(path) as handle:
        handle.write("half")
        raise RuntimeError
    assert json.loads(path.read_text()) == {"kept": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


def test_parents_are_made_and_permissions_follow_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "x" / "y" / "ä ö.json"
    write_json(path, {"ß": 1})
    mask = os.umask(0)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask
    assert "ß" in path.read_text(encoding="utf-8")


def test_an_impossible_place_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"can't write .*file/below\.json"):
        write_json(tmp_path / "file" / "below.json", {})


def test_nan_never_becomes_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert not list(tmp_path.iterdir())


def test_lines_round_trip_and_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write_json_lines(path, [{"a": 1}, {"b": "line\nbreak"}])
    with open(path, "a", encoding="utf-8") as handle:
        handle.write('{"torn": ')
    assert list(read_json_lines(path)) == [{"a": 1}, {"b": "line\nbreak"}]


def test_hash_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"abc" * 500_000)
    assert sha256_file(path) == sha256_bytes(b"abc" * 500_000)


def test_writing_never_sets_the_umask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It belongs to the whole process: two threads that set it to read it may leave it open to the world."""

    def refuse(mask: int) -> int:
        raise AssertionError("the mask was set")

    monkeypatch.setattr(os, "umask", refuse)
    write_json(tmp_path / "a.json", {"x": 1})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": 1}
