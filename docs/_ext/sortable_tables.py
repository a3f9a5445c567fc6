"""A table under the comment ``<!-- sortable -->`` gets the class that ``sort_tables.js`` looks for.

A comment, since a code host shows none; ``{.sortable}`` would stand there as text.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

MARK = "<!-- sortable -->"


def setup(app: Sphinx) -> dict[str, Any]:
    """Look through every page once it is read."""
    app.connect("doctree-read", _mark)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _mark(app: Sphinx, tree: nodes.document) -> None:
    for comment in [node for node in tree.findall(nodes.raw) if node.astext().strip() == MARK]:
        following = comment.next_node(nodes.table, descend=False, siblings=True, ascend=False)
        if following is not None:
            following["classes"].append("sortable")
        comment.parent.remove(comment)
