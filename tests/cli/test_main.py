from __future__ import annotations

import logging
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import fxdet
from fxdet.cli import main as module
from fxdet.cli.main import COMMANDS, Entry, main, one_line
from fxdet.core.errors import TrainingError

ROOT = Path(fxdet.__file__).parents[1]


def invoke(*arguments: str):
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture
def failing(monkeypatch):
    """Put a command into the table that raises what it is given."""

    def install(error: BaseException) -> None:
        @click.command()
        def fail() -> None:
            raise error

        monkeypatch.setattr(module, "fail_command", fail, raising=False)
        monkeypatch.setitem(COMMANDS, "fail", Entry("fxdet.cli.main:fail_command", "Fail."))

    return install


def test_version_and_module_entry():
    assert invoke("--version").output.strip() == f"fxdet, version {fxdet.__version__}"
    done = subprocess.run([sys.executable, "-m", "fxdet", "--version"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, f"fxdet, version {fxdet.__version__}")


def test_help_lists_every_command_without_importing_it():
    result = invoke("--help")
    assert result.exit_code == 0
    assert all(name in result.output and entry.summary[:20] in result.output for name, entry in COMMANDS.items())


def test_help_is_quick():
    times = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "fxdet", "--help"], cwd=ROOT, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    bare = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import click, dataclasses, logging"], check=True, capture_output=True)
    bare = time.perf_counter() - bare
    assert min(times) < max(0.3, 3 * bare)


@pytest.mark.parametrize("name", ["predict", "demo", "zoo"])
def test_commands_load_and_explain_themselves(name):
    result = invoke(name, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.output


@pytest.mark.parametrize(("name", "times"), [("predict", 1), ("demo", 1), ("train", 1), ("reproduce", 1), ("zoo", 0)])
def test_commands_that_run_networks_keep_freed_memory(monkeypatch, name, times):
    calls = []
    monkeypatch.setattr(module, "keep_freed_memory", lambda: calls.append(name))
    assert invoke(name, "--help").exit_code == 0
    assert len(calls) == times


def test_a_misspelt_command_gets_a_suggestion():
    result = invoke("predit")
    assert result.exit_code == 2
    assert "did you mean 'predict'?" in result.stderr


def test_a_known_error_is_one_line_and_its_exit_code(failing):
    failing(TrainingError("can't go on –\nloss is NaN \udcff"))
    result = invoke("fail")
    assert result.exit_code == 1
    assert result.stderr == "fxdet: error: can't go on – loss is NaN \\udcff\n"
    assert result.stdout == ""


def test_an_interrupt_is_one_line_and_130(failing):
    failing(KeyboardInterrupt())
    result = invoke("fail")
    assert (result.exit_code, result.stderr) == (130, "fxdet: interrupted\n")


def test_a_programming_mistake_keeps_its_traceback(failing):
    failing(ZeroDivisionError("x"))
    assert isinstance(invoke("fail").exception, ZeroDivisionError)


def test_warnings_of_the_library_are_one_line_on_stderr(monkeypatch):
    @click.command()
    def warn() -> None:
        logging.getLogger("fxdet.x").warning("left out %s", "a\nb")

    monkeypatch.setattr(module, "warn_command", warn, raising=False)
    monkeypatch.setitem(COMMANDS, "warn", Entry("fxdet.cli.main:warn_command", "Warn."))
    assert invoke("warn").stderr == "fxdet: warning: left out a b\n"
    assert not logging.getLogger("fxdet").handlers


def test_messages_are_one_line():
    assert one_line(" a\n\tb ") == "a b"
