"""Several classifiers on the same whole radiographs, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fxdet.core.labels import PAPER_REGIONS
from fxdet.core.protocols import Classifier
from fxdet.data.samples import Sample
from fxdet.evaluation.estimate import Estimate
from fxdet.evaluation.ranking import Ranking
from fxdet.evaluation.resampling import Resampling
from fxdet.evaluation.shares import share_estimate
from fxdet.imaging.preprocess import Preprocess
from fxdet.imaging.reading import open_radiograph
from fxdet.pipeline.measuring import BATCH, MeasureOptions, as_figure
from fxdet.pipeline.stages import Scores, classify, join_crops

Floats = NDArray[np.float64]


class WholeClassifier(Classifier, Protocol):
    """A classifier that says how its pictures are made."""

    preprocess: Preprocess


def compare_classifiers(
    classifiers: Mapping[str, WholeClassifier], samples: Sequence[Sample], options: MeasureOptions
) -> dict[str, dict[str, Any]]:
    """Measure classifiers on whole radiographs, without localizer, crops and fusion.

    Args:
        classifiers: Name → network; each has a head ``fracture``.
        samples: Radiographs; those without the label that a figure needs are left out of it.
        options: How intervals are drawn.

    Returns:
        Name → ``auroc`` of the head ``fracture`` where there are fractured and normal radiographs, and
        ``region_top1_of_6`` of the head ``region`` among the six regions of the published comparison, on radiographs
        that are said to show just one of them.

    Raises:
        ReadError: A file is no readable radiograph.
    """
    return {name: _figures(classifier, samples, options) for name, classifier in classifiers.items()}


def _figures(classifier: WholeClassifier, samples: Sequence[Sample], options: MeasureOptions) -> dict[str, Any]:
    starts = tqdm(range(0, len(samples), BATCH), desc="classify", unit="batch", disable=None, leave=False)
    scores = [_scores(classifier, samples[start : start + BATCH]) for start in starts]
    figures = {"auroc": _auroc(np.concatenate([part.fracture for part in scores]), samples, options)}
    labels = scores[0].region_labels
    if labels is not None and set(PAPER_REGIONS) <= set(labels):
        columns = [labels.index(name) for name in PAPER_REGIONS]
        figures["region_top1_of_6"] = _top1(np.concatenate([part.region for part in scores])[:, columns], samples)
    return {name: as_figure(found) for name, found in figures.items() if found is not None}


def _scores(classifier: WholeClassifier, samples: Sequence[Sample]) -> Scores:
    crops = [classifier.preprocess.whole(open_radiograph(sample.path)) for sample in samples]
    return classify(classifier, join_crops(crops))


def _auroc(probability: Floats, samples: Sequence[Sample], options: MeasureOptions) -> Estimate | None:
    known = np.array([sample.fractured is not None for sample in samples])
    truth = np.array([bool(sample.fractured) for sample in samples])[known]
    if not truth.any() or truth.all():
        return None
    groups = np.array([sample.group for sample in samples], dtype=str)[known]
    return Resampling(groups, options.intervals).estimate(Ranking.of(truth, probability[known]).auroc)


def _top1(probability: Floats, samples: Sequence[Sample]) -> Estimate | None:
    stated = [next(iter(sample.regions)) if len(sample.regions) == 1 else "" for sample in samples]
    rows = [row for row, name in enumerate(stated) if name in PAPER_REGIONS]
    if not rows:
        return None
    truth = np.array([PAPER_REGIONS.index(stated[row]) for row in rows])
    groups = np.array([samples[row].group for row in rows], dtype=str)
    return share_estimate(probability[rows].argmax(axis=1) == truth, groups)
