"""The processes of one training: a single one, or those that ``torchrun`` started."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import signature
from typing import Any, cast

import torch
import torch.distributed as distributed
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from fxdet.core.errors import ConfigError

_KNOWN = signature(DistributedDataParallel).parameters
_SYNC_BUFFERS = "forward_sync_buffers" if "forward_sync_buffers" in _KNOWN else "broadcast_buffers"
"""Argument that spreads running statistics before each step; torch 2.13 renamed it."""


@dataclass(frozen=True, slots=True)
class Processes:
    """This process among all.

    Attributes:
        device: Where this process computes.
        rank: Its number, from 0.
        world: How many there are.
    """

    device: torch.device
    rank: int = 0
    world: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and shows progress."""
        return self.rank == 0

    def wrap(self, network: nn.Module) -> nn.Module:
        """Return the network that averages gradients over the processes; call anew when parameters were frozen."""
        if self.world == 1:
            return network
        ids = [self.device.index] if self.device.type == "cuda" else None
        options: dict[str, Any] = {"device_ids": ids, "find_unused_parameters": True, _SYNC_BUFFERS: False}
        return DistributedDataParallel(network, **options)

    def require_one(self, command: str) -> None:
        """Refuse several processes, for a command that trains one network after another.

        Raises:
            ConfigError: torchrun started more than one.
        """
        if self.world > 1:
            raise ConfigError(f"{command} runs in one process – start it without torchrun")

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean of a tensor over the processes."""
        if self.world > 1:
            distributed.all_reduce(values)
            values /= self.world
        return values

    def share(self, value: Any) -> Any:
        """Return the first process's value in all of them."""
        if self.world == 1:
            return value
        box = [value]
        distributed.broadcast_object_list(box, src=0)
        return box[0]


@contextmanager
def join_processes(device: str, environment: Mapping[str, str]) -> Iterator[Processes]:
    """Join the processes that ``torchrun`` started, or stand alone.

    Args:
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        environment: Environment variables; torchrun sets RANK, WORLD_SIZE and LOCAL_RANK.

    Raises:
        ConfigError: The device is not there.
    """
    world = int(environment.get("WORLD_SIZE", "1"))
    chosen = _device(device, int(environment.get("LOCAL_RANK", "0")) if world > 1 else None)
    if world == 1:
        yield Processes(chosen)
        return
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    try:
        yield Processes(chosen, distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()


def _device(name: str, local_rank: int | None) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"--device – got '{name}', expected auto, cpu, cuda or cuda:0") from error
    if device.type == "cuda":
        index = device.index if device.index is not None else local_rank or 0
        if not (torch.cuda.is_available() and index < torch.cuda.device_count()):
            raise ConfigError(f"--device – got '{name}', found {torch.cuda.device_count()} CUDA devices – use cpu")
        return torch.device("cuda", index)
    return device


def unwrap(network: nn.Module) -> nn.Module:
    """Return the network itself."""
    return cast(nn.Module, network.module) if isinstance(network, DistributedDataParallel) else network
