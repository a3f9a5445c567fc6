"""One training loop for every network: epochs, autocast, weight average, best epoch, resume.

All randomness of an epoch comes from seed and epoch, and ``last.pt`` is written after whole epochs, so a run that was
killed and resumed ends with the same bits as one that was not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from logging import getLogger
from math import isfinite
from time import perf_counter
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from fxdet.core.errors import TrainingError, did_you_mean
from fxdet.training.epochs import EpochRecord, RunResult, describe_epoch, record_of_row
from fxdet.training.optimise import WeightAverage, build_optimiser, freeze, frozen_names, set_learning_rate
from fxdet.training.options import TrainingOptions
from fxdet.training.precision import autocast, choose_precision
from fxdet.training.processes import Processes
from fxdet.training.run_folder import RunFolder
from fxdet.training.schedule import learning_rate_factor

logger = getLogger(__name__)


class Task(Protocol):
    """What is trained: a network, its batches, its loss and its validation."""

    network: nn.Module

    @property
    def steps_per_epoch(self) -> int:
        """Steps per epoch."""
        ...

    def batches(self, epoch: int) -> Iterator[Any]:
        """Yield this process's batches of an epoch; must depend on nothing but seed and epoch."""
        ...

    def loss(self, network: nn.Module, batch: Any) -> Tensor:
        """Return the mean loss of a batch; called inside autocast."""
        ...

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return figures of a network in evaluation mode; called in the first process alone."""
        ...

    def about(self) -> dict[str, str]:
        """Return what goes into the header of the weight file."""
        ...


class Callback(Protocol):
    """Something that looks at every epoch: a log, a picture."""

    def epoch_ended(self, history: Sequence[EpochRecord]) -> None:
        """Take in all epochs so far; the last one is new, or several are after a resume."""
        ...

    def close(self) -> None:
        """Release files."""
        ...


@dataclass(slots=True)
class _State:
    network: nn.Module
    average: WeightAverage | None
    optimiser: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    history: list[EpochRecord] = field(default_factory=list)
    best: float | None = None
    best_epoch: int = -1

    @property
    def judged(self) -> nn.Module:
        return self.network if self.average is None else self.average.network

    def to_plain(self) -> dict[str, Any]:
        average = self.average
        return {
            "network": self.network.state_dict(),
            "average": None if average is None else average.network.state_dict(),
            "average_updates": 0 if average is None else average.updates,
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
            "history": [record.row() for record in self.history],
            "best": self.best,
            "best_epoch": self.best_epoch,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        if self.average is not None and state["average"] is not None:
            self.average.network.load_state_dict(state["average"])
            self.average.updates = state["average_updates"]
        self.optimiser.load_state_dict(state["optimiser"])
        self.scaler.load_state_dict(state["scaler"])
        self.history = [record_of_row(row) for row in state["history"]]
        self.best, self.best_epoch = state["best"], state["best_epoch"]


def run_training(
    task: Task,
    options: TrainingOptions,
    folder: RunFolder,
    processes: Processes,
    callbacks: Sequence[Callback] = (),
    resume: bool = False,
) -> RunResult:
    """Train to the last epoch, or until no better epoch comes.

    Raises:
        TrainingError: The loss is no number, the monitored figure does not exist, or a resumed state does not fit.
    """
    with _own_random_state(options.loop.threads):
        return _Run(task, options, folder, processes, callbacks).go(resume)


class _Run:
    """The parts of one run."""

    def __init__(
        self,
        task: Task,
        options: TrainingOptions,
        folder: RunFolder,
        processes: Processes,
        callbacks: Sequence[Callback],
    ) -> None:
        self.task, self.options, self.folder = task, options, folder
        self.processes, self.callbacks = processes, callbacks
        device = processes.device
        self.precision = choose_precision(options.loop.precision, device)
        layout = torch.channels_last if options.loop.channels_last else torch.contiguous_format
        network = task.network.to(device=device, memory_format=layout)  # type: ignore[call-overload]
        average = WeightAverage(network, options.loop.ema_decay) if options.loop.ema_decay else None
        scaler = torch.amp.GradScaler(device.type, enabled=self.precision == "fp16")
        moved = deepcopy(network) if options.optimise_a_copy else network
        self.state = _State(network, average, build_optimiser(moved, options.optimiser), scaler)

    def go(self, resume: bool) -> RunResult:
        loop = self.options.loop
        frozen_names(self.state.network, self.options.freeze, 0)  # a wrong pattern shows before the first epoch
        first = self._restore() if resume else 0
        if self.processes.is_first:
            self.folder.write_environment(self.processes.device, self.precision)
        for epoch in range(first, loop.epochs):
            if self._is_over():
                logger.info("no better epoch since %d: stopped early", self.state.best_epoch)
                break
            self._epoch(epoch)
        state = self.state
        if state.best is None:
            raise TrainingError(f"{self.folder.path} – no epoch gave a valid {loop.monitor} – check the validation set")
        return RunResult(state.best_epoch, state.best, tuple(state.history))

    def _is_over(self) -> bool:
        state, patience = self.state, self.options.loop.patience
        return bool(patience and state.history and state.history[-1].epoch - state.best_epoch >= patience)

    def _restore(self) -> int:
        saved = self.folder.read_state()
        if saved is None:
            return 0
        try:
            self.state.restore(saved)
        except (KeyError, ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise TrainingError(f"can't resume – {self.folder.last} does not fit this config – {reason}") from error
        self._tell()
        return len(self.state.history)

    def _epoch(self, epoch: int) -> None:
        started = perf_counter()
        loss, rate, shown = self._train_epoch(epoch)
        speed = shown / max(1e-9, perf_counter() - started)
        figures = self._validate(epoch)
        self.state.history.append(EpochRecord(epoch, loss, rate, speed, figures))
        better = self._is_better(figures)
        if better:
            self.state.best, self.state.best_epoch = figures[self.options.loop.monitor], epoch
        if self.processes.is_first:
            if better:
                self.folder.write_best(self.state.judged, {**self.task.about(), "epoch": str(epoch)})
            self.folder.write_state(self.state.to_plain())
            self._tell()

    def _train_epoch(self, epoch: int) -> tuple[float, float, int]:
        """Train one epoch; return mean loss, last learning rate and number of pictures of all processes."""
        torch.manual_seed(_epoch_seed(self.options.loop.seed, epoch, self.processes.rank))
        network, steps = self.state.network, self.task.steps_per_epoch
        network.train()
        freeze(network, frozen_names(network, self.options.freeze, epoch))
        wrapped = self.processes.wrap(network)
        losses: list[float] = []
        title = f"epoch {epoch + 1}/{self.options.loop.epochs}"
        hidden = None if self.processes.is_first else True  # None: hidden where stderr is no terminal
        batch_size = self.options.loop.batch_size
        with tqdm(total=steps * batch_size, desc=title, unit="img", disable=hidden, leave=False) as bar:
            for step, batch in enumerate(self.task.batches(epoch)):
                factor = self._factor(epoch * steps + step)
                set_learning_rate(self.state.optimiser, factor)
                losses.append(self._step(wrapped, batch, epoch, step))
                bar.update(batch_size)
                bar.set_postfix(loss=f"{np.mean(losses[-50:]):.3f}", refresh=False)
        rate = factor * self.options.optimiser.learning_rate
        return float(np.mean(losses)), rate, len(losses) * batch_size

    def _factor(self, step: int) -> float:
        return learning_rate_factor(self.options.schedule, step, self.task.steps_per_epoch, self.options.loop.epochs)

    def _step(self, network: nn.Module, batch: Any, epoch: int, step: int) -> float:
        """Move the weights once; return the loss averaged over processes."""
        state, clip = self.state, self.options.loop.clip_norm
        with autocast(self.precision, self.processes.device):
            loss = self.task.loss(network, batch)
        value = float(self.processes.mean(loss.detach().clone().float()))
        if not isfinite(value):
            raise TrainingError(
                f"loss became {value} in epoch {epoch + 1}, step {step + 1} – last.pt keeps the epoch before – try a"
                " lower optimiser.learning_rate, loop.precision=fp32 or a smaller loop.clip_norm"
            )
        state.optimiser.zero_grad(set_to_none=True)
        state.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        if clip:
            state.scaler.unscale_(state.optimiser)
            nn.utils.clip_grad_norm_([p for p in state.network.parameters() if p.grad is not None], clip)
        state.scaler.step(state.optimiser)
        state.scaler.update()
        if state.average is not None:
            state.average.update(state.network)
        return value

    def _validate(self, epoch: int) -> dict[str, float]:
        loop = self.options.loop
        if (epoch + 1) % loop.validate_every and epoch + 1 != loop.epochs:
            return {}
        figures: dict[str, float] = {}
        if self.processes.is_first:
            judged = self.state.judged.eval()
            with torch.inference_mode():
                figures = self.task.validate(judged)
        figures = self.processes.share(figures)
        if loop.monitor not in figures:
            raise TrainingError(f"loop.monitor – got unknown '{loop.monitor}'{did_you_mean(loop.monitor, figures)}")
        return figures

    def _is_better(self, figures: Mapping[str, float]) -> bool:
        value = figures.get(self.options.loop.monitor, float("nan"))
        if not isfinite(value):
            return False
        if self.state.best is None:
            return True
        return value > self.state.best if self.options.loop.monitor_mode == "max" else value < self.state.best

    def _tell(self) -> None:
        if not (self.processes.is_first and self.state.history):
            return
        logger.info(describe_epoch(self.state.history[-1]))
        for callback in self.callbacks:
            callback.epoch_ended(self.state.history)


def _epoch_seed(seed: int, epoch: int, rank: int) -> int:
    return int(np.random.SeedSequence((seed, epoch, rank)).generate_state(1)[0])


@contextmanager
def _own_random_state(threads: int) -> Iterator[None]:
    """Leave torch's global random state and thread count as they were: dropout draws from the former."""
    before = torch.get_num_threads()
    if threads:
        torch.set_num_threads(threads)
    try:
        with torch.random.fork_rng():
            yield
    finally:
        torch.set_num_threads(before)
