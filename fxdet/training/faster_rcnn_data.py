"""Letterboxed pictures and boxes for Faster R-CNN; which picture comes when is a pure function of seed and epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from fxdet.core.errors import TrainingError
from fxdet.data.augment import DetectionAugment
from fxdet.imaging.geometry import apply_affine, letterbox_matrix, warp
from fxdet.localize.faster_rcnn import grey_to_input
from fxdet.training.detection_data import DetectionItem

Target = dict[str, Tensor]
TargetBatch = tuple[list[Tensor], list[Target]]
"""Pictures float32 (3, S, S), 0–1, and per picture ``boxes`` (N, 4), px of the input, and ``labels`` (N,), from 1."""


@dataclass(frozen=True, slots=True)
class TargetOptions:
    """How an epoch is cut into batches.

    Attributes:
        side: Side of the network's input, px.
        batch_size: Pictures per step over all processes.
        seed: All randomness comes from it, the epoch and the place in the epoch.
        rank, world: This process and the number of processes.
        workers: Processes that prepare batches.
    """

    side: int
    batch_size: int
    seed: int
    rank: int = 0
    world: int = 1
    workers: int = 0

    def __post_init__(self) -> None:
        if self.batch_size % self.world:
            raise TrainingError(
                f"batch_size – got {self.batch_size} for {self.world} processes, expected a multiple – change it"
            )


class TargetBatches:
    """All batches of a training.

    Args:
        items: Pictures and boxes.
        augment: Random changes of picture and boxes together.
        options: How an epoch is cut.
    """

    def __init__(self, items: Sequence[DetectionItem], augment: DetectionAugment, options: TargetOptions) -> None:
        self.items = items
        self.augment = augment
        self.options = options

    def __len__(self) -> int:
        return max(1, len(self.items) // self.options.batch_size)

    def epoch(self, epoch: int) -> Iterator[TargetBatch]:
        """Yield this process's share of an epoch's batches; a last incomplete batch is left out unless it is alone."""
        workers = self.options.workers
        loader: DataLoader[TargetBatch] = DataLoader(
            _Epoch(self, epoch),
            batch_size=None,
            num_workers=workers,
            multiprocessing_context="fork" if workers else None,  # decoded radiographs are shared, not copied
            # With a generator of its own the loader does not draw its base seed from torch's global state.
            generator=torch.Generator().manual_seed(0),
        )
        return iter(loader)

    def batch(self, epoch: int, step: int, order: NDArray[np.int64]) -> TargetBatch:
        """Return one batch of this process."""
        options = self.options
        first = step * options.batch_size
        places = range(first + options.rank, min(first + options.batch_size, len(order)), options.world)
        rows = [self._changed(order[place], np.random.default_rng((options.seed, epoch, place))) for place in places]
        return [picture for picture, _ in rows], [target for _, target in rows]

    def _changed(self, index: int, generator: np.random.Generator) -> tuple[Tensor, Target]:
        item = self.items[index]
        pixels, xyxy = letterboxed(item, self.options.side)
        return to_target(*self.augment(pixels, xyxy, item.label, generator))


def letterboxed(item: DetectionItem, side: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return picture (S, S) and boxes in its px, by the map that prediction uses."""
    height, width = item.pixels.shape
    matrix = letterbox_matrix((height, width), side)
    return np.asarray(warp(item.pixels, matrix, side)), apply_affine(matrix, item.xyxy).astype(np.float32)


def to_target(pixels: NDArray[np.uint8], xyxy: NDArray[np.float32], label: NDArray[np.int64]) -> tuple[Tensor, Target]:
    """Return what torchvision trains on; boxes thinner than a pixel are left out and labels shifted by the background.

    Example:
        >>> picture, target = to_target(np.zeros((8, 8), np.uint8), np.array([[1, 1, 5, 5]], np.float32), np.array([0]))
        >>> picture.shape, target["labels"].tolist()
        (torch.Size([3, 8, 8]), [1])
    """
    solid = ((xyxy[:, 2:] - xyxy[:, :2]) >= 1).all(axis=1)
    target = {"boxes": torch.from_numpy(xyxy[solid]), "labels": torch.from_numpy(label[solid] + 1)}
    return grey_to_input(pixels.astype(np.float32) / np.float32(255)), target


class _Epoch(Dataset[TargetBatch]):
    """One epoch; an index is a step."""

    def __init__(self, batches: TargetBatches, epoch: int) -> None:
        self._batches = batches
        self._epoch = epoch
        self._order = np.random.default_rng((batches.options.seed, epoch)).permutation(len(batches.items))

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, step: int) -> TargetBatch:
        if step >= len(self):
            raise IndexError(step)
        return self._batches.batch(self._epoch, step, self._order)
