"""Reading predictions back: ``reports.jsonl`` of a run, or a plain CSV of scores from any other program."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from math import isfinite
from pathlib import Path
from typing import Any

from fxdet.core.errors import DataError
from fxdet.core.files import sha256_bytes
from fxdet.core.findings import Report
from fxdet.core.labels import FRACTURE, REGIONS
from fxdet.data.csv_rows import numbered_rows, repeated_column
from fxdet.pipeline.records import REPORTS_NAME, SUMMARY_COLUMNS

NAME_COLUMNS = ("source", "name", "path", "file", "image", "image_id")
"""Columns of a CSV that may name the radiograph; the first that is there counts."""

SCORE_COLUMNS = ("fractured", "probability", "score", "image_probability")
"""Columns of a CSV that may hold the probability of a fracture; the first that is there counts."""

SUM_TOLERANCE = 2e-3
"""How far probabilities of one head may be from a sum of 1 (rounding to three digits)."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """What was predicted, as it was read.

    Attributes:
        path: The file.
        sha256: Hash of its bytes.
        reports: One per radiograph; those of a CSV hold probabilities alone.
        full: Whether they hold findings and decisions (``reports.jsonl``), or scores alone (CSV).
        ignored: Columns of a CSV that say nothing here.
    """

    path: Path
    sha256: str
    reports: tuple[Report, ...]
    full: bool
    ignored: tuple[str, ...] = ()


def read_predictions(path: Path) -> Predictions:
    """Read ``reports.jsonl`` (or the folder of a run), or a CSV of scores.

    A CSV has a column ``source``, ``name``, ``path``, ``file``, ``image`` or ``image_id``; a column ``fractured``,
    ``probability`` or ``score`` with the probability of a fracture (``normal`` beside it must sum up to 1), and columns
    named as regions, in any order, that sum up to 1; one of both kinds is enough.

    Raises:
        DataError: The file can't be read; a line is no report; a score is missing, no number, or outside 0–1; the
            probabilities of a head do not sum up to 1; classes differ between lines; nothing is in it.
    """
    place = Path(path) / REPORTS_NAME if Path(path).is_dir() else Path(path)
    try:
        data = place.read_bytes()
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"can't read predictions {place}: {error.strerror} – name reports.jsonl or a CSV") from error
    except UnicodeDecodeError as error:
        raise DataError(f"predictions {place}: {error} – expected UTF-8 text") from error
    if place.suffix.lower() == ".csv":
        reports, ignored = _from_csv(text, place)
        return _checked(Predictions(place, sha256_bytes(data), reports, False, ignored))
    reports = tuple(_from_lines(text, place))
    return _checked(Predictions(place, sha256_bytes(data), reports, True))


def _checked(predictions: Predictions) -> Predictions:
    """Return predictions whose heads have the same classes everywhere."""
    if not predictions.reports:
        raise DataError(f"predictions {predictions.path}: nothing is in it – expected one line per radiograph")
    heads: dict[str, tuple[str, frozenset[str]]] = {}
    for report in predictions.reports:
        for head, classes in report.class_probability.items():
            source, known = heads.setdefault(head, (report.source, frozenset(classes)))
            if frozenset(classes) != known:
                got = f"{report.source} has {', '.join(classes)}, {source} has {', '.join(sorted(known))}"
                raise DataError(f"predictions {predictions.path}: classes of {head} differ: {got} – predict anew")
    return predictions


def _from_lines(text: str, place: Path) -> Iterator[Report]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{place}:{number}"
        try:
            data = json.loads(line)
        except ValueError as error:
            raise DataError(
                f"{where}: not a line of JSON ({error}) – the file is cut short or no reports.jsonl"
            ) from error
        if not isinstance(data, dict) or "source" not in data:
            raise DataError(
                f"{where}: got {line[:40]!r}, expected a report with a source – name reports.jsonl or a CSV"
            )
        try:
            report = Report.from_json(data)
        except (ValueError, TypeError, KeyError) as error:
            raise DataError(f"{where} ({data['source']}): {error} – predict anew") from error
        yield _with_checked_heads(report, where)


def _with_checked_heads(report: Report, where: str) -> Report:
    for head, classes in report.class_probability.items():
        labels = {"fracture": FRACTURE, "region": REGIONS}.get(head)
        for name, value in classes.items():
            _number(value, f"{where} ({report.source}): class_probability.{head}.{name}")
            if labels is not None and name not in labels.names:
                raise DataError(f"{where}: {head} has class {name!r}, expected names of {', '.join(labels.names)}")
        _check_sum(classes, f"{where} ({report.source}): {head}")
    return report


def _number(value: Any, where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not isfinite(number) or not 0 <= number <= 1:
        raise DataError(f"{where}: got {value!r}, expected a number in [0, 1]")
    return number


def _check_sum(classes: Mapping[str, float], where: str) -> None:
    total = sum(classes.values())
    if classes and abs(total - 1) > SUM_TOLERANCE:
        raise DataError(f"{where}: probabilities sum up to {total:.4f}, expected 1 – is a class missing?")


def _from_csv(text: str, place: Path) -> tuple[tuple[Report, ...], tuple[str, ...]]:
    rows = numbered_rows(text, f"predictions {place}")
    twice = repeated_column(text)
    if twice is not None:
        raise DataError(f"predictions {place}: column {twice!r} is there twice, expected each name once – drop one")
    columns = list(rows[0][1]) if rows else []
    name = next((column for column in NAME_COLUMNS if column in columns), None)
    score = next((column for column in SCORE_COLUMNS if column in columns), None)
    regions = [column for column in REGIONS.names if column in columns]
    used = {name, score, "normal", *regions}
    ignored = tuple(column for column in columns if column not in used)
    wanted = (NAME_COLUMNS if name is None else (), SCORE_COLUMNS if score is None else (), REGIONS.names)
    _refuse_misspelt(ignored, [column for names in wanted for column in names], place)
    if rows and (name is None or (score is None and len(regions) < 2)):
        expected = "expected source (or name, path) and fractured, or regions"
        raise DataError(f"predictions {place}: got columns {', '.join(columns)}, {expected}")
    chosen = (str(name), score, tuple(regions))
    return tuple(_csv_report(cells, chosen, f"{place}:{number}") for number, cells in rows), ignored


def _refuse_misspelt(ignored: Sequence[str], names: Sequence[str], place: Path) -> None:
    for column in ignored:
        near = get_close_matches(column.lower(), names, n=1, cutoff=0.8)
        if near and column not in SUMMARY_COLUMNS:
            raise DataError(f"predictions {place}: column {column!r} is unknown – did you mean {near[0]!r}?")


def _csv_report(cells: Mapping[str, str], chosen: tuple[str, str | None, tuple[str, ...]], where: str) -> Report:
    name, score, regions = chosen
    heads: dict[str, dict[str, float]] = {}
    if not cells[name]:
        raise DataError(f"{where}: {name} is empty – expected the radiograph's file")
    if score is not None:
        fractured = _number(cells[score], f"{where} ({cells[name]}): {score}")
        normal = cells.get("normal")
        heads["fracture"] = {
            "normal": 1 - fractured if normal is None else _number(normal, f"{where} ({cells[name]}): normal"),
            "fractured": fractured,
        }
    if regions:
        heads["region"] = {region: _number(cells[region], f"{where} ({cells[name]}): {region}") for region in regions}
    for head, classes in heads.items():
        _check_sum(classes, f"{where} ({cells[name]}): {head}")
    return Report(cells[name], class_probability=heads)
