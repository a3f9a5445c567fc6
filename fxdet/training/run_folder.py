"""The folder of a run: what went in, what it ran on, and what came out.

::

    config.yaml        resolved config
    environment.json   versions, processor, git commit
    split.json         data sets, split lists and their checksums
    log.csv            one row per epoch
    curves.png         learning curves
    tensorboard/       the same for TensorBoard
    best.safetensors   averaged weights of the best epoch
    last.pt            state of the last whole epoch, for --resume
    card.json          what the weights are
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from fxdet._version import __version__
from fxdet.core.errors import OutputError, TrainingError
from fxdet.core.files import atomic_write, write_json, write_text

_PACKAGES = ("torch", "timm", "torchvision", "numpy", "albumentations", "opencv-python-headless", "safetensors")

SCRATCH_NAME = "ultralytics"
"""Sub-folder for ultralytics while it trains: with several GPUs it empties what it takes for its run folder."""

_BEFORE_FIRST = frozenset({"config.yaml", "environment.json", "split.json", SCRATCH_NAME})
_WITHOUT_EFFECT = ("run:", "workers:", "show_progress:", "device:")
"""Keys of a config that may differ between a run and its resumption: they change no result, or its last bits alone."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Paths of a run folder, and safe reading and writing of its state."""

    path: Path

    @property
    def best(self) -> Path:
        """Weights of the best epoch."""
        return self.path / "best.safetensors"

    @property
    def last(self) -> Path:
        """State of the last whole epoch."""
        return self.path / "last.pt"

    def prepare(self, resume: bool, config_yaml: str) -> None:
        """Make the folder and store the resolved config.

        Raises:
            TrainingError: The folder holds a run and ``resume`` is false, or the config differs from the stored one.
            OutputError: The folder can't be written.
        """
        stored = self.path / "config.yaml"
        if not resume and self._holds_results():
            raise TrainingError(
                f"run folder {self.path} exists – continue it with --resume, or set 'run' to another folder"
            )
        if resume and stored.exists():
            self._check_config(stored, config_yaml)
            for half_written in self.path.glob(".*.part"):  # a killed run leaves one, as large as its state
                half_written.unlink(missing_ok=True)
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"can't make run folder {self.path} – {error.strerror} – choose another") from error
        write_text(stored, config_yaml)

    def _holds_results(self) -> bool:
        """Tell whether something would be lost; what a run writes before its first epoch ends would not."""
        if not self.path.exists():
            return False
        return not self.path.is_dir() or any(file.name not in _BEFORE_FIRST for file in self.path.iterdir())

    def _check_config(self, stored: Path, config_yaml: str) -> None:
        before, now = _decisive(stored.read_text(encoding="utf-8")), _decisive(config_yaml)
        for old, new in zip(before + [""] * len(now), now + [""] * len(before), strict=False):
            if old != new:
                raise TrainingError(
                    f"can't resume {self.path} – its config.yaml says '{old.strip()}', this config '{new.strip()}'"
                    " – resume with the same config, or start another run folder"
                )

    def write_state(self, state: Mapping[str, Any]) -> None:
        """Write ``last.pt``, whole or not at all."""
        with atomic_write(self.last, "wb") as handle:
            torch.save(dict(state), handle)

    def read_state(self) -> dict[str, Any] | None:
        """Return the state of ``last.pt``, or None where no epoch has ended yet.

        Raises:
            TrainingError: The file is damaged.
        """
        if not self.last.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(self.last, map_location="cpu", weights_only=True)
        except Exception as error:  # torch's reader fails in many ways on a cut or foreign file
            raise TrainingError(f"can't resume – {self.last} is damaged – start another run folder") from error
        return state

    def write_best(self, network: nn.Module, about: Mapping[str, str]) -> None:
        """Write ``best.safetensors``, whole or not at all; ``about`` goes into its header."""
        write_weights(self.best, network.state_dict(), about)

    def write_environment(self, device: torch.device, precision: str) -> None:
        """Write ``environment.json``."""
        write_json(self.path / "environment.json", describe_environment(device, precision))


def _decisive(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.strip().startswith(_WITHOUT_EFFECT)]


def write_weights(path: Path, state: Mapping[str, Tensor], about: Mapping[str, str]) -> None:
    """Write tensors as safetensors, whole or not at all."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in state.items()}
    with atomic_write(path, "wb") as handle:
        handle.write(_with_sorted_notes(save(tensors, metadata=dict(about))))


def _with_sorted_notes(data: bytes) -> bytes:
    """Sort the header's notes: the library shuffles them, and equal weights are to be equal files with equal hashes."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # the tensors begin at a multiple of eight bytes
    return len(text).to_bytes(8, "little") + text + data[end:]


def describe_environment(device: torch.device, precision: str) -> dict[str, Any]:
    """Return versions, machine and git commit as JSON data."""
    return {
        "fxdet": __version__,
        "python": sys.version.split()[0],
        "packages": {name: _version(name) for name in _PACKAGES},
        "platform": platform.platform(),
        "processor": _processor(),
        "processors": os.cpu_count(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "precision": precision,
        "torch_threads": torch.get_num_threads(),
        "git_commit": git_commit(Path(__file__).parent),
    }


def git_commit(folder: Path) -> str:
    """Return the commit of the source tree, with ``+changes`` where files differ from it; empty outside git."""
    try:
        ask = ["git", "-C", str(folder), "describe", "--always", "--dirty=+changes", "--abbrev=40", "--exclude=*"]
        result = subprocess.run(ask, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
