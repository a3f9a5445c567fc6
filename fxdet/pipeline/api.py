"""The pipeline as Python callers use it: call it on a path or an array, get a Report."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxdet._version import __version__
from fxdet.classify.crosscheck import attention_grid, cross_check
from fxdet.core.errors import ConfigError, FxdetError
from fxdet.core.findings import CrossCheck, ModelStamp, Report
from fxdet.core.objects import Crops, Radiograph
from fxdet.core.protocols import Classifier, Localizer, Located
from fxdet.imaging.preprocess import Preprocess
from fxdet.imaging.reading import open_radiograph, radiograph_from_array
from fxdet.pipeline.device import autocast
from fxdet.pipeline.stages import (
    CropRows,
    Scores,
    assemble,
    classify,
    cut_crops,
    join_crops,
    keep_candidates,
    name_wholes,
    take_crops,
)
from fxdet.zoo.cards import PipelineCard

Attention = Callable[[Any, Crops], NDArray[np.float32]]
"""Classifier and M crops in, maps (M, S, S), 0–1, out."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PipelineOptions:
    """What a caller may choose.

    Attributes:
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``, or ``auto``.
        threshold: Probability from which the decision is ``fracture``, instead of the card's; 0–1.
        crosscheck: Whether Grad-CAM checks every finding.
        heatmap: Whether the attention on the whole radiograph is computed, for the overlay.
        precision: ``fp32``, ``bf16``, or ``auto``.
    """

    device: str = "cpu"
    threshold: float | None = None
    crosscheck: bool = True
    heatmap: bool = False
    precision: str = "auto"

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise ConfigError(f"option --threshold – got {self.threshold}, expected 0 to 1")


