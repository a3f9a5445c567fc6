"""Learning rate over a run: a pure function of the step, so that a resumed run needs no state for it."""

from __future__ import annotations

from math import cos, pi

from fxdet.training.options import ScheduleOptions


def learning_rate_factor(options: ScheduleOptions, step: int, steps_per_epoch: int, epochs: int) -> float:
    """Return the learning rate of a step as a share of the highest one.

    Args:
        options: The schedule.
        step: Step since the start of the run, from 0.
        steps_per_epoch: Steps per epoch.
        epochs: Epochs of the whole run.

    Returns:
        Factor, 0–1.

    Example:
        >>> options = ScheduleOptions(warmup_epochs=0, final_factor=0.0)
        >>> [round(learning_rate_factor(options, step, 1, 4), 3) for step in (0, 2, 4)]
        [1.0, 0.5, 0.0]
    """
    total = steps_per_epoch * epochs
    if options.name == "one_cycle":
        return _one_cycle(options, step, total)
    warmup = min(options.warmup_epochs * steps_per_epoch, total)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if options.name == "constant":
        return 1.0
    if options.name == "cosine_restarts":
        return _restarts(options, (step - warmup) / steps_per_epoch)
    return _anneal(1.0, options.final_factor, (step - warmup) / max(1.0, total - warmup))


def _anneal(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + cos(pi * min(1.0, share))) / 2


def _one_cycle(options: ScheduleOptions, step: int, total: int) -> float:
    # Same turning points as torch's OneCycleLR: the top lies at rise_share × total - 1.
    top = options.rise_share * total - 1
    if step <= top:
        return _anneal(options.initial_factor, 1.0, step / top if top > 0 else 1.0)
    return _anneal(1.0, options.final_factor, (step - top) / max(1e-9, total - 1 - top))


def _restarts(options: ScheduleOptions, epoch: float) -> float:
    length = float(options.first_cycle_epochs)
    while epoch >= length:
        epoch -= length
        length *= options.cycle_growth
    return _anneal(1.0, options.final_factor, epoch / length)
