from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from fxdet.core.errors import ConfigError
from fxdet.pipeline import sources
from fxdet.pipeline.sources import SourceList, listed_name, printable


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def names(*inputs: str | Path, **options) -> list[str]:
    return [source.name for source in SourceList(tuple(str(item) for item in inputs), **options)]


def test_a_folder_is_searched_in_order_and_only_for_radiographs(tmp_path):
    touch(
        tmp_path / "b.PNG", tmp_path / "a.jpg", tmp_path / "note.txt", tmp_path / "sub" / "c.tif", tmp_path / ".d.png"
    )
    assert names(tmp_path) == ["a.jpg", "b.PNG", "sub/c.tif"]
    assert names(tmp_path, recursive=False) == ["a.jpg", "b.PNG"]


def test_dicom_files_are_found_by_their_mark(tmp_path):
    (tmp_path / "1.2.840.1").write_bytes(bytes(128) + b"DICM")
    (tmp_path / "IM0001").write_bytes(bytes(128) + b"DICM")
    (tmp_path / "other").write_bytes(bytes(200))
    assert names(tmp_path) == ["1.2.840.1", "IM0001"]


def test_a_file_named_outright_is_taken_whatever_its_name(tmp_path):
    touch(tmp_path / "note.txt")
    assert names(tmp_path / "note.txt") == ["note.txt"]


def test_globs_keep_the_folders_below_their_fixed_part(tmp_path):
    touch(tmp_path / "a" / "1.png", tmp_path / "b" / "1.png", tmp_path / "b" / "1.txt")
    assert names(tmp_path / "*" / "*.png") == ["a/1.png", "b/1.png"]
    assert names(tmp_path / "**" / "*") == ["a/1.png", "b/1.png"]
    assert names(tmp_path / "[ab]") == ["a/1.png", "b/1.png"]


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(tmp_path):
    touch(tmp_path / "a[1].png")
    assert names(tmp_path / "a[1].png") == ["a[1].png"]


def test_list_files(tmp_path, monkeypatch):
    touch(tmp_path / "x" / "1.png", tmp_path / "y" / "1.png")
    (tmp_path / "list.txt").write_text(f"\ufeff# comment\n\nx/1.png\r\n{tmp_path}/y/1.png\nx\nmissing.png\n", "utf-8")
    found = list(SourceList((f"@{tmp_path}/list.txt",)))
    assert [source.path.exists() for source in found] == [True, True, True, False]
    assert found[0].name == "x/1.png"
    assert found[2].name == "x/1.png"
    monkeypatch.chdir(tmp_path)
    assert len(names("@list.txt")) == 4


@pytest.mark.parametrize(
    ("given", "expected"), [("/a/b.png", "a/b.png"), ("../b.png", "b.png"), ("./a/./b.png", "a/b.png")]
)
def test_listed_names_stay_below_the_output_folder(given, expected):
    assert listed_name(Path(given)) == expected


def test_symbolic_link_loops_end(tmp_path, caplog):
    touch(tmp_path / "a" / "1.png")
    (tmp_path / "a" / "back").symlink_to(tmp_path)
    (tmp_path / "again").symlink_to(tmp_path / "a")
    (tmp_path / "self.png").symlink_to(tmp_path / "self.png")
    assert names(tmp_path) == ["self.png", "a/1.png"]
    assert "symbolic link" in caplog.text


def test_a_linked_folder_is_followed(tmp_path):
    touch(tmp_path / "elsewhere" / "1.png")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path / "elsewhere")
    assert names(tmp_path / "in") == ["link/1.png"]


def test_own_results_are_no_input(tmp_path):
    touch(tmp_path / "1.png", tmp_path / "out" / "overlays" / "1.png")
    assert names(tmp_path, leave_out=(tmp_path / "out").resolve()) == ["1.png"]


def test_an_unreadable_sub_folder_is_a_source_that_fails(tmp_path, monkeypatch):
    """What lies in it was not read, so a run must not end as if all had been."""
    touch(tmp_path / "a.png", tmp_path / "locked" / "b.png", tmp_path / "open" / "c.png")
    scandir = os.scandir

    def refuse(path):
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(sources.os, "scandir", refuse)
    assert names(tmp_path) == ["a.png", "locked", "open/c.png"]


def test_the_disk_is_walked_lazily(tmp_path, monkeypatch):
    for index in range(5):
        touch(tmp_path / str(index) / "1.png")
    seen = []
    listing = sources._list_folder
    monkeypatch.setattr(sources, "_list_folder", lambda folder: seen.append(folder.name) or listing(folder))
    assert len(list(itertools.islice(SourceList((str(tmp_path),)), 2))) == 2
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("missing", "no such file or folder"),
        ("empty", "no radiographs in"),
        ("*.png", "no radiographs match"),
        ("@missing.txt", "no such file or folder: missing.txt"),
        ("@blank.txt", "no radiographs in"),
    ],
)
def test_wrong_inputs_are_found_before_the_work_begins(tmp_path, monkeypatch, given, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty" / "below").mkdir(parents=True)
    touch(tmp_path / "empty" / "note.txt", tmp_path / "blank.txt.d" / "x")
    (tmp_path / "blank.txt").write_text("\n# nothing\n")
    with pytest.raises(ConfigError, match=message.replace("*", r"\*")):
        SourceList((given,)).check()


def test_no_input_at_all_is_refused():
    with pytest.raises(ConfigError, match="no input"):
        SourceList(()).check()


def test_odd_names_come_through_and_print_on_one_line(tmp_path):
    odd = os.fsdecode(b"\xff\xfe.png"), "a\nb,c.png", "Größe 1.png"
    touch(*(tmp_path / name for name in odd))
    assert sorted(names(tmp_path)) == sorted(odd)
    assert [printable(name) for name in odd] == ["\\udcff\\udcfe.png", "a\\nb,c.png", "Größe 1.png"]
