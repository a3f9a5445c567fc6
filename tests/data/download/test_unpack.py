"""Archives, honest and not."""

from __future__ import annotations

import io
import os
import shutil
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxdet.core.errors import DataError, OutputError
from fxdet.data.unpack import member_path, unpack


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in members.items():
            target.writestr(zipfile.ZipInfo(name) if name.endswith("/") else name, content)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_single_outer_folder_is_left_out(tmp_path):
    source = archive(tmp_path / "a.zip", {"Set/": b"", "Set/x/1.png": b"one", "Set/t.csv": b"t"})
    seen = []
    assert unpack(source, tmp_path / "out", lambda *step: seen.append(step)) == 2
    assert tree(tmp_path / "out") == {"x/1.png": b"one", "t.csv": b"t"}
    assert seen == [(3, 4), (4, 4)]
    assert names(tmp_path) == ["a.zip", "out"]


@pytest.mark.parametrize(
    "members", [{"1.png": b"1", "2.png": b"2"}, {"a/1": b"1", "b/1": b"2"}, {"a/1": b"1", "b": b""}]
)
def test_other_archives_keep_their_tree(tmp_path, members):
    unpack(archive(tmp_path / "a.zip", members), tmp_path / "out")
    assert tree(tmp_path / "out") == members


def test_litter_is_left_out(tmp_path):
    members = {"S/1.png": b"1", "__MACOSX/S/._1.png": b"x", "S/.DS_Store": b"x", "S/._1.png": b"x"}
    unpack(archive(tmp_path / "a.zip", members), tmp_path / "out")
    assert tree(tmp_path / "out") == {"1.png": b"1"}


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/evil", "C:evil", "a\\..\\..\\evil", "..", "//evil"])
def test_names_that_leave_the_folder(tmp_path, name):
    inner = tmp_path / "deep" / "er"
    inner.mkdir(parents=True)
    source = archive(inner / "a.zip", {"good": b"1"})
    with zipfile.ZipFile(source, "a") as target:
        info = zipfile.ZipInfo("x")
        info.filename = name
        target.writestr(info, b"evil")
    with pytest.raises(DataError, match="lies outside the folder – do not use it"):
        unpack(source, inner / "out")
    assert names(inner) == ["a.zip"]
    assert names(tmp_path) == ["deep"]


@given(st.text(min_size=1))
def test_a_member_never_leaves_the_folder(name):
    path = member_path(name)
    if path is not None:
        place = os.path.normpath(f"/root/of/all/{path}")
        assert place.startswith("/root/of/all/")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices(tmp_path, kind):
    info = zipfile.ZipInfo("link")
    info.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as target:
        target.writestr(info, "/etc/passwd")
    with pytest.raises(DataError, match="'link' is a link or device"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def test_permissions_are_not_taken_over(tmp_path):
    info = zipfile.ZipInfo("tool")
    info.external_attr = (stat.S_IFREG | stat.S_ISUID | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as target:
        target.writestr(info, "x")
    unpack(tmp_path / "a.zip", tmp_path / "out")
    assert (tmp_path / "out/tool").stat().st_mode & 0o7111 == 0


def test_a_name_that_is_there_twice(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as target:
        target.writestr("a/b", "1")
        with pytest.warns(UserWarning, match="Duplicate"):
            target.writestr("a/b", "2")
    with pytest.raises(DataError, match="'a/b' is there twice"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def test_an_encrypted_member(tmp_path):
    source = archive(tmp_path / "a.zip", {"secret": b"1"})
    data = bytearray(source.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    source.write_bytes(data)
    with pytest.raises(DataError, match="'secret' is encrypted"):
        unpack(source, tmp_path / "out")


def test_a_file_and_a_folder_of_one_name(tmp_path):
    source = archive(tmp_path / "a.zip", {"a": b"1", "a/b": b"2"})
    with pytest.raises(OutputError, match="can't unpack"):
        unpack(source, tmp_path / "out")
    assert names(tmp_path) == ["a.zip"]


@pytest.mark.parametrize("damage", ["no zip", "cut", "byte", "empty"])
def test_damaged_archives(tmp_path, damage):
    source = archive(tmp_path / "a.zip", {"one": os.urandom(5000), "two": b"2"} if damage != "empty" else {})
    data = source.read_bytes()
    source.write_bytes(
        {"no zip": b"<html>", "cut": data[: len(data) // 2], "byte": data[:2000] + b"??" + data[2002:], "empty": data}[
            damage
        ]
    )
    with pytest.raises(DataError, match=r"can't unpack .* – fetch it anew"):
        unpack(source, tmp_path / "out")
    assert names(tmp_path) == ["a.zip"]


def test_a_size_that_is_a_lie(tmp_path):
    """A member that holds more than it states is cut at the stated size, and its checksum is wrong then."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("bomb", bytes(1_000_000))
    data = bytearray(packed.getvalue())
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        data[data.index(mark) + offset : data.index(mark) + offset + 4] = struct.pack("<I", 100)
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(DataError, match="Bad CRC-32"):
        unpack(tmp_path / "a.zip", tmp_path / "out")
    assert names(tmp_path) == ["a.zip"]


def test_too_large_for_the_disk(tmp_path, monkeypatch):
    source = archive(tmp_path / "a.zip", {"one": bytes(3_000_000)})
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 1_000_000))
    with pytest.raises(OutputError, match="1 MB are free, 3 MB are needed"):
        unpack(source, tmp_path / "out")


def test_what_is_there_is_kept(tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match="out exists – move it away"):
        unpack(archive(tmp_path / "a.zip", {"a": b"1"}), tmp_path / "out")


def test_the_rest_of_a_killed_run_is_in_no_way(tmp_path):
    (tmp_path / ".out.unpacking/old").mkdir(parents=True)
    unpack(archive(tmp_path / "a.zip", {"a": b"1"}), tmp_path / "out")
    assert names(tmp_path) == ["a.zip", "out"]
    assert tree(tmp_path / "out") == {"a": b"1"}


def test_ctrl_c_leaves_nothing_half_unpacked(tmp_path):
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unpack(archive(tmp_path / "a.zip", {"a": b"1"}), tmp_path / "out", interrupt)
    assert names(tmp_path) == ["a.zip"]
