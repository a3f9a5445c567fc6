"""``fxdet train``: from a configuration file to a run folder with weights and card."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


def training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what both kinds of training share."""
    for decorator in (
        click.option(
            "--allow-leak", is_flag=True, help="Go on although parts share pictures; every result is stamped with it."
        ),
        click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1."),
        click.option("--resume", is_flag=True, help="Go on with the run folder's last whole epoch."),
        click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change a key: loop.epochs=3."),
        click.argument("config", type=click.Path(path_type=Path)),
    ):
        command = decorator(command)
    return command


def _with_leak(overrides: tuple[str, ...], allow_leak: bool) -> tuple[str, ...]:
    return (*overrides, "allow_leak=true") if allow_leak else overrides


@click.group(short_help="Train a classifier or a localizer from a configuration file.")
def train() -> None:
    """Train a classifier (cls) or a localizer (det), or make first weights (distil), from a configuration file.

    The run folder gets the resolved configuration, the environment, log.csv, curves.png, TensorBoard logs, the best
    weights with their card, and last.pt for --resume. Several GPUs: torchrun --nproc-per-node N -m fxdet train cls …
    """
    logging.getLogger("fxdet.training").setLevel(logging.INFO)


@train.command(short_help="Train a classifier.")
@training_options
def cls(config: Path, overrides: tuple[str, ...], resume: bool, device: str, allow_leak: bool) -> None:
    """Train a classifier as CONFIG says."""
    from fxdet.training.classification import train_classifier
    from fxdet.training.processes import join_processes

    with join_processes(device, os.environ) as processes:
        result = train_classifier(config, _with_leak(overrides, allow_leak), resume, processes)
        if processes.is_first:
            click.echo(f"best epoch {result.best_epoch + 1}: {result.best:.4f}")


@train.command(short_help="Train a classifier once a fold, and pool the figures.")
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change a key: loop.epochs=3.")
@click.option("--restart", is_flag=True, help="Throw earlier folds of the run folder away.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1.")
def folds(config: Path, overrides: tuple[str, ...], restart: bool, device: str) -> None:
    """Train a classifier as CONFIG says, once for each fold of its first source's split list.

    Every picture is scored once, by the network that did not see it. What is finished is kept, what was killed goes on;
    folds.json in the run folder holds the pooled figures, those of each fold, and the scores.
    """
    from fxdet.training.cross_validation import cross_validate, folds_text
    from fxdet.training.processes import join_processes

    with join_processes(device, os.environ) as processes:
        processes.require_one("fxdet train folds")
        path = cross_validate(
            config, overrides, restart, processes, lambda line: click.echo(f"fxdet: {line}", err=True)
        )
    click.echo(folds_text(path))


@train.command(short_help="Make first weights from another network's.")
@training_options
def distil(config: Path, overrides: tuple[str, ...], resume: bool, device: str, allow_leak: bool) -> None:
    """Make first weights without labels as CONFIG says: a network learns to give another one's feature maps.

    NAME.TAG.safetensors in the run folder is what initial_weights of a classifier's configuration takes.
    """
    from fxdet.training.distillation import distil as run
    from fxdet.training.processes import join_processes

    with join_processes(device, os.environ) as processes:
        result = run(config, _with_leak(overrides, allow_leak), resume, processes)
        if processes.is_first:
            click.echo(f"best epoch {result.best_epoch + 1}: {result.best:.4f} of the teacher's variance unexplained")


@train.command(short_help="Train a localizer.")
@training_options
def det(config: Path, overrides: tuple[str, ...], resume: bool, device: str, allow_leak: bool) -> None:
    """Train a localizer as CONFIG says."""
    from fxdet.training.detection import train_detector
    from fxdet.training.processes import join_processes

    with join_processes(device, os.environ) as processes:
        result = train_detector(config, _with_leak(overrides, allow_leak), resume, processes)
        if processes.is_first:
            click.echo(f"best epoch {result.best_epoch + 1}: {result.best:.4f}")
