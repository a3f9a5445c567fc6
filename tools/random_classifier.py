#!/usr/bin/env python
"""Write a classifier with random weights, like the one of a pipeline: the baseline of the Grad-CAM figures.

``python tools/random_classifier.py builtin -o runs/random``, then ``fxdet predict … --pipeline runs/random --heatmap``
and ``fxdet evaluate … --random-weights REPORTS``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import torch
from safetensors.torch import save

from fxdet.classify.model import build_network
from fxdet.core.files import atomic_write
from fxdet.imaging.preprocess import Preprocess
from fxdet.imaging.reading import radiograph_from_array
from fxdet.imaging.synthetic import draw_set
from fxdet.zoo.builders import preprocess_of
from fxdet.zoo.cards import CARD_NAME, read_card, seal_card, write_card
from fxdet.zoo.hub import find_pipeline

DRAWN = 32
"""Drawn radiographs that the new weights' batch statistics are measured on."""


@click.command()
@click.argument("pipeline")
@click.option("--seed", default=0, show_default=True, help="Seed of the weights.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder of the classifier.")
def main(pipeline: str, seed: int, output: Path) -> None:
    """Draw new weights for the classifier of PIPELINE; heads, input size and preprocess stay."""
    card = replace(read_card(find_pipeline(pipeline).classifier), tag="random", figures={}, training={"seed": seed})
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = build_network(card.architecture, card.head_labels)
        settle(network, preprocess_of(card), seed)
    card = replace(card, weights="random.safetensors", description="random weights, for comparison alone")
    with atomic_write(output / card.weights, "wb") as handle:
        handle.write(save({name: value.contiguous() for name, value in network.state_dict().items()}))
    write_card(output / CARD_NAME, seal_card(card, output))
    click.echo(f"{output / CARD_NAME}")


def settle(network: torch.nn.Module, preprocess: Preprocess, seed: int) -> None:
    """Measure batch statistics on drawn radiographs: with those of no data, features vanish with depth."""
    drawn = draw_set(np.random.default_rng(seed), DRAWN)
    pixels = [
        preprocess.whole(radiograph_from_array(item.pixels, str(place))).pixels for place, item in enumerate(drawn)
    ]
    planes = torch.from_numpy(preprocess.normalise(np.concatenate(pixels)))
    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.reset_running_stats()
            module.momentum = None  # the mean over all batches
    network.train()
    with torch.no_grad():
        for part in torch.split(planes, 8):
            network(part[:, None].expand(-1, 3, -1, -1))
    network.eval()


if __name__ == "__main__":
    main()
