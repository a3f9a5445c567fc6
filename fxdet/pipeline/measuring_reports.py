"""From reports to a result file: of one pipeline only, of whole parts only, and what is missing is counted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fxdet.core.errors import ConfigError, DataError
from fxdet.core.findings import ModelStamp, Report
from fxdet.data.audit.quick import leak_between
from fxdet.data.samples import Sample, SampleSet
from fxdet.pipeline.measuring import MeasureOptions, Pairs, measure_boxes, measure_images, measure_regions
from fxdet.pipeline.pairing import Paired
from fxdet.pipeline.predictions import read_predictions

QUERIES = ("", "official", "unseen")
"""Words before the colon of a part's query; see :func:`members_of_query`."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What made a set of reports; all of them say the same.

    Attributes:
        models: Names and weight hashes.
        config_hash: Hash of pipeline card and options.
        version: Version of fxdet.
    """

    models: tuple[ModelStamp, ...]
    config_hash: str
    version: str

    def to_json(self) -> dict[str, Any]:
        """Return the keys that a result file has of it."""
        models = [{"name": stamp.name, "sha256": stamp.sha256} for stamp in self.models]
        return {"models": models, "config_hash": self.config_hash, "version": self.version}


def read_reports(path: Path) -> tuple[tuple[Report, ...], Origin]:
    """Read ``reports.jsonl`` of one pipeline.

    Raises:
        DataError: The file can't be read or holds no reports, no radiograph was readable, or two pipelines spoke.
    """
    predictions = read_predictions(path)
    if not predictions.full:
        raise DataError(f"can't measure {path} – got scores alone, expected reports.jsonl – name that of fxdet predict")
    spoken = [report for report in predictions.reports if report.error is None]
    if not spoken:
        count = len(predictions.reports)
        raise DataError(f"can't measure {path} – got {count:,} unreadable files, expected reports – predict anew")
    first = spoken[0]
    for report in spoken:
        if (report.models, report.config_hash) != (first.models, first.config_hash):
            got = f"{_named(first)} and {_named(report)}"
            raise DataError(f"can't measure {path} – got reports of two pipelines: {got}, expected one – predict anew")
    return predictions.reports, Origin(first.models, first.config_hash, first.version)


def _named(report: Report) -> str:
    return f"{report.source} by {_hash(report.config_hash)} of {_names(report.models)}"


def _hash(config_hash: object) -> str:
    return str(config_hash or "without a hash")


def _names(stamps: Iterable[ModelStamp]) -> str:
    return ", ".join(f"{stamp.name} ({stamp.sha256[:8]})" for stamp in stamps) or "unnamed models"


def refuse_other_models(name: str, stamps: Sequence[ModelStamp], origin: Origin) -> None:
    """Raise where a pipeline is not made of the models that made the reports.

    Raises:
        ConfigError: It is not.
    """
    if tuple(stamps) != origin.models:
        raise ConfigError(
            f"--pipeline {name} – got reports of {_names(origin.models)}, expected those of {_names(stamps)} – name the"
            " pipeline that made the reports"
        )


def open_result(path: Path, origin: Origin) -> dict[str, Any]:
    """Return the content of a result file that may get more parts; that of a new one where there is none.

    Raises:
        DataError: The file is no result file, or its figures are of another pipeline.
    """
    if not path.exists():
        return {"parts": {}}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"can't add to {path} – {error} – expected a result file – choose another output") from error
    if not isinstance(found, dict) or not isinstance(found.get("parts"), dict):
        raise DataError(f"can't add to {path} – expected a result file with 'parts' – choose another output")
    own = origin.to_json()
    if found["parts"] and any(found.get(key) != own[key] for key in ("models", "config_hash")):
        got, expected = _hash(origin.config_hash), _hash(found.get("config_hash"))
        raise DataError(
            f"can't add to {path} – got reports of pipeline {got}, expected those of {expected} as its other parts –"
            " choose another output"
        )
    return found


def members_of_query(part: str, query: str, samples: SampleSet, published: SampleSet) -> list[Sample]:
    """Return the labelled radiographs that a query names.

    Args:
        part: The whole option, for messages.
        query: A part of the split, ``official:PART`` (or ``official:PART+PART``) for parts as published, or
            ``unseen:PART`` for one without pictures whose copies lie in another part.
        samples: The set with the split's parts.
        published: The set with its own.

    Raises:
        ConfigError: A part is unknown, or holds no labelled radiograph.
    """
    kind, _, name = query.rpartition(":")
    if kind not in QUERIES:
        raise ConfigError(f"--part – got '{part}', expected NAME=PART, NAME=official:PART or NAME=unseen:PART")
    parts = {sample.name: sample.part for sample in (published if kind == "official" else samples)}
    wanted = name.split("+") if kind == "official" else [name]
    if not wanted or any(item not in parts.values() for item in wanted):
        known = ", ".join(sorted({item for item in parts.values() if item})) or "none"
        raise ConfigError(f"--part – got '{part}', expected NAME=PART with a part of the set: {known}")
    members = [sample for sample in samples if parts.get(sample.name) in wanted and sample.fractured is not None]
    if not members:
        raise ConfigError(f"--part – got '{part}', which holds no labelled radiograph – name another part")
    if kind != "unseen":
        return members
    others = [sample.path for sample in samples if sample.part != name]
    seen = {shared.val for shared in leak_between(others, [sample.path for sample in members])}
    return [sample for sample in members if sample.path not in seen]


def measure_part(name: str, paired: Paired, options: MeasureOptions) -> dict[str, Any]:
    """Return the figures of one part that its labels allow, and the number of whatever is not in them.

    Raises:
        DataError: No report is of the part.
    """
    if not paired.pairs:
        raise DataError(f"predictions: none is of part {name} – predict its radiographs, or name another part")
    lacking = {"missing": paired.missing, "unreadable": paired.failed, "unknown": paired.unknown}
    return {**{key: len(names) for key, names in lacking.items() if names}, **_figures(paired.pairs, options)}


def _figures(pairs: Pairs, options: MeasureOptions) -> dict[str, Any]:
    fractured = sum(bool(sample.fractured) for _, sample in pairs)
    figures: dict[str, Any] = {"n": len(pairs), "fractured": fractured}
    if 0 < fractured < len(pairs):
        figures.update(measure_images(pairs, options))
    if any(sample.fracture_boxes for _, sample in pairs):
        figures.update(measure_boxes(pairs, options))
    return {**figures, **measure_regions(pairs)}
