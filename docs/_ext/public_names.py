"""Links to public names, wherever they are defined: ``fxdet.core.findings.Report`` is described as ``fxdet.Report``."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import fxdet


def setup(app: Sphinx) -> dict[str, Any]:
    """Look at each reference that was not found."""
    app.connect("missing-reference", _resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.Element | None:
    place, _, name = node.get("reftarget", "").rpartition(".")
    if node.get("refdomain") != "py" or name not in fxdet.__all__ or not (place + ".").startswith(("fxdet.", ".")):
        return None
    domain = env.get_domain("py")
    return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", f"fxdet.{name}", node, content)
