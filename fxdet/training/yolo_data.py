"""Decoded radiographs as an ultralytics data set, drawn anew each epoch from (seed, epoch)."""

from __future__ import annotations

import fxdet.localize.yolo  # noqa: F401 - first, since it keeps ultralytics offline and to itself

# isort: split
import random
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from ultralytics.data.build import InfiniteDataLoader, seed_worker
from ultralytics.data.dataset import YOLODataset

from fxdet.localize.yolo import network_picture
from fxdet.training.detection_data import DetectionItem

GreyChange = Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]]
"""Picture (H, W) and generator → picture of the same shape."""


class RadiographDataset(YOLODataset):  # type: ignore[misc]
    """Items with boxes in the form ultralytics' transforms expect; every picture lies decoded in memory.

    Args:
        items: Pictures and boxes.
        grey_augment: Changes of greys in training, or None.
        options: Arguments of ultralytics' data set.
    """

    def __init__(
        self, items: Sequence[DetectionItem], grey_augment: GreyChange | None, options: dict[str, Any]
    ) -> None:
        self._items = items
        self._grey_augment = grey_augment
        super().__init__(img_path="", cache=None, task="detect", **options)
        # "ram" tells mosaic to draw partners from the whole set instead of from what was read lately.
        self.cache = "ram"
        # Rectangular batches sort the labels by aspect ratio; the pictures have to follow.
        ordered = [items[label.pop("item")] for label in self.labels]
        self.ims = [network_picture(item.pixels, self.imgsz)[..., None] for item in ordered]
        self.im_hw0 = [item.pixels.shape for item in ordered]
        self.im_hw = [picture.shape[:2] for picture in self.ims]
        self.transforms = self.build_transforms(copy(options["hyp"]))

    def get_img_files(self, img_path: str | list[str]) -> list[str]:
        """Return the items' paths; nothing is searched for."""
        return [str(item.path) for item in self._items]

    def get_labels(self) -> list[dict[str, Any]]:
        """Return the items' boxes as centre, width and height, shares of the picture."""
        return [{**_label(item), "item": index} for index, item in enumerate(self._items)]

    def load_image(self, i: int, rect_mode: bool = True, resize_short: bool = False) -> tuple[Any, Any, Any]:
        """Return picture ``i`` from memory with its size as stored and as resized."""
        return self.ims[i], self.im_hw0[i], self.im_hw[i]

    def build_transforms(self, hyp: SimpleNamespace) -> Any:
        """Return ultralytics' transforms with the changes of greys before the last one."""
        transforms = super().build_transforms(hyp)
        if self.augment and self._grey_augment is not None:
            transforms.insert(-1, GreyStep(self._grey_augment))
        return transforms


class GreyStep:
    """One step of the transform chain: greys change, boxes stay."""

    def __init__(self, augment: GreyChange) -> None:
        self.augment = augment

    def __call__(self, labels: dict[str, Any]) -> dict[str, Any]:
        """Return the labels with a changed picture."""
        # ultralytics draws from Python's generator, which every worker seeds per epoch; so does this step.
        generator = np.random.default_rng(random.getrandbits(32))
        labels["img"] = self.augment(labels["img"][..., 0], generator)[..., None]
        return labels


class EpochSampler(torch.utils.data.Sampler[int]):
    """A permutation that depends on seed and epoch alone; each process takes every n-th index."""

    def __init__(self, length: int, seed: int, rank: int = 0, processes: int = 1) -> None:
        self.length = length
        self.seed = seed
        self.rank = max(rank, 0)
        self.processes = max(processes, 1)
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        order = np.random.default_rng((self.seed, self.epoch)).permutation(self.length)
        return iter(order[: len(self) * self.processes][self.rank :: self.processes].tolist())

    def __len__(self) -> int:
        return self.length // self.processes


class InOrder(EpochSampler):
    """The items in their order, for validation."""

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.length))


def training_loader(dataset: RadiographDataset, batch_size: int, workers: int, sampler: EpochSampler) -> Any:
    """Return a loader over the sampler's order; the last, smaller batch is kept."""
    return InfiniteDataLoader(
        dataset=dataset,
        batch_size=min(batch_size, len(dataset)),
        sampler=sampler,
        num_workers=workers,
        collate_fn=dataset.collate_fn,
        worker_init_fn=_single_thread_worker,
        generator=torch.Generator(),
    )


def _single_thread_worker(worker_id: int) -> None:
    seed_worker(worker_id)
    cv2.setNumThreads(0)


def _label(item: DetectionItem) -> dict[str, Any]:
    height, width = item.pixels.shape
    size = np.array([width, height, width, height], dtype=np.float32)
    centre = (item.xyxy[:, :2] + item.xyxy[:, 2:]) / 2
    xywh = np.concatenate([centre, item.xyxy[:, 2:] - item.xyxy[:, :2]], axis=1) / size
    return {
        "im_file": str(item.path),
        "shape": (height, width),
        "cls": item.label[:, None].astype(np.float32),
        "bboxes": xywh.astype(np.float32).reshape(-1, 4),
        "segments": [],
        "keypoints": None,
        "normalized": True,
        "bbox_format": "xywh",
    }
