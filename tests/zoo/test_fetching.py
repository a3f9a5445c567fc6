"""Fetching from the package, a folder and a hub that runs on this machine."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fxdet.core.errors import ConfigError, ModelError, OutputError
from fxdet.core.files import sha256_file
from fxdet.zoo import fetching
from fxdet.zoo.cards import read_card, read_pipeline_card, write_card
from fxdet.zoo.catalogue import ZooRow, find_row
from fxdet.zoo.fetching import FolderSource, fetch
from fxdet.zoo.folders import lay_out, new_folder, read_folder
from fxdet.zoo.hub import find_pipeline
from fxdet.zoo.repository import HubSource
from tests.zoo.hub_server import COMMIT, HubFiles, serve

ROOT = Path(__file__).resolve().parents[2]
MODEL = "yolov8n.random"
PIPELINE_FILES = {
    "README.md", "pipeline.json", "localizer.json", "classifier.json", "localizer.safetensors",
    "classifier.safetensors",
}  # fmt: skip


@pytest.fixture
def store(tiny_pipeline, tmp_path):
    """A folder in the hub's layout: the tiny pipeline as 'random', and its localizer."""
    folder = tmp_path / "store"
    lay_out(tiny_pipeline / "pipeline.json", folder / "random")
    lay_out(tiny_pipeline / "localizer.json", folder / MODEL)
    return folder


