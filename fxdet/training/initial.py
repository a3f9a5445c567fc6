"""Weights that a training starts from: the model hub, nothing, or a safetensors file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from logging import getLogger
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from fxdet.classify.model import ClassifierNetwork, build_network
from fxdet.core.errors import ModelError
from fxdet.core.files import sha256_file
from fxdet.training.config_tree import expand_variables

logger = getLogger(__name__)

_LEAST_MATCH = 0.9
"""Share of backbone keys that a file must fill: below, it is another network's."""


@dataclass(frozen=True, slots=True)
class LoadReport:
    """How a weight file fitted.

    Attributes:
        matched: Keys taken over.
        missing: Keys of the network that the file lacks or holds in another shape.
        unexpected: Keys of the file that the network lacks.
    """

    matched: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]


def initial_network(
    architecture: str, heads: Mapping[str, tuple[str, ...]], dropout: float, initial_weights: str
) -> ClassifierNetwork:
    """Build the network that training starts from.

    Args:
        architecture: timm's name.
        heads: Head → class names.
        dropout: Before the heads, 0–1.
        initial_weights: ``hub``, ``none``, or the path of a safetensors file.

    Raises:
        ModelError: The name is unknown, the hub can't be reached, or the file does not fit.
    """
    counts = {head: len(names) for head, names in heads.items()}
    network = build_network(architecture, counts, dropout, pretrained=initial_weights == "hub")
    if initial_weights not in ("hub", "none"):
        path = Path(expand_variables(initial_weights, "initial_weights")).expanduser()
        report = load_initial(network, path, heads)
        logger.info("%s: %d keys taken, %d missing, %d unexpected", path.name, *map(len, _columns(report)))
    return network


def first_weights(initial_weights: str) -> dict[str, str]:
    """Return what a card says of the weights that a training started from: their name, and a file's SHA-256.

    Args:
        initial_weights: ``hub``, ``none``, or the path of a safetensors file, which may be gone by now.

    Example:
        >>> first_weights("hub")
        {'initial_weights': 'hub'}
    """
    named = {"initial_weights": initial_weights.rpartition("/")[2]}
    path = Path(expand_variables(initial_weights, "initial_weights")).expanduser()
    return {**named, "initial_weights_sha256": sha256_file(path)} if path.is_file() else named


def load_initial(network: ClassifierNetwork, path: Path, heads: Mapping[str, tuple[str, ...]]) -> LoadReport:
    """Copy a file's weights into a network.

    The file holds timm's own keys (without the classifier), or is a ``best.safetensors`` of an earlier training, whose
    heads are taken too.

    Raises:
        ModelError: The file is missing or damaged, fits less than 90 % of the backbone, or names other classes.
    """
    state = _read(path, heads)
    prefixed = any(name.startswith("backbone.") for name in state)
    given = state if prefixed else {f"backbone.{name}": value for name, value in state.items()}
    own = network.state_dict()
    matched = [name for name, value in own.items() if name in given and given[name].shape == value.shape]
    report = LoadReport(
        tuple(matched),
        tuple(name for name in own if name not in matched and (prefixed or name.startswith("backbone."))),
        tuple(name for name in given if name not in own),
    )
    backbone = sum(name.startswith("backbone.") for name in own)
    hits = sum(name.startswith("backbone.") for name in matched)
    if hits < _LEAST_MATCH * backbone:
        raise ModelError(
            f"initial_weights {path} – got {hits} of {backbone} keys of the network, expected 90 % or more;"
            f" missing e.g. {_some(report.missing)}, unexpected e.g. {_some(report.unexpected)} –"
            " name the file of this architecture"
        )
    for names, what in ((report.missing, "missing"), (report.unexpected, "unexpected")):
        if names:
            logger.warning("initial_weights %s: %d keys %s, e.g. %s", path, len(names), what, _some(names))
    network.load_state_dict({name: given[name].to(own[name].dtype) for name in matched}, strict=False)
    return report


def _read(path: Path, heads: Mapping[str, tuple[str, ...]]) -> dict[str, Tensor]:
    if not path.is_file():
        raise ModelError(f"initial_weights {path} – no such file – name a .safetensors file, or write 'hub' or 'none'")
    try:
        with safe_open(path, framework="pt") as handle:
            about = handle.metadata() or {}
        state: dict[str, Tensor] = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"initial_weights {path} – no valid safetensors file: {error} – copy it again") from error
    _check_heads(path, json.loads(about.get("heads", "{}")), heads)
    return state


def _check_heads(path: Path, stated: Mapping[str, list[str]], heads: Mapping[str, tuple[str, ...]]) -> None:
    for head, names in heads.items():
        if head in stated and list(stated[head]) != list(names):
            raise ModelError(
                f"initial_weights {path} – head '{head}' was trained as {stated[head]}, the config says {list(names)} –"
                " use the same classes in the same order, or weights without that head"
            )


def _columns(report: LoadReport) -> tuple[tuple[str, ...], ...]:
    return report.matched, report.missing, report.unexpected


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) if names else "none"
