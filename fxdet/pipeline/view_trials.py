"""Trials on a validation part: localizers alone, mirrored, fused, and with weights, from one pass of each network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from fxdet.core.errors import ConfigError, did_you_mean
from fxdet.core.objects import Detections
from fxdet.core.protocols import Localizer
from fxdet.data.samples import Sample
from fxdet.evaluation.ranking import Ranking
from fxdet.evaluation.resampling import Resampling
from fxdet.imaging.reading import open_radiograph
from fxdet.localize.views import FusionOptions, fuse_detections, mirror_located, mirror_radiograph
from fxdet.pipeline.measuring import BATCH, MeasureOptions, as_figure, detection_rows, measure_average_precisions

Looks = Mapping[str, tuple[Detections, Detections]]
"""Localizer → its fracture boxes on a radiograph, and on the mirror image, turned back."""


@dataclass(frozen=True, slots=True)
class ViewTrial:
    """One way to look at a radiograph.

    Attributes:
        localizers: Their names; boxes of several are fused.
        mirrored: Whether each also looks at the mirror image.
        weights: How much each counts; empty counts all alike.
    """

    localizers: tuple[str, ...]
    mirrored: bool = False
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.localizers)
        if not count or len(set(self.localizers)) < count:
            raise ConfigError(f"trial – got localizers {list(self.localizers)}, expected at least one, each once")
        if self.weights and (len(self.weights) != count or min(self.weights) <= 0):
            raise ConfigError(f"trial – got weights {list(self.weights)}, expected one above 0 for each of {count}")

    @classmethod
    def parse(cls, text: str) -> ViewTrial:
        """Read a trial from its text: names joined by ``+``, then ``mirrored`` and weights, after commas.

        Raises:
            ConfigError: Something else stands there.

        Example:
            >>> ViewTrial.parse("a + b, mirrored, 4:1")
            ViewTrial(localizers=('a', 'b'), mirrored=True, weights=(4.0, 1.0))
        """
        names, *rest = (part.strip() for part in text.split(","))
        weights: tuple[float, ...] = ()
        for part in rest:
            if part != "mirrored":
                weights = _weights(part, text)
        return cls(tuple(name.strip() for name in names.split("+")), "mirrored" in rest, weights)

    def __str__(self) -> str:
        """Return the text that :meth:`parse` reads."""
        ratio = ":".join(f"{weight:g}" for weight in self.weights)
        return ", ".join(filter(None, (" + ".join(self.localizers), "mirrored" * self.mirrored, ratio)))


def run_trials(
    localizers: Mapping[str, Localizer],
    samples: Sequence[Sample],
    trials: Iterable[ViewTrial],
    options: MeasureOptions,
) -> dict[str, dict[str, Any]]:
    """Measure trials on the same radiographs, from one pass of each localizer over each view that a trial asks for.

    Args:
        localizers: Name → network; each gives all its boxes.
        samples: Radiographs whose boxes are known.
        trials: What to try.
        options: How intervals are drawn.

    Returns:
        Trial → AP50 and AP50:95, and ``auroc_best_score`` where there are fractured and normal radiographs: the area
        under the ROC curve of the best box's score, 0 where there is none.

    Raises:
        ConfigError: A trial names a localizer that is not there.
        ReadError: A file is no readable radiograph.
    """
    trials = list(trials)
    for name in (name for trial in trials for name in trial.localizers):
        if name not in localizers:
            raise ConfigError(f"trial – got localizer '{name}'{did_you_mean(name, list(localizers))}")
    used = {name for trial in trials for name in trial.localizers}
    turned = {name for trial in trials if trial.mirrored for name in trial.localizers}
    looks = list(_looks({name: localizers[name] for name in localizers if name in used}, samples, turned))
    return {str(trial): _measured([_fused(look, trial) for look in looks], samples, options) for trial in trials}


def _looks(localizers: Mapping[str, Localizer], samples: Sequence[Sample], turned: set[str]) -> Iterator[Looks]:
    """Yield what each localizer sees on each radiograph; a view that nobody asks for repeats the plain one."""
    for start in tqdm(range(0, len(samples), BATCH), desc="locate", unit="batch", disable=None, leave=False):
        plain = [open_radiograph(sample.path) for sample in samples[start : start + BATCH]]
        mirrored = [mirror_radiograph(radiograph) for radiograph in plain] if turned else []
        found = {name: localizer.locate(plain) for name, localizer in localizers.items()}
        back = {
            name: [mirror_located(item) for item in localizers[name].locate(mirrored)]
            if name in turned
            else found[name]
            for name in localizers
        }
        for row in range(len(plain)):
            yield {name: (found[name][row].fractures, back[name][row].fractures) for name in localizers}


def _fused(looks: Looks, trial: ViewTrial) -> Detections:
    views = [looks[name][view] for view in range(1 + trial.mirrored) for name in trial.localizers]
    if len(views) == 1:
        return views[0]
    return fuse_detections(views, FusionOptions(trial.mirrored, weights=trial.weights), str(trial))


def _measured(found: Sequence[Detections], samples: Sequence[Sample], options: MeasureOptions) -> dict[str, Any]:
    rows = detection_rows(found, samples)
    figures: dict[str, Any] = measure_average_precisions(rows, options)
    truth = np.array([bool(sample.fractured) for sample in samples])
    if truth.any() and not truth.all():
        best = np.array([boxes.score.max() if len(boxes) else 0.0 for boxes in found], dtype=np.float64)
        area = Resampling(rows.group, options.intervals).estimate(Ranking.of(truth, best).auroc)
        figures["auroc_best_score"] = as_figure(area)
    return figures


def _weights(part: str, text: str) -> tuple[float, ...]:
    try:
        return tuple(float(number) for number in part.split(":"))
    except ValueError as error:
        raise ConfigError(
            f"trial – got '{part}' in '{text}', expected 'mirrored' or weights – write: a + b, mirrored, 4:1"
        ) from error
