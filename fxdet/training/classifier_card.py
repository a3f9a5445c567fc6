"""The card of a trained classifier: temperatures and figures of the best weights on the validation parts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from fxdet._version import __version__
from fxdet.classify.model import build_network
from fxdet.core.files import sha256_file
from fxdet.evaluation.classification import allowed_top1
from fxdet.evaluation.estimate import Estimate
from fxdet.evaluation.ranking import Ranking
from fxdet.evaluation.resampling import IntervalOptions, Resampling
from fxdet.evaluation.shares import share_estimate
from fxdet.evaluation.temperature import fit_temperature
from fxdet.training.classifier_config import ClassifierConfig
from fxdet.training.epochs import RunResult
from fxdet.training.initial import first_weights
from fxdet.training.leak_check import card_record
from fxdet.training.run_folder import RunFolder
from fxdet.training.validation import ValidationSet, figures_of, predict_logits
from fxdet.zoo.cards import CARD_NAME, ModelCard, write_card

Logits = Mapping[str, NDArray[np.float32]]


def write_classifier_card(
    config: ClassifierConfig, folder: RunFolder, data: ValidationSet, result: RunResult, device: torch.device
) -> ModelCard:
    """Judge the best weights on the validation parts and write ``card.json``."""
    counts = {head: len(names) for head, names in config.heads.items()}
    with torch.random.fork_rng():  # the first weights, overwritten below, are drawn
        network = build_network(config.architecture, counts)
    network.load_state_dict(load_file(folder.best))
    network = network.to(device).eval()
    logits = predict_logits(network, data.pixels, config.preprocess, device, 32)
    card = ModelCard(
        name=config.name,
        tag=config.tag,
        kind="classifier",
        architecture=config.architecture,
        input_size=config.preprocess.size,
        weights=folder.best.name,
        sha256=sha256_file(folder.best),
        heads=config.heads,
        preprocess=config.preprocess.to_json(),
        temperature=fit_temperatures(data, logits),
        figures={"validation": card_figures(config, data, logits)},
        training=_training(config, folder, result),
        licence=config.licence,
        description=config.description,
    )
    write_card(folder.path / CARD_NAME, card)
    return card


def fit_temperatures(data: ValidationSet, logits: Logits) -> dict[str, float]:
    """Return head → temperature, fitted on whole radiographs."""
    whole = np.array([item.kind == "whole" for item in data.items])
    return {head: round(fit_temperature(rows[whole], data.allowed[head][whole]), 4) for head, rows in logits.items()}


def card_figures(config: ClassifierConfig, data: ValidationSet, logits: Logits) -> dict[str, Any]:
    """Return the figures with n and 95 % intervals (bootstrap by group, Wilson)."""
    whole = np.array([item.kind == "whole" for item in data.items])
    figures: dict[str, Any] = {"epoch_figures": _rounded(figures_of(data, logits, config.loss))}
    if "fracture" in logits:
        chosen = whole & ~data.allowed["fracture"].all(axis=1)
        truth = data.allowed["fracture"][chosen, 1]
        score = (logits["fracture"][:, 1] - logits["fracture"][:, 0])[chosen]
        groups = [f"{item.source}/{item.sample.group}" for item, kept in zip(data.items, chosen, strict=True) if kept]
        resampling = Resampling(groups, IntervalOptions(draws=500, seed=config.loop.seed))
        area = resampling.estimate(Ranking.of(truth, score).auroc)
        figures["auroc"] = _figure(area) | {"fractured": int(truth.sum())}
    if "region" in logits:
        right = allowed_top1(logits["region"][whole], data.allowed["region"][whole])
        figures["region_top1"] = _figure(share_estimate(right))
    return figures


def _figure(estimate: Estimate) -> dict[str, Any]:
    value, low, high = (
        None if number is None else round(number, 4) for number in (estimate.value, estimate.low, estimate.high)
    )
    return {"value": value, "interval": [low, high], "n": estimate.n}


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in figures.items()}


def _training(config: ClassifierConfig, folder: RunFolder, result: RunResult) -> dict[str, Any]:
    """Return what the weights were trained on, from the run folder; without paths of this machine."""
    environment = json.loads((folder.path / "environment.json").read_text(encoding="utf-8"))
    return {
        **card_record(folder),
        **first_weights(config.initial_weights),
        "epochs": len(result.history),
        "best_epoch": result.best_epoch + 1,
        "monitor": config.loop.monitor,
        "batch_size": config.loop.batch_size,
        "optimiser": f"{config.optimiser.name}, {config.optimiser.learning_rate:g}, {config.schedule.name}",
        "seed": config.loop.seed,
        "fxdet": __version__,
        "torch": environment["packages"]["torch"],
        "precision": environment["precision"],
        "git_commit": environment["git_commit"],
        **({"filter": config.filter} if config.filter else {}),
        **({"fault": config.fault} if config.fault != "none" else {}),
    }
