"""Training of YOLO networks through ultralytics' own trainer.

What is ours: the data (decoded once, in memory), weights from a safetensors file, bf16 on processors that compute it
natively, a checkpoint that holds everything, so that a resumed run ends like an uninterrupted one, and the choice of
the best epoch by the fracture class alone. What is ultralytics': network, loss, augmentation of boxes, optimiser
groups, EMA, several GPUs.
"""

from __future__ import annotations

import fxdet.localize.yolo  # noqa: F401 - first, since it keeps ultralytics offline and to itself

# isort: split
import random
import shutil
import subprocess
from collections.abc import Sequence
from logging import getLogger
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from tqdm import tqdm
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.utils import LOCAL_RANK, RANK
from ultralytics.utils.torch_utils import unwrap_model

from fxdet.core.errors import TrainingError
from fxdet.core.labels import LabelMap
from fxdet.core.processors import usable_processors
from fxdet.data.augment import AugmentOptions, classification_augment
from fxdet.localize.yolo import build_yolo
from fxdet.training.config import load_config
from fxdet.training.detection_config import DetectionConfig
from fxdet.training.detection_data import DetectionParts, collect_parts, load_items
from fxdet.training.epochs import EpochRecord, RunResult, describe_epoch, record_of_row
from fxdet.training.loop import Callback
from fxdet.training.precision import choose_precision
from fxdet.training.run_folder import SCRATCH_NAME, RunFolder
from fxdet.training.yolo_arguments import trainer_arguments
from fxdet.training.yolo_data import EpochSampler, InOrder, RadiographDataset, training_loader
from fxdet.training.yolo_weights import load_initial_weights, write_half_weights

log = getLogger(__name__)

MONITOR = "fitness"
"""Chooses the best epoch: mean of AP50 and AP50:95 of the fracture class."""

REPORTING = frozenset(
    f"ultralytics.utils.callbacks.{name}"
    for name in ("clearml", "comet", "dvc", "mlflow", "raytune", "tensorboard", "wb")
)
"""Callbacks that ultralytics adds for each of these packages that is installed; a run tells nobody but its folder."""


