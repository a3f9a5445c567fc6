"""Whole sets: the publisher's list, the files, the unpacked folder, the licence."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import zipfile
from dataclasses import replace

import pytest

from fxdet.core.errors import DataError, OutputError
from fxdet.data.catalogue import CATALOGUE, CC_BY, PublicSet, RemoteFile, find_set, instructions
from fxdet.data.download import RECORD, DownloadOptions, accept_licence, download, licence_accepted
from fxdet.data.listing import FIGSHARE_API, files_of, list_files

ONE = PublicSet("one", "One", "a set", CC_BY, "https://doi.org/1", "Who: What", "One", article=1, version=2)
LIST = "articles/1/versions/2"


def packed(members: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as target:
        for name, content in members.items():
            target.writestr(name, content)
    return data.getvalue()


@pytest.fixture
def options(server, patience) -> DownloadOptions:
    return DownloadOptions(patience, api=server.address)


@pytest.fixture
def single(server, record) -> PublicSet:
    """A set of one archive, as FracAtlas is."""
    server.content["a.zip"] = packed({"A/dataset.csv": b"x", "A/images/1.jpg": b"1" * 900})
    server.content[LIST] = record([replace(server.file("a.zip"), name="A.zip")])
    return ONE


@pytest.fixture
def several(server, record) -> PublicSet:
    """A set of a table and two archives, as GRAZPEDWRI-DX is."""
    server.content |= {"t.csv": b"table", "p1.zip": packed({"1.png": b"1"}), "p2.zip": packed({"2.png": b"2"})}
    server.content[LIST] = record([server.file(name) for name in ("t.csv", "p1.zip", "p2.zip")])
    return ONE


def tree(folder) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def paths(server) -> list[str]:
    return [path for path, _ in server.asked]


def test_a_single_archive_is_the_set(single, options, tmp_path, server):
    done = download(single, tmp_path, options)
    assert (done.folder, done.files, done.fetched) == (tmp_path / "One", 2, True)
    assert tree(tmp_path) == ["One/dataset.csv", "One/images/1.jpg", RECORD]
    row = json.loads((tmp_path / RECORD).read_text())["one"]
    assert (row["version"], row["files"][0]["md5"]) == (2, hashlib.md5(server.content["a.zip"]).hexdigest())
    assert row["files"][0]["url"] == server.url("a.zip")


def test_several_files(several, options, tmp_path):
    assert download(several, tmp_path, options).files == 3
    assert tree(tmp_path) == ["One/p1/1.png", "One/p2/2.png", "One/t.csv", RECORD]


def test_archives_are_kept_where_asked(several, options, tmp_path):
    download(several, tmp_path, replace(options, keep_archives=True))
    assert [name for name in tree(tmp_path) if "download/" in name] == [
        f"One.download/{name}" for name in ("p1.zip", "p2.zip", "t.csv")
    ]


def test_what_is_there_is_not_fetched_again(single, options, tmp_path, server):
    download(single, tmp_path, options)
    server.asked.clear()
    again = download(single, tmp_path, options)
    assert (again.files, again.fetched, server.asked) == (2, False, [])


def test_a_folder_of_someone_else_is_left_alone(single, options, tmp_path):
    (tmp_path / "One").mkdir()
    with pytest.raises(OutputError, match="One exists and fxdet did not make it – move it away"):
        download(single, tmp_path, options)


def test_a_stopped_download_goes_on_where_it_ended(several, options, tmp_path, server, faults):
    server.faults = [None, None, None, faults.status(404), faults.status(404)]
    with pytest.raises(DataError, match="404"):
        download(several, tmp_path, options)
    assert not (tmp_path / "One").exists()
    assert paths(server) == [LIST, "t.csv", "p1.zip", "p2.zip", "file/download/3"]
    server.asked.clear()
    download(several, tmp_path, options)
    assert paths(server) == [LIST, "p2.zip"]
    assert tree(tmp_path / "One") == ["p1/1.png", "p2/2.png", "t.csv"]


def test_killed_before_the_set_got_its_name(several, options, tmp_path, monkeypatch):
    monkeypatch.setattr("fxdet.data.download._give_name", lambda *where: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        download(several, tmp_path, options)
    monkeypatch.undo()
    assert download(several, tmp_path, options).files == 3


def test_an_archive_saved_by_hand_is_taken(single, options, tmp_path, server):
    (tmp_path / "One.download").mkdir()
    (tmp_path / "One.download/A.zip").write_bytes(server.content["a.zip"])
    download(single, tmp_path, options)
    assert paths(server) == [LIST]


def test_a_wrong_checksum_leaves_no_set(single, options, tmp_path, server):
    server.content["a.zip"] = server.content["a.zip"][:-1] + b"?"
    with pytest.raises(DataError, match="got MD5"):
        download(single, tmp_path, options)
    assert not (tmp_path / "One").exists()


def test_a_full_disk_is_seen_before_the_first_byte(single, options, tmp_path, monkeypatch, server):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(OutputError, match=r"0 MB are free in .*, 0 MB are to be fetched"):
        download(single, tmp_path, options)
    assert paths(server) == [LIST]


def test_the_second_address_of_figshare_is_tried(single, options, tmp_path, server, faults):
    server.content["file/download/1"] = server.content["a.zip"]
    server.faults = [None, faults.status(202, {"x-amzn-waf-action": "challenge"})]
    assert download(single, tmp_path, options).files == 2
    assert paths(server) == [LIST, "a.zip", "file/download/1"]


def test_the_list_is_asked_for_again(single, options, server, faults, pauses):
    server.faults = [faults.status(500), faults.cut(20)]
    assert list_files(single, options.patience, server.address)[0].name == "A.zip"
    assert pauses == [1, 2]


def test_no_list_no_set(options, server):
    with pytest.raises(
        DataError, match=r"can't ask for the files of one at .*/articles/1/versions/2: .* 404 Not Found"
    ):
        list_files(ONE, options.patience, server.address)


def test_without_the_list_known_checksums_will_do(options, server, caplog):
    known = replace(ONE, files=(RemoteFile("A.zip", "https://a/1", 3, "00"),))
    assert list_files(known, options.patience, server.address) == known.files
    assert "the catalogue's own list" in caplog.text


FILE = RemoteFile("A.zip", "https://a/1", 3, "0a")


@pytest.mark.parametrize(
    ("known", "changes", "what"),
    [
        (replace(FILE, size=4), {}, "A.zip has size 3, expected 4"),
        (replace(FILE, md5="0b"), {}, "A.zip has MD5 0a, expected 0b"),
        (replace(FILE, name="B.zip"), {}, "B.zip is not listed any more"),
        (FILE, {"license": {"name": "CC BY-NC 4.0"}}, "licence is now 'CC BY-NC 4.0', expected 'CC BY 4.0'"),
        (FILE, {"files": None}, "its answer is no record of files"),
        (FILE, {"license": {}}, "its answer is no record of files"),
    ],
)
def test_a_publisher_who_disagrees_with_the_catalogue(known, changes, what, record):
    answer = json.dumps({**json.loads(record([FILE])), **changes}).encode()
    with pytest.raises(DataError, match=re.escape(what)):
        files_of(answer, replace(ONE, files=(known,)))


@pytest.mark.parametrize("name", ["../x.zip", "/x", "a/b", "a\\b", "..", ""])
def test_a_file_name_that_is_a_path(name, record):
    with pytest.raises(DataError, match="expected a plain name"):
        files_of(record([replace(FILE, name=name)]), ONE)


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", b"null", b'{"files": 1}', b"\xff", b"[" * 100_000])
def test_answers_that_are_no_record(answer):
    with pytest.raises(DataError, match="no record of files"):
        files_of(answer, ONE)


def test_an_empty_record(record):
    with pytest.raises(DataError, match="it lists no file"):
        files_of(record([]), ONE)


def test_a_list_keeps_what_the_catalogue_knows(record):
    known = replace(FILE, sha256="ff")
    assert files_of(record([FILE]), replace(ONE, files=(known,))) == (
        replace(FILE, sha256="ff", mirrors=(f"{FIGSHARE_API}/file/download/1",)),
    )


def test_the_licence_is_remembered_for_its_folder_and_set(tmp_path):
    folder = tmp_path / "new"
    assert not licence_accepted(ONE, folder)
    accept_licence(ONE, folder, "2026-05-31")
    assert licence_accepted(ONE, folder)
    assert not licence_accepted(replace(ONE, name="two"), folder)
    assert not licence_accepted(replace(ONE, licence=replace(CC_BY, name="CC BY 5.0")), folder)
    assert not licence_accepted(ONE, tmp_path)
    assert json.loads((folder / RECORD).read_text())["one"]["accepted"] == "2026-05-31"


@pytest.mark.parametrize("text", ["", "[]", "no json", '{"one": 1}'])
def test_a_damaged_record_is_named(tmp_path, text):
    (tmp_path / RECORD).write_text(text)
    with pytest.raises(DataError, match=f"can't read .*{RECORD}: .* – mend or remove it"):
        licence_accepted(ONE, tmp_path)


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="it is no folder"):
        licence_accepted(ONE, tmp_path / "file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        accept_licence(ONE, tmp_path / "new", "2026-05-31")


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=str)
def test_every_set_of_the_catalogue_is_complete(entry):
    assert find_set(entry.name) is entry
    assert entry.page.startswith("https://")
    assert entry.licence.url.startswith("https://")
    assert entry.is_open == (entry.article is not None) == (entry.version is not None)
    assert entry.checked == (bool(entry.files) and all(file.size and file.md5 for file in entry.files))
    for file in entry.files:
        assert re.fullmatch(r"https://ndownloader\.figshare\.com/files/\d+", file.url)
        assert re.fullmatch(r"[0-9a-f]{32}", file.md5 or "0" * 32)
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256 or "0" * 64)


def test_folders_of_the_catalogue_differ():
    folders = [entry.folder for entry in CATALOGUE.values()]
    assert len(set(folders)) == len(folders)


def test_instructions():
    text = instructions(find_set("mura"), "my data")
    assert "1. Open https://aimi.stanford.edu/datasets/mura-msk-xrays" in text
    assert "unzip MURA-v1.1.zip -d 'my data'" in text
    assert "research use agreement" in text


def test_an_unknown_set():
    with pytest.raises(DataError, match="'fractals' is unknown – did you mean 'fracatlas'"):
        find_set("fractals")


@pytest.mark.network
def test_figshare_still_agrees_with_the_catalogue():
    from fxdet.data.remote import Patience

    for entry in CATALOGUE.values():
        if entry.is_open:
            assert list_files(entry, Patience(attempts=2)), entry.name
