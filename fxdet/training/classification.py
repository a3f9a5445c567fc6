"""Training of a classifier, from config file to run folder with card."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from logging import getLogger
from pathlib import Path

import torch
from torch import Tensor, nn

from fxdet.classify.model import ClassifierNetwork
from fxdet.core.errors import ConfigError
from fxdet.core.files import write_json
from fxdet.data.augment import classification_augment
from fxdet.training.batches import Batch, BatchOptions, TrainingBatches
from fxdet.training.callbacks import folder_callbacks
from fxdet.training.classification_items import check_apart, class_weights, items_of_part
from fxdet.training.classifier_card import write_classifier_card
from fxdet.training.classifier_config import ClassifierConfig
from fxdet.training.config import config_to_yaml, load_config
from fxdet.training.epochs import RunResult
from fxdet.training.initial import initial_network
from fxdet.training.items import Item, OpenedSource, balance_fracture, open_source
from fxdet.training.leak_check import LeakCheck, check_leak, leak_note, split_record
from fxdet.training.loop import run_training
from fxdet.training.losses import total_loss
from fxdet.training.options import TrainingOptions
from fxdet.training.pictures import PictureMaker, RadiographStore, fracture_shares
from fxdet.training.processes import Processes
from fxdet.training.run_folder import RunFolder
from fxdet.training.validation import ValidationSet, figures_of, make_validation_set, network_input, predict_logits

logger = getLogger(__name__)


@dataclass(slots=True)
class ClassifierTask:
    """A classifier as :mod:`fxdet.training.loop` trains it.

    Attributes:
        network: The network.
        training: Batches.
        validation: Fixed pictures.
        config: The config.
        device: Where the network lies.
        class_weights: Head → weights (K,), or empty.
        shown, right: Labelled pictures of the first head that this process trained on in the epoch, and how many of
            them it named right, with their random changes.
    """

    network: nn.Module
    training: TrainingBatches
    validation: ValidationSet
    config: ClassifierConfig
    device: torch.device
    class_weights: Mapping[str, Tensor]
    shown: int = 0
    right: int = 0

    @property
    def steps_per_epoch(self) -> int:
        """Steps per epoch."""
        return len(self.training)

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yield this process's batches."""
        self.shown = self.right = 0  # of this epoch alone: a resumed run knows nothing of those before
        return self.training.epoch(epoch)

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the loss of a batch, averaged over all its rows.

        Rows without a label count in the divisor, so that averaging over processes gives what one process would get.
        """
        logits = network(network_input(batch.pixels, self.device))
        rows = self._rows(logits, batch.allowed)
        if batch.mixed is not None:
            rows = batch.share * rows + (1 - batch.share) * self._rows(logits, batch.mixed)
        else:
            self._count(logits, batch)
        return rows.mean()

    def _count(self, logits: Mapping[str, Tensor], batch: Batch) -> None:
        head = next(iter(self.config.heads))
        allowed = batch.allowed[head]
        labelled = ~allowed.all(dim=1)
        best = logits[head].detach().argmax(dim=1).cpu()
        self.shown += int(labelled.sum())
        self.right += int(allowed[torch.arange(len(best)), best][labelled].sum())

    def _rows(self, logits: Mapping[str, Tensor], allowed: Mapping[str, Tensor]) -> Tensor:
        here = {head: rows.to(self.device) for head, rows in allowed.items()}
        return total_loss(logits, here, self.config.loss, self.class_weights)

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return the figures on the validation parts."""
        batch_size = max(16, self.config.loop.batch_size)
        logits = predict_logits(network, self.validation.pixels, self.config.preprocess, self.device, batch_size)
        figures = figures_of(self.validation, logits, self.config.loss)
        if self.shown:
            figures["train_accuracy"] = self.right / self.shown
        return figures

    def about(self) -> dict[str, str]:
        """Return name, architecture, heads and preprocess for the weight file's header."""
        config = self.config
        heads = json.dumps({head: list(names) for head, names in config.heads.items()})
        preprocess = json.dumps(config.preprocess.to_json())
        name = f"{config.name}.{config.tag}"
        return {"name": name, "architecture": config.architecture, "heads": heads, "preprocess": preprocess}


def train_classifier(
    config_path: str | Path,
    overrides: Sequence[str] = (),
    resume: bool = False,
    processes: Processes | None = None,
) -> RunResult:
    """Train a classifier as a config file says.

    Args:
        config_path: YAML file for :class:`~fxdet.training.classifier_config.ClassifierConfig`.
        overrides: Texts ``a.b=value``.
        resume: Continue the run folder.
        processes: This process among all; one on the CPU by default.

    Returns:
        Best epoch and figures; everything else lies in the run folder.

    Raises:
        ConfigError, DataError, ModelError, TrainingError, OutputError: See the message.
    """
    config = load_config(config_path, overrides, ClassifierConfig)
    return run_classifier(config, resume, processes or Processes(torch.device("cpu")))


