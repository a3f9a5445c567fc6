"""Errors that a user can cause, and the one way to ask for an optional package.

::

    FxdetError
    ├── ReadError        a file is no readable radiograph
    ├── DataError        a data set, label file or split is wrong
    ├── ConfigError      a configuration or option value is wrong
    ├── ModelError       weights, card or network do not fit
    ├── OutputError      a result can't be written
    ├── TrainingError    a training run can't go on
    └── MissingExtraError  an optional package is not installed

Every message says what failed, on which file or field, what came, what was expected and what to do.
Programmer mistakes stay ``ValueError`` and ``TypeError``.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from difflib import get_close_matches
from types import ModuleType


class FxdetError(Exception):
    """Base of everything that the command line turns into one line and an exit code."""

    exit_code = 2


class ReadError(FxdetError):
    """A file can't be read as a radiograph."""


class DataError(FxdetError):
    """A data set, an annotation file or a split list is inconsistent."""


class ConfigError(FxdetError):
    """A configuration file or an option has a wrong key or value."""


class ModelError(FxdetError):
    """Weights, card and network do not fit together."""


class OutputError(FxdetError):
    """A result can't be written where it was asked for."""


class TrainingError(FxdetError):
    """A training run can't start or can't go on."""

    exit_code = 1


class MissingExtraError(FxdetError):
    """An optional package is needed and not installed."""


def require(module: str, extra: str) -> ModuleType:
    """Import an optional module or say which extra brings it.

    Args:
        module: Dotted module name.
        extra: Name of the extra in ``setup.cfg`` that installs it.

    Returns:
        The imported module.

    Raises:
        MissingExtraError: The module is not installed.

    Example:
        >>> require("json", "none").dumps([1])
        '[1]'
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"{module} is not installed – run: pip install 'fxdet[{extra}]'") from error


def did_you_mean(got: str, choices: Iterable[str]) -> str:
    """Return ``" – did you mean 'x'?"`` for the nearest choice, or the list of choices.

    Example:
        >>> did_you_mean("fractrue", ["fracture", "region"])
        " – did you mean 'fracture'?"
        >>> did_you_mean("zzz", ["fracture", "region"])
        ' – expected one of: fracture, region'
    """
    names = [str(choice) for choice in choices]
    near = get_close_matches(got, names, n=1, cutoff=0.6)
    if near:
        return f" – did you mean '{near[0]}'?"
    return f" – expected one of: {', '.join(names)}"
