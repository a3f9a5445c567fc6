#!/usr/bin/env python
"""Add one figure of an experiment to docs/results/experiments.csv; figures of a test part are refused."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import click

from fxdet.core.errors import FxdetError
from fxdet.training.experiments import NOTHING, Experiment, append_experiment

LOG = Path(__file__).resolve().parents[1] / "docs" / "results" / "experiments.csv"


@click.command()
@click.option("--experiment", required=True, help="What was tried, in a few words.")
@click.option("--part", required=True, help="Validation part that the figure was measured on.")
@click.option("--n", type=int, required=True, help="Radiographs or boxes that it rests on.")
@click.option("--metric", required=True, help="Name of the figure.")
@click.option("--value", type=float, required=True)
@click.option("--interval", type=(float, float), help="95 % interval: low and high.")
@click.option("--source", required=True, help="File of the repository that holds the figure.")
@click.option("--chosen", is_flag=True, help="It went into what is shipped.")
@click.option("--command", default=NOTHING, help="Configuration or command.")
@click.option("--data", default=NOTHING, help="Sets and split lists of the training.")
@click.option("--amount", default=NOTHING, help="Epochs or presentations.")
@click.option("--hardware", default=NOTHING, help="What it ran on, and for how long.")
@click.option("--date", default="", help="Day, YYYY-MM-DD; else today.")
@click.option("--note", default="")
@click.option("--log", type=click.Path(path_type=Path), default=LOG, help="The log; else the repository's.")
def main(
    experiment: str,
    part: str,
    n: int,
    metric: str,
    value: float,
    interval: tuple[float, float] | None,
    source: str,
    chosen: bool,
    command: str,
    data: str,
    amount: str,
    hardware: str,
    date: str,
    note: str,
    log: Path,
) -> None:
    """Add one row to the log of experiments."""
    low, high = interval or (None, None)
    day = date or datetime.now(timezone.utc).date().isoformat()
    try:
        row = Experiment(
            day, experiment, command, data, amount, hardware, part, n, metric, value, low, high, chosen, source, note
        )
        append_experiment(row, log)
    except (FxdetError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{log}: {experiment}, {metric} {value:g} on {part} (n = {n})")


if __name__ == "__main__":
    main()
