"""The JSON of an audit."""

from __future__ import annotations

import json

from fxdet.data.audit.json_text import SCHEMA, json_text


def test_nothing_is_lost(made):
    data = json.loads(json_text(made))
    assert data.pop("schema") == SCHEMA
    assert data == json.loads(json.dumps(made.to_json()))
    assert data["files"][4]["name"] == made.files[4].name


def test_one_record_per_line(made):
    lines = json_text(made).splitlines()
    assert sum(line.startswith('    {"set_name": "set", "name": ') for line in lines) == len(made.files)
    assert json_text(made).isascii()
