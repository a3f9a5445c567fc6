"""Pages of the repository's root on the site, and links to them.

``docs/changelog.md`` and ``docs/contributing.md`` only point to the files of the root, for readers on a code host; the
site shows the files themselves in their place.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
PAGES = {"changelog": "CHANGELOG.md", "contributing": "CONTRIBUTING.md"}
"""Page of the site → file of the root."""

PLACES = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md", "README.md": "index.md"}
"""File of the root → page that stands for it."""


def setup(app: Sphinx) -> dict[str, Any]:
    """Replace the two pages, and all links to the root."""
    app.connect("source-read", _replace)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def from_root(text: str) -> str:
    """Return Markdown of the root with its links as seen from docs/."""
    text = re.sub(r"\]\(docs/", "](", text)
    return re.sub(r"\]\((\w+\.md)", lambda found: f"]({PLACES.get(found[1], found[1])}", text)


def to_site(text: str) -> str:
    """Return Markdown of docs/ with links to pages of the root turned to their places on the site."""
    return re.sub(
        r"\]\(((?:\.\./)+)(README|CHANGELOG|CONTRIBUTING)\.md",
        lambda found: f"]({found[1].removeprefix('../')}{PLACES[found[2] + '.md']}",
        text,
    )


def _replace(app: Sphinx, name: str, source: list[str]) -> None:
    if name in PAGES:
        file = ROOT / PAGES[name]
        app.env.note_dependency(str(file))
        source[0] = from_root(file.read_text(encoding="utf-8"))
    else:
        source[0] = to_site(source[0])
