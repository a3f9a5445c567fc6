"""YAML with places: every value remembers the file and line it came from; base files and overrides are merged."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fxdet.core.errors import ConfigError

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


@dataclass(slots=True)
class Place:
    """A value and where it stands.

    Attributes:
        value: A scalar, a list of places, or a mapping key → place.
        where: ``file:line``, or the override's text.
    """

    value: Any
    where: str


def read_tree(path: Path, overrides: Iterable[str] = ()) -> Place:
    """Read a YAML file with its ``base`` files, then lay overrides over it.

    Args:
        path: The file. Its key ``base`` names a file, relative to it, that is read first.
        overrides: Texts ``a.b=value``; the value is YAML. A number in the key counts list items from 0.

    Raises:
        ConfigError: A file is missing or no YAML mapping, a base refers to itself, or an override is malformed.
    """
    tree = _read_with_base(Path(path), ())
    for override in overrides:
        _apply_override(tree, override)
    return tree


def plain(place: Place) -> Any:
    """Return the value without places."""
    if isinstance(place.value, Mapping):
        return {key: plain(item) for key, item in place.value.items()}
    if isinstance(place.value, list):
        return [plain(item) for item in place.value]
    return place.value


def expand_variables(text: str, where: str) -> str:
    """Replace ``${NAME}`` and ``${NAME:-default}`` by the environment's values.

    Raises:
        ConfigError: A variable without default is not set.
    """

    def value(match: re.Match[str]) -> str:
        name, default = match.groups()
        found = os.environ.get(name) or default
        if found is None:
            raise ConfigError(
                f"{where}: the environment variable {name} is not set – set it, or write ${{{name}:-default}}"
            )
        return found

    return _VARIABLE.sub(value, text)


def _read_with_base(path: Path, above: tuple[Path, ...]) -> Place:
    if path.resolve() in above:
        raise ConfigError(f"{path}: 'base' leads back to this file – break the circle")
    tree = _read_file(path)
    base = tree.value.pop("base", None)
    if base is None:
        return tree
    if not isinstance(base.value, str):
        raise ConfigError(f"{base.where}: base – got {plain(base)!r}, expected a file name")
    parent = _read_with_base(path.parent / expand_variables(base.value, base.where), (*above, path.resolve()))
    return _merge(parent, tree)


def _read_file(path: Path) -> Place:
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise ConfigError(f"can't read config {path} – {error.strerror or error} – check the path") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"can't read config {path} – no UTF-8 text – name a YAML file") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{path}:{line}: no valid YAML – {error.problem} – check indentation and quotes") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: no valid YAML – {' '.join(str(error).split())}") from error
    tree = Place({}, f"{path}:1") if node is None else _node_to_place(node, str(path))
    if not isinstance(tree.value, dict):
        raise ConfigError(f"{tree.where}: got {type(tree.value).__name__}, expected keys and values")
    return tree


def _node_to_place(node: yaml.Node, file: str) -> Place:
    where = f"{file}:{node.start_mark.line + 1}"
    if isinstance(node, yaml.MappingNode):
        result: dict[str, Place] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in result:
                raise ConfigError(f"{file}:{key_node.start_mark.line + 1}: key '{key}' stands twice – remove one")
            item = _node_to_place(value_node, file)
            result[key] = Place(item.value, f"{file}:{key_node.start_mark.line + 1}")
        return Place(result, where)
    if isinstance(node, yaml.SequenceNode):
        return Place([_node_to_place(item, file) for item in node.value], where)
    return Place(_scalar(node), where)


def _scalar(node: yaml.Node) -> Any:
    value = yaml.SafeLoader("").construct_object(node)
    if isinstance(value, str) and getattr(node, "style", None) is None:
        # YAML 1.1 takes 1e-3 for a text; everybody who writes it means the number.
        try:
            return float(value) if re.fullmatch(r"[-+]?[\d.]+[eE][-+]?\d+", value) else value
        except ValueError:
            return value
    return value


def _merge(below: Place, above: Place) -> Place:
    """Lay ``above`` over ``below``: mappings are merged key by key, everything else is replaced."""
    if not (isinstance(below.value, dict) and isinstance(above.value, dict)):
        return above
    merged = dict(below.value)
    for key, item in above.value.items():
        merged[key] = _merge(merged[key], item) if key in merged else item
    return Place(merged, above.where)


def _apply_override(tree: Place, override: str) -> None:
    name, equals, text = override.partition("=")
    where = f"--set {override}"
    if not equals or not name or any(not part for part in name.split(".")):
        raise ConfigError(f"{where}: got no 'key=value' – write e.g. --set loop.epochs=3")
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ConfigError(f"{where}: the value is no valid YAML – quote it") from error
    value = Place(None, where) if node is None else _replace_where(_node_to_place(node, ""), where)
    *parents, last = name.split(".")
    target = tree
    for part in parents:
        target = _child(target, part, where)
    _put(target, last, value, where)


def _replace_where(place: Place, where: str) -> Place:
    if isinstance(place.value, dict):
        return Place({key: _replace_where(item, where) for key, item in place.value.items()}, where)
    if isinstance(place.value, list):
        return Place([_replace_where(item, where) for item in place.value], where)
    return Place(place.value, where)


def _child(place: Place, part: str, where: str) -> Place:
    if isinstance(place.value, list):
        return _item(place.value, part, where)
    if place.value is None:
        place.value = {}
    if not isinstance(place.value, dict):
        raise ConfigError(f"{where}: '{part}' lies below a plain value {place.value!r} – check the key")
    child: Place = place.value.setdefault(part, Place({}, where))
    return child


def _put(place: Place, part: str, value: Place, where: str) -> None:
    if isinstance(place.value, list):
        item = _item(place.value, part, where)
        item.value, item.where = value.value, where
    elif isinstance(place.value, dict) or place.value is None:
        place.value = {**(place.value or {}), part: value}
    else:
        raise ConfigError(f"{where}: '{part}' lies below a plain value {place.value!r} – check the key")


def _item(items: list[Place], part: str, where: str) -> Place:
    if not (part.isdigit() and int(part) < len(items)):
        raise ConfigError(f"{where}: got item '{part}', expected 0 to {len(items) - 1}")
    return items[int(part)]
