"""Pages, cards and result files agree; a planted disagreement is found, wherever it is."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from fxdet.core.errors import DataError, FxdetError
from fxdet.pages.agreement import disagreements
from fxdet.pages.marks import block_names
from fxdet.pages.measured import OPENINGS
from fxdet.pages.registry import PAGES, differing_pages, write_pages
from fxdet.pages.sources import Repository
from fxdet.pages.zoo_tables import catalogue_of
from fxdet.zoo.card_facts import log_of
from fxdet.zoo.cards import read_card

ROOT = Path(__file__).resolve().parents[2]


def tool():
    spec = importlib.util.spec_from_file_location("make_model_zoo", ROOT / "tools" / "make_model_zoo.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


def names(repository: Repository) -> set[str]:
    return {str(path.relative_to(repository.root)) for path in differing_pages(repository)}


def test_the_pages_say_what_result_files_cards_and_configurations_say():
    assert names(Repository(ROOT)) == set(), "run: python tools/make_model_zoo.py"


def test_cards_weights_logs_and_result_files_say_the_same():
    assert disagreements(Repository(ROOT)) == []


def test_every_mark_of_a_page_is_written():
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    marked = {str(p.relative_to(ROOT)): block_names(p.read_text(encoding="utf-8"), p.name) for p in pages}
    # Marks without a name in PAGES would never be written; blocks without marks fail when they are.
    assert {page: set(found) for page, found in marked.items() if found} == {
        page: set(blocks) for page, blocks in PAGES.items()
    }


def test_a_changed_figure_of_a_result_file_is_found_on_every_page_that_shows_it(checkout, change):
    assert names(checkout) == set()
    change(
        "docs/results/builtin.json", lambda data: data["parts"]["fracatlas/grouped test"]["auroc"].update(value=0.999)
    )
    assert names(checkout) == {"README.md", "docs/builtin.md", "docs/fracatlas.md", "docs/zoo.md"}
    assert {str(path.relative_to(checkout.root)) for path in write_pages(checkout)} == {
        "README.md", "docs/builtin.md", "docs/fracatlas.md", "docs/zoo.md",
    }  # fmt: skip
    assert ".999 (." in (checkout.root / "docs" / "fracatlas.md").read_text(encoding="utf-8")
    assert names(checkout) == set()


def test_what_is_typed_between_marks_is_found_on_every_page(checkout):
    for page in PAGES:
        path = checkout.root / page
        text = path.read_text(encoding="utf-8")
        begin = f"<!-- {block_names(text, page)[0]}:begin -->\n"
        path.write_text(text.replace(begin, f"{begin}typed by hand\n"), encoding="utf-8")
    assert names(checkout) == set(PAGES)


PLANTED = {
    "the weights that were measured": (
        "docs/results/builtin.json",
        lambda data: data["models"][0].update(sha256="0" * 64),
        "other weights",
    ),
    "a threshold after the measurement": (
        "fxdet/zoo/builtin/pipeline.json",
        lambda data: data["image_points"].update(definite=0.9),
        "another card",
    ),
    "the figure of a card": (
        "fxdet/zoo/builtin/yolov8n.both.json",
        lambda data: data["figures"]["validation"]["epoch_figures"].update(fracture_AP50=0.9),
        "fracture_AP50 – card 0.9, docs/results/builtin_localizer_stage3_log.csv",
    ),
    "the figure of a card beside the package": (
        "fxdet/zoo/by_command/yolo11n.fracatlas.json",
        lambda data: data["figures"]["validation"]["epoch_figures"].update(fracture_AP50=0.9),
        "fracture_AP50 – card 0.9, docs/results/yolo11n_log.csv",
    ),
    "a figure on a pipeline's card": (
        "fxdet/zoo/builtin/pipeline.json",
        lambda data: data["figures"]["parts"]["fracatlas/grouped test"]["auroc"].update(value=0.999),
        "builtin: figures – card and docs/results/builtin.json differ",
    ),
    "a figure of a result file": (
        "docs/results/builtin.json",
        lambda data: data["parts"]["fracatlas/grouped test"]["auroc"].update(value=0.999),
        "builtin: figures – card and docs/results/builtin.json differ",
    ),
    "a pipeline's figures without a result file": (
        "fxdet/zoo/builtin/pipeline.json",
        lambda data: data.update(figures={}),
        "builtin: figures – card and docs/results/builtin.json differ",
    ),
    "the licence of a card": (
        "fxdet/zoo/builtin/yolov8n.both.json",
        lambda data: data.update(licence="MIT"),
        "licence – catalogue AGPL-3.0-only, card MIT",
    ),
    "parameters of a measured network": (
        "docs/results/zoo/yolov8n.both.json",
        lambda data: data.update(parameters=3),
        "3 parameters, weights 3",
    ),
    "the input of a measured network": (
        "docs/results/zoo/yolov8n.both.json",
        lambda data: data.update(input_size=33),
        "input of 33 px, card",
    ),
    "the weights of a measured network": (
        "docs/results/zoo/yolov8n.both.json",
        lambda data: data.update(sha256="0" * 64),
        "measured with other weights",
    ),
    "a size of the catalogue": (
        "fxdet/zoo/catalogue.json",
        lambda data: next(row for row in data["rows"] if row["name"] == "yolov8n.both").update(size=7),
        "size – catalogue 7, weights",
    ),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_disagreement_is_found(checkout, change, planted):
    place, action, told = PLANTED[planted]
    assert disagreements(checkout) == []
    change(place, action)
    assert any(told in line for line in disagreements(checkout)), disagreements(checkout)


def test_a_log_that_is_not_there_is_named(checkout):
    (checkout.results / "yolo11n_log.csv").unlink()
    with pytest.raises(DataError, match=r"yolo11n_log\.csv.*figures\.validation\.log"):
        disagreements(checkout)


def test_every_trained_model_names_its_log():
    cards = [row.card for row in catalogue_of(Repository(ROOT)) if row.kind != "pipeline" and row.card]
    assert [path.name for path in cards if log_of(read_card(path)) is None] == []


def test_changed_weights_are_refused(checkout):
    path = checkout.root / "fxdet" / "zoo" / "builtin" / "yolov8n.both.safetensors"
    other = checkout.root / "other"
    shutil.copy(path, other)
    data = bytearray(other.read_bytes())
    data[-1] ^= 1
    path.unlink()
    path.write_bytes(data)
    with pytest.raises(FxdetError, match=r"yolov8n\.both"):
        disagreements(checkout)


def test_check_names_the_page_and_writes_nothing(checkout):
    main, page = tool(), checkout.root / "docs" / "zoo.md"
    text = page.read_text(encoding="utf-8").replace("| AGPL-3.0-only |", "| MIT |", 1)
    page.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(main, ["--check", "--root", str(checkout.root)])
    assert (result.exit_code, result.output) == (1, "docs/zoo.md: differs\n")
    assert page.read_text(encoding="utf-8") == text
    assert CliRunner().invoke(main, ["--root", str(checkout.root)]).output == "docs/zoo.md: written\n"
    result = CliRunner().invoke(main, ["--check", "--root", str(checkout.root)])
    assert (result.exit_code, result.output) == (0, "")


def test_check_fails_for_a_disagreement_alone(checkout, change):
    change("docs/results/zoo/yolov8n.fracatlas.json", lambda data: data.update(input_size=33))
    result = CliRunner().invoke(tool(), ["--check", "--root", str(checkout.root)])
    assert result.exit_code == 1
    assert "zoo/yolov8n.fracatlas.json: input of 33 px, card" in result.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "No such file"), ("[1]", "got list, expected an object"), ("{", "Expecting"), ('{"parts": {}}', "missing")],
)
def test_a_result_file_that_is_missing_or_no_result(checkout, content, told):
    path = checkout.results / "builtin.json"
    path.unlink() if content is None else path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=f"builtin.json.*{told}"):
        differing_pages(checkout)


def test_the_readme_says_how_often_the_test_parts_were_opened(checkout):
    words = ("once", "twice", "three times", "four times", "five times", "six times")[len(OPENINGS) - 1]
    assert f"The test parts were opened {words} by now" in (checkout.root / "README.md").read_text(encoding="utf-8")


def test_a_missing_page(checkout):
    (checkout.root / "docs" / "zoo.md").unlink()
    with pytest.raises(DataError, match=r"zoo\.md.*registry"):
        differing_pages(checkout)


def test_a_changed_audit_reaches_the_readme(checkout):
    path = checkout.results / "audit.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    for leak in data["multiregion"]["leaks"]:
        leak["near"] = 1
    path.write_text(json.dumps(data), encoding="utf-8")
    assert names(checkout) == {"README.md", "docs/audit.md"}
