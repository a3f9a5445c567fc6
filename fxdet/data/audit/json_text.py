"""An audit as JSON: one record per line, so that a person can read it and a diff shows what changed."""

from __future__ import annotations

import json
from typing import Any

from fxdet.data.audit.results import AuditResult

SCHEMA = 1
"""Number of the schema that ``docs/audit.md`` describes; it rises when a field changes its meaning or goes."""


def json_text(result: AuditResult) -> str:
    r"""Return the JSON of an audit, without a final newline.

    All characters are ASCII, so that bytes of a file name that are no UTF-8 survive as ``\udcff``.

    Example:
        >>> print(json_text(AuditResult((), ()))[:32])
        {
          "schema": 1,
          "sets": [],
    """
    data = {"schema": SCHEMA, **result.to_json()}
    return "{\n" + ",\n".join(f"  {json.dumps(key)}: {_value(value)}" for key, value in data.items()) + "\n}"


def _value(value: Any) -> str:
    if not isinstance(value, (list, tuple)) or not value:
        return json.dumps(value, allow_nan=False)
    return "[\n" + ",\n".join(f"    {json.dumps(row, allow_nan=False)}" for row in value) + "\n  ]"
