"""Formulas as MathML, which browsers draw by themselves: no script, no font and no LaTeX, at build time or later."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from docutils.utils.math import latex2mathml
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer and choose it."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def mathml(formula: str, block: bool) -> str:
    """Return a LaTeX formula as MathML.

    Raises:
        ExtensionError: The formula holds what docutils can't convert.
    """
    try:
        text: str = latex2mathml.tex2mathml(formula, as_block=block)
    except (latex2mathml.MathError, SyntaxError) as error:
        raise ExtensionError(f"can't convert formula {formula!r}: {error}") from error
    return text


def _inline(self: Any, node: nodes.math) -> None:
    self.body.append(mathml(node.astext(), block=False))
    raise nodes.SkipNode


def _block(self: Any, node: nodes.math_block) -> None:
    self.body.append(f'<div class="math">{mathml(node.astext(), block=True)}</div>')
    raise nodes.SkipNode
