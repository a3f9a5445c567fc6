"""Options that every training shares: optimiser, schedule, freezing and the loop."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Precision = Literal["auto", "fp32", "bf16", "fp16"]

SILENT = {"silent": True}
"""Metadata of a key that resolved configs leave out at its default, so that runs from before the key existed resume."""


def check(name: str, good: bool, got: object, expected: str) -> None:
    """Raise ``ValueError`` in the form that :func:`fxdet.training.config.load_config` places in the file."""
    if not good:
        raise ValueError(f"{name}: got {got}, expected {expected}")


@dataclass(frozen=True, slots=True)
class OptimiserOptions:
    """How weights move.

    Attributes:
        name: ``adamw``, ``adam`` or ``sgd``.
        learning_rate: Highest learning rate.
        weight_decay: Decay; biases and normalisation layers are left out. With ``adam`` it is added to the gradient.
        decay_everything: Decay biases and normalisation layers, too, as a plain ``torch.optim.Adam`` does.
        momentum: Momentum of ``sgd`` (Nesterov).
        betas: Averages of ``adam`` and ``adamw``.
        backbone_factor: Learning rate of the backbone as a multiple of the heads'.
    """

    name: Literal["adamw", "adam", "sgd"] = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    momentum: float = 0.9
    betas: tuple[float, float] = (0.9, 0.999)
    backbone_factor: float = 1.0
    decay_everything: bool = field(default=False, metadata=SILENT)

    def __post_init__(self) -> None:
        check("learning_rate", self.learning_rate > 0, self.learning_rate, "> 0")
        check("weight_decay", self.weight_decay >= 0, self.weight_decay, ">= 0")
        check("momentum", 0 <= self.momentum < 1, self.momentum, "0 to below 1")
        check("betas", all(0 <= beta < 1 for beta in self.betas), self.betas, "two values of 0 to below 1")
        check("backbone_factor", self.backbone_factor > 0, self.backbone_factor, "> 0")


@dataclass(frozen=True, slots=True)
class ScheduleOptions:
    """How the learning rate changes over the run; see :func:`fxdet.training.schedule.learning_rate_factor`.

    Attributes:
        name: ``cosine``, ``cosine_restarts``, ``one_cycle`` or ``constant``.
        warmup_epochs: Linear rise at the start (not for ``one_cycle``, which rises by itself).
        final_factor: Last learning rate as a share of the highest.
        first_cycle_epochs: Length of the first cycle of ``cosine_restarts``.
        cycle_growth: Each cycle is this many times as long as the one before.
        rise_share: Share of a ``one_cycle`` run spent rising.
        initial_factor: First learning rate of ``one_cycle`` as a share of the highest.
    """

    name: Literal["cosine", "cosine_restarts", "one_cycle", "constant"] = "cosine"
    warmup_epochs: float = 0.5
    final_factor: float = 0.01
    first_cycle_epochs: int = 5
    cycle_growth: int = 2
    rise_share: float = 0.3
    initial_factor: float = 0.04

    def __post_init__(self) -> None:
        check("warmup_epochs", self.warmup_epochs >= 0, self.warmup_epochs, ">= 0")
        check("final_factor", 0 <= self.final_factor <= 1, self.final_factor, "0 to 1")
        check("first_cycle_epochs", self.first_cycle_epochs >= 1, self.first_cycle_epochs, "at least 1")
        check("cycle_growth", self.cycle_growth >= 1, self.cycle_growth, "at least 1")
        check("rise_share", 0 < self.rise_share < 1, self.rise_share, "between 0 and 1")
        check("initial_factor", 0 < self.initial_factor <= 1, self.initial_factor, "above 0, at most 1")


@dataclass(frozen=True, slots=True)
class FreezeStage:
    """Parameters that stand still until an epoch begins.

    Attributes:
        layers: Start of parameter names, or a pattern with ``*``; ``backbone`` means all below it.
        until_epoch: First epoch (counted from 0) in which they move.
    """

    layers: str
    until_epoch: int

    def __post_init__(self) -> None:
        check("until_epoch", self.until_epoch >= 1, self.until_epoch, "at least 1")


@dataclass(frozen=True, slots=True)
class LoopOptions:
    """The run: how long, how exact, what is kept.

    Attributes:
        epochs: Number of epochs.
        batch_size: Pictures per step over all processes together.
        seed: All randomness comes from it.
        precision: ``auto`` takes bf16 where the processor computes it, else fp32.
        channels_last: Memory layout that convolutions like.
        ema_decay: Decay of the weight average that is validated and kept; 0 turns it off.
        clip_norm: Greatest norm of the gradient; 0 turns clipping off.
        monitor: Validation figure that chooses the best epoch.
        monitor_mode: Whether a higher or a lower figure is better.
        patience: Epochs without a better figure before the run stops; 0 turns that off.
        validate_every: Epochs between validations; the last epoch is always validated.
        workers: Processes that prepare batches; 0 prepares them in between.
        threads: Threads of torch; 0 leaves its choice.
    """

    epochs: int = 10
    batch_size: int = 32
    seed: int = 7
    precision: Precision = "auto"
    channels_last: bool = True
    ema_decay: float = 0.999
    clip_norm: float = 5.0
    monitor: str = "auroc"
    monitor_mode: Literal["max", "min"] = "max"
    patience: int = 0
    validate_every: int = 1
    workers: int = 0
    threads: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "validate_every"):
            check(name, getattr(self, name) >= 1, getattr(self, name), "at least 1")
        for name in ("clip_norm", "patience", "workers", "threads", "seed"):
            check(name, getattr(self, name) >= 0, getattr(self, name), ">= 0")
        check("ema_decay", 0 <= self.ema_decay < 1, self.ema_decay, "0 to below 1")


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """What :mod:`fxdet.training.loop` needs, whatever the network.

    Attributes:
        loop: The run.
        optimiser: How weights move.
        schedule: How the learning rate changes.
        freeze: Stages of freezing; each ends at its own epoch.
        optimise_a_copy: The published Team-05 fault: the optimiser holds another network's parameters, so that the one
            that is trained never moves.
    """

    loop: LoopOptions = field(default_factory=LoopOptions)
    optimiser: OptimiserOptions = field(default_factory=OptimiserOptions)
    schedule: ScheduleOptions = field(default_factory=ScheduleOptions)
    freeze: tuple[FreezeStage, ...] = ()
    optimise_a_copy: bool = False
