"""What README and docs/ say can be done, can be done; what the command line offers, is described."""

from __future__ import annotations

import importlib
import re
import shlex
from configparser import ConfigParser
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from fxdet.cli.main import main

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGE_NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


def code_lines(text: str, language: str = "sh") -> list[str]:
    blocks = re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line.split(" #")[0].strip() for line in lines if line.strip() and not line.startswith("#")]


def fxdet_calls(text: str) -> list[list[str]]:
    """Arguments of each fxdet call in the code blocks of a page."""
    calls = []
    for line in code_lines(text):
        for part in line.split("&&"):
            words = shlex.split(part)
            if words and Path(words[0]).name == "fxdet":
                calls.append(words[1:])
    return calls


def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
    """Walk down the groups; return the command and the words that are left."""
    command: click.Command = main
    context = click.Context(main, info_name="fxdet")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        assert found is not None, f"fxdet has no command {words[0]!r}"
        command, words = found, words[1:]
        context = click.Context(command, parent=context, info_name=words[0] if words else None)
    return command, words


def all_commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    context = click.Context(group)
    found = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        found.append((*path, name))
        if isinstance(command, click.Group):
            found += all_commands(command, (*path, name))
    return found


COMMANDS = all_commands(main)


@pytest.mark.parametrize("page", PAGE_NAMES)
def test_commands_and_options_on_a_page_exist(page):
    for words in fxdet_calls((ROOT / page).read_text(encoding="utf-8")):
        command, rest = command_of(words)
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        options = {word.split("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
        unknown = sorted(options - known - {"--help"})
        assert not unknown, f"fxdet {' '.join(words)}: no option {unknown}"


@pytest.mark.parametrize("command", [(), *COMMANDS], ids=" ".join)
def test_every_command_has_help(command):
    result = CliRunner().invoke(main, [*command, "--help"])
    assert result.exit_code == 0, result.output
    found, _ = command_of(list(command))
    assert found.help
    for parameter in found.params:
        assert isinstance(parameter, click.Argument) or parameter.help, f"{command}: {parameter.opts} has no help"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_is_described_on_a_page(command):
    # Besides the generated page of the command line, which names every command.
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES if page.name != "cli.md")
    assert f"fxdet {' '.join(command)}" in text


@pytest.mark.parametrize("page", PAGE_NAMES)
def test_links_within_the_repository_lead_somewhere(page):
    path = ROOT / page
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        linked = (path.parent / name).resolve() if name else path
        assert linked.exists(), f"{page} links to {target}"
        if anchor:
            assert anchor in anchors(linked), f"{page} links to {target}"


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGE_NAMES)
def test_files_named_in_commands_exist(page):
    for line in code_lines((ROOT / page).read_text(encoding="utf-8")):
        for word in re.findall(r"(?:tools|configs)/[\w./-]+\.(?:py|yaml)", line):
            assert (ROOT / word).is_file(), f"{page}: {line}"


def test_ci_calls_the_readmes_own_test_command():
    command = next(line for line in code_lines(README) if line.endswith("pytest"))
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_the_two_commands_need_nothing_before_them_but_python():
    starts = [line for line in code_lines(README) if line.startswith("python3 -m venv")]
    assert len(starts) == 2
    for line in starts:
        assert all(part.split()[0] in {"python3"} or part.strip().startswith(".venv/bin/") for part in line.split("&&"))


def test_pages_are_reached_from_the_index():
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "index.md" or f"({page.name})" in index, f"docs/index.md does not mention {page.name}"


def test_python_examples_of_the_readme_name_what_exists():
    for line in code_lines(README, "python"):
        for name in re.findall(r"fxdet\.(\w+)", line):
            assert hasattr(importlib.import_module("fxdet"), name), line


def test_settings_name_the_entry_point_and_the_version():
    settings = ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    place = settings["options.entry_points"]["console_scripts"].split("=")[1].strip()
    module, _, name = place.partition(":")
    assert getattr(importlib.import_module(module), name) is main
    assert f"version: {importlib.import_module('fxdet._version').__version__}" in (ROOT / "CITATION.cff").read_text()
