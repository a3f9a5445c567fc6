"""``fxdet data download`` as a user types it; the servers are played by functions."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from click.testing import CliRunner

from fxdet.cli.data import data
from fxdet.cli.main import main
from fxdet.core.errors import ConfigError, DataError
from fxdet.data import download as downloading
from fxdet.data.catalogue import RemoteFile


def run(*arguments, answer=None):
    return CliRunner().invoke(data, ["download", *map(str, arguments)], input=answer, catch_exceptions=False)


@pytest.fixture
def publisher(monkeypatch):
    """A publisher with one small archive; returns the names of what was fetched."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as target:
        target.writestr("FracAtlas/dataset.csv", "image_id\n")
    fetched = []

    def fetch(file, folder, patience, progress):
        fetched.append(file.name)
        progress(file.name, 0, file.size)
        progress(file.name, file.size, file.size)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file.name).write_bytes(packed.getvalue())
        return folder / file.name

    files = (RemoteFile("FracAtlas.zip", "https://example.org/1", len(packed.getvalue())),)
    monkeypatch.setattr(downloading, "list_files", lambda entry, patience, api: files)
    monkeypatch.setattr(downloading, "fetch", fetch)
    return fetched


def test_list():
    lines = run("--list").stdout.splitlines()
    assert lines[0].split() == ["name", "how", "fetch", "licence", "what"]
    rows = {line.split()[0]: line for line in lines[1:-1]}
    assert list(rows) == ["fracatlas", "fracatlas-v7", "grazpedwri", "bonefracture", "multiregion", "mura"]
    assert rows["fracatlas-v7"].split()[1:4] == ["open", "0.34", "GB"]
    assert all(len(line) <= 120 for line in lines)


def test_list_as_json():
    rows = {row["name"]: row for row in json.loads(run("--json").stdout)}
    assert (rows["mura"]["open"], rows["fracatlas"]["open"]) == (False, True)
    assert rows["fracatlas-v7"]["files"][0]["md5"] == "fe9da2c7c285915ebee69dfdab8fd396"


@pytest.mark.parametrize("name", ["mura", "bonefracture", "multiregion"])
def test_sets_with_an_account_get_instructions(name, tmp_path):
    result = run(name, "-o", tmp_path)
    assert result.exit_code == 1
    assert "needs an account" in result.stdout
    assert f"fxdet data {'audit' if name == 'multiregion' else 'info'} {tmp_path}" in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_licence_is_shown_and_asked_for_once(publisher, tmp_path):
    first = run("fracatlas", "-o", tmp_path, answer="y\n")
    assert "licence  CC BY 4.0: use it for any purpose" in first.stderr
    assert "Do you accept the licence? [y/N]" in first.stderr
    assert first.stdout.splitlines() == [
        f"FracAtlas, version 6: 1 file in {tmp_path / 'FracAtlas'}",
        first.stdout.splitlines()[1],
        f"next: fxdet data info {tmp_path / 'FracAtlas'}",
    ]
    assert "Scientific Data 10 (2023) 521" in first.stdout
    again = run("fracatlas", "-o", tmp_path)
    assert again.stderr == ""
    assert again.stdout.splitlines()[0].endswith(", fetched before")
    assert publisher == ["FracAtlas.zip"]


@pytest.mark.parametrize(("answer", "what"), [("n\n", "nothing was fetched"), ("", "pass --accept-licence")])
def test_without_the_licence_nothing_is_fetched(publisher, tmp_path, answer, what):
    with pytest.raises(ConfigError, match=what):
        run("fracatlas", "-o", tmp_path / "new", answer=answer)
    assert publisher == []
    assert not (tmp_path / "new").exists()


def test_for_scripts(publisher, tmp_path):
    result = run("fracatlas", "-o", tmp_path, "--accept-licence", "--keep-archives")
    assert "Do you accept" not in result.stderr
    assert (tmp_path / "FracAtlas.download/FracAtlas.zip").exists()
    assert json.loads((tmp_path / "fxdet-downloads.json").read_text())["fracatlas"]["licence"] == "CC BY 4.0"


def test_ctrl_c(publisher, tmp_path, monkeypatch):
    def interrupt(*details):
        raise KeyboardInterrupt

    monkeypatch.setattr(downloading, "fetch", interrupt)
    result = CliRunner().invoke(main, ["data", "download", "fracatlas", "-o", str(tmp_path), "--accept-licence"])
    assert result.exit_code == 130
    assert "what was fetched is kept; the same command goes on with it" in result.stderr


def test_wrong_use(tmp_path):
    assert "name a set, or pass --list" in run().stderr
    assert "pass -o with the folder" in run("fracatlas").stderr
    with pytest.raises(DataError, match="'fracatlass' is unknown – did you mean 'fracatlas'"):
        run("fracatlass", "-o", tmp_path)
