"""Localizers that differ in the network alone, side by side."""

from __future__ import annotations

from fxdet.data.known_likes import known_likes
from fxdet.evaluation.estimate import Estimate, plain_number
from fxdet.pages.costs import gigaflops
from fxdet.pages.sources import NOT_MEASURED, Record, Repository, estimate_of, table

RESULT = "localizer_comparison.json"
"""Result file of ``tools/compare_localizers.py``."""
HEAD = (
    "network", "first weights", "epochs (chosen)", "parameters, M", "GFLOPs", "AP50 (95 %)", "AP50:95 (95 %)",
    "found at ½ false box", "found at 1", "AP50 − the first's", "p (Holm)",
)  # fmt: skip


def localizer_comparison_table(repository: Repository) -> str:
    """Return one line for each network, the paired test against the first beside it, and what it was measured on."""
    record = repository.record(RESULT)
    tests = {test["first"]: test for test in record["comparisons"]}
    rows = [_line(name, found, tests.get(name)) for name, found in record["localizers"].items()]
    where = f"{record['split']}, part {record['part']}: n = {record['n']:,}, {record['fractured']:,} fractured."
    return f"{table(HEAD, rows, sortable=True)}\n\n{where}{_likes(record)}"


def _likes(record: Record) -> str:
    """Return how many of the part's radiographs have a near-duplicate in another part, where the list is known to."""
    others = known_likes(str(record.get("sha256", ""))).get(record["part"], {})
    told = " and ".join(f"{count:,} in {other}" for other, count in others.items())
    return f" Near-duplicates of these in other parts, which the list does not know of: {told}." if told else ""


def _line(name: str, found: Record, test: Record | None) -> tuple[str, ...]:
    trained, shares = found["training"], ("sensitivity_at_0.5_false_positives", "sensitivity_at_1_false_positives")
    return (
        name, trained["initial_weights"], f"{trained['epochs']} ({trained['best_epoch']})",
        f"{found['parameters'] / 1e6:.2f}", f"{gigaflops(found['flops'])} at {found['input_size']} px",
        estimate_of(found["ap50"]).short, estimate_of(found["ap50_95"]).short,
        *(estimate_of(found[share]).short for share in shares), *_tested(test),
    )  # fmt: skip


def _tested(test: Record | None) -> tuple[str, str]:
    if test is None:
        return NOT_MEASURED, NOT_MEASURED
    return Estimate.from_json(test["difference"]).short, plain_number(test["p_holm"])
