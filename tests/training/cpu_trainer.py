"""A YOLO trainer that takes two processes on the CPU for two GPUs, so that the joint training runs without any."""

from __future__ import annotations

import os
from typing import Any

import torch
import torch.distributed as dist
from ultralytics.utils import LOCAL_RANK, RANK

from fxdet.training.yolo import YoloTrainer

PROCESSES = 2

STOP_AFTER = "FXDET_TEST_STOP_AFTER"
"""Environment variable: the first process dies after this epoch, counted from 0."""

_parallel = torch.nn.parallel.DistributedDataParallel


def _parallel_on_cpu(network: torch.nn.Module, device_ids: Any = None, **options: Any) -> torch.nn.Module:
    """Leave out the number of a GPU, which PyTorch refuses on a CPU."""
    return _parallel(network, **options)


class CpuTrainer(YoloTrainer):
    """The trainer itself, started by ultralytics in processes that talk through gloo."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.world_size = PROCESSES
        self.ddp = LOCAL_RANK == -1

    def _setup_ddp(self) -> None:
        torch.nn.parallel.DistributedDataParallel = _parallel_on_cpu
        dist.init_process_group("gloo", rank=RANK, world_size=PROCESSES)

    def run_callbacks(self, event: str) -> None:
        super().run_callbacks(event)
        if event == "on_fit_epoch_end" and RANK == 0 and os.environ.get(STOP_AFTER) == str(self.epoch):
            os._exit(9)
