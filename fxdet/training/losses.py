"""Losses over sets of allowed classes.

A target is a boolean row over the classes: one True is a certain label, several mean "any of these", all True is a
missing label. The loss −log Σ p(allowed) is then 0 for a missing label by itself: nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from fxdet.training.options import check


@dataclass(frozen=True, slots=True)
class LossOptions:
    """What is minimised.

    Attributes:
        kind: ``cross_entropy`` or ``focal``.
        focal_gamma: Exponent of ``focal``: how strongly easy pictures are turned down.
        label_smoothing: Share of the target spread over all classes, 0–1.
        head_weights: Head → weight of its loss; 1 where missing.
        class_weights: ``none``, or ``balanced``: inverse to the classes' shares, mean 1.
    """

    kind: Literal["cross_entropy", "focal"] = "cross_entropy"
    focal_gamma: float = 2.0
    label_smoothing: float = 0.0
    head_weights: Mapping[str, float] = field(default_factory=dict)
    class_weights: Literal["none", "balanced"] = "none"

    def __post_init__(self) -> None:
        check("focal_gamma", self.focal_gamma >= 0, self.focal_gamma, ">= 0")
        check("label_smoothing", 0 <= self.label_smoothing < 1, self.label_smoothing, "0 to below 1")
        for head, weight in self.head_weights.items():
            check("head_weights", weight >= 0, f"{head}: {weight}", ">= 0")


def allowed_set_loss(
    logits: Tensor, allowed: Tensor, options: LossOptions, class_weights: Tensor | None = None
) -> Tensor:
    """Return one loss per row, shape (B,); rows without a label give exactly 0.

    Args:
        logits: Shape (B, K).
        allowed: bool, shape (B, K).
        options: Kind of loss, smoothing.
        class_weights: Shape (K,); a row weighs the mean over its allowed classes.
    """
    log_p = torch.log_softmax(logits.float(), dim=1)
    labelled = ~allowed.all(dim=1)
    log_allowed = torch.logsumexp(log_p.masked_fill(~allowed, float("-inf")), dim=1)
    loss = -log_allowed
    if options.kind == "focal":
        loss = loss * (1 - log_allowed.exp()).clamp_min(0) ** options.focal_gamma
    if options.label_smoothing:
        loss = (1 - options.label_smoothing) * loss - options.label_smoothing * log_p.mean(dim=1)
    if class_weights is not None:
        loss = loss * (allowed * class_weights).sum(dim=1) / allowed.sum(dim=1)
    return torch.where(labelled, loss, torch.zeros_like(loss))


def total_loss(
    logits: Mapping[str, Tensor],
    allowed: Mapping[str, Tensor],
    options: LossOptions,
    class_weights: Mapping[str, Tensor] | None = None,
) -> Tensor:
    """Return the loss per row over all heads, shape (B,)."""
    rows = [
        options.head_weights.get(head, 1.0)
        * allowed_set_loss(values, allowed[head], options, (class_weights or {}).get(head))
        for head, values in logits.items()
    ]
    return torch.stack(rows).sum(dim=0)
