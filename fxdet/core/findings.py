"""What the pipeline says of a radiograph: findings, and the report that is written out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from fxdet.core.labels import Decision, Verdict
from fxdet.core.objects import check_probability

SCHEMA = 1
"""Version of the JSON form of a :class:`Report`."""

DISCLAIMER = "suspected finding, research use only, not a diagnosis"
"""Stands on every output."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """Where the classifier looked, against the localizer's box. It never changes a probability.

    Attributes:
        mass_in_box: Share of the attention that lies inside the box, 0–1.
        peak_xy: Place of the strongest attention, px of the radiograph.
        peak_in_box: Whether that place lies inside the box.
        verdict: Agrees, disagrees, or unsure.
    """

    mass_in_box: float
    peak_xy: tuple[float, float]
    peak_in_box: bool
    verdict: Verdict

    def __post_init__(self) -> None:
        check_probability("CrossCheck.mass_in_box", self.mass_in_box)


@dataclass(frozen=True, slots=True)
class RegionBox:
    """A bone region.

    Attributes:
        box: x1, y1, x2, y2, px.
        score: Localizer's score, 0–1.
        region: Its name, from the region head or the localizer.
        region_probability: Probability of that name, 0–1.
        fracture_probability: Classifier's probability of a fracture on the region's own crop, 0–1; None where the
            region was not classified.
    """

    box: Box
    score: float
    region: str
    region_probability: float
    fracture_probability: float | None = None

    def __post_init__(self) -> None:
        if self.fracture_probability is not None:
            check_probability("RegionBox.fracture_probability", self.fracture_probability)
        check_probability("RegionBox.score", self.score)
        check_probability("RegionBox.region_probability", self.region_probability)


@dataclass(frozen=True, slots=True)
class Finding:
    """One fracture candidate after both stages.

    Attributes:
        box: x1, y1, x2, y2, px.
        detector_score: Localizer's score, 0–1.
        probability: Calibrated probability of a fracture, 0–1.
        threshold: Probability from which the decision is ``fracture``.
        decision: Fracture, doubt or none.
        region: Region of the radiograph that it lies on.
        region_probability: Its probability, 0–1.
        classifier_probability: Crop classifier's own probability of a fracture, 0–1.
        size_mm: Width and height, where the spacing is known.
        crosscheck: Grad-CAM check, or None where it was not asked for.
    """

    box: Box
    detector_score: float
    probability: float
    threshold: float
    decision: Decision
    region: str
    region_probability: float
    classifier_probability: float
    size_mm: tuple[float, float] | None = None
    crosscheck: CrossCheck | None = None

    def __post_init__(self) -> None:
        for name in ("detector_score", "probability", "threshold", "region_probability", "classifier_probability"):
            check_probability(f"Finding.{name}", getattr(self, name))
        if not (self.box[2] >= self.box[0] and self.box[3] >= self.box[1]):
            raise ValueError(f"Finding.box: got {self.box}, expected x1 <= x2 and y1 <= y2")


@dataclass(frozen=True, slots=True)
class AttentionGrid:
    """Where the classifier looked on the whole radiograph, coarsely.

    Attributes:
        cells: Share of the attention in each cell of an even grid over the radiograph, rows from the top; the shares
            sum up to 1, or to 0 where there is no attention.
        peak_xy: Place of the strongest attention, px of the radiograph.
    """

    cells: tuple[tuple[float, ...], ...]
    peak_xy: tuple[float, float]

    def __post_init__(self) -> None:
        if not self.cells or not self.cells[0] or len({len(row) for row in self.cells}) != 1:
            raise ValueError("AttentionGrid.cells: expected rows of one length")
        check_probability("AttentionGrid.cells", self.cells)


@dataclass(frozen=True, slots=True)
class ModelStamp:
    """Which weights spoke: ``name.tag`` and the SHA-256 of the weight file."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything said of one radiograph; one line of ``reports.jsonl``.

    Attributes:
        source: File, or the caller's name of an array.
        sha256: Hash of the file's bytes; empty where it could not be read.
        image_size: Height and width, px; None for an unreadable file.
        image_probability: Calibrated probability that the radiograph shows a fracture, 0–1.
        decision: The image's decision at the pipeline's operating points.
        region: Most probable region of the whole radiograph.
        region_probability: Its probability, 0–1.
        class_probability: Head → class → probability of the whole radiograph.
        regions: Bone-region boxes.
        findings: Fracture candidates, most probable first.
        attention: Where the classifier looked on the whole radiograph, or None where that was not asked for.
        spacing_mm: Row and column spacing, or None.
        models: The weights that were used.
        config_hash: Hash of the pipeline card and of the options that change results.
        version: Version of fxdet.
        warnings: What the reader or a step noticed.
        elapsed_ms: Step → milliseconds.
        error: Reason why the file could not be read, else None.
        schema: Version of this form.
    """

    source: str
    sha256: str = ""
    image_size: tuple[int, int] | None = None
    image_probability: float | None = None
    decision: Decision = Decision.NONE
    region: str | None = None
    region_probability: float | None = None
    class_probability: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    regions: tuple[RegionBox, ...] = ()
    findings: tuple[Finding, ...] = ()
    attention: AttentionGrid | None = None
    spacing_mm: tuple[float, float] | None = None
    models: tuple[ModelStamp, ...] = ()
    config_hash: str = ""
    version: str = ""
    warnings: tuple[str, ...] = ()
    elapsed_ms: Mapping[str, float] = field(default_factory=dict)
    error: str | None = None
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        if self.image_probability is not None:
            check_probability("Report.image_probability", self.image_probability)

    def to_json(self) -> dict[str, Any]:
        """Return plain dicts, lists and numbers, with the research-use notice."""
        return {**_plain(self), "notice": DISCLAIMER}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Report:
        """Build a report from :meth:`to_json`'s form; unknown keys are ignored.

        Raises:
            ValueError: The form is of a newer schema, or a field is out of range.
        """
        if data.get("schema", SCHEMA) > SCHEMA:
            raise ValueError(f"Report.schema: got {data['schema']}, expected at most {SCHEMA} – update fxdet")
        known = {f.name: data[f.name] for f in fields(cls) if f.name in data}
        known["decision"] = Decision(known.get("decision", "none"))
        known["findings"] = tuple(_finding(item) for item in known.get("findings", ()))
        known["regions"] = tuple(RegionBox(**{**item, "box": tuple(item["box"])}) for item in known.get("regions", ()))
        known["models"] = tuple(ModelStamp(**item) for item in known.get("models", ()))
        known["warnings"] = tuple(known.get("warnings", ()))
        grid = known.get("attention")
        known["attention"] = grid and AttentionGrid(tuple(tuple(row) for row in grid["cells"]), tuple(grid["peak_xy"]))
        for name in ("image_size", "spacing_mm"):
            known[name] = tuple(known[name]) if known.get(name) is not None else None
        return cls(**known)


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, (Decision, Verdict)):
        return value.value
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return round(value, 6) if isinstance(value, float) else value


def _finding(item: Mapping[str, Any]) -> Finding:
    check = item.get("crosscheck")
    crosscheck = None
    if check is not None:
        crosscheck = CrossCheck(**{**check, "peak_xy": tuple(check["peak_xy"]), "verdict": Verdict(check["verdict"])})
    size_mm = tuple(item["size_mm"]) if item.get("size_mm") is not None else None
    decision = Decision(item["decision"])
    box = tuple(item["box"])
    return Finding(**{**item, "box": box, "size_mm": size_mm, "decision": decision, "crosscheck": crosscheck})
