"""Parts of a Markdown page that are written by a program, between ``<!-- name:begin -->`` and ``<!-- name:end -->``."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fxdet.core.errors import DataError

_MARK = re.compile(r"<!-- ([a-z][a-z0-9-]*):(begin|end) -->")

WRITTEN_BY = "<!-- What stands between two marks is written by tools/make_model_zoo.py. -->"
"""Comment for the top of a page."""


def block_names(text: str, page: str) -> list[str]:
    """Return the names of the blocks of a page, in their order.

    Args:
        text: The page's text.
        page: Its name, for messages.

    Raises:
        DataError: A mark has no twin, a block stands in another one, or a name occurs twice.

    Example:
        >>> block_names("a <!-- n:begin -->3<!-- n:end --> b", "page.md")
        ['n']
    """
    names: list[str] = []
    marks = [found.groups() for found in _MARK.finditer(text)]
    for (first, kind), (second, other) in zip(marks[::2], [*marks[1::2], ("", "")], strict=False):
        if kind != "begin" or other != "end" or first != second:
            raise DataError(f"page {page} – mark '{first}:{kind}' – expected '{first}:begin', then '{first}:end'")
        if first in names:
            raise DataError(f"page {page} – block '{first}' stands there twice – give one of them another name")
        names.append(first)
    return names


def with_blocks(text: str, blocks: Mapping[str, str], page: str) -> str:
    """Return a page with the text of its blocks replaced; each stands on lines of its own.

    Args:
        text: The page's text.
        blocks: Name → text; the page's blocks, no more and no less.
        page: Its name, for messages.

    Raises:
        DataError: The marks are wrong, or the page has other blocks.

    Example:
        >>> print(with_blocks("<!-- n:begin --><!-- n:end -->", {"n": "3"}, "page.md"))
        <!-- n:begin -->
        3
        <!-- n:end -->
    """
    names = block_names(text, page)
    if wrong := sorted(set(names) ^ set(blocks)):
        what = "has no text for it" if wrong[0] in names else "is not on the page"
        raise DataError(f"page {page} – block '{wrong[0]}' – {what} – see PAGES in fxdet/pages/registry.py")
    for name in names:
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        before, rest = text.split(begin)
        text = f"{before}{begin}\n{blocks[name].strip()}\n{end}{rest.split(end)[1]}"
    return text