@pytest.fixture
def hub(store, monkeypatch):
    """A hub on this machine with that folder as the repository 'me/zoo'."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    files = HubFiles("me/zoo", store)
    with serve(files) as address:
        yield files, address


def names_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def row_of(folder: Path, **changes) -> ZooRow:
    found = read_folder(folder)
    sha256 = sha256_file(folder / "pipeline.json") if found.kind == "pipeline" else found.card.sha256
    architecture = "" if found.kind == "pipeline" else found.card.architecture
    models = ("x",) if found.kind == "pipeline" else ()
    row = ZooRow(
        found.name, found.kind, "", "MIT", ("make it",), architecture, Path("card.json"), models=models,
        size=found.size, sha256=sha256,
    )  # fmt: skip
    return replace(row, **changes)


def test_from_a_folder(store, tmp_path):
    done = fetch("random", FolderSource(store), tmp_path / "zoo")
    assert (done.is_new, done.folder.path) == (True, tmp_path / "zoo" / "random")
    assert names_in(tmp_path / "zoo") == {"random", *(f"random/{name}" for name in PIPELINE_FILES)}
    for name in PIPELINE_FILES:
        assert (tmp_path / "zoo" / "random" / name).read_bytes() == (store / "random" / name).read_bytes()
    assert find_pipeline(tmp_path / "zoo" / "random").card.name == "random"


def test_from_the_models_own_folder_and_with_its_extras(store, tmp_path):
    (store / MODEL / "log.csv").write_text("epoch\n", "utf-8")
    (store / MODEL / "radiograph.png").write_bytes(b"not ours")
    fetch(MODEL, FolderSource(store / MODEL), tmp_path / "zoo")
    assert names_in(tmp_path / "zoo" / MODEL) == {"README.md", "card.json", "localizer.safetensors", "log.csv"}


def test_a_folder_without_readme_gets_one(store, tmp_path):
    (store / MODEL / "README.md").unlink()
    fetch(MODEL, FolderSource(store), tmp_path)
    assert f"# {MODEL}" in (tmp_path / MODEL / "README.md").read_text("utf-8")


def test_what_is_there_is_checked_and_left(store, tmp_path):
    fetch(MODEL, FolderSource(store), tmp_path)
    before = (tmp_path / MODEL / "card.json").stat().st_mtime_ns
    shutil.rmtree(store)
    assert not fetch(MODEL, FolderSource(store), tmp_path).is_new
    assert (tmp_path / MODEL / "card.json").stat().st_mtime_ns == before


def test_what_is_there_and_differs_is_left(store, tmp_path):
    (tmp_path / "zoo" / MODEL).mkdir(parents=True)
    (tmp_path / "zoo" / MODEL / "mine.txt").write_text("mine", "utf-8")
    with pytest.raises(OutputError, match="nothing was overwritten"):
        fetch(MODEL, FolderSource(store), tmp_path / "zoo")
    assert names_in(tmp_path / "zoo") == {MODEL, f"{MODEL}/mine.txt"}


def spoil(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def test_changed_weights_are_never_put_in_place(store, tmp_path):
    spoil(store / MODEL / "localizer.safetensors")
    with pytest.raises(ModelError, match=r"got SHA-256 .*expected"):
        fetch(MODEL, FolderSource(store), tmp_path / "zoo")
    assert names_in(tmp_path / "zoo") == set()


def test_truncated_weights_are_never_put_in_place(store, tmp_path):
    weights = store / "random" / "classifier.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match="1000 bytes"):
        fetch("random", FolderSource(store), tmp_path / "zoo")
    assert names_in(tmp_path / "zoo") == set()


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        (MODEL, {"sha256": "0" * 64}, r"expected 000000000000… as the catalogue says of yolov8n.random"),
        (MODEL, {"size": 3}, "expected 3"),
        ("random", {"sha256": "0" * 64}, r"pipeline.json – got SHA-256 .*expected 000000000000…"),
    ],
)
def test_what_differs_from_the_catalogue_is_refused(store, tmp_path, monkeypatch, name, changes, message):
    row = row_of(store / name)
    monkeypatch.setattr(fetching, "known_row", lambda _: row)
    fetch(name, FolderSource(store), tmp_path / "right")
    monkeypatch.setattr(fetching, "known_row", lambda _: replace(row, **changes))
    with pytest.raises(ModelError, match=message):
        fetch(name, FolderSource(store), tmp_path / "wrong")
    assert names_in(tmp_path / "wrong") == set()


def test_a_model_of_a_pipeline_is_held_against_its_own_row(store, tmp_path, monkeypatch):
    rows = {"random": row_of(store / "random"), MODEL: row_of(store / MODEL, sha256="0" * 64)}
    monkeypatch.setattr(fetching, "known_row", rows.get)
    monkeypatch.setattr("fxdet.zoo.folders.known_row", rows.get)
    with pytest.raises(ModelError, match=r"as the catalogue says of yolov8n\.random"):
        fetch("random", FolderSource(store), tmp_path / "zoo")


@pytest.mark.parametrize("name", ["../yolov8n.random", "a/b", ".hidden", ""])
def test_a_name_that_leads_elsewhere_is_refused(store, tmp_path, name):
    with pytest.raises(ModelError, match="expected the name of a model"):
        fetch(name, FolderSource(store), tmp_path / "zoo")
    assert not (tmp_path / "zoo").exists()


@pytest.mark.parametrize("place", ["../localizer.json", "/etc/passwd.json", "sub/localizer.json", "localizer.txt"])
def test_a_pipeline_that_names_files_elsewhere_is_refused(store, tmp_path, place):
    card = read_pipeline_card(store / "random")
    write_card(store / "random" / "pipeline.json", replace(card, localizer=place))
    with pytest.raises(ModelError, match="in the same folder"):
        fetch("random", FolderSource(store), tmp_path / "zoo")


def test_another_models_card_is_refused(store, tmp_path):
    shutil.copytree(store / MODEL, store / "other.tag")
    with pytest.raises(ModelError, match=r"got the card of yolov8n.random, expected other.tag's"):
        fetch("other.tag", FolderSource(store), tmp_path / "zoo")
    assert names_in(tmp_path / "zoo") == set()


def test_a_source_without_the_model_or_with_half_of_it_is_named(store, tmp_path):
    with pytest.raises(ModelError, match=r"can't find no.such in folder .*expected no.such/card.json"):
        fetch("no.such", FolderSource(store), tmp_path / "zoo")
    (store / MODEL / "localizer.safetensors").unlink()
    with pytest.raises(ModelError, match=r"has no yolov8n\.random/localizer\.safetensors, which its card names"):
        fetch(MODEL, FolderSource(store), tmp_path / "zoo")


def test_a_folder_that_cant_be_written_is_named(store, tmp_path):
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(OutputError, match="choose another folder"):
        fetch(MODEL, FolderSource(store), tmp_path / "file" / "zoo")


def test_shipped_models_come_out_of_the_package(tmp_path):
    done = fetch("fast", None, tmp_path)
    row = find_row("fast")
    assert done.folder.size == row.size
    assert sha256_file(tmp_path / "fast" / "pipeline.json") == row.sha256
    assert {card.full_name for card in done.folder.models.values()} == set(row.models)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet10t.drawn", "has not been trained yet.*made by: python .* && python tools/train_cls.py"),
        ("a.b", "no such row"),
    ],
)
def test_without_a_source_nothing_is_asked_of_a_network(tmp_path, monkeypatch, name, message):
    def refuse(self, address):
        raise AssertionError(f"connected to {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(ModelError, match=message):
        fetch(name, None, tmp_path)
    assert names_in(tmp_path) == set()


def test_a_broken_writing_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), new_folder(tmp_path / "x") as stage:
        (stage / "half").write_text("", "utf-8")
        raise ZeroDivisionError
    assert names_in(tmp_path) == set()


def test_from_the_hub(hub, store, tmp_path):
    files, address = hub
    done = fetch("random", HubSource("me/zoo", endpoint=address), tmp_path / "zoo")
    assert done.is_new
    assert names_in(tmp_path / "zoo" / "random") == PIPELINE_FILES
    assert names_in(tmp_path / "zoo") == {"random", *(f"random/{name}" for name in PIPELINE_FILES)}
    for name in PIPELINE_FILES:
        assert (tmp_path / "zoo" / "random" / name).read_bytes() == (store / "random" / name).read_bytes()
    # After the first question all are about one commit.
    assert {request.split("/resolve/")[1].split("/")[0] for request in files.asked[2:]} == {COMMIT}


def test_what_the_hub_has_wrong_is_never_put_in_place(hub, store, tmp_path):
    _, address = hub
    spoil(store / MODEL / "localizer.safetensors")
    with pytest.raises(ModelError, match="got SHA-256"):
        fetch(MODEL, HubSource("me/zoo", endpoint=address), tmp_path / "zoo")
    assert names_in(tmp_path / "zoo") == set()


def test_a_broken_connection_goes_on_where_it_broke(hub, tmp_path, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    files, address = hub
    files.broken = {f"{MODEL}/localizer.safetensors"}
    try:
        fetch(MODEL, HubSource("me/zoo", endpoint=address), tmp_path / "zoo")
    except ModelError:  # before 2.0 the library goes on in the next attempt only
        fetch(MODEL, HubSource("me/zoo", endpoint=address), tmp_path / "zoo")
    assert (tmp_path / "zoo" / MODEL / "localizer.safetensors").is_file()
    (part,) = filter(None, files.parts)
    assert 0 < int(part.removeprefix("bytes=").partition("-")[0]) < 12_200_000


def test_an_interrupted_fetch_keeps_whole_files_for_the_next(hub, store, tmp_path):
    files, address = hub
    weights = store / MODEL / "localizer.safetensors"
    weights.rename(store / "away")
    with pytest.raises(ModelError, match="which its card names"):
        fetch(MODEL, HubSource("me/zoo", endpoint=address), tmp_path / "zoo")
    (store / "away").rename(weights)
    files.asked.clear()
    fetch(MODEL, HubSource("me/zoo", endpoint=address), tmp_path / "zoo")
    assert not [request for request in files.asked if request.startswith("GET") and "card.json" in request]
    assert names_in(tmp_path / "zoo") == {MODEL, *(f"{MODEL}/{n}" for n in ("README.md", "card.json", weights.name))}


@pytest.mark.parametrize(
    ("repository", "revision", "message"),
    [
        ("you/zoo", "main", "no such repository, or a private one"),
        ("me/zoo", "v9", "no revision 'v9'"),
    ],
)
def test_what_the_hub_refuses_is_one_clear_line(hub, tmp_path, repository, revision, message):
    _, address = hub
    with pytest.raises(ModelError, match=message) as caught:
        fetch(MODEL, HubSource(repository, revision, address), tmp_path / "zoo")
    assert "\n" not in str(caught.value)
    assert names_in(tmp_path / "zoo") == set()


def test_a_model_that_the_hub_does_not_have_is_named(hub, tmp_path):
    _, address = hub
    with pytest.raises(ModelError, match=r"can't find no\.such in hub repository me/zoo"):
        fetch("no.such", HubSource("me/zoo", endpoint=address), tmp_path / "zoo")


def test_without_a_network_one_clear_line_at_once(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"  # nobody listens there
    with pytest.raises(ModelError, match=r"no connection to the hub \(.*\) – check the network, or"):
        fetch(MODEL, HubSource("me/zoo", endpoint=address), tmp_path / "zoo")
    assert names_in(tmp_path / "zoo") == set()


@pytest.mark.parametrize("name", ["zoo", "me/zoo/x", "/me/zoo", "me/", "./zoo"])
def test_what_is_no_repository_is_refused(name):
    with pytest.raises(ConfigError, match="expected OWNER/NAME"):
        HubSource(name)


def test_the_command_fetches_from_the_hub_that_the_environment_names(hub, tmp_path):
    _, address = hub
    environment = {**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "home"), "FXDET_ZOO": "me/zoo"}
    command = [sys.executable, "-m", "fxdet", "zoo", "fetch", MODEL, "-o", str(tmp_path / "zoo")]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert read_card(tmp_path / "zoo" / MODEL).full_name == MODEL
    assert json.loads((tmp_path / "zoo" / MODEL / "card.json").read_text("utf-8"))["tag"] == "random"
