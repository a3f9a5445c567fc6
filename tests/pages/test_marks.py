"""Marks of written blocks: what is between them is replaced, the rest stays, and wrong marks are told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxdet.core.errors import DataError
from fxdet.pages.marks import block_names, with_blocks

PAGE = "# Title\n\nbefore\n<!-- a:begin -->\nold\n<!-- a:end -->\nbetween <!-- b:begin --><!-- b:end --> after\n"


def test_blocks_are_replaced_and_the_rest_stays():
    text = with_blocks(PAGE, {"a": "new\n", "b": "| x |"}, "page.md")
    first = "# Title\n\nbefore\n<!-- a:begin -->\nnew\n<!-- a:end -->\n"
    assert text == f"{first}between <!-- b:begin -->\n| x |\n<!-- b:end --> after\n"


@given(st.text(st.characters(blacklist_categories=["Cs"]).filter(lambda c: c not in "<>")))
def test_writing_twice_changes_nothing(text):
    once = with_blocks(PAGE, {"a": text, "b": "b"}, "page.md")
    assert with_blocks(once, {"a": text, "b": "b"}, "page.md") == once


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<!-- a:begin -->", "mark 'a:begin'"),
        ("<!-- a:end -->", "mark 'a:end'"),
        ("<!-- a:end --><!-- a:begin -->", "mark 'a:end'"),
        ("<!-- a:begin --><!-- b:begin --><!-- b:end --><!-- a:end -->", "mark 'a:begin'"),
        ("<!-- a:begin --><!-- a:end -->" * 2, "stands there twice"),
    ],
)
def test_wrong_marks(text, told):
    with pytest.raises(DataError, match=told):
        block_names(text, "page.md")


@pytest.mark.parametrize(
    ("blocks", "told"), [({"a": ""}, "'b' – has no text"), ({"a": "", "b": "", "c": ""}, "'c' – is not on")]
)
def test_blocks_and_page_must_fit(blocks, told):
    with pytest.raises(DataError, match=told):
        with_blocks(PAGE, blocks, "page.md")
