"""The site: every page has its place, it builds without a warning, links lead somewhere, it loads nothing."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
import pytest

import fxdet
from fxdet.cli.main import main

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
NAMES = [str(page.relative_to(DOCS)) for page in PAGES]
LOADED = {
    "script": ("src",),
    "link": ("href",),
    "img": ("src", "srcset"),
    "source": ("src", "srcset"),
    "iframe": ("src",),
    "object": ("data",),
    "video": ("src", "poster"),
    "audio": ("src",),
}
"""Tag → attributes that a browser fetches without being asked."""


class Html(HTMLParser):
    """What a page loads, links to, and names as targets; its title, and pictures without a text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.targets: set[str] = set()
        self.nameless: list[str] = []
        self.title = ""
        self._in_title = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = {name: value or "" for name, value in attrs}
        self.loads += [values[name] for name in LOADED.get(tag, ()) if values.get(name)]
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag == "img" and not values.get("alt", "").strip():
            self.nameless.append(values.get("src", ""))
        self.targets |= {values["id"]} if "id" in values else set()
        self._in_title = tag == "title" and not self.title

    def handle_data(self, data):
        self.title += data if self._in_title else ""

    def handle_endtag(self, tag):
        self._in_title = False


def entries(page: Path) -> list[Path]:
    """Return the pages that a page's toctrees name."""
    blocks = re.findall(r"^:::\{toctree\}\n(.*?)^:::$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    names = [line for block in blocks for line in block.splitlines() if line and not line.startswith(":")]
    return [(page.parent / f"{name}.md").resolve() for name in names]


def reached(page: Path) -> list[Path]:
    return [page, *(inner for entry in entries(page) if entry.exists() for inner in reached(entry))]


def commands(group: click.Group, path: str) -> list[str]:
    context, found = click.Context(group), []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        found.append(f"{path} {name}")
        if isinstance(command, click.Group):
            found += commands(command, f"{path} {name}")
    return found


def test_every_page_stands_once_in_the_navigation():
    found = [str(page.relative_to(DOCS)) for page in reached(DOCS / "index.md")]
    assert sorted(found) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_page_begins_with_its_one_title(name):
    text = re.sub(
        r"^```.*?^```|<!--.*?-->", "", (DOCS / name).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    assert text.lstrip().startswith("# ")
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1


@pytest.mark.parametrize("name", NAMES)
def test_pictures_are_described_and_at_hand(name):
    page = DOCS / name
    for text, target in re.findall(r"!\[(.*?)\]\((.*?)\)", page.read_text(encoding="utf-8"), re.DOTALL):
        assert len(text.split()) >= 4, f"{name}: {target} needs a text that tells what it shows"
        assert (page.parent / target).is_file()


def test_every_command_has_its_section():
    headings = re.findall(r"^##+ (.+)$", (DOCS / "cli.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == ["fxdet", *commands(main, "fxdet")]


def test_page_of_the_command_line_is_up_to_date():
    run = subprocess.run([sys.executable, ROOT / "tools" / "make_cli_page.py", "--check"], cwd=ROOT, check=False)
    assert run.returncode == 0, "run: python tools/make_cli_page.py"


def test_every_public_name_is_described():
    text = "\n".join(page.read_text(encoding="utf-8") for page in (DOCS / "api").glob("*.md"))
    described = set(re.findall(r"^\.\. auto\w+:: fxdet\.(\w+)$", text, re.MULTILINE))
    assert described == set(fxdet.__all__) - {"__version__"}


@cache
def names_of(module: str) -> set[str]:
    path = ROOT / "fxdet" / (module.replace(".", "/") + ".py")
    return {getattr(node, "name", "") for node in ast.parse(path.read_text(encoding="utf-8")).body}


def test_described_names_exist():
    for page in (DOCS / "api").glob("*.md"):
        text = page.read_text(encoding="utf-8")
        for module, name in re.findall(r"^\.\. auto\w+:: fxdet\.([\w.]+)\.(\w+)$", text, re.MULTILINE):
            assert name in names_of(module), f"{page.name}: {module}.{name}"


def test_extensions_stand_in_the_settings():
    conf = (DOCS / "conf.py").read_text(encoding="utf-8")
    for path in (DOCS / "_ext").glob("*.py"):
        assert f'"{path.stem}"' in conf


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as CONTRIBUTING.md says; the build must end without a warning."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-d", folder / "cache"]
    run = subprocess.run([*command, DOCS, folder / "html"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return folder / "html"


def read_site(site: Path) -> dict[Path, Html]:
    paths = [path for path in site.rglob("*.html") if "_static" not in path.parts]
    return {path: Html(path.read_text(encoding="utf-8")) for path in paths}


@pytest.mark.slow
def test_site_loads_nothing_from_elsewhere(site):
    for page, html in read_site(site).items():
        assert [source for source in html.loads if urlsplit(source).netloc] == [], page.name
    for style in site.rglob("*.css"):
        sources = re.findall(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)", style.read_text(encoding="utf-8"))
        assert [one or two for one, two in sources if re.match(r"(?:https?:)?//", one or two)] == [], style.name


@pytest.mark.slow
def test_links_of_the_site_lead_somewhere(site):
    pages = read_site(site)
    for page, html in pages.items():
        for link in html.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or page.name == "search.html":
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            assert target.is_file(), f"{page.name} links to {link}"
            if parts.fragment and target in pages:
                assert unquote(parts.fragment) in pages[target].targets | {""}, f"{page.name} links to {link}"


@pytest.mark.slow
def test_every_page_of_the_site_has_a_title_its_notice_and_described_pictures(site):
    for name in NAMES:
        text = (site / name).with_suffix(".html").read_text(encoding="utf-8")
        html = Html(text)
        assert html.title.strip(), name
        assert "Research use only" in text, name
        assert html.nameless == [], name


@pytest.mark.slow
def test_formulas_are_mathml(site):
    for name in ("evaluation", "how_it_works"):
        source = re.sub(r"^```.*?^```", "", (DOCS / f"{name}.md").read_text(), flags=re.MULTILINE | re.DOTALL)
        formulas = re.findall(r"\$\$.+?\$\$|\$[^$\n]+?\$", source, re.DOTALL)
        assert formulas
        assert (site / f"{name}.html").read_text(encoding="utf-8").count("<math") == len(formulas), name


@pytest.mark.slow
def test_marked_tables_are_sortable(site):
    for name in NAMES:
        marks = (DOCS / name).read_text(encoding="utf-8").count("<!-- sortable -->")
        text = (site / name).with_suffix(".html").read_text(encoding="utf-8")
        assert len(re.findall(r'<table class="[^"]*\bsortable\b', text)) == marks, name
