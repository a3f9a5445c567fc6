"""Paired tests between result files of a paper: what a filter adds, on the same test pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fxdet.core.errors import DataError
from fxdet.core.files import write_json
from fxdet.evaluation.comparisons import Comparison, compare_figures, holm_corrected, mcnemar
from fxdet.evaluation.resampling import Figure, Resampling
from fxdet.training.paper_results import accuracy_rows

FILTER_TESTS = "filter_tests.json"
"""Name of the file of paired tests, beside a paper's results."""

Result = Mapping[str, Any]


def filter_tests(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Return the paired test of every filter against the unfiltered pictures, row by row, corrected after Holm.

    McNemar's exact test, or a bootstrap over groups where pictures of one group were tested.

    A filter's network and the unfiltered one share row, protocol and seed, and are tested on the same pictures; where
    one of them was run on more folds, on those of the folds that both share. Each picture counts as often as it was
    published. All tests of a protocol are one family.
    """
    found: dict[str, list[tuple[Result, Comparison]]] = {}
    for plain, filtered in _pairs(results):
        found.setdefault(plain["protocol"], []).append((filtered, _test(plain, filtered)))
    rows = []
    for protocol, family in found.items():
        corrected = holm_corrected([comparison for _, comparison in family])
        for (result, _), comparison in zip(family, corrected, strict=True):
            head = {name: result[name] for name in ("row", "filter", "seed", "n")}
            rows.append({"protocol": protocol, **head, **comparison.to_json()})
    return rows


def _pairs(results: Sequence[Result]) -> Iterator[tuple[Result, Result]]:
    plain = {(r["row"], r["protocol"], r["seed"]): r for r in results if r["filter"] == "none" and not r["chain"]}
    for result in results:
        other = plain.get((result["row"], result["protocol"], result["seed"]))
        if result["filter"] != "none" and other is not None:
            yield other, result


def _test(plain: Result, filtered: Result) -> Comparison:
    what = f"{filtered['row']}-{filtered['filter']}.{filtered['protocol']}.{filtered['seed']}"
    if differing := _differing(plain, filtered):
        keys = ", ".join(differing)
        raise DataError(f"{what} was trained otherwise than without the filter: {keys} – run both again with --restart")
    first, second = accuracy_rows(filtered), accuracy_rows(plain)
    if filtered.get("tested_folds") != plain.get("tested_folds"):
        shared = first.keys() & second.keys()
        first, second = ({name: rows[name] for name in first if name in shared} for rows in (first, second))
    if not first or first.keys() != second.keys():
        raise DataError(f"{what} was tested on other pictures than without the filter – run both again with --restart")
    names = [name for name, (_, _, times) in first.items() for _ in range(times)]
    with_filter, without = ([rows[name][0] for name in names] for rows in (first, second))
    groups = [first[name][1] for name in names]
    pair = (filtered["filter"], "none")
    if len(set(groups)) == len(groups):
        return mcnemar(pair, with_filter, without)
    # Augmented copies of one picture are no further evidence: whole groups are drawn.
    return compare_figures("accuracy", pair, Resampling(groups), _share(with_filter), _share(without))


def _share(right: Sequence[bool]) -> Figure:
    column = np.asarray(right, dtype=np.float64)
    return lambda weights: np.asarray(weights @ column / weights.sum(axis=1))


def _differing(plain: Result, filtered: Result) -> list[str]:
    """Return the keys in which two trainings differ beside the filter."""
    one, other = (
        {**result["configuration"], "sha256": result["initial_weights_sha256"]} for result in (plain, filtered)
    )
    return sorted(key for key in (one.keys() | other.keys()) - {"filter"} if one.get(key) != other.get(key))


def write_filter_tests(results: Sequence[Result], folder: Path) -> Path:
    """Write all paired tests of a paper and return the file.

    Raises:
        DataError: There is no filtered result beside an unfiltered one.
    """
    rows = filter_tests(results)
    if not rows:
        raise DataError(
            f"{folder}: no row was run with and without a filter – run it with --filter none --filter clahe"
        )
    write_json(folder / FILTER_TESTS, {"schema": 1, "tests": rows})
    return folder / FILTER_TESTS
