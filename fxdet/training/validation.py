"""Validation of a classifier: fixed pictures, logits, and the figures of an epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fxdet.core.labels import PAPER_REGIONS
from fxdet.evaluation.classification import allowed_top1, auroc, average_precision, macro_accuracy
from fxdet.imaging.preprocess import Preprocess
from fxdet.training.items import Item, allowed_classes
from fxdet.training.losses import LossOptions, total_loss
from fxdet.training.pictures import PictureMaker


@dataclass(frozen=True, slots=True, eq=False)
class ValidationSet:
    """Pictures that every validation shows unchanged.

    Attributes:
        items: What they are.
        pixels: uint8, shape (N, S, S).
        allowed: Head → bool (N, K).
        heads: Head → class names.
    """

    items: tuple[Item, ...]
    pixels: NDArray[np.uint8]
    allowed: Mapping[str, NDArray[np.bool_]]
    heads: Mapping[str, tuple[str, ...]]


def make_validation_set(
    items: Sequence[Item], heads: Mapping[str, tuple[str, ...]], maker: PictureMaker, seed: int
) -> ValidationSet:
    """Make the pictures of a validation set; places of background boxes come from the seed."""
    side = maker.preprocess.size
    pixels = np.zeros((len(items), side, side), dtype=np.uint8)
    for index, item in enumerate(items):
        pixels[index] = maker.fixed(item, np.random.default_rng((seed, index, 3)))
    allowed = {
        head: np.array([allowed_classes(item, {head: names})[head] for item in items]).reshape(-1, len(names))
        for head, names in heads.items()
    }
    return ValidationSet(tuple(items), pixels, allowed, heads)


def predict_logits(
    network: nn.Module, pixels: NDArray[np.uint8], preprocess: Preprocess, device: torch.device, batch_size: int
) -> dict[str, NDArray[np.float32]]:
    """Return head → logits (N, K) of pictures uint8 (N, S, S)."""
    rows: dict[str, list[NDArray[np.float32]]] = {}
    with torch.inference_mode():
        for start in range(0, len(pixels), batch_size):
            part = pixels[start : start + batch_size].astype(np.float32) / np.float32(255)
            logits: Mapping[str, Tensor] = network(network_input(torch.from_numpy(preprocess.normalise(part)), device))
            for head, values in logits.items():
                rows.setdefault(head, []).append(values.float().cpu().numpy())
    return {head: np.concatenate(values) for head, values in rows.items()}


def network_input(pixels: Tensor, device: torch.device) -> Tensor:
    """Return normalised grey pictures (B, S, S) as (B, 3, S, S) in channels-last order on a device."""
    planes = pixels.to(device)[:, None].expand(-1, 3, -1, -1)
    return planes.contiguous(memory_format=torch.channels_last)


def figures_of(data: ValidationSet, logits: Mapping[str, NDArray[np.float32]], loss: LossOptions) -> dict[str, float]:
    """Return the figures of an epoch; those without the classes they need are left out.

    ``auroc``, ``ap`` and ``accuracy`` (at .5) of the fracture head on whole radiographs (and ``auroc@source`` where
    there are several), ``crop_auroc``, ``region_top1`` over all labelled whole radiographs, ``region_macro6`` over the
    six regions of the papers, ``val_loss``.
    """
    whole = np.array([item.kind == "whole" for item in data.items])
    figures = {"val_loss": _mean_loss(data, logits, loss)}
    if "fracture" in logits:
        figures |= _fracture_figures(data, logits["fracture"], whole)
    if "region" in logits:
        chosen, allowed = logits["region"][whole], data.allowed["region"][whole]
        right = allowed_top1(chosen, allowed)
        figures["region_top1"] = float(right.mean()) if right.size else float("nan")
        six = [data.heads["region"].index(name) for name in PAPER_REGIONS if name in data.heads["region"]]
        figures["region_macro6"] = macro_accuracy(chosen, allowed, six)
    return {name: value for name, value in figures.items() if isfinite(value)}


def _fracture_figures(data: ValidationSet, logits: NDArray[np.float32], whole: NDArray[np.bool_]) -> dict[str, float]:
    score = logits[:, 1] - logits[:, 0]
    allowed = data.allowed["fracture"]
    labelled, truth = ~allowed.all(axis=1), allowed[:, 1]
    sources = np.array([item.source for item in data.items])
    chosen = labelled & whole
    figures = {"auroc": auroc(truth[chosen], score[chosen]), "ap": average_precision(truth[chosen], score[chosen])}
    right = truth[chosen] == (score[chosen] > 0)
    figures["accuracy"] = float(right.mean()) if right.size else float("nan")
    crops = labelled & ~whole
    figures["crop_auroc"] = auroc(truth[crops], score[crops])
    names = dict.fromkeys(sources.tolist())
    for name in names if len(names) > 1 else ():
        here = chosen & (sources == name)
        figures[f"auroc@{name}"] = auroc(truth[here], score[here])
    return figures


def _mean_loss(data: ValidationSet, logits: Mapping[str, NDArray[np.float32]], options: LossOptions) -> float:
    rows = total_loss(
        {head: torch.from_numpy(values) for head, values in logits.items()},
        {head: torch.from_numpy(rows) for head, rows in data.allowed.items()},
        options,
    )
    return float(rows.mean())
