"""Strict YAML → frozen dataclasses: every wrong key or value is one line with ``file:line`` and the nearest name."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml

from fxdet.core.errors import ConfigError, did_you_mean
from fxdet.training.config_tree import Place, expand_variables, plain, read_tree

Schema = TypeVar("Schema")

_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", Path: "a path"}


def load_config(path: str | Path, overrides: Iterable[str], schema: type[Schema]) -> Schema:
    """Read a config file into a frozen dataclass.

    Args:
        path: YAML file; its key ``base`` may name a file to start from.
        overrides: Texts ``a.b=value``, laid over the file.
        schema: Dataclass of the whole config; its ``__post_init__`` checks ranges and raises ``ValueError``
            with a message that starts with the field's name and a colon.

    Raises:
        ConfigError: A file can't be read, or a key or value is wrong; the message starts with ``file:line``.
    """
    return build_config(read_tree(Path(path), overrides), schema)


def build_config(tree: Place, schema: type[Schema], name: str = "") -> Schema:
    """Build a dataclass from a tree of places; ``name`` is the dotted key so far."""
    if not isinstance(tree.value, Mapping):
        raise ConfigError(f"{tree.where}: {name or 'config'} – got {plain(tree)!r}, expected keys and values")
    known = {field.name: field for field in fields(schema)}  # type: ignore[arg-type]
    prefix = f"{name}." if name else ""
    for key, item in tree.value.items():
        if key not in known:
            raise ConfigError(f"{item.where}: unknown key '{prefix}{key}'{did_you_mean(key, known)}")
    for key, field in known.items():
        if key not in tree.value and field.default is MISSING and field.default_factory is MISSING:
            raise ConfigError(f"{tree.where}: key '{prefix}{key}' is missing – add it")
    hints = get_type_hints(schema)
    values = {key: _convert(item, hints[key], f"{prefix}{key}") for key, item in tree.value.items()}
    try:
        return schema(**values)
    except ValueError as error:
        field_name = str(error).partition(":")[0]
        at = tree.value.get(field_name, tree).where
        raise ConfigError(f"{at}: {prefix}{error}") from error


def config_to_plain(value: Any) -> Any:
    """Return a config as plain YAML data; paths and enumerations become texts.

    A field with the metadata ``silent`` is left out while it has its default, so that a run that was started before the
    key existed can still be resumed.
    """
    if is_dataclass(value) and not isinstance(value, type):
        pairs = ((field, getattr(value, field.name)) for field in fields(value))
        kept = ((field, item) for field, item in pairs if not (field.metadata.get("silent") and item == field.default))
        return {field.name: config_to_plain(item) for field, item in kept}
    if isinstance(value, Mapping):
        return {str(key): config_to_plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [config_to_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Path) else value


def config_to_yaml(config: Any) -> str:
    """Return the resolved config as YAML that :func:`load_config` reads back to an equal object."""
    return yaml.safe_dump(config_to_plain(config), sort_keys=False, allow_unicode=True, width=120)


def _convert(place: Place, hint: Any, name: str) -> Any:
    if hint is Any:
        return plain(place)
    if isinstance(hint, type) and is_dataclass(hint):
        return build_config(place, hint, name)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _convert_union(place, arguments, name)
    if origin is Literal:
        return _choose(place, arguments, name)
    if origin is tuple:
        return _convert_tuple(place, arguments, name)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(place.value, Mapping):
            raise _misfit(place, name, "keys and values")
        return {key: _convert(item, arguments[1], f"{name}.{key}") for key, item in place.value.items()}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(_choose(place, tuple(member.value for member in hint), name))
    return _scalar(place, hint, name)


def _convert_union(place: Place, arguments: tuple[Any, ...], name: str) -> Any:
    if place.value is None and type(None) in arguments:
        return None
    error: ConfigError | None = None
    for argument in (item for item in arguments if item is not type(None)):
        try:
            return _convert(place, argument, name)
        except ConfigError as caught:
            error = error or caught
    raise error or _misfit(place, name, "nothing")


def _convert_tuple(place: Place, arguments: tuple[Any, ...], name: str) -> tuple[Any, ...]:
    if not isinstance(place.value, list):
        raise _misfit(place, name, "a list")
    repeated = len(arguments) == 2 and arguments[1] is Ellipsis
    if not repeated and len(place.value) != len(arguments):
        raise _misfit(place, name, f"a list of {len(arguments)}")
    kinds = (arguments[0],) * len(place.value) if repeated else arguments
    pairs = zip(place.value, kinds, strict=True)
    return tuple(_convert(item, kind, f"{name}[{index}]") for index, (item, kind) in enumerate(pairs))


def _choose(place: Place, choices: tuple[Any, ...], name: str) -> Any:
    if place.value in choices and not isinstance(place.value, bool):
        return place.value
    raise ConfigError(f"{place.where}: {name} – got {plain(place)!r}{did_you_mean(str(plain(place)), choices)}")


def _scalar(place: Place, hint: Any, name: str) -> Any:
    value = place.value
    if hint is Path and isinstance(value, str) and value:
        return Path(expand_variables(value, place.where)).expanduser()
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is str and isinstance(value, str):
        return expand_variables(value, place.where)
    if isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    raise _misfit(place, name, _NAMES.get(hint, str(hint)))


def _misfit(place: Place, name: str, expected: str) -> ConfigError:
    return ConfigError(f"{place.where}: {name} – got {plain(place)!r}, expected {expected}")
