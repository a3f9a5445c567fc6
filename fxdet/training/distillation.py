"""First weights without labels: a network learns to give the feature maps that a trained network gives.

For machines that can't fetch published weights of an architecture, and have those of another one: the student sees a
radiograph, the teacher the same one, and the student's maps are to be linear images of the teacher's (FitNets, Romero
et al. 2015, with a hint at every stage).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from fxdet.classify.model import ClassifierNetwork, build_network
from fxdet.core.errors import ConfigError
from fxdet.training.batches import Batch, TrainingBatches
from fxdet.training.callbacks import folder_callbacks
from fxdet.training.classification import prepare_pictures, radiograph_store
from fxdet.training.classifier_config import ClassifierConfig
from fxdet.training.config import config_to_yaml, load_config
from fxdet.training.epochs import RunResult
from fxdet.training.initial import initial_network
from fxdet.training.items import open_source
from fxdet.training.loop import run_training
from fxdet.training.options import LoopOptions, TrainingOptions, check
from fxdet.training.processes import Processes
from fxdet.training.run_folder import RunFolder, write_weights
from fxdet.training.validation import ValidationSet, network_input

MONITOR = "unexplained"
"""Share of the teacher's variance that the student misses, averaged over stages: 0 is perfect, 1 knows the mean."""


@dataclass(frozen=True, slots=True)
class DistillationConfig(ClassifierConfig):
    """A classifier's configuration without labels: heads, losses and class weights have no effect.

    Attributes:
        teacher: timm's name of the network that is imitated.
        teacher_weights: ``hub`` or a safetensors file.
        teacher_size: Side of the teacher's pictures, px; the student's are ``preprocess.size``.
        strides: Stages that are imitated, by px of the picture per px of the map.
    """

    teacher: str = "mobilenetv2_100"
    teacher_weights: str = "hub"
    teacher_size: int = 224
    strides: tuple[int, ...] = (8, 16, 32)

    def __post_init__(self) -> None:
        ClassifierConfig.__post_init__(self)
        check("teacher_weights", self.teacher_weights != "none", "none", "trained weights: hub, or a file")
        check("teacher_size", self.teacher_size >= 32, self.teacher_size, "at least 32 px")
        check("strides", bool(self.strides), "none", "at least one")


class Student(nn.Module):
    """A backbone and, per stage, the linear layer that turns its maps into the teacher's.

    Keys of the state are ``backbone.<timm's key>`` and ``adaptors.<stride>.weight|bias``.
    """

    def __init__(self, network: ClassifierNetwork, widths: Mapping[int, int], strides: Sequence[int]) -> None:
        super().__init__()
        self.backbone = network.backbone
        own = stage_widths(network)
        self.adaptors = nn.ModuleDict({str(stride): nn.Conv2d(own[stride], widths[stride], 1) for stride in strides})

    def forward(self, x: Tensor) -> dict[int, Tensor]:
        """Return stride → map (B, C of the teacher, h, w) for normalised pictures (B, 3, S, S)."""
        maps = stage_maps(self.backbone, x)
        return {int(stride): adaptor(maps[int(stride)]) for stride, adaptor in self.adaptors.items()}


def stage_widths(network: ClassifierNetwork) -> dict[int, int]:
    """Return stride → channels of a network's stages.

    Raises:
        ConfigError: The network names no stages, as a paper's own network.
    """
    stages = getattr(network.backbone, "feature_info", None)
    if not stages:
        raise ConfigError("architecture – the network names no stages to imitate – expected one of timm's")
    return {int(stage["reduction"]): int(stage["num_chs"]) for stage in stages}


def stage_maps(backbone: nn.Module, x: Tensor) -> dict[int, Tensor]:
    """Return stride → feature map (B, C, h, w)."""
    _, maps = backbone.forward_intermediates(x)  # type: ignore[operator]
    strides = (int(stage["reduction"]) for stage in backbone.feature_info)  # type: ignore[union-attr]
    return dict(zip(strides, maps, strict=True))


def unexplained(given: Tensor, wanted: Tensor) -> Tensor:
    """Return the share of the teacher's variance that the student misses, per picture and averaged over channels.

    Args:
        given: The student's map, (B, C, h, w).
        wanted: The teacher's, (B, C, H, W); it is averaged down to h × w.

    Returns:
        (B,); its mean is 1 - R² over the batch, averaged over channels.

    Example:
        >>> wanted = torch.tensor([0.0, 1.0, 2.0, 3.0]).reshape(4, 1, 1, 1)
        >>> scaled = (wanted - 1.5) / 1.25**0.5
        >>> [round(float(unexplained(given, wanted).mean()), 2) for given in (scaled, 0 * scaled)]
        [0.0, 1.0]
    """
    wanted = functional.adaptive_avg_pool2d(wanted.float(), (given.shape[-2], given.shape[-1]))
    variance, mean = torch.var_mean(wanted, dim=(0, 2, 3), keepdim=True, correction=0)
    scale = (variance + 1e-4 * variance.mean() + 1e-12).rsqrt()
    return ((given.float() - (wanted - mean) * scale) ** 2).mean(dim=(1, 2, 3))


