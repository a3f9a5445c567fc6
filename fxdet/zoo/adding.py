"""From a training's run folder to a model's folder that can be shipped or uploaded."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import yaml
from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from fxdet.core.errors import ModelError
from fxdet.core.files import sha256_file, write_json, write_text
from fxdet.zoo.cards import CARD_NAME, ModelCard, read_card, refuse_shown_faults, verified_weights, write_card
from fxdet.zoo.catalogue import NAME
from fxdet.zoo.folders import (
    CONFIG_NAME,
    LOG_NAME,
    RESULTS_NAME,
    WEIGHTS_NAME,
    ModelFolder,
    copy_file,
    new_folder,
    read_folder,
    read_result,
    write_readme,
)

_FOLDERS = re.compile(r"(?<![\w.~/:\\-])(?:~/(?:[^\s/]+/)*|/(?:[^\s/]+/)+|[A-Za-z]:\\(?:[^\s\\]+\\)*)(?=[^\s/\\])")
"""Folders of an absolute path within a text; a single ``/word`` is none."""


@dataclass(frozen=True, slots=True)
class AddOptions:
    """What is changed on the way; empty means as in the run.

    Attributes:
        name, tag: Name of the network, and what it was trained on or for.
        licence: Licence of the weights, as SPDX writes it.
        description: One line on what it is for.
        half: Whether the weights are stored at half width.
        result: JSON file with measured figures.
    """

    name: str = ""
    tag: str = ""
    licence: str = ""
    description: str = ""
    half: bool = False
    result: Path | None = None


def add_run(run: Path, parent: Path, options: AddOptions | None = None) -> ModelFolder:
    """Write a run's model into ``parent/name.tag``: card, weights, README, configuration and log.

    The weights keep their bytes unless they are halved. No path of this machine gets into the folder.

    Raises:
        ModelError: The run has not finished, its weights differ from its card, or it shows a fault on purpose; a name
            leads elsewhere, SPDX does not know the licence, or the result is no JSON object.
        OutputError: The folder exists or can't be written.
    """
    options = options or AddOptions()
    card = card_to_add(run, options)
    result = None if options.result is None else read_result(options.result)
    weights = verified_weights(card, run)
    with new_folder(parent / card.full_name) as stage:
        digest = _copy_weights(weights, stage / WEIGHTS_NAME, card.full_name, options.half)
        training = {**card.training, **_hardware(run), **({"stored_width": "half"} if options.half else {})}
        write_card(stage / CARD_NAME, replace(card, weights=WEIGHTS_NAME, sha256=digest, training=training))
        _copy_extras(run, stage, result)
        write_readme(read_folder(stage))
    return read_folder(parent / card.full_name)


def card_to_add(run: Path, options: AddOptions) -> ModelCard:
    """Return a finished run's card with what the options change.

    Raises:
        ModelError: As :func:`add_run`.
    """
    if options.licence:
        _check_licence(options.licence)
    card = _renamed(_card_of(run), options)
    if not NAME.fullmatch(card.full_name):
        raise ModelError(
            f"can't add {run} – --name or --tag – got the name '{card.full_name}', expected letters, digits, '.', '_'"
            " and '-' – choose another"
        )
    refuse_shown_faults(card)
    return card


def _check_licence(licence: str) -> None:
    remedy = "see https://spdx.org/licenses, or put LicenseRef- before a name of your own"
    try:
        expected = canonicalize_license_expression(licence)
    except InvalidLicenseExpression as error:
        raise ModelError(f"--licence – got '{licence}', expected an SPDX name such as MIT – {remedy}") from error
    if licence != expected:
        raise ModelError(f"--licence – got '{licence}', expected '{expected}', as SPDX writes it")


def _card_of(run: Path) -> ModelCard:
    if not (run / CARD_NAME).is_file():
        raise ModelError(
            f"can't add {run} – it has no {CARD_NAME}, which a training writes at its end – name a finished run folder,"
            " or finish it with --resume"
        )
    return read_card(run)


def _renamed(card: ModelCard, options: AddOptions) -> ModelCard:
    return replace(
        card,
        name=options.name or card.name,
        tag=options.tag or card.tag,
        licence=options.licence or card.licence,
        description=options.description or card.description,
    )


def _copy_weights(source: Path, target: Path, name: str, half: bool) -> str:
    if half:
        from fxdet.zoo.weights import write_half

        write_half(source, target, name)
    else:
        copy_file(source, target)
    return sha256_file(target)


def _copy_extras(run: Path, stage: Path, result: dict[str, Any] | None) -> None:
    if (run / CONFIG_NAME).is_file():
        write_text(stage / CONFIG_NAME, without_places((run / CONFIG_NAME).read_text(encoding="utf-8")))
    if (run / LOG_NAME).is_file():
        copy_file(run / LOG_NAME, stage / LOG_NAME)
    if result is not None:
        write_json(stage / RESULTS_NAME, _placeless(result))


def _hardware(run: Path) -> dict[str, str]:
    """Return what the run was made on, from its ``environment.json``; nothing where it has none."""
    try:
        found: dict[str, Any] = json.loads((run / "environment.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    device = str(found.get("device") or "")
    name = str(found.get("processor") or "processor") if device == "cpu" else device
    return {"hardware": name} if name else {}


def without_places(text: str) -> str:
    r"""Return a YAML text whose absolute paths are cut to their last part, also within a text.

    Example:
        >>> without_places("run: /home/me/runs/a\nsplit: fracatlas/grouped\n")
        'run: a\nsplit: fracatlas/grouped\n'
    """
    return yaml.safe_dump(_placeless(yaml.safe_load(text)), sort_keys=False, allow_unicode=True)


def _placeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {_placeless(key): _placeless(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_placeless(item) for item in value]
    if isinstance(value, str) and (value.startswith("~") or PurePosixPath(value).is_absolute()):
        return PurePosixPath(value).name
    if isinstance(value, str) and PureWindowsPath(value).is_absolute():
        return PureWindowsPath(value).name
    return _FOLDERS.sub("", value) if isinstance(value, str) else value
