"""Training speed beside the trainers that a user would take instead."""

from __future__ import annotations

from fxdet.pages.sources import Repository, table

RESULT = "training_speed.json"
"""Result file of ``tools/benchmark_training.py``."""


def training_speed_table(repository: Repository) -> str:
    """Return pictures per second of every trainer, network by network, and what they were measured on."""
    record = repository.record(RESULT)
    rows = [
        (
            row["network"], f"{row['size']}", f"{row['batch']}", row["precision"], row["trainer"],
            f"{row['pictures']}", f"{row['pictures_per_second']:.1f}",
        )
        for row in record["rows"]
    ]  # fmt: skip
    packages = ", ".join(f"{name} {number}" for name, number in record["packages"].items())
    head = ("network", "size, px", "batch", "precision", "trainer", "pictures an epoch", "pictures/s")
    where = f"{record['processor']}, {record['cores']} cores; {packages}; drawn radiographs."
    return f"{table(head, rows)}\n\n{where}"
