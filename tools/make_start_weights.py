#!/usr/bin/env python
"""Make starting weights for EfficientNet-B0 from EfficientNet-lite0's, for machines that reach no model hub.

The two networks have the same convolutions and batch norms; lite0 has no squeeze-and-excitation and takes ReLU6 instead
of SiLU. Here the squeeze-and-excitation blocks begin neutral (their gates stand at .98 whatever comes); the rest is
lite0's.

``python tools/make_start_weights.py ../shared/weights/tf_efficientnet_lite0.imagenet.safetensors -o ../runs/start``
"""

from __future__ import annotations

from pathlib import Path

import click
import timm
import torch
from safetensors.torch import load_file, save_file

OPEN_GATE = 4.0
"""Bias of a neutral squeeze-and-excitation gate: sigmoid(4) = .98."""


@click.command()
@click.argument("lite0", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder.")
def main(lite0: Path, output: Path) -> None:
    """Write efficientnet_b0.from_lite0.safetensors made of the weights LITE0."""
    torch.manual_seed(0)
    network = timm.create_model("efficientnet_b0", num_classes=0)
    given, own = load_file(lite0), network.state_dict()
    state = {}
    for name, value in own.items():
        if name in given and given[name].shape == value.shape:
            state[name] = given[name].to(value.dtype)
        elif ".se.conv_expand." in name:
            state[name] = torch.full_like(value, OPEN_GATE if name.endswith("bias") else 0.0)
        elif ".se.conv_reduce." in name or name.endswith("num_batches_tracked"):
            state[name] = value
        else:
            raise click.ClickException(
                f"{lite0} – {name} is missing or has another shape – expected EfficientNet-lite0"
            )
    output.mkdir(parents=True, exist_ok=True)
    path = output / "efficientnet_b0.from_lite0.safetensors"
    save_file(state, path)
    click.echo(path)


if __name__ == "__main__":
    main()
