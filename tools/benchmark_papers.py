#!/usr/bin/env python
"""Measure what the networks of the papers' rows cost, at the rows' own input size: docs/results/zoo/papers.

The networks are untrained, since parameters, operations and speed don't depend on the weights. Run it on a machine that
does nothing else. Figures of other devices stay in the file.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import torch
from tqdm import tqdm

# A checkout that is not installed works, too.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fxdet.core.files import write_json
from fxdet.evaluation.papers import PAPERS
from fxdet.pages.paper_results import AS_SCRIPT
from fxdet.pipeline.benchmark import (
    FLOPS_BY,
    SCHEMA,
    SpeedOptions,
    count_flops,
    measure_speed,
    untrained_network,
    with_speeds,
)
from fxdet.pipeline.device import choose_device, choose_precision, set_threads
from fxdet.training.paper_config import PaperRow, read_row, row_files
from fxdet.training.run_folder import describe_environment

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "results" / "zoo" / "papers"


@click.command()
@click.option("--device", default="cpu", show_default=True, help="auto, cpu, cuda, cuda:1.")
@click.option("--precision", default="auto", show_default=True, help="auto, fp32 or bf16.")
@click.option("--threads", type=click.IntRange(1), help="Threads of the processor; one per core by default.")
@click.option("--runs", default=20, show_default=True, type=click.IntRange(1), help="Timed passes; the median counts.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=RESULTS, help="Folder of the result files.")
def main(device: str, precision: str, threads: int | None, runs: int, output: Path) -> None:
    """Measure every row that shows no published fault."""
    set_threads(threads)
    chosen = choose_device(device)
    options = SpeedOptions(chosen, choose_precision(precision, chosen), runs=runs)
    environment = describe_environment(torch.device(chosen), options.precision)
    files = [path for paper in PAPERS for path in row_files(ROOT / "configs" / "papers", paper)]
    rows = [row for row in map(read_row, files) if not row.row.endswith(AS_SCRIPT)]
    for row in tqdm(rows, unit="row", leave=False, disable=None):
        path = output / f"{row.paper}.{row.row}.json"
        known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        record = _measured(row, options, environment)
        same = all(known.get(key) == record[key] for key in ("architecture", "input_size"))
        write_json(path, with_speeds(record, known["speed"] if same else ()))
        rates = ", ".join(f"{item['images_per_second']:g}/s at {item['batch']}" for item in record["speed"])
        flops = record["flops"] / 1e9
        tqdm.write(f"{path.stem}  {record['parameters'] / 1e6:.2f} M, {flops:.2f} GFLOPs  {rates}", file=sys.stderr)


def _measured(row: PaperRow, options: SpeedOptions, environment: dict[str, Any]) -> dict[str, Any]:
    network = untrained_network(row.architecture, len(row.heads[row.head]), row.preprocess.size, options)
    speeds = measure_speed(network, options, environment["processor"])
    return {
        "schema": SCHEMA, "paper": row.paper, "row": row.row, "architecture": row.architecture,
        "input_size": row.preprocess.size, "parameters": sum(item.numel() for item in network.module.parameters()),
        "flops": count_flops(network), "flops_by": FLOPS_BY, "speed": [asdict(item) for item in speeds],
        "torch": environment["packages"]["torch"],
    }  # fmt: skip


if __name__ == "__main__":
    main()