class YoloTrainer(DetectionTrainer):  # type: ignore[misc]
    """Ultralytics' detection trainer over radiographs; ``args.data`` is the run's resolved config file.

    Everything is derived from that file, so that the processes which ultralytics starts for several GPUs find it too;
    that is also why an existing ``last.pt`` beside it is what a run continues from.
    """

    config: DetectionConfig
    model: Any
    best_fitness: float | None
    history: list[EpochRecord]
    observers: Sequence[Callback] = ()

    def get_dataset(self) -> dict[str, Any]:
        """Read the config and choose the samples."""
        self.config = load_config(Path(self.args.data), (), DetectionConfig)
        self.parts: DetectionParts = collect_parts(self.config)
        self.label_map = LabelMap(self.config.labels)
        self.folder = RunFolder(self.config.run)
        self.history = []
        return {
            "train": "train",
            "val": "val",
            "nc": len(self.label_map),
            "names": dict(enumerate(self.label_map.names)),
            "channels": 1,
        }

    def setup_model(self) -> None:
        """Build the network and fill it with the initial weights."""
        if isinstance(self.model, torch.nn.Module):
            return
        network = build_yolo(self.config.architecture, self.label_map)
        load_initial_weights(network, self.config)
        network.autocast_dtype = cpu_autocast(self.config, self.device)
        self.model = network.to(memory_format=torch.channels_last)

    def get_dataloader(self, dataset_path: str, batch_size: int = 16, rank: int = 0, mode: str = "train") -> Any:
        """Return the loader of a part, with its radiographs decoded into memory.

        Each of several processes validates its own share; ultralytics then gathers what they found.
        """
        share = slice(max(rank, 0), None, max(self.world_size, 1))
        items = load_items(self.parts.train if mode == "train" else self.parts.val[share], self.label_map)
        options = {
            "imgsz": self.args.imgsz,
            "batch_size": batch_size,
            "augment": mode == "train",
            "hyp": self.args,
            "rect": mode == "val",
            "stride": 32,
            "pad": 0.0,
            "data": self.data,
        }
        if mode == "val":
            dataset = RadiographDataset(items, None, options)
            return training_loader(dataset, batch_size, 0, InOrder(len(dataset), 0))
        augment = self.config.augment
        greys = classification_augment(
            AugmentOptions(
                flip=0, rotate=0, scale=0, translate=0, dropout=0,
                brightness=augment.brightness, contrast=augment.contrast, clahe=augment.clahe, blur=augment.blur,
            )
        )  # fmt: skip
        dataset = RadiographDataset(items, greys, options)
        sampler = EpochSampler(len(dataset), self.config.seed, LOCAL_RANK, self.world_size)
        return training_loader(dataset, batch_size, self.config.workers, sampler)

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Scale greys to 0–1 and lay the batch out channels last."""
        batch = super().preprocess_batch(batch)
        batch["img"] = batch["img"].contiguous(memory_format=torch.channels_last)
        return batch

    def run_callbacks(self, event: str) -> None:
        """Run ultralytics' callbacks and ours; ours are no closures, since ultralytics pickles its list for GPUs."""
        if event == "on_train_start":
            # ultralytics leaves one processor out, of two one half.
            torch.set_num_threads(self.config.threads or max(1, usable_processors() // max(self.world_size, 1)))
        elif event == "on_train_epoch_start":
            self._epoch_started = perf_counter()
            self._seed_epoch()
            title = f"epoch {self.epoch + 1}/{self.epochs}"
            hidden = None if RANK in (-1, 0) else True  # None: hidden where stderr is no terminal
            self._bar = tqdm(total=len(self.train_loader), desc=title, unit="step", disable=hidden, leave=False)
        elif event == "on_train_batch_end":
            self._bar.set_postfix(loss=f"{float(self.loss.detach()) / self.batch_size:.3f}", refresh=False)
            self._bar.update()
        elif event == "on_train_epoch_end":
            self._bar.close()
        for callback in self.callbacks.get(event, ()):
            if callback.__module__ not in REPORTING:
                callback(self)

    def _seed_epoch(self) -> None:
        """Make the epoch's randomness a function of (seed, epoch), whatever ran before."""
        seed = int(np.random.SeedSequence((self.config.seed, self.epoch, max(RANK, 0))).generate_state(1)[0])
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        self.train_loader.generator.manual_seed(seed)
        self.train_loader.sampler.set_epoch(self.epoch)
        self.train_loader.reset()

    def validate(self) -> tuple[dict[str, float] | None, float | None]:
        """Return the validation figures; the fitness is the fracture class's mean of AP50 and AP50:95."""
        best = self.best_fitness
        metrics, _ = super().validate()
        if metrics is None:
            return None, None
        box = self.validator.metrics.box
        index = self.label_map.index("fracture")
        row = list(box.ap_class_index).index(index) if index in box.ap_class_index else None
        ap50, ap = (float(box.ap50[row]), float(box.ap[row])) if row is not None else (0.0, 0.0)
        fitness = (ap50 + ap) / 2
        metrics = {**metrics, MONITOR: fitness, "fracture_AP50": ap50, "fracture_AP50-95": ap}
        self.best_fitness = fitness if best is None else max(best, fitness)
        return metrics, fitness

    def save_metrics(self, metrics: dict[str, float]) -> None:
        """Keep the epoch's figures for the run folder; ultralytics' own table is not written."""
        figures = {name.replace("metrics/", "").replace("(B)", ""): float(value) for name, value in metrics.items()}
        rates = [figures.pop(name) for name in list(figures) if name.startswith("lr/")]
        loss = sum(value for name, value in figures.items() if name.startswith("train/"))
        seconds = perf_counter() - self._epoch_started
        rate = len(self.train_loader.dataset) / seconds
        self.history.append(EpochRecord(self.epoch, loss, max(rates), rate, figures))

    def save_model(self) -> bool:
        """Write the whole state, and the averaged weights of the best epoch; both whole or not at all."""
        network, ema = unwrap_model(self.model), self.ema.ema
        state = {
            "epoch": self.epoch,
            "model": network.state_dict(),
            "ema": ema.state_dict(),
            "updates": self.ema.updates,
            "optimizer": self.optimizer.state_dict(),
            "best_fitness": self.best_fitness,
            "stopper": {"best_fitness": self.stopper.best_fitness, "best_epoch": self.stopper.best_epoch},
            "history": [record.row() for record in self.history],
        }
        # First the weights: a run killed in between repeats the epoch instead of keeping older weights as its best.
        if best_epoch(self.history) == len(self.history) - 1:
            write_half_weights(self.folder, ema, self.config)
        self.folder.write_state(state)
        log.info(describe_epoch(self.history[-1]))
        for observer in self.observers:
            observer.epoch_ended(self.history)
        return True

    def resume_training(self, ckpt: Any) -> None:
        """Take up the state that :meth:`save_model` wrote, if there is one."""
        state = self.folder.read_state()
        if state is None:
            return
        unwrap_model(self.model).load_state_dict(state["model"])
        self.ema.ema.load_state_dict(state["ema"])
        self.ema.updates = state["updates"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.best_fitness = state["best_fitness"]
        self.stopper.__dict__.update(state["stopper"])
        self.history = [record_of_row(row) for row in state["history"]]
        self.start_epoch = state["epoch"] + 1

    def _handle_nan_recovery(self, epoch: int) -> bool:
        if self.loss is not None and not bool(torch.isfinite(self.loss)):
            raise TrainingError(
                f"the loss became NaN or infinite in epoch {epoch + 1} – last.pt holds the epoch before – lower "
                "learning_rate, or set precision: fp32, and use --resume"
            )
        return False

    def final_eval(self) -> None:
        """Do nothing: the best weights are written already, and testing is another command's work."""


def train_yolo(config: DetectionConfig, observers: Sequence[Callback] = ()) -> RunResult:
    """Train a YOLO in its prepared run folder, from ``last.pt`` where there is one.

    Args:
        config: The run; ``config.yaml`` in its folder says the same.
        observers: What looks at every epoch.

    Raises:
        ModelError: The initial weights can't be had or don't fit.
        TrainingError: The loss became NaN, or one of several processes failed.
    """
    history = [] if _is_over(config) else _trained(config, observers)
    history = history or _told_afterwards(config, observers)
    best = best_epoch(history)
    return RunResult(best, history[best].figures[MONITOR], tuple(history))


def _is_over(config: DetectionConfig) -> bool:
    """Tell whether the run folder holds all epochs, or stopped early for want of a better one."""
    state = RunFolder(config.run).read_state()
    if state is None:
        return False
    done = state["epoch"] + 1
    return bool(done >= config.epochs or (config.patience and done - state["stopper"]["best_epoch"] >= config.patience))


def _trained(config: DetectionConfig, observers: Sequence[Callback]) -> list[EpochRecord]:
    """Train, and return the epochs; none where other processes did the work."""
    trainer = YoloTrainer(overrides=trainer_arguments(config))
    trainer.observers = observers
    threads = torch.get_num_threads()
    try:
        trainer.train()
    except subprocess.CalledProcessError as error:
        raise TrainingError(
            f"run {config.run} – a process on the GPUs {config.device} ended with code {error.returncode} – its message"
            " stands above – go on with --resume"
        ) from error
    finally:
        torch.set_num_threads(threads)
        shutil.rmtree(config.run / SCRATCH_NAME, ignore_errors=True)
    return trainer.history


def best_epoch(history: Sequence[EpochRecord]) -> int:
    """Return the place of the epoch with the highest fitness; of equal ones the first."""
    return int(np.argmax([record.figures[MONITOR] for record in history]))


def _told_afterwards(config: DetectionConfig, observers: Sequence[Callback]) -> list[EpochRecord]:
    """Return the history from ``last.pt`` and show it to the observers: with several GPUs other processes worked."""
    state = RunFolder(config.run).read_state()
    history = [] if state is None else [record_of_row(row) for row in state["history"]]
    for end in range(1, len(history) + 1):
        for observer in observers:
            observer.epoch_ended(history[:end])
    return history


def cpu_autocast(config: DetectionConfig, device: torch.device) -> torch.dtype | None:
    """Return bf16 where the config and the processor allow it; GPUs use ultralytics' own mixed precision."""
    if device.type != "cpu":
        return None
    return torch.bfloat16 if choose_precision(config.precision, device) == "bf16" else None
