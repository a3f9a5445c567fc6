"""The page of an audit, read as a browser reads it."""

from __future__ import annotations

import base64
import io
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from fxdet.data.audit.page import page, write_page
from fxdet.data.audit.page_pictures import kinds_of, ordered_groups, picture_uri, show_groups
from fxdet.data.audit.page_tables import ROWS_SHOWN
from fxdet.data.audit.results import Fault

VOID = {"meta", "img", "br", "input"}


class Reader(HTMLParser):
    """Collects tags and attributes, and checks that every tag is closed where it should."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.text = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def read(made):
    def read_page(result=made):
        return Reader(page(result, show_groups(ordered_groups(result), result)))

    return read_page


def decoded(uri):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))))


def test_the_page_loads_nothing(read):
    reader = read()
    for tag, attributes in reader.tags:
        assert tag not in {"link", "iframe", "object"}
        for name in ("src", "href", "srcset"):
            assert attributes.get(name, "#").startswith(("data:image/jpeg;base64,", "#")), (tag, attributes)
    policy = next(meta["content"] for meta in reader.all("meta") if "http-equiv" in meta)
    assert policy.startswith("default-src 'none'")


def test_links_lead_somewhere(read):
    reader = read()
    ids = Counter(attributes["id"] for _, attributes in reader.tags if "id" in attributes)
    assert set(ids.values()) == {1}
    assert all(link["href"][1:] in ids for link in reader.all("a"))


def test_pictures_of_a_group_lie_alike(read):
    figures = [image for image in read().all("img") if "<e>" not in image["alt"]]
    first, second, third = (decoded(image["src"]).astype(float) for image in figures[:3])
    assert first.shape == second.shape == third.shape
    for other in (second, third):
        assert np.corrcoef(first.ravel(), other.ravel())[0, 1] > 0.99


def test_captions_and_kinds(read):
    reader = read()
    text = " ".join(" ".join(reader.text).split())
    assert "fractured · val val/a.png" in text
    assert "normal · train train/c.png similarity 0.970, shown turned by 180°" in text
    assert [group["data-kinds"] for group in reader.all("article")] == ["leak conflict near", "bytes"]
    kinds = [button["data-kind"] for button in reader.all("button")]
    assert kinds == ["all", "leak", "conflict", "bytes", "near"]
    assert all(image["alt"] for image in reader.all("img"))


def test_names_can_not_write_markup(made, read):
    named = replace(made, faults=(Fault("set", "other", "<script>x</script>", 'a"><b>'),))
    reader = read(named)
    assert len(reader.all("script")) == 1
    assert "<script>x</script>" in "".join(reader.text)


def test_bad_bytes_in_a_name_are_written(made, tmp_path):
    collision = replace(made.collisions[0], members=(0, 4))
    write_page(tmp_path / "page.html", replace(made, collisions=(collision,)))
    assert r"val/&lt;e&gt;\udcff.png" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_lost_picture_is_named(made, read):
    gone = replace(made.files[5], path="/gone.png")
    reader = read(replace(made, files=(*made.files[:5], gone)))
    assert "can't be read" in reader.text
    assert len(reader.all("img")) == 4


def test_limit_of_groups_is_stated(made, tmp_path):
    write_page(tmp_path / "page.html", made, groups_shown=1)
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "The first 1 of 2 groups are shown" in text
    assert text.count("<article") == 1
    assert "train/f.png" not in text.split("<section")[3]


def test_long_tables_are_cut(made, read):
    many = tuple(Fault("set", "other", f"place {number}", "what") for number in range(ROWS_SHOWN + 7))
    reader = read(replace(made, faults=many))
    assert any("holds the other 7" in text for text in reader.text)


def test_conflicts_and_leaks_come_first(made):
    order = ordered_groups(replace(made, groups=made.groups[::-1]))
    assert order[0] is made.groups[0]
    assert kinds_of(made.groups[1], made) == ("bytes",)


def test_large_pictures_are_shrunk(tmp_path):
    Image.fromarray(np.zeros((300, 900), np.uint16) + 40).save(tmp_path / "deep.png")
    assert decoded(picture_uri(str(tmp_path / "deep.png"), "1")).shape == (240, 80)
    assert picture_uri(str(tmp_path / "none.png")) is None
