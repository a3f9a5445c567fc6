"""What the four papers printed: rows of their tables and confusion matrices; nothing here is measured by us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

PAPERS: Mapping[str, str] = {
    "tamboli2026": "Tamboli, Vishwakarma: Efficient Bone Fracture Detection Using Deep CNN and Transfer Learning",
    "sriram2026": "Sriram, Harini: Deep Learning-Based Bone Fracture Detection With Visual Explainability",
    "cnn2024": "a Keras CNN on 9,103 X-ray images, k-fold",
    "team05": "Ghorpade, Kelkar, Gurav, Utekar: Bone Fracture Detection Using Deep Learning (project report)",
}
"""Paper → who wrote what."""


@dataclass(frozen=True, slots=True)
class Printed:
    """A figure as it was printed.

    Attributes:
        value: As a share, 0–1 (96.2 % is .962).
        digits: Digits of the share that were printed (96.2 % has three, .91 two).
    """

    value: float
    digits: int

    @property
    def unit(self) -> float:
        """One unit of the last printed digit."""
        return float(10**-self.digits)


def percent(value: float, digits: int = 1) -> Printed:
    """Return a figure that was printed in per cent with so many digits after the point.

    Example:
        >>> percent(96.2), percent(90, 0)
        (Printed(value=0.962, digits=3), Printed(value=0.9, digits=2))
    """
    return Printed(round(value / 100, digits + 2), digits + 2)


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """One row of a paper's table.

    Attributes:
        paper: Key of :data:`PAPERS`.
        row: Name of its configuration, ``configs/papers/<paper>/<row>.yaml``.
        label: What the paper calls it.
        figures: Name of a figure, as :mod:`fxdet.evaluation.binary` has it → as printed.
        n: Number of test images, where stated.
    """

    paper: str
    row: str
    label: str
    figures: Mapping[str, Printed]
    n: int | None = None


@dataclass(frozen=True, slots=True)
class PublishedMatrix:
    """A confusion matrix as it was printed, with the figures printed beside it.

    Attributes:
        paper: Key of :data:`PAPERS`.
        row: Row of the paper's table that it belongs to.
        normal: True normals as (called normal, called fractured).
        fractured: True fractures as (called normal, called fractured).
        figures: Name of a figure → as printed.
    """

    paper: str
    row: str
    normal: tuple[int, int]
    fractured: tuple[int, int]
    figures: Mapping[str, Printed] = field(default_factory=dict)


_PROPOSED = {
    "accuracy": percent(96.2),
    "ppv": percent(96.0),
    "sensitivity": percent(95.1),
    "specificity": percent(97.0),
    "f1_fractured": percent(95.6),
}
_KERAS = {
    "accuracy": Printed(0.91, 2),
    "mcc": Printed(0.762, 3),
    "ppv": Printed(0.93, 2),
    "sensitivity": Printed(0.96, 2),
    "f1_fractured": Printed(0.94, 2),
    "npv": Printed(0.86, 2),
    "specificity": Printed(0.78, 2),
    "f1_normal": Printed(0.82, 2),
}

CNN2024_EPOCHS, CNN2024_TRAINING, CNN2024_VALIDATION = 11, percent(95, 0), percent(98, 0)
"""Epoch at which the Keras CNN was stopped, and its accuracies in training and validation there."""

TEAM05_N = 83
"""Test images of the Team-05 report."""


def _team05(row: str, label: str, accuracy: float) -> PublishedRow:
    return PublishedRow("team05", row, label, {"accuracy": percent(accuracy, 0)}, TEAM05_N)


PUBLISHED_ROWS = (
    PublishedRow("tamboli2026", "vgg16", "VGG-16", {"accuracy": percent(91.4)}),
    PublishedRow("tamboli2026", "densenet121", "DenseNet-121", {"accuracy": percent(93.2)}),
    PublishedRow("tamboli2026", "resnet50", "ResNet-50", {"accuracy": percent(94.8)}),
    PublishedRow("tamboli2026", "efficientnet", "proposed (EfficientNet)", _PROPOSED, 2140),
    PublishedRow("sriram2026", "resnet50", "ResNet-50", {"accuracy": percent(94.2)}),
    PublishedRow("sriram2026", "densenet121", "DenseNet-121 (second, figure not printed)", {}),
    PublishedRow("sriram2026", "vgg16", "VGG-16 (third, figure not printed)", {}),
    PublishedRow("cnn2024", "keras_cnn", "CNN, one sigmoid unit", _KERAS, 975),
    _team05("custom_cnn", "custom CNN", 50),
    _team05("vgg16", "VGG-16", 89),
    _team05("resnet18", "ResNet-18", 90),
    _team05("densenet121", "DenseNet-121", 86),
    _team05("efficientnet_b0", "EfficientNet-B0", 89),
)
"""All rows, in the papers' order; those of Team-05 as its README prints them."""

PUBLISHED_MATRICES = (
    PublishedMatrix("tamboli2026", "efficientnet", (1041, 39), (52, 1008), _PROPOSED),
    PublishedMatrix("cnn2024", "keras_cnn", (195, 54), (32, 694), _KERAS),
)
"""All printed confusion matrices."""

PRINTED_TWICE = (
    ("team05", "custom_cnn", "accuracy", (("README", percent(50, 0)), ("report, 7.1", percent(49, 0)))),
    (
        "team05",
        "resnet18",
        "accuracy",
        (("README", percent(90, 0)), ("report, 7.1", percent(89, 0)), ("report, 8.4.2", percent(49, 0))),
    ),
)
"""Figures that one source prints in several places: paper, row, figure, (place, as printed) …"""


def published_row(paper: str, row: str) -> PublishedRow | None:
    """Return a row, or None where the paper prints none of that name.

    Example:
        >>> published_row("tamboli2026", "resnet50").figures["accuracy"].value
        0.948
    """
    return next((item for item in PUBLISHED_ROWS if (item.paper, item.row) == (paper, row)), None)
