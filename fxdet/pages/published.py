"""What others published on the public sets: ``docs/results/published.json``, typed once, with source and protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fxdet.core.errors import DataError, FxdetError
from fxdet.pages.sources import NOT_MEASURED
from fxdet.zoo.records import read_record

RESULT = "published.json"

TASKS = ("boxes", "radiographs", "regions")

_DIGITS = 3


@dataclass(frozen=True, slots=True)
class Published:
    """One published line; nothing of it was measured by us.

    Attributes:
        set: ``fracatlas``, ``bonefracture``, or ``other`` for data that we do not measure on.
        task: ``boxes``, ``radiographs`` (fractured or not) or ``regions``.
        part: Part that it was measured on.
        model: Network or product, as the source calls it.
        figures: Name of a figure → value, 0–1.
        source: Who published it, and where.
        address: Link to it; empty where there is none.
        protocol: What must be known to compare it.
        n: Number of radiographs, or None where it is not stated.
        boxes: Number of reference boxes, likewise.
        digits: Figures that were printed with fewer than three digits → how many.
    """

    set: str
    task: str
    part: str
    model: str
    figures: Mapping[str, float]
    source: str
    address: str
    protocol: str
    n: int | None = None
    boxes: int | None = None
    digits: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise ValueError(f"Published.task of {self.model}: got {self.task!r}, expected one of {', '.join(TASKS)}")
        for name, value in self.figures.items():
            if not 0 <= value <= 1:
                raise ValueError(f"Published.figures of {self.model}: got {name} {value}, expected 0 to 1")

    def printed(self, name: str) -> str:
        """Return a figure as it was printed, or a dash.

        Example:
            >>> row = Published("other", "boxes", "test", "X", {"ap50": 0.91}, "paper", "", "", digits={"ap50": 2})
            >>> row.printed("ap50"), row.printed("recall")
            ('.91', '–')
        """
        if name not in self.figures:
            return NOT_MEASURED
        return f"{self.figures[name]:.{self.digits.get(name, _DIGITS)}f}".removeprefix("0")

    @property
    def cited(self) -> str:
        """Source as Markdown, with its link."""
        return f"[{self.source}]({self.address})" if self.address else self.source


@dataclass(frozen=True, slots=True)
class _PublishedFile:
    rows: tuple[Published, ...]
    schema: int = 1


def read_published(results: Path) -> tuple[Published, ...]:
    """Return all published lines, in the file's order.

    Args:
        results: Folder of the result files.

    Raises:
        DataError: The file can't be read or a line of it is wrong.
    """
    try:
        return read_record(results / RESULT, _PublishedFile).rows
    except FxdetError as error:
        raise DataError(str(error)) from error