def run_classifier(
    config: ClassifierConfig, resume: bool, processes: Processes, store: RadiographStore | None = None
) -> RunResult:
    """Train a classifier as a config says; see :func:`train_classifier`.

    Args:
        config: The config.
        resume: Continue the run folder.
        processes: This process among all.
        store: Decoded radiographs to share with other trainings of the same preprocess; None decodes them anew.
    """
    if config.fault != "none":
        logger.warning("%s.%s shows a published fault on purpose: %s", config.name, config.tag, config.fault)
    folder = RunFolder(config.run)
    if processes.is_first:
        folder.prepare(resume, config_to_yaml(config))
    # Built before the data are read: a wrong name or file shows after a second, not after a minute.
    with torch.random.fork_rng():
        torch.manual_seed(config.loop.seed)
        network = initial_network(config.architecture, config.heads, config.dropout, config.initial_weights)
    _try_network(network, config)
    sources = [open_source(source, config.allow_leak) for source in config.sources]
    check = _check_leak(folder, config, sources) if processes.is_first and config.audit else None
    task = _make_task(config, sources, network, processes, store or radiograph_store(config))
    if processes.is_first:
        _write_split(folder, sources, check)
    faulty = config.fault == "optimiser_holds_another_network"
    options = TrainingOptions(config.loop, config.optimiser, config.schedule, config.freeze, faulty)
    note = leak_note([source.stamp for source in sources], check)
    with folder_callbacks(folder.path, config.loop.monitor, note, processes.is_first) as callbacks:
        result = run_training(task, options, folder, processes, callbacks, resume)
    if processes.is_first:
        write_classifier_card(config, folder, task.validation, result, processes.device)
    return result


def radiograph_store(config: ClassifierConfig) -> RadiographStore:
    """Return an empty store of decoded radiographs for a config."""
    return RadiographStore(config.preprocess, config.cache_side, config.filter)


def _make_task(
    config: ClassifierConfig,
    sources: Sequence[OpenedSource],
    network: ClassifierNetwork,
    processes: Processes,
    store: RadiographStore,
) -> ClassifierTask:
    batches, shown = prepare_pictures(config, sources, store, processes)
    weights = {head: values.to(processes.device) for head, values in class_weights(config, batches.items).items()}
    return ClassifierTask(network, batches, shown, config, processes.device, weights)


def prepare_pictures(
    config: ClassifierConfig, sources: Sequence[OpenedSource], store: RadiographStore, processes: Processes
) -> tuple[TrainingBatches, ValidationSet]:
    """Decode the radiographs of a config and return its batches and its validation pictures.

    Raises:
        DataError: A part is empty, a file can't be read, or a picture lies in both parts.
    """
    training = items_of_part(config, sources, "train")
    validation = items_of_part(config, sources, "val")
    check_apart(training, validation, _leak_allowed(config))
    if config.sampling.balance == "fracture":
        training = balance_fracture(training)
    store.load([item.sample.path for item in (*training, *validation)], 2, processes.is_first)
    augment = classification_augment(config.augment)
    maker = PictureMaker(store, config.preprocess, config.crops, augment, fracture_shares(training))
    shown = make_validation_set(validation, config.heads, maker, config.loop.seed)
    batches = TrainingBatches(training, config.heads, maker, _batch_options(config, training, processes))
    counts = len(training), len(validation), len(batches)
    logger.info("%d training items, %d validation items, %d steps per epoch", *counts)
    return batches, shown


def _batch_options(config: ClassifierConfig, items: Sequence[Item], processes: Processes) -> BatchOptions:
    return BatchOptions(
        batch_size=config.loop.batch_size,
        presentations=config.sampling.presentations or max(1, round(sum(item.weight for item in items))),
        seed=config.loop.seed,
        mixup=config.mixup,
        rank=processes.rank,
        world=processes.world,
        workers=config.loop.workers,
    )


def _try_network(network: ClassifierNetwork, config: ClassifierConfig) -> None:
    """Run one empty picture through the network, so that a size that it refuses is one clear line."""
    side = config.preprocess.size
    try:
        with torch.inference_mode():
            network.eval()(torch.zeros(1, 3, side, side))
    except (RuntimeError, AssertionError, ValueError) as error:
        reason = " ".join(str(error).split())[:160]
        raise ConfigError(
            f"preprocess.size – {config.architecture} refuses pictures of {side} px: {reason} – set another size"
        ) from error


def _leak_allowed(config: ClassifierConfig) -> bool:
    return config.allow_leak or any(source.allow_leak for source in config.sources)


def _check_leak(folder: RunFolder, config: ClassifierConfig, sources: Sequence[OpenedSource]) -> LeakCheck:
    train = [sample for source in sources for sample in source.part(source.options.train)]
    val = [sample for source in sources for sample in source.part(source.options.val)]
    return check_leak(train, val, folder, _leak_allowed(config))


def _write_split(folder: RunFolder, sources: Sequence[OpenedSource], check: LeakCheck | None) -> None:
    rows = [
        {
            "set": source.samples.name,
            "layout": source.samples.layout,
            **source.stamp.to_json(),
            "train": list(source.options.train),
            "val": list(source.options.val),
            "counts": source.samples.counts(),
        }
        for source in sources
    ]
    write_json(folder.path / "split.json", split_record(rows, check))
