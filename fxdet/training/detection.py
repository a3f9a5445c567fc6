"""Training of a localizer, from config file to run folder with card."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from fxdet.core.errors import ConfigError
from fxdet.core.files import write_json
from fxdet.training.callbacks import folder_callbacks
from fxdet.training.config import config_to_yaml, load_config
from fxdet.training.detection_config import DetectionConfig
from fxdet.training.detection_data import DetectionParts, collect_parts
from fxdet.training.detector_card import write_detector_card
from fxdet.training.epochs import RunResult
from fxdet.training.faster_rcnn import train_faster_rcnn
from fxdet.training.leak_check import check_leak, leak_note, split_record
from fxdet.training.precision import choose_precision
from fxdet.training.processes import Processes
from fxdet.training.run_folder import RunFolder
from fxdet.training.yolo import MONITOR, train_yolo


def train_detector(
    config_path: str | Path,
    overrides: Sequence[str] = (),
    resume: bool = False,
    processes: Processes | None = None,
) -> RunResult:
    """Train a localizer as a config file says.

    Args:
        config_path: YAML file for :class:`~fxdet.training.detection_config.DetectionConfig`.
        overrides: Texts ``a.b=value``.
        resume: Continue the run folder.
        processes: This process among those of ``torchrun`` (Faster R-CNN); YOLO starts its own, one for each GPU of the
            config's ``device``.

    Returns:
        Best epoch and figures; everything else lies in the run folder.

    Raises:
        ConfigError, DataError, ModelError, TrainingError, OutputError: See the message.
    """
    processes = processes or Processes(torch.device("cpu"))
    config = _with_device(load_config(Path(config_path), overrides, DetectionConfig), processes)
    folder = RunFolder(config.run)
    parts = collect_parts(config)
    note = ""
    if processes.is_first:
        folder.prepare(resume, config_to_yaml(config))
        note = _write_facts(folder, config, parts, processes.device)
    with folder_callbacks(folder.path, MONITOR, note, processes.is_first) as callbacks:
        if config.is_yolo:
            result = train_yolo(config, callbacks)
        else:
            result = train_faster_rcnn(config, folder, processes, callbacks, resume, parts)
    if processes.is_first:
        write_detector_card(config, folder, result)
    return result


def _with_device(config: DetectionConfig, processes: Processes) -> DetectionConfig:
    """Return the config with the device that a YOLO computes on: its own, else that of this process.

    Raises:
        ConfigError: torchrun started a YOLO, or a GPU is not there.
    """
    if not config.is_yolo:
        return config
    if processes.world > 1:
        raise ConfigError("torchrun – a YOLO starts its own processes – leave torchrun out and --set device=0,1")
    if config.device == "cpu" and processes.device.type == "cuda":
        return replace(config, device=str(processes.device.index or 0))
    named = [int(index) for index in re.findall(r"\d+", config.device)] or [0] * (config.device != "cpu")
    there = torch.cuda.device_count()
    if named and max(named) >= there:
        raise ConfigError(f"device – got {config.device!r}, found {there} CUDA devices – name others, or cpu")
    return config


def _write_facts(folder: RunFolder, config: DetectionConfig, parts: DetectionParts, device: torch.device) -> str:
    """Check the parts against each other, write what goes in, and return what heads the log of a leaky run."""
    folder.write_environment(device, choose_precision(config.precision, device))
    allow_leak = config.allow_leak or any(source.allow_leak for source in config.sources)
    check = check_leak(parts.train, parts.val, folder, allow_leak) if config.audit else None
    write_json(folder.path / "split.json", split_record(parts.facts, check))
    return leak_note(parts.stamps, check)
