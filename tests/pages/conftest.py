"""A copy of what the pages are made of, small enough to be changed in a test."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fxdet.pages.registry import PAGES
from fxdet.pages.sources import Repository

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Repository:
    """The pages of this checkout with their sources; weights are links to the real ones."""
    for name in PAGES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "docs" / "results", tmp_path / "docs" / "results")
    for folder in ("papers", "first_weights"):
        shutil.copytree(ROOT / "configs" / folder, tmp_path / "configs" / folder)
    zoo = tmp_path / "fxdet" / "zoo"
    (zoo / "builtin").mkdir(parents=True)
    shutil.copytree(ROOT / "fxdet" / "zoo" / "by_command", zoo / "by_command")
    shutil.copy(ROOT / "fxdet" / "zoo" / "catalogue.json", zoo)
    for path in (ROOT / "fxdet" / "zoo" / "builtin").iterdir():
        if path.suffix == ".json":
            shutil.copy(path, zoo / "builtin")
        elif path.suffix == ".safetensors":
            (zoo / "builtin" / path.name).symlink_to(path)
    return Repository(tmp_path)


@pytest.fixture
def change(checkout: Repository) -> Callable[[str, Callable[[Any], None]], None]:
    """Change a JSON file of the copy: place below its root, and what is done to the content."""

    def changed(place: str, action: Callable[[Any], None]) -> None:
        path = checkout.root / place
        data = json.loads(path.read_text(encoding="utf-8"))
        action(data)
        path.write_text(json.dumps(data), encoding="utf-8")

    return changed
