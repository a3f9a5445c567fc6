"""Weights of a YOLO in training: the first, and the best."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file

from fxdet.core.errors import ModelError
from fxdet.localize.yolo import YoloNetwork, load_state
from fxdet.training.detection_config import DetectionConfig
from fxdet.training.run_folder import RunFolder, write_weights


def load_initial_weights(network: YoloNetwork, config: DetectionConfig) -> None:
    """Fill the network from a safetensors file, from the hub, or not at all.

    Raises:
        ModelError: The weights can't be had or don't fit.
    """
    source = config.initial_weights
    if source == "none":
        return
    if source != "hub":
        if not Path(source).is_file():
            raise ModelError(f"initial_weights: no file {source} – name a safetensors file, 'hub' or 'none'")
        load_state(network, load_file(source), strict=False)
        return
    from ultralytics.utils.downloads import attempt_download_asset

    try:
        file = attempt_download_asset(f"{config.architecture}.pt")
        published = torch.load(file, map_location="cpu", weights_only=False)["model"]
    except Exception as error:  # ultralytics raises bare errors of many kinds when it is offline
        raise ModelError(
            f"initial_weights: {config.architecture}.pt can't be fetched ({error}) – set initial_weights to a local "
            "safetensors file"
        ) from error
    load_state(network, published.float().state_dict(), strict=False)


def write_half_weights(folder: RunFolder, network: torch.nn.Module, config: DetectionConfig) -> None:
    """Write a network's tensors as fp16 safetensors: half the size, differences far below a score's third digit."""
    state = {name: value.half() if value.is_floating_point() else value for name, value in network.state_dict().items()}
    about = {"name": f"{config.name}.{config.tag}", "architecture": config.architecture}
    write_weights(folder.best, state, {**about, "labels": ",".join(config.labels)})
