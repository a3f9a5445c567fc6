"""The environment that setup.cfg asks for: one OpenCV, every import declared, every bound met."""

from __future__ import annotations

import ast
import sys
from configparser import ConfigParser
from importlib.metadata import distributions, version
from pathlib import Path

import cv2
import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = ConfigParser()
SETTINGS.read(ROOT / "setup.cfg", encoding="utf-8")
REQUIREMENTS = [
    Requirement(line)
    for line in SETTINGS["options"]["install_requires"].splitlines()
    if line.strip() and not line.startswith("#")
]


def canonical(name: str) -> str:
    return name.lower().replace("_", "-")


def distributions_by_module() -> dict[str, set[str]]:
    """Top-level module → distributions (the standard library's own table is incomplete before Python 3.11)."""
    owners: dict[str, set[str]] = {}
    for dist in distributions():
        for top in {file.parts[0].removesuffix(".py") for file in dist.files or () if file.suffix == ".py"}:
            owners.setdefault(top, set()).add(dist.name)
    return owners


def test_exactly_one_opencv_is_installed_and_imported():
    installed = {dist.name: dist.version for dist in distributions() if canonical(dist.name).startswith("opencv")}
    assert list(installed) == ["opencv-python-headless"]
    assert installed["opencv-python-headless"].startswith(cv2.__version__)


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=str)
def test_dependency_has_a_lower_bound_that_the_environment_meets(requirement):
    assert any(bound.operator == ">=" for bound in requirement.specifier)
    assert requirement.specifier.contains(version(requirement.name))


def test_every_import_is_declared():
    owners = distributions_by_module()
    declared = {canonical(requirement.name) for requirement in REQUIREMENTS}
    missing = {}
    for path in [*(ROOT / "fxdet").rglob("*.py"), *(ROOT / "tools").glob("*.py")]:
        for top in imported(path) - set(sys.stdlib_module_names) - {"fxdet"}:
            if not {canonical(name) for name in owners.get(top, [top])} & declared:
                missing.setdefault(top, str(path.relative_to(ROOT)))
    assert missing == {}


def test_every_import_of_the_tests_is_declared():
    owners = distributions_by_module()
    extra = [Requirement(line) for line in SETTINGS["options.extras_require"]["dev"].splitlines() if line.strip()]
    declared = {canonical(requirement.name) for requirement in [*REQUIREMENTS, *extra]}
    missing = {}
    for path in (ROOT / "tests").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        outermost = ast.Module([node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], [])
        for top in imports_of(outermost) - set(sys.stdlib_module_names) - {"fxdet", "tests"}:
            if not {canonical(name) for name in owners.get(top, [top])} & declared:
                missing.setdefault(top, str(path.relative_to(ROOT)))
    assert missing == {}


def imported(path: Path) -> set[str]:
    return imports_of(ast.parse(path.read_text(encoding="utf-8")))


def imports_of(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names.add(node.module.split(".")[0])
    return names


def test_every_declared_dependency_is_imported_or_explained():
    owners = distributions_by_module()
    used = {
        canonical(owner)
        for path in (ROOT / "fxdet").rglob("*.py")
        for top in imported(path)
        for owner in owners.get(top, [])
    }
    # pydicom finds its decoders by itself, torch.utils.tensorboard finds tensorboard, and ultralytics cloudpickle.
    plugins = {"cloudpickle", "pylibjpeg", "pylibjpeg-libjpeg", "pylibjpeg-openjpeg", "pylibjpeg-rle", "tensorboard"}
    assert {canonical(requirement.name) for requirement in REQUIREMENTS} - used - plugins == set()


def test_the_package_ships_what_it_reads():
    data = {key: value.split() for key, value in SETTINGS["options.package_data"].items()}
    assert data["fxdet"] == ["py.typed"]
    for package, patterns in data.items():
        folder = ROOT / package.replace(".", "/")
        for pattern in patterns:
            assert list(folder.glob(pattern)), f"{package}: nothing matches {pattern}"


def test_the_built_in_models_are_small_enough_to_ship():
    files = list((ROOT / "fxdet" / "zoo" / "builtin").glob("*.safetensors"))
    assert files
    assert sum(file.stat().st_size for file in files) < 25e6
