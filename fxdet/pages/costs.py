"""What a network costs, in the words of the tables: parameters, operations, speed."""

from __future__ import annotations

from fxdet.pages.sources import NOT_MEASURED, Record, Repository, joined

CPU_BATCHES = (1, 8)
"""Batch sizes whose speed the tables show."""

BATCHES = " / ".join(str(batch) for batch in CPU_BATCHES)
"""Head of the column of speeds."""


def speed_note(repository: Repository) -> str:
    """Return what the speeds in the tables were measured on, or that they were not."""
    files = [*repository.records("zoo/*.json").values(), *repository.records("zoo/papers/*.json").values()]
    found = [speed for record in files for speed in record.get("speed", ())]
    if not found:
        return "Speeds have not been measured yet (–)."
    told = [
        f"{item['device']} ({item['processor']}, {item['threads']} threads, {item['precision']}, median of"
        f" {item['runs']} passes)"
        for item in found
    ]
    return f"Speeds: {joined(list(dict.fromkeys(told)))}."


def speeds(cost: Record) -> tuple[str, ...]:
    """Return two cells, of the processor and of the quickest other device, from a file of costs."""
    by_rate = sorted(cost.get("speed", ()), key=lambda item: item["images_per_second"])
    cpu = {item["batch"]: item for item in by_rate if item["device"] == "cpu"}  # the quickest stays
    best = next((item for item in reversed(by_rate) if item["device"] != "cpu"), None)
    cells = [_rate(cpu[batch]) if batch in cpu else NOT_MEASURED for batch in CPU_BATCHES]
    both = " / ".join(cells) if cpu else NOT_MEASURED
    return (both, f"{_rate(best)} ({best['device']}, batch {best['batch']})" if best else NOT_MEASURED)


def _rate(speed: Record) -> str:
    rate = speed["images_per_second"]
    return f"{rate:,.0f} {speed['precision']}" if rate >= 100 else f"{rate:.1f} {speed['precision']}"


def gigaflops(flops: int | None) -> str:
    """Return operations in billions.

    Example:
        >>> gigaflops(6_500_113_920), gigaflops(None)
        ('6.50', '–')
    """
    return NOT_MEASURED if flops is None else f"{flops / 1e9:.2f}"


def millions(count: int | None) -> str:
    """Return a number of parameters in millions."""
    return NOT_MEASURED if count is None else f"{count / 1e6:.2f}"
