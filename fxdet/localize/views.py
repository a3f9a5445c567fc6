"""One localizer out of several, or out of several views of each radiograph: their boxes are fused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fxdet.core.boxes import weighted_box_fusion
from fxdet.core.objects import Detections, Radiograph
from fxdet.core.protocols import Localizer, Located


@dataclass(frozen=True, slots=True)
class FusionOptions:
    """How several looks at a radiograph become one result.

    Attributes:
        mirrored: Whether each localizer also looks at the mirrored radiograph; twice the time.
        iou_threshold: Boxes that overlap by more than this are one, 0–1.
        boxes_maximum: Most boxes per kind and radiograph.
        weights: How much each localizer counts, in their order, above 0; empty counts all alike.
    """

    mirrored: bool = True
    iou_threshold: float = 0.55
    boxes_maximum: int = 100
    weights: tuple[float, ...] = ()


class FusedLocalizer:
    """Asks one or more localizers, on request on the mirrored radiograph too, and fuses their boxes.

    Args:
        localizers: They must name the same classes.
        options: Views and overlap.

    Raises:
        ValueError: There is none, their classes differ, or there is not one weight for each.
    """

    def __init__(self, localizers: Sequence[Localizer], options: FusionOptions | None = None) -> None:
        if not localizers:
            raise ValueError("FusedLocalizer: got no localizer, expected at least one")
        self.localizers = tuple(localizers)
        self.options = options or FusionOptions()
        weights = self.options.weights
        if weights and (len(weights) != len(localizers) or min(weights) <= 0):
            raise ValueError(
                f"FusedLocalizer: got weights {weights} for {len(localizers)}, expected one above 0 for each"
            )
        self.name = "+".join(localizer.name for localizer in localizers)

    def locate(self, radiographs: Sequence[Radiograph]) -> list[Located]:
        """Return region and fracture boxes of each radiograph, in order, in pixels of the radiograph as read."""
        looks = [localizer.locate(radiographs) for localizer in self.localizers]
        if self.options.mirrored:
            turned = [mirror_radiograph(radiograph) for radiograph in radiographs]
            for localizer in self.localizers:
                looks.append([mirror_located(found) for found in localizer.locate(turned)])
        return [self._fused(list(found)) for found in zip(*looks, strict=True)]

    def _fused(self, found: Sequence[Located]) -> Located:
        return Located(
            regions=fuse_detections([look.regions for look in found], self.options, self.name),
            fractures=fuse_detections([look.fractures for look in found], self.options, self.name),
        )


def fuse_detections(looks: Sequence[Detections], options: FusionOptions, model: str) -> Detections:
    """Return the boxes of several looks at one radiograph as one result, class by class, best first.

    Args:
        looks: What each localizer found on the radiograph and then, where that was asked for, what each found on its
            mirror image, turned back; at least one.
        options: Overlap, and how much each localizer counts.
        model: Name of the whole.

    Raises:
        ValueError: They name different classes.
    """
    first = looks[0]
    if any(look.labels != first.labels for look in looks):
        raise ValueError(f"FusedLocalizer: got classes {[look.labels.names for look in looks]}, expected the same")
    xyxy, score, label = (
        np.concatenate([getattr(look, name) for look in looks]) for name in ("xyxy", "score", "label")
    )
    view = np.concatenate([np.full(len(look), index) for index, look in enumerate(looks)])
    weights = options.weights * (len(looks) // len(options.weights)) if options.weights else ()
    parts = []
    for value in sorted(set(label.tolist())):
        rows = np.flatnonzero(label == value)
        boxes, fused = weighted_box_fusion(
            xyxy[rows], score[rows], view[rows], len(looks), options.iou_threshold, weights
        )
        parts.append((boxes, fused, np.full(len(fused), value, dtype=np.int64)))
    if not parts:
        return replace(first, model=model)
    boxes, fused, values = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    order = np.argsort(-fused, kind="stable")[: options.boxes_maximum]
    return replace(
        first,
        xyxy=boxes[order].astype(np.float32),
        score=fused[order].astype(np.float32),
        label=values[order],
        model=model,
    )


def mirror_radiograph(radiograph: Radiograph) -> Radiograph:
    """Return the radiograph with left and right exchanged."""
    return replace(radiograph, pixels=np.ascontiguousarray(radiograph.pixels[:, ::-1]))


def mirror_located(located: Located) -> Located:
    """Return boxes of a mirrored radiograph in pixels of the radiograph as read."""
    return Located(_mirrored(located.regions), _mirrored(located.fractures))


def _mirrored(found: Detections) -> Detections:
    width = np.float32(found.image_size[1])
    xyxy = np.stack([width - found.xyxy[:, 2], found.xyxy[:, 1], width - found.xyxy[:, 0], found.xyxy[:, 3]], axis=1)
    return replace(found, xyxy=xyxy.astype(np.float32).reshape(-1, 4))
