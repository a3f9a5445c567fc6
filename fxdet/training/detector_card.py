"""The card of a trained localizer: figures of its best epoch on the validation parts."""

from __future__ import annotations

import json
from typing import Any

from fxdet._version import __version__
from fxdet.core.files import sha256_file
from fxdet.training.detection_config import DetectionConfig
from fxdet.training.epochs import RunResult
from fxdet.training.initial import first_weights
from fxdet.training.leak_check import card_record
from fxdet.training.run_folder import RunFolder
from fxdet.zoo.cards import CARD_NAME, ModelCard, write_card


def write_detector_card(config: DetectionConfig, folder: RunFolder, result: RunResult) -> ModelCard:
    """Write ``card.json`` for the best weights of a run."""
    best = result.history[result.best_epoch]
    kept = {name: round(value, 4) for name, value in best.figures.items() if "AP50" in name or name == "fitness"}
    card = ModelCard(
        name=config.name,
        tag=config.tag,
        kind="localizer",
        architecture=config.architecture,
        input_size=config.input_size,
        weights=folder.best.name,
        sha256=sha256_file(folder.best),
        labels=config.labels,
        figures={"validation": {"epoch_figures": kept}},
        training=_training(config, folder, result),
        licence=config.licence,
        description=config.description,
    )
    write_card(folder.path / CARD_NAME, card)
    return card


def _training(config: DetectionConfig, folder: RunFolder, result: RunResult) -> dict[str, Any]:
    """Return what the weights were trained on, without paths of this machine."""
    environment = json.loads((folder.path / "environment.json").read_text(encoding="utf-8"))
    return {
        **card_record(folder),
        **first_weights(config.initial_weights),
        "epochs": len(result.history),
        "best_epoch": result.best_epoch + 1,
        "monitor": "mean of AP50 and AP50:95 of the fracture class",
        "batch_size": config.batch_size,
        "optimiser": f"{config.optimizer}, {config.learning_rate:g}, cosine",
        "seed": config.seed,
        "fxdet": __version__,
        "torch": environment["packages"]["torch"],
        "precision": environment["precision"],
        "git_commit": environment["git_commit"],
    }
