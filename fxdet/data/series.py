"""Which radiographs stand on which contact sheet, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fxdet.core.errors import DataError, FxdetError
from fxdet.core.files import read_json_lines
from fxdet.core.findings import Box, Report
from fxdet.core.labels import Decision
from fxdet.data.folders import image_size
from fxdet.data.samples import Sample
from fxdet.data.summary import region_name

FRACTURED = {True: "fractured", False: "not fractured", None: "label unknown"}


@dataclass(frozen=True, slots=True)
class Score:
    """What a run of ``fxdet predict`` says of a radiograph.

    Attributes:
        image: Probability that it shows a fracture, or None where it could not be read.
        finding: Probability of the best finding; 0 without findings.
        boxes: Findings that are more than "none", px.
    """

    image: float | None
    finding: float
    boxes: tuple[Box, ...] = ()


def _by_class(sample: Sample) -> list[str]:
    if sample.boxes is None:
        return ["no box labels"]
    return sorted({box.label for box in sample.boxes}) or ["no boxes"]


BY: Mapping[str, Callable[[Sample], list[str]]] = {
    "class": _by_class,
    "region": lambda sample: [region_name(sample.regions) if sample.regions else "region unknown"],
    "part": lambda sample: [sample.part or "no part"],
    "fractured": lambda sample: [FRACTURED[sample.fractured]],
    "label": lambda sample: [sample.label or "no label"],
}
"""What sheets are sorted into → the values of a sample; one with boxes of two classes stands in both."""


def series(samples: Sequence[Sample], by: str) -> dict[str, list[Sample]]:
    """Return value → samples, values by name.

    Args:
        samples: The samples.
        by: A key of :data:`BY`.
    """
    found: dict[str, list[Sample]] = {}
    for sample in samples:
        for value in BY[by](sample):
            found.setdefault(value, []).append(sample)
    return dict(sorted(found.items()))


def sorted_by_box(samples: Sequence[Sample], label: str | None = None) -> list[Sample]:
    """Return the samples by the area of their smallest box, those without boxes last.

    Args:
        samples: The samples.
        label: Only boxes of this class count, or None for all.
    """
    return _sorted(samples, lambda sample: smallest_box(sample, label))


def sorted_by_image(samples: Sequence[Sample]) -> list[Sample]:
    """Return the samples by the number of pixels, unreadable ones last."""
    return _sorted(samples, _pixels)


def sorted_by_score(samples: Sequence[Sample], scores: Mapping[str, Score], finding: bool = False) -> list[Sample]:
    """Return the samples by score, the highest first, those without one last.

    Args:
        samples: The samples.
        scores: Sample name → score.
        finding: Sort by the best finding, else by the probability of the whole radiograph.
    """

    def key(sample: Sample) -> float | None:
        score = scores.get(sample.name)
        if score is None or score.image is None:
            return None
        return -(score.finding if finding else score.image)

    return _sorted(samples, key)


def _sorted(samples: Sequence[Sample], key: Callable[[Sample], float | None]) -> list[Sample]:
    keyed = [(key(sample), sample) for sample in samples]
    known = sorted(((value, index) for index, (value, _) in enumerate(keyed) if value is not None))
    return [keyed[index][1] for _, index in known] + [sample for value, sample in keyed if value is None]


def smallest_box(sample: Sample, label: str | None = None) -> float | None:
    """Return the area of the smallest box, px², or None without boxes."""
    boxes = [box.xyxy for box in sample.boxes or () if label in (None, box.label)]
    return min(((x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in boxes), default=None)


def _pixels(sample: Sample) -> float | None:
    try:
        height, width = sample.image_size or image_size(sample.path)
    except FxdetError:
        return None
    return float(height * width)


def read_scores(path: Path, samples: Sequence[Sample]) -> dict[str, Score]:
    """Return sample name → score from the ``reports.jsonl`` of ``fxdet predict``.

    A report belongs to the sample whose file it names, else to the only one with that file name.

    Args:
        path: The file.
        samples: The samples.

    Raises:
        DataError: The file can't be read, holds no reports, or none of the samples.
    """
    try:
        reports = [Report.from_json(row) for row in read_json_lines(path)]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"can't read scores {path}: {reason} – pass the reports.jsonl of fxdet predict") from error
    by_path = {str(sample.path.resolve()): sample.name for sample in samples}
    by_file: dict[str, list[str]] = {}
    for sample in samples:
        by_file.setdefault(sample.path.name, []).append(sample.name)
    scores: dict[str, Score] = {}
    for report in reports:
        named = by_file.get(Path(report.source).name, [])
        name = by_path.get(str(Path(report.source).resolve())) or (named[0] if len(named) == 1 else None)
        if name is not None:
            scores[name] = _score(report)
    if not scores:
        raise DataError(f"scores {path}: none of its {len(reports)} reports is of a picture of the set")
    return scores


def _score(report: Report) -> Score:
    boxes = tuple(finding.box for finding in report.findings if finding.decision is not Decision.NONE)
    best = max((finding.probability for finding in report.findings), default=0.0)
    return Score(report.image_probability, best, boxes)


def chosen(samples: Sequence[Sample], limit: int, seed: int | None) -> list[Sample]:
    """Return at most ``limit`` samples: the first ones, or a random choice in the same order."""
    if seed is None or limit >= len(samples):
        return list(samples[:limit])
    picked = np.sort(np.random.default_rng(seed).choice(len(samples), size=limit, replace=False))
    return [samples[index] for index in picked]