@dataclass(slots=True)
class DistillationTask:
    """A student as :mod:`fxdet.training.loop` trains it.

    Attributes:
        network: The student.
        teacher: Network that is imitated, in evaluation mode.
        training: Batches; their labels are not looked at.
        validation: Fixed pictures.
        config: The config.
        device: Where both networks lie.
    """

    network: nn.Module
    teacher: nn.Module
    training: TrainingBatches
    validation: ValidationSet
    config: DistillationConfig
    device: torch.device

    @property
    def steps_per_epoch(self) -> int:
        """Steps per epoch."""
        return len(self.training)

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yield this process's batches."""
        return self.training.epoch(epoch)

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the unexplained share, averaged over stages and pictures."""
        return torch.stack([rows.mean() for rows in self._rows(network, batch.pixels).values()]).mean()

    def _rows(self, network: nn.Module, pixels: Tensor) -> dict[int, Tensor]:
        pictures = network_input(pixels, self.device)
        side = self.config.teacher_size
        with torch.no_grad():
            larger = functional.interpolate(pictures, (side, side), mode="bilinear", antialias=True)
            wanted = stage_maps(self.teacher, larger.contiguous(memory_format=torch.channels_last))
        return {stride: unexplained(given, wanted[stride]) for stride, given in network(pictures).items()}

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return the unexplained share over the validation pictures, of all stages and of each."""
        rows: dict[int, list[Tensor]] = {stride: [] for stride in self.config.strides}
        pixels, size = self.validation.pixels, self.config.loop.batch_size
        for start in range(0, len(pixels), size):
            part = self.config.preprocess.normalise(pixels[start : start + size].astype("float32") / 255)
            for stride, values in self._rows(network, torch.from_numpy(part)).items():
                rows[stride].append(values.cpu())
        shares = {f"{MONITOR}@{stride}": float(torch.cat(values).mean()) for stride, values in rows.items()}
        return {MONITOR: sum(shares.values()) / len(shares), **shares}

    def about(self) -> dict[str, str]:
        """Return name, architecture and teacher for the weight file's header."""
        config = self.config
        return {"name": f"{config.name}.{config.tag}", "architecture": config.architecture, "teacher": config.teacher}


def distil(
    config_path: str | Path,
    overrides: Sequence[str] = (),
    resume: bool = False,
    processes: Processes | None = None,
) -> RunResult:
    """Make first weights as a config file says; ``<name>.<tag>.safetensors`` of the run folder holds them.

    Args:
        config_path: YAML file for :class:`DistillationConfig`.
        overrides: Texts ``a.b=value``.
        resume: Continue the run folder.
        processes: This process among all; one on the CPU by default.

    Raises:
        ConfigError, DataError, ModelError, TrainingError, OutputError: See the message.
    """
    processes = processes or Processes(torch.device("cpu"))
    config = load_config(config_path, overrides, DistillationConfig)
    folder = RunFolder(config.run)
    if processes.is_first:
        folder.prepare(resume, config_to_yaml(config))
    teacher, student = _networks(config)
    sources = [open_source(source, config.allow_leak) for source in config.sources]
    training, validation = prepare_pictures(config, sources, radiograph_store(config), processes)
    device = processes.device
    teacher.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    task = DistillationTask(student, teacher.backbone, training, validation, config, device)
    loop: LoopOptions = replace(config.loop, monitor=MONITOR, monitor_mode="min")
    options = TrainingOptions(loop, config.optimiser, config.schedule, config.freeze)
    with folder_callbacks(folder.path, MONITOR, "", processes.is_first) as callbacks:
        result = run_training(task, options, folder, processes, callbacks, resume)
    if processes.is_first:
        _write_backbone(folder, task.about())
    return result


def _write_backbone(folder: RunFolder, about: Mapping[str, str]) -> None:
    """Write the best epoch's backbone under timm's own keys, without the layers that speak the teacher's language."""
    prefix = "backbone."
    best = load_file(folder.best)
    backbone = {name.removeprefix(prefix): value for name, value in best.items() if name.startswith(prefix)}
    write_weights(folder.path / f"{about['name']}.safetensors", backbone, about)


def _networks(config: DistillationConfig) -> tuple[ClassifierNetwork, Student]:
    """Return teacher and student.

    Raises:
        ConfigError: One of them lacks a stage.
    """
    with torch.random.fork_rng():
        torch.manual_seed(config.loop.seed)
        teacher = initial_network(config.teacher, {"none": ("no", "yes")}, 0.0, config.teacher_weights).eval()
        network = build_network(config.architecture, {})
        for name, widths in ((config.teacher, stage_widths(teacher)), (config.architecture, stage_widths(network))):
            if missing := set(config.strides) - set(widths):
                raise ConfigError(
                    f"strides – {name} has no stage of stride {min(missing)} – expected some of {list(widths)}"
                )
        return teacher.requires_grad_(False), Student(network, stage_widths(teacher), config.strides)
