"""Names of classes: regions, fracture labels, decisions, and the ordered map from name to index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from fxdet.core.errors import did_you_mean


class BodyRegion(str, Enum):
    """The eight regions that the classifier names."""

    ELBOW = "elbow"
    FINGERS = "fingers"
    FOREARM = "forearm"
    HUMERUS = "humerus"
    SHOULDER = "shoulder"
    WRIST = "wrist"
    HIP = "hip"
    LEG = "leg"


class Decision(str, Enum):
    """What a probability means at the pipeline's two operating points."""

    FRACTURE = "fracture"
    DOUBT = "doubt"
    NONE = "none"


class Verdict(str, Enum):
    """Outcome of the Grad-CAM cross-check of one finding."""

    AGREES = "agrees"
    DISAGREES = "disagrees"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class LabelMap:
    """Ordered, unique class names; the position is the class index.

    Example:
        >>> labels = LabelMap(("normal", "fractured"))
        >>> labels.index("fractured"), labels[0], len(labels)
        (1, 'normal', 2)
    """

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.names or not all(isinstance(name, str) and name for name in self.names):
            raise ValueError(f"LabelMap.names: got {self.names!r}, expected non-empty strings")
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"LabelMap.names: got repeated names in {self.names!r}")

    def index(self, name: str) -> int:
        """Return the class index of ``name``.

        Raises:
            ValueError: The name is unknown; the nearest one is suggested.
        """
        if name not in self.names:
            raise ValueError(f"label {name!r} is unknown{did_you_mean(name, self.names)}")
        return self.names.index(name)

    def __getitem__(self, index: int) -> str:
        return self.names[index]

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)


REGIONS = LabelMap(tuple(region.value for region in BodyRegion))
"""Order of the ``region`` head."""

FRACTURE = LabelMap(("normal", "fractured"))
"""Order of the ``fracture`` head."""

PAPER_REGIONS = REGIONS.names[:6]
"""The six regions of the published six-class comparison."""

HAND_REGIONS = frozenset({"fingers", "wrist", "forearm", "elbow"})
"""What FracAtlas's ``hand`` may show: everything from the fingers to the elbow."""
