"""Which items a classifier is trained and validated on, checked against each other and against its classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from logging import getLogger

import numpy as np
import torch
from torch import Tensor

from fxdet.core.errors import TrainingError
from fxdet.training.classifier_config import ClassifierConfig
from fxdet.training.items import Item, OpenedSource, allowed_classes, make_items

logger = getLogger(__name__)


def items_of_part(config: ClassifierConfig, sources: Sequence[OpenedSource], part: str) -> list[Item]:
    """Return the items of the training (``train``) or validation parts; validation always shows whole radiographs.

    Raises:
        TrainingError: There is none.
    """
    found: list[Item] = []
    for source in sources:
        if part == "train":
            found.extend(make_items(source, source.options.train, config.crops))
        elif source.options.val:
            shown = replace(source.options, whole=source.options.whole or 1.0)
            items = make_items(replace(source, options=shown), source.options.val, config.crops)
            found.extend(_thinned(items, source.options.weight, config.loop.seed))
    if not found:
        names = ", ".join(str(source.options.path) for source in sources)
        parts = sorted({name for source in sources for name in source.samples.counts()})
        raise TrainingError(
            f"no {part} part in {names} – found parts {', '.join(parts) or 'none'} – set sources.{part} or a split list"
        )
    return found


def _thinned(items: Sequence[Item], source_weight: float, seed: int) -> list[Item]:
    """Keep all whole radiographs, and of the crops the share that their weight gives in an epoch."""
    chance = np.random.default_rng((seed, 4)).random(len(items)) * max(source_weight, 1e-9)
    return [item for item, limit in zip(items, chance, strict=True) if item.kind == "whole" or item.weight > limit]


def check_apart(training: Sequence[Item], validation: Sequence[Item], allow_leak: bool) -> None:
    """Warn of groups on both sides.

    Raises:
        TrainingError: A picture itself is on both sides, and ``allow_leak`` is false.
    """
    paths = {item.sample.path for item in training}
    shared = [item.sample.name for item in validation if item.sample.path in paths]
    if shared and not allow_leak:
        count = len(set(shared))
        raise TrainingError(f"{count} radiographs are in training and validation, e.g. {shared[0]} – mend the split")
    groups = {(item.source, item.sample.group) for item in training}
    close = {item.sample.group for item in validation if (item.source, item.sample.group) in groups}
    if close:
        logger.warning("%d groups lie in training and validation, e.g. %s", len(close), min(close))


def class_weights(config: ClassifierConfig, items: Sequence[Item]) -> dict[str, Tensor]:
    """Return head → weights per class, shape (K,), where asked for.

    Raises:
        TrainingError: A class occurs in no training picture.
    """
    totals = {head: {name: 0.0 for name in names} for head, names in config.heads.items()}
    for item in items:
        for head, row in allowed_classes(item, config.heads).items():
            names = config.heads[head]
            if not row.all():
                for index in np.flatnonzero(row):
                    totals[head][names[index]] += item.weight / int(row.sum())
    for head, counts in totals.items():
        empty = [name for name, weight in counts.items() if weight <= 0]
        if empty and not config.allow_empty_classes:
            raise TrainingError(
                f"class '{empty[0]}' of head '{head}' is empty: no training picture may show it – add a source that has"
                f" it, take it out of heads.{head}, or set allow_empty_classes: true"
            )
    if config.loss.class_weights == "none":
        return {}
    return {head: _inverse(list(counts.values())) for head, counts in totals.items()}


def _inverse(counts: list[float]) -> Tensor:
    """Return weights inverse to the counts whose mean over pictures is 1; an empty class weighs 0."""
    values = np.array(counts)
    weights = np.divide(values.sum() / max(1, (values > 0).sum()), values, out=np.zeros_like(values), where=values > 0)
    return torch.tensor(weights, dtype=torch.float32)
