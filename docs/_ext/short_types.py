"""Signatures and lists of attributes as a person would write them.

Array types as the source has them, ``NDArray[float64]``; ``...`` for what a dataclass makes anew; *Attributes* above
the attributes of a class.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

ARRAY = re.compile(r"~?numpy\.ndarray\[~?(?:builtins\.)?tuple\[[^\]]*\], ~?numpy\.dtype\[([^\]]*)\]\]")


def setup(app: Sphinx) -> dict[str, Any]:
    """Look at each signature before it is written, and at each page after it is read."""
    app.connect("autodoc-process-signature", _shorten)
    app.connect("doctree-read", _rename)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def shorten(text: str | None) -> str | None:
    """Return a signature or an annotation with short array types; Sphinx can't parse ``<factory>``."""
    return text and ARRAY.sub(r"~numpy.typing.NDArray[\1]", text).replace("<factory>", "...")


def _shorten(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str | None, returned: str | None
) -> tuple[str | None, str | None]:
    return shorten(signature), shorten(returned)


def _rename(app: Sphinx, tree: nodes.document) -> None:
    for field in tree.findall(nodes.field_name):
        if field.astext() == "Variables":
            field[:] = [nodes.Text("Attributes")]