@dataclass(frozen=True, slots=True, eq=False)
class HeatMap:
    """Attention on the whole radiograph.

    Attributes:
        pixels: float32, shape (S, S), 0–1.
        to_image: float64, shape (2, 3), map px → radiograph px.
    """

    pixels: NDArray[np.float32]
    to_image: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """A report with what its overlay needs; radiograph and heat map may be None."""

    report: Report
    radiograph: Radiograph | None = None
    heatmap: HeatMap | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Pipeline:
    """Localizer, classifier and card, ready to be called.

    Attributes:
        localizer: Finds region boxes and fracture candidates.
        classifier: Scores crops.
        card: Fusion, floors, operating points, limits.
        preprocess: The classifier's preprocess.
        options: What the caller chose.
        attention: Explains the classifier; None leaves every finding unchecked.
        models: Names and weight hashes for the reports.
        config_hash: Hash of everything that changes results.
        region_classifier: Names the region of whole radiographs; None leaves that to the classifier.
        notes: Warnings that every report gets.

    Example:
        >>> from fxdet.core.protocols import FakeClassifier, FakeLocalizer
        >>> pipeline = Pipeline(FakeLocalizer(), FakeClassifier())
        >>> len(pipeline(np.full((80, 60), 90, np.uint8)).findings)
        1
    """

    localizer: Localizer
    classifier: Classifier
    card: PipelineCard = field(default_factory=lambda: PipelineCard("unnamed", "localizer.json", "classifier.json"))
    preprocess: Preprocess = field(default_factory=lambda: Preprocess(64))
    options: PipelineOptions = field(default_factory=lambda: PipelineOptions(precision="fp32"))
    attention: Attention | None = None
    models: tuple[ModelStamp, ...] = ()
    config_hash: str = ""
    region_classifier: Classifier | None = None
    notes: tuple[str, ...] = ()

    def __call__(self, radiograph: str | Path | Radiograph | NDArray[Any]) -> Report:
        """Analyse one radiograph: a file, an array (H, W), or one that is open already.

        Raises:
            ReadError: The file is no readable radiograph.
        """
        return self.batch([as_radiograph(radiograph)])[0]

    def batch(self, radiographs: Sequence[str | Path | Radiograph | NDArray[Any]]) -> list[Report]:
        """Analyse several radiographs at once; reports come in the same order.

        Raises:
            ReadError: A file is no readable radiograph.
        """
        return [analysis.report for analysis in self.analyse([as_radiograph(item) for item in radiographs])]

    def analyse(self, radiographs: Sequence[Radiograph]) -> list[Analysis]:
        """Analyse open radiographs and keep what overlays need."""
        if not radiographs:
            return []
        clock = _Clock(len(radiographs))
        with autocast(self.options.precision, self.options.device):
            with clock.step("locate"):
                located = [keep_candidates(found, self.card) for found in self.localizer.locate(radiographs)]
            with clock.step("classify"):
                crops, rows = self._cut(radiographs, located)
                scores = self._name(radiographs, rows, classify(self.classifier, crops))
            with clock.step("explain"):
                maps = self._explain(crops, rows)
        return [
            self._analysis(radiograph, boxes, row, scores, (crops, maps), clock.milliseconds)
            for radiograph, boxes, row in zip(radiographs, located, rows, strict=True)
        ]

    def _cut(self, radiographs: Sequence[Radiograph], located: Sequence[Located]) -> tuple[Crops, list[CropRows]]:
        parts, rows, start = [], [], 0
        for radiograph, boxes in zip(radiographs, located, strict=True):
            part, row = cut_crops(radiograph, boxes, self.preprocess)
            parts.append(part)
            rows.append(row.shifted(start))
            start += len(part)
        return join_crops(parts), rows

    def _name(self, radiographs: Sequence[Radiograph], rows: Sequence[CropRows], scores: Scores) -> Scores:
        if self.region_classifier is None:
            return scores
        preprocess: Preprocess = getattr(self.region_classifier, "preprocess", self.preprocess)
        wholes = join_crops([preprocess.whole(radiograph) for radiograph in radiographs])
        return name_wholes(scores, rows, self.region_classifier, wholes)

    def _explain(self, crops: Crops, rows: Sequence[CropRows]) -> Mapping[int, NDArray[np.float32]]:
        """Return attention maps by row of ``crops``: candidates for the cross-check, wholes for the heat map."""
        wanted: list[int] = []
        for row in rows:
            wanted += [row.whole] if self.options.heatmap else []
            wanted += range(row.candidates.start, row.candidates.stop) if self.options.crosscheck else []
        if self.attention is None or not wanted:
            return {}
        return dict(zip(wanted, self.attention(self.classifier, take_crops(crops, wanted)), strict=True))

    def _analysis(
        self,
        radiograph: Radiograph,
        located: Located,
        row: CropRows,
        scores: Scores,
        explained: tuple[Crops, Mapping[int, NDArray[np.float32]]],
        elapsed: Mapping[str, float],
    ) -> Analysis:
        crops, maps = explained
        checks = [self._check(located, row, index, crops, maps) for index in range(len(located.fractures))]
        report = assemble(radiograph, located, row, scores, self.card, checks)
        stamped = replace(
            report,
            models=self.models,
            config_hash=self.config_hash,
            version=__version__,
            elapsed_ms=dict(elapsed),
            warnings=(*report.warnings, *self.notes),
        )
        if row.whole not in maps:
            return Analysis(stamped, radiograph)
        heat = HeatMap(maps[row.whole], crops.to_image[row.whole])
        grid = attention_grid(heat.pixels, heat.to_image, radiograph.size)
        return Analysis(replace(stamped, attention=grid), radiograph, heat)

    def _check(
        self, located: Located, row: CropRows, index: int, crops: Crops, maps: Mapping[int, NDArray[np.float32]]
    ) -> CrossCheck | None:
        at = row.candidates.start + index
        if at not in maps:
            return None
        x1, y1, x2, y2 = (float(value) for value in located.fractures.xyxy[index])
        return cross_check(maps[at], crops.to_image[at], (x1, y1, x2, y2), self.card.crosscheck)


def as_radiograph(given: str | Path | Radiograph | NDArray[Any]) -> Radiograph:
    """Return an open radiograph for a path, an array, or a radiograph.

    Raises:
        ReadError: The file or array is no readable radiograph.
    """
    if isinstance(given, Radiograph):
        return given
    if isinstance(given, (str, Path)):
        return open_radiograph(given)
    return radiograph_from_array(given)


def failed(source: str, error: Exception, warnings: tuple[str, ...] = ()) -> Report:
    """Return the report of a radiograph that could not be analysed."""
    reason = str(error) if isinstance(error, FxdetError) else f"unexpected {type(error).__name__}: {error}"
    reason = reason.removeprefix(f"can't read {source}: ")
    return Report(source=source, version=__version__, warnings=warnings, error=" ".join(reason.split()))


class _Clock:
    """Milliseconds per radiograph and step."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.milliseconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.milliseconds[name] = round((time.perf_counter() - start) * 1000 / self.count, 2)
