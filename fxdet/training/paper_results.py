"""The result file of a row: figures with intervals, curves, per-image scores, and everything they depend on."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fxdet._version import __version__
from fxdet.core.errors import DataError
from fxdet.evaluation.estimate import Estimate
from fxdet.evaluation.paper_checks import place_of
from fxdet.evaluation.papers import published_row
from fxdet.evaluation.ranking import Ranking
from fxdet.evaluation.resampling import IntervalOptions
from fxdet.training.fits import FitResult
from fxdet.training.scores import TestScores, joined, score_figures

SCHEMA = 1

_ROC_POINTS = 101
"""Most points of a stored ROC curve."""


@dataclass(frozen=True, slots=True)
class ResultKey:
    """What one result file is of.

    Attributes:
        paper, row: The paper and its row.
        filter: Filter that the pictures went through, or ``none``.
        protocol: Name of the protocol.
        seed: Seed of the repetition.
    """

    paper: str
    row: str
    filter: str
    protocol: str
    seed: int

    @property
    def name(self) -> str:
        """Name of the run and, with ``.json``, of the file.

        Example:
            >>> ResultKey("team05", "resnet18", "clahe", "grouped", 7).name
            'resnet18-clahe.grouped.7'
        """
        row = self.row if self.filter == "none" else f"{self.row}-{self.filter}"
        return f"{row}.{self.protocol}.{self.seed}"

    def path(self, results: Path) -> Path:
        """Return the file below the folder of results."""
        return results / self.paper / f"{self.name}.json"


def build_result(
    key: ResultKey,
    about: Mapping[str, Any],
    links: Sequence[Sequence[FitResult]],
    earlier: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return a result file's content.

    Args:
        key: What it is of.
        about: What the row's configuration says: head, classes, label, configuration, its hash, first weights.
        links: Links of a chain of trainings (one without a chain), each with its folds.
        earlier: Results that this one replaces (:func:`replaced`): the test part was looked at for them, too.
    """
    head, classes = about["head"], about["classes"]
    options = IntervalOptions(seed=key.seed)
    tested = [joined([fold.scores for fold in folds]) for folds in links]
    last = links[-1]
    figures, table = score_figures(tested[-1], head, classes, options)
    result: dict[str, Any] = {
        "schema": SCHEMA,
        "paper": key.paper, "row": key.row, "filter": key.filter, "protocol": key.protocol, "seed": key.seed,
        **{name: value for name, value in about.items() if name != "configuration"},
        "n": int(tested[-1].times.sum()), "distinct_files": len(tested[-1].names),
        "looks_at_the_test_part": len(links) + sum(result["looks"] for result in earlier),
        "earlier": list(earlier),
        "published": _published(key, figures),
        "figures": {name: estimate.to_json() for name, estimate in figures.items()},
        "confusion": table.to_json(),
        "roc": _roc(tested[-1]) if head == "fracture" else [],
        "split": last[0].about["split"],
        "folds": [_fold(fold) for fold in last],
        "training_seconds": round(sum(fold.about["training_seconds"] for folds in links for fold in folds), 3),
        "environment": last[0].about["environment"],
        "fxdet": __version__,
        "configuration": about["configuration"],
        "scores_columns": ["name", "group", "times", "truth", "lookup", *(f"p_{name}" for name in classes)],
        "scores": tested[-1].to_rows(),
    }  # fmt: skip
    if len(links) > 1:
        result["links"] = [_link(folds, scores, about) for folds, scores in zip(links, tested, strict=True)]
    return result


def replaced(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what a result that takes another one's place must tell of it, and of those before it; the oldest first."""
    kept = ("n", "initial_weights", "config_hash", "fxdet")
    before: list[dict[str, Any]] = list(result.get("earlier", ()))
    looks = result["looks_at_the_test_part"] - sum(item["looks"] for item in before)
    told = {name: result[name] for name in kept}
    return [*before, {"looks": looks, "accuracy": result["figures"]["accuracy"], **told}]


def _published(key: ResultKey, figures: Mapping[str, Estimate]) -> dict[str, Any]:
    """Return the published figures beside ours, and where they lie against our interval."""
    row = published_row(key.paper, key.row.removesuffix("_as_script"))
    found = {}
    for name, printed in row.figures.items() if row else ():
        ours = figures.get(name, Estimate(None))
        found[name] = {"printed": printed.value, "ours": ours.to_json(), "place": place_of(printed, ours)}
    return found


def _roc(scores: TestScores) -> list[str]:
    """Return points of the ROC curve as "false-positive rate,sensitivity"; at most 101."""
    rows = np.repeat(np.arange(len(scores.names)), scores.times)
    alarms, hits = Ranking.of(scores.truth[rows] == 1, scores.probability[rows, 1]).roc()
    if np.isnan(alarms).any() or np.isnan(hits).any():
        return []
    chosen = np.unique(np.linspace(0, len(alarms) - 1, min(_ROC_POINTS, len(alarms))).round().astype(int))
    return [f"{x:.4f},{y:.4f}" for x, y in zip(alarms[chosen], hits[chosen], strict=True)]


def _fold(fold: FitResult) -> dict[str, Any]:
    kept = ("filter", "judged", "best_epoch", "epochs", "pictures", "training_seconds", "history")
    return {name: fold.about[name] for name in kept}


def _link(folds: Sequence[FitResult], scores: TestScores, about: Mapping[str, Any]) -> dict[str, Any]:
    figures, table = score_figures(scores, about["head"], about["classes"], IntervalOptions())
    return {
        "filter": folds[0].about["filter"],
        "accuracy": figures["accuracy"].to_json(),
        "confusion": table.to_json(),
        "scores": scores.to_rows(),
    }


def read_results(results: Path, paper: str) -> list[dict[str, Any]]:
    """Return all result files of a paper, by name.

    Raises:
        DataError: A file is no result.
    """
    return [read_result(path) for path in sorted((results / paper).glob("*.*.*.json"))]


def read_result(path: Path) -> dict[str, Any]:
    """Return a result file's content.

    Raises:
        DataError: The file is no result.
    """
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if data["schema"] != SCHEMA:
            raise ValueError(f"schema {data['schema']}, expected {SCHEMA}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"can't read result {path} – {error} – remove it and run the row again") from error
    return data


def accuracy_rows(result: Mapping[str, Any]) -> dict[str, tuple[bool, str, int]]:
    """Return name of a test picture → (named right, group, times), for paired tests."""
    classes = len(result["classes"])
    found = {}
    for name, group, times, truth, probability in _score_rows(result["scores"], classes):
        found[f"{name}:{truth}"] = (int(np.argmax(probability)) == truth, group, times)
    return found


def _score_rows(lines: Sequence[str], classes: int) -> Iterator[tuple[str, str, int, int, list[float]]]:
    for cells in csv.reader(lines):
        name, group, times, truth, _ = cells[:5]
        yield name, group, int(times), int(truth), [float(cell) for cell in cells[5 : 5 + classes]]
