"""Several localizers on the same radiographs, side by side, with paired tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fxdet.core.protocols import Localizer
from fxdet.data.samples import Sample
from fxdet.evaluation.boxes import BoxRows
from fxdet.evaluation.comparisons import compare_figures, holm_corrected
from fxdet.evaluation.detection import COCO_IOUS, average_precisions
from fxdet.evaluation.matching import match_images
from fxdet.evaluation.resampling import Resampling
from fxdet.pipeline.measuring import MeasureOptions, located_rows, measure_average_precisions, measure_froc


def compare_localizers(
    localizers: Mapping[str, Localizer], samples: Sequence[Sample], options: MeasureOptions
) -> dict[str, Any]:
    """Measure every localizer's own fracture boxes, and test each against the first.

    Args:
        localizers: Name → network; each gives all its boxes, without a second stage.
        samples: Radiographs whose boxes are known, normal ones among them.
        options: How intervals are drawn.

    Returns:
        ``localizers``: name → AP50, AP50:95 and the share of boxes found at ½ and 1 false box a radiograph;
        ``comparisons``: the difference of AP50 to the first, paired bootstrap over groups, Holm over all of them.

    Raises:
        ReadError: A file is no readable radiograph.
    """
    rows = {name: located_rows(localizer, samples) for name, localizer in localizers.items()}
    ap50 = {name: _ap50(found) for name, found in rows.items()}
    first, *others = rows
    resampling = Resampling(rows[first].group, options.intervals)
    tests = [compare_figures("AP50", (name, first), resampling, ap50[name], ap50[first]) for name in others]
    return {
        "localizers": {
            name: {**measure_average_precisions(found, options), **measure_froc(found, options)}
            for name, found in rows.items()
        },
        "comparisons": [test.to_json() for test in holm_corrected(tests)],
    }


def _ap50(rows: BoxRows) -> Callable[[Any], Any]:
    matches = match_images(rows.images, COCO_IOUS[:1])
    return lambda weights: average_precisions(matches, weights)
