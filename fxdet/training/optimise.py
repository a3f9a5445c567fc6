"""Optimiser, freezing and the moving average of weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn

from fxdet.core.errors import ConfigError
from fxdet.training.options import FreezeStage, OptimiserOptions


def build_optimiser(network: nn.Module, options: OptimiserOptions) -> torch.optim.Optimizer:
    """Return the optimiser over all parameters, in groups by backbone or not and decayed or not.

    Each group keeps its highest learning rate under ``highest``; the loop multiplies it by the schedule.
    """
    groups = _parameter_groups(network, options)
    if options.name == "sgd":
        return torch.optim.SGD(groups, options.learning_rate, options.momentum, nesterov=options.momentum > 0)
    kind = torch.optim.AdamW if options.name == "adamw" else torch.optim.Adam
    # One pass over the weights instead of ten: a third of the time on a processor, where it is a share of every step.
    devices = {parameter.device.type for parameter in network.parameters()}
    return kind(groups, options.learning_rate, betas=options.betas, fused=devices <= {"cpu", "cuda"})


def _parameter_groups(network: nn.Module, options: OptimiserOptions) -> list[dict[str, object]]:
    sorted_out: dict[tuple[bool, bool], list[Tensor]] = {}
    for name, parameter in network.named_parameters():
        key = (name.startswith("backbone"), parameter.ndim > 1)
        sorted_out.setdefault(key, []).append(parameter)
    groups: list[dict[str, object]] = []
    for (backbone, decayed), parameters in sorted_out.items():
        rate = options.learning_rate * (options.backbone_factor if backbone else 1.0)
        decay = options.weight_decay if decayed or options.decay_everything else 0.0
        groups.append({"params": parameters, "lr": rate, "highest": rate, "weight_decay": decay})
    return groups


def set_learning_rate(optimiser: torch.optim.Optimizer, factor: float) -> None:
    """Set every group to ``factor`` × its highest learning rate."""
    for group in optimiser.param_groups:
        group["lr"] = group["highest"] * factor


def frozen_names(network: nn.Module, stages: Sequence[FreezeStage], epoch: int) -> frozenset[str]:
    """Return the names of parameters that stand still in an epoch.

    Raises:
        ConfigError: A stage matches no parameter, or all of them would stand still.
    """
    names = [name for name, _ in network.named_parameters()]
    frozen: set[str] = set()
    for stage in stages:
        hits = [name for name in names if _matches(name, stage.layers)]
        if not hits:
            tops = ", ".join(dict.fromkeys(".".join(name.split(".")[:2]) for name in names))
            raise ConfigError(f"freeze.layers – got '{stage.layers}', which fits no parameter of: {tops[:300]}")
        if epoch < stage.until_epoch:
            frozen.update(hits)
    if len(frozen) == len(names):
        raise ConfigError(f"freeze – all parameters would stand still in epoch {epoch} – leave a head out")
    return frozenset(frozen)


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) if "*" in pattern else name == pattern or name.startswith(f"{pattern}.")


def freeze(network: nn.Module, names: Iterable[str]) -> None:
    """Let exactly the named parameters stand still; call after ``network.train()``.

    Normalisation layers whose parameters stand still also keep their running statistics.
    """
    kept = frozenset(names)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name not in kept)
    for name, module in network.named_modules():
        own = [f"{name}.{key}" if name else key for key, _ in module.named_parameters(recurse=False)]
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and own and all(key in kept for key in own):
            module.eval()


class WeightAverage:
    """Exponential moving average of parameters and running statistics, in a copy of the network.

    The decay rises from 0.1 to its full value in the first updates, so that short runs are not held back by the
    first weights.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = deepcopy(network).eval().requires_grad_(False)
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take in the network's present weights."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        theirs = network.state_dict()
        floats: tuple[list[Tensor], list[Tensor]] = ([], [])
        for name, mine in self.network.state_dict().items():
            if mine.dtype.is_floating_point:
                floats[0].append(mine)
                floats[1].append(theirs[name])
            else:
                mine.copy_(theirs[name])
        torch._foreach_lerp_(floats[0], floats[1], 1 - decay)
