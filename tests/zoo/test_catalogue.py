"""Rows of the catalogue: each resolves, and wrong ones are one clear line."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from fxdet.core.errors import ModelError
from fxdet.core.files import sha256_file
from fxdet.zoo.cards import read_card, verified_weights
from fxdet.zoo.catalogue import (
    CATALOGUE_FILE,
    KINDS,
    PIPELINE,
    ZooRow,
    catalogue,
    find_row,
    refreshed_row,
    write_catalogue,
)
from fxdet.zoo.folders import read_folder, write_readme
from fxdet.zoo.hub import BUILDERS, SHIPPED, family_of, find_pipeline, resolve

ROOT = Path(__file__).resolve().parents[2]
ROWS = catalogue()
NAMES = [row.name for row in ROWS]
TRAINED = {"sha256": "0" * 64, "size": 1, "card": "c.json"}
ROW = ZooRow("a.b", "localizer", "For tests", "MIT", ("python x.py",), "yolov8n")


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_files_of_a_row_exist(row):
    for place in filter(None, (row.config, row.result)):
        assert (ROOT / place).is_file(), f"{row.name}: no {place}"
    for command in row.commands:
        named = re.findall(r"(?:tools|configs)/[\w./-]+\.(?:py|yaml)", command)
        assert named or command.startswith("fxdet ")
        assert all((ROOT / place).is_file() for place in named), command


@pytest.mark.parametrize("row", [row for row in ROWS if row.card], ids=[row.name for row in ROWS if row.card])
def test_the_card_of_a_row_says_the_same(row):
    assert refreshed_row(row) == row, "run: python tools/update_catalogue.py"
    if row.kind == PIPELINE:
        assert find_pipeline(row.card).card.name == row.name
        assert sha256_file(row.card) == row.sha256
        return
    card = read_card(row.card)
    if row.bundled:
        assert verified_weights(card, row.card.parent).stat().st_size == row.size
    if row.in_repository:
        folder = row.beside_the_package
        assert read_card(folder / "card.json") == card
        assert verified_weights(card, folder).stat().st_size == row.size <= 25_000_000


@pytest.mark.parametrize("row", [row for row in ROWS if row.kind != PIPELINE], ids=lambda row: row.name)
def test_the_configuration_of_a_row_makes_that_model(row):
    merged = {}
    place = ROOT / row.config
    while place is not None:
        data = yaml.safe_load(place.read_text("utf-8"))
        merged = {**data, **merged}
        place = place.parent / data["base"] if "base" in data else None
    assert (f"{merged['name']}.{merged['tag']}", merged["architecture"]) == (row.name, row.architecture)
    assert row.config in row.commands[-1]


@pytest.mark.parametrize("row", [row for row in ROWS if row.kind != PIPELINE], ids=lambda row: row.name)
def test_a_builder_knows_the_architecture(row):
    heads = {} if row.kind == "localizer" else {"fracture": ("normal", "fractured")}
    labels = ("fracture",) if row.kind == "localizer" else ()
    card = replace(
        read_card(find_row("mobilenetv2_100.builtin").card),
        kind=row.kind, architecture=row.architecture, heads=heads, labels=labels, temperature={},
    )  # fmt: skip
    assert callable(resolve(BUILDERS[family_of(card)]))
    if row.kind == "classifier":
        import timm

        assert timm.is_model(row.architecture)


def test_every_configuration_belongs_to_a_row():
    text = "\n".join(row.command for row in ROWS)
    # What other configurations start from, and what a reader fills in, is no model.
    no_models = {"base", "your_own"}
    for place in sorted(ROOT.glob("configs/[cd]*/*.yaml")):
        name = place.relative_to(ROOT).as_posix()
        assert place.stem in no_models or name in text, f"{name} belongs to no row: add one to fxdet/zoo/catalogue.json"


def test_shipped_pipelines_are_rows_and_their_models_too():
    shipped = {row.name for row in ROWS if row.kind == PIPELINE and row.bundled}
    assert shipped == set(SHIPPED)
    for name in shipped:
        models = {read_card(path).full_name for _, path in find_pipeline(name).models}
        assert set(find_row(name).models) == models


def test_cards_and_catalogue_come_with_the_package():
    settings = ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    patterns = settings["options.package_data"]["fxdet.zoo"].split()
    for path in (CATALOGUE_FILE, *(row.card for row in ROWS if row.card)):
        name = path.relative_to(CATALOGUE_FILE.parent).as_posix()
        assert any(fnmatch(name, pattern) for pattern in patterns), f"setup.cfg ships no {name}"


def test_the_catalogue_needs_neither_torch_nor_the_hub():
    code = (
        "import sys; from fxdet.zoo.catalogue import catalogue; import fxdet.zoo.fetching; assert catalogue();"
        "sys.exit(' '.join(name for name in ('torch', 'timm', 'huggingface_hub') if name in sys.modules) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_states():
    sha, card = "0" * 64, Path("c.json")
    assert ROW.state == "not trained yet"
    assert not ROW.trained
    trained = replace(ROW, sha256=sha, size=1, card=card)
    assert trained.state == "by command"
    assert replace(trained, revision="abc").state == "on the hub"
    assert replace(trained, bundled=True).state == "shipped"
    beside = replace(trained, in_repository=True)
    assert (beside.state, beside.beside_the_package) == ("in the repository", None)


def test_the_folder_beside_the_package_has_what_the_catalogue_says():
    said = {row.name for row in ROWS if row.in_repository}
    assert {path.parent.name for path in (ROOT / "weights").glob("*/card.json")} == said
    assert all(find_row(name).beside_the_package == ROOT / "weights" / name for name in said)


@pytest.mark.parametrize("row", [row for row in ROWS if row.in_repository], ids=lambda row: row.name)
def test_the_readme_beside_the_package_says_what_the_card_says(row, tmp_path):
    folder = shutil.copytree(row.beside_the_package, tmp_path / row.name)
    write_readme(read_folder(folder))
    there = (row.beside_the_package / "README.md").read_text("utf-8")
    assert (folder / "README.md").read_text("utf-8") == there, "write it again: write_readme(read_folder(folder))"


def test_a_catalogue_survives_the_disk(tmp_path):
    card = tmp_path / "cards" / "x.json"
    rows = (ROW, replace(ROW, name="c.d", card=card, sha256="0" * 64, size=3, result="docs/x.json"))
    pipeline = ZooRow("p", PIPELINE, "Two", "MIT", ("x",), models=("a.b", "c.d"))
    write_catalogue((*rows, pipeline), tmp_path / "catalogue.json")
    assert catalogue(tmp_path / "catalogue.json") == (pipeline, *rows)
    assert str(tmp_path) not in (tmp_path / "catalogue.json").read_text("utf-8")


def test_the_catalogue_is_written_as_it_would_be_written(tmp_path):
    copied = tuple(
        replace(row, card=tmp_path / row.card.relative_to(CATALOGUE_FILE.parent) if row.card else None) for row in ROWS
    )
    write_catalogue(copied, tmp_path / "catalogue.json")
    assert (tmp_path / "catalogue.json").read_bytes() == CATALOGUE_FILE.read_bytes()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "detector"}, "ZooRow.kind of a.b: got 'detector'"),
        ({"name": "../x"}, "ZooRow.name"),
        ({"name": ""}, "ZooRow.name"),
        ({"commands": []}, "expected the commands that make it"),
        ({"sha256": "xyz"}, "64 hexadecimal digits"),
        ({"sha256": "0" * 64}, "expected all three or none"),
        ({"size": 3}, "expected all three or none"),
        ({"bundled": True}, "expected the hash of the weights"),
        ({"in_repository": True}, "expected the hash of the weights"),
        ({**TRAINED, "bundled": True, "in_repository": True}, "expected one copy of the weights"),
        ({"revision": "abc"}, "expected the hash of the weights"),
        ({"models": ["x"]}, "'architecture' for a model"),
        ({"architecture": ""}, "'architecture' for a model"),
        ({"size": "3"}, "expected a whole number"),
        ({"licence": None}, "expected a string"),
        ({"comand": "x"}, "unknown key 'comand' – did you mean 'commands'?"),
    ],
)
def test_a_wrong_row_is_one_clear_line(tmp_path, changes, message):
    path = tmp_path / "catalogue.json"
    row = {"name": "a.b", "kind": "localizer", "description": "", "licence": "MIT", "commands": ["x"]}
    path.write_text(json.dumps({"rows": [{**row, "architecture": "yolov8n", **changes}]}), "utf-8")
    with pytest.raises(ModelError) as caught:
        catalogue(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "message"),
    [([ROW, ROW], "a.b named twice"), ([replace(ROW, kind=PIPELINE, architecture="", models=("a.c",))], "a.b is made")],
)
def test_rows_that_contradict_each_other_are_one_clear_line(tmp_path, rows, message):
    write_catalogue(rows, tmp_path / "catalogue.json")
    with pytest.raises(ModelError, match=message):
        catalogue(tmp_path / "catalogue.json")


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(ModelError, match=r"did you mean 'yolov8n.fracatlas'\?"):
        find_row("yolov8n.fracatlass")


def test_pipelines_come_first():
    order = [KINDS.index(row.kind) for row in ROWS]
    assert order == sorted(order)
