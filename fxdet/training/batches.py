"""Batches of an epoch: which picture comes when is a pure function of seed and epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from fxdet.core.errors import TrainingError
from fxdet.training.items import Item, allowed_classes, draw_epoch
from fxdet.training.pictures import PictureMaker


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures with their allowed classes.

    Attributes:
        pixels: float32, shape (B, S, S), normalised.
        allowed: Head → bool (B, K).
        mixed: The same of the pictures that were mixed in, or None.
        share: Share of the first picture in each mixture, 0–1.
    """

    pixels: Tensor
    allowed: Mapping[str, Tensor]
    mixed: Mapping[str, Tensor] | None = None
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """How an epoch is cut into batches.

    Attributes:
        batch_size: Pictures per step over all processes.
        presentations: Pictures per epoch.
        seed: All randomness comes from it, the epoch and the place in the epoch.
        mixup: Parameter of the beta distribution; 0 is off.
        rank, world: This process and the number of processes.
        workers: Processes that prepare batches.
    """

    batch_size: int
    presentations: int
    seed: int
    mixup: float = 0.0
    rank: int = 0
    world: int = 1
    workers: int = 0

    def __post_init__(self) -> None:
        if self.batch_size % self.world:
            raise TrainingError(
                f"loop.batch_size – got {self.batch_size} for {self.world} processes, expected a multiple – change it"
            )

    @property
    def steps(self) -> int:
        """Steps per epoch; a last incomplete batch is left out unless it is the only one."""
        return max(1, self.presentations // self.batch_size)


class TrainingBatches:
    """All batches of a training.

    Args:
        items: What may be shown.
        heads: Head → class names.
        maker: Makes the pictures.
        options: How an epoch is cut.
    """

    def __init__(
        self, items: Sequence[Item], heads: Mapping[str, tuple[str, ...]], maker: PictureMaker, options: BatchOptions
    ) -> None:
        self.items = items
        self.maker = maker
        self.options = options
        self.allowed = {
            head: np.stack([allowed_classes(item, {head: names})[head] for item in items])
            for head, names in heads.items()
        }
        self._weights = np.array([item.weight for item in items], dtype=np.float64)

    def __len__(self) -> int:
        return self.options.steps

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """Yield this process's share of an epoch's batches."""
        workers = self.options.workers
        loader: DataLoader[Batch] = DataLoader(
            _Epoch(self, epoch),
            batch_size=None,
            num_workers=workers,
            multiprocessing_context="fork" if workers else None,  # decoded radiographs are shared, not copied
            prefetch_factor=4 if workers else None,
            # With a generator of its own the loader does not draw its base seed from torch's global state.
            generator=torch.Generator().manual_seed(0),
        )
        return iter(loader)

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Return item indices of a whole epoch, all processes together."""
        options = self.options
        count = options.steps * min(options.batch_size, max(options.presentations, options.world))
        return draw_epoch(self._weights, count, np.random.default_rng((options.seed, epoch)))

    def batch(self, epoch: int, step: int, order: NDArray[np.int64]) -> Batch:
        """Return one batch of this process."""
        options = self.options
        per_step = len(order) // options.steps
        places = range(step * per_step + options.rank, (step + 1) * per_step, options.world)
        side = self.maker.preprocess.size
        pixels = np.empty((len(places), side, side), dtype=np.uint8)
        for row, place in enumerate(places):
            generator = np.random.default_rng((options.seed, epoch, place, 1))
            pixels[row] = self.maker.training(self.items[order[place]], generator)
        allowed = {head: torch.from_numpy(rows[order[list(places)]]) for head, rows in self.allowed.items()}
        values = self.maker.preprocess.normalise(pixels.astype(np.float32) / np.float32(255))
        batch = Batch(torch.from_numpy(values), allowed)
        return mix(batch, options.mixup, (options.seed, epoch, step, options.rank, 2)) if options.mixup else batch


def mix(batch: Batch, alpha: float, seed: tuple[int, ...]) -> Batch:
    """Return the batch with every picture mixed with another one of it (mixup).

    Args:
        batch: Pictures.
        alpha: Parameter of the beta distribution of shares.
        seed: Decides shares and partners.
    """
    generator = np.random.default_rng(seed)
    share = float(generator.beta(alpha, alpha))
    partner = torch.from_numpy(generator.permutation(len(batch.pixels)))
    pixels = share * batch.pixels + (1 - share) * batch.pixels[partner]
    return Batch(pixels, batch.allowed, {head: rows[partner] for head, rows in batch.allowed.items()}, share)


class _Epoch(Dataset[Batch]):
    """One epoch; an index is a step."""

    def __init__(self, batches: TrainingBatches, epoch: int) -> None:
        self._batches = batches
        self._epoch = epoch
        self._order = batches.order(epoch)

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, step: int) -> Batch:
        if step >= len(self):
            raise IndexError(step)
        return self._batches.batch(self._epoch, step, self._order)
