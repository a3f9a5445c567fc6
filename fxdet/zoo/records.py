"""From JSON to frozen dataclass, strictly: every missing, unknown or misfit key is one clear line."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from fxdet.core.errors import ModelError, did_you_mean

Record = TypeVar("Record")


def read_record(path: Path, kind: type[Record]) -> Record:
    """Read a JSON file into a dataclass.

    Raises:
        ModelError: The file is missing, no JSON object, or does not fit ``kind``.
    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"can't read card {path} – {error.strerror or error} – name a card or a run folder") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ModelError(f"can't read card {path} – no valid JSON: {error} – write the card again") from error
    return build_record(data, kind, str(path))


def build_record(data: Any, kind: type[Record], where: str) -> Record:
    """Build a dataclass from plain JSON data; nested dataclasses, tuples and mappings are followed.

    Args:
        data: What ``json.loads`` gave.
        kind: Dataclass to build.
        where: File and field so far, for messages.

    Raises:
        ModelError: A key is missing or unknown, or a value has a wrong type or range.
    """
    if not isinstance(data, Mapping):
        raise ModelError(f"card {where} – got {type(data).__name__}, expected an object with keys")
    hints = get_type_hints(kind)
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    for key in data:
        if key not in known:
            raise ModelError(f"card {where} – unknown key '{key}'{did_you_mean(str(key), known)}")
    for name, field in known.items():
        if name not in data and field.default is MISSING and field.default_factory is MISSING:
            raise ModelError(f"card {where} – key '{name}' is missing – add it or write the card again")
    values = {name: _convert(value, hints[name], f"{where} field '{name}'") for name, value in data.items()}
    try:
        return kind(**values)
    except ValueError as error:
        raise ModelError(f"card {where} – {error}") from error


def record_to_json(value: Any) -> Any:
    """Return dataclasses, tuples and mappings as plain JSON data.

    Example:
        >>> record_to_json({"names": ("a", "b")})
        {'names': ['a', 'b']}
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: record_to_json(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): record_to_json(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [record_to_json(item) for item in value]
    return value.as_posix() if isinstance(value, Path) else value


def _convert(value: Any, hint: Any, where: str) -> Any:
    if hint is Any:
        return value
    if is_dataclass(hint):
        return build_record(value, hint, where)  # type: ignore[arg-type]
    if hint is Path:
        return Path(_typed(value, str, where))
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return None if value is None else _convert(value, next(a for a in arguments if a is not type(None)), where)
    if origin is tuple:
        return tuple(_convert(item, arguments[0], where) for item in _typed(value, list, where))
    if origin is not None and issubclass(origin, Mapping):
        return {key: _convert(item, arguments[1], where) for key, item in _typed(value, dict, where).items()}
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return _typed(value, hint, where)


def _typed(value: Any, kind: type, where: str) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        names = {list: "a list", dict: "an object", str: "a string", float: "a number", int: "a whole number"}
        raise ModelError(f"card {where} – got {value!r}, expected {names.get(kind, kind.__name__)}")
    return value
