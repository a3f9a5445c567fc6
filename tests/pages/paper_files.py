"""Hand-made result files of papers' rows."""

from __future__ import annotations

import json
from typing import Any

from fxdet.pages.sources import Repository


def made_up_result(**changes: Any) -> dict[str, Any]:
    """Return a result file of a paper's row, as small as the tables allow."""
    return {
        "schema": 1, "paper": "team05", "row": "resnet18", "filter": "none", "protocol": "as-published", "seed": 7,
        "label": "ResNet-18", "initial_weights": "hub", "tested_folds": [], "n": 83, "distinct_files": 83,
        "looks_at_the_test_part": 1, "training_seconds": 120.0, "config_hash": "0123456789abcdef",
        "figures": {
            "accuracy": {"value": 0.88, "low": 0.80, "high": 0.93, "n": 83, "method": "Wilson"},
            "lookup_accuracy": {"value": 0.5, "low": 0.4, "high": 0.6, "n": 83, "method": "Wilson"},
        },
        "split": {"leaky": False, "sha256": "ab" * 32},
        "folds": [{"epochs": 20}], "environment": {"device": "cpu", "processor": "a processor"},
        **changes,
    }  # fmt: skip


def write_result(repository: Repository, result: dict[str, Any]) -> None:
    """Write a result file of a paper's row where the pages look for it."""
    filtered = "" if result["filter"] == "none" else f"-{result['filter']}"
    name = f"{result['row']}{filtered}.{result['protocol']}.{result['seed']}.json"
    folder = repository.results / "papers" / result["paper"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(result), encoding="utf-8")
