"""From a network's flat boxes to region and fracture detections in pixels of the radiograph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fxdet.core.boxes import clip_boxes
from fxdet.core.labels import LabelMap
from fxdet.core.objects import BoxKind, Detections
from fxdet.core.protocols import Located

FRACTURE_LABEL = "fracture"
"""The one class of a localizer that is no bone region."""

NO_LABELS: Mapping[BoxKind, LabelMap] = {"region": LabelMap(("bone",)), "fracture": LabelMap((FRACTURE_LABEL,))}
"""Labels of an empty result, for localizers that know only the other kind."""


@dataclass(frozen=True, slots=True, eq=False)
class RawBoxes:
    """What a detection network returns for one radiograph, as yet in any order.

    Attributes:
        xyxy: Boxes, shape (N, 4), px of the radiograph; may reach over its border.
        score: Scores, shape (N,), 0–1.
        label: Class indices, shape (N,), into the network's labels.
    """

    xyxy: NDArray[Any]
    score: NDArray[Any]
    label: NDArray[Any]


def split_kinds(raw: RawBoxes, labels: LabelMap, image_size: tuple[int, int], model: str) -> Located:
    """Return region and fracture detections: clipped to the radiograph, best first, empty boxes left out.

    Args:
        raw: Boxes of all classes.
        labels: The network's classes: ``fracture``, and names of regions.
        image_size: Height and width of the radiograph, px.
        model: ``name.tag`` of the localizer.
    """
    xyxy = clip_boxes(np.asarray(raw.xyxy, dtype=np.float32).reshape(-1, 4), image_size)
    score = np.clip(np.asarray(raw.score, dtype=np.float32), 0, 1)
    label = np.asarray(raw.label, dtype=np.int64)
    order = np.argsort(-score, kind="stable")
    order = order[np.flatnonzero(np.all(xyxy[order, 2:] > xyxy[order, :2], axis=1))]

    def of_kind(kind: BoxKind) -> Detections:
        names = tuple(name for name in labels if (name == FRACTURE_LABEL) == (kind == "fracture"))
        chosen = np.array([index for index in order if labels[label[index]] in names], dtype=np.int64)
        own = LabelMap(names) if names else NO_LABELS[kind]
        new_label = np.array([own.index(labels[label[index]]) for index in chosen], dtype=np.int64)
        return Detections(xyxy[chosen], score[chosen], new_label, own, kind, image_size, model)

    return Located(regions=of_kind("region"), fractures=of_kind("fracture"))
