"""What an audit finds: frozen records that the terminal summary, the JSON file and the page are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Tie = Literal["bytes", "pixels", "near"]
"""How two pictures are the same: byte for byte, pixel for pixel, or nearly (resaved, resized, turned, mirrored)."""


@dataclass(frozen=True, slots=True)
class AuditedFile:
    """One picture of a set as the audit saw it.

    Attributes:
        set_name: Name of the set.
        name: Name within the set.
        path: The file.
        part: Part of the split, or None.
        fractured: As labelled, or None.
        label: The set's own class name, or None.
        readable: Whether it could be decoded.
    """

    set_name: str
    name: str
    path: str
    part: str | None = None
    fractured: bool | None = None
    label: str | None = None
    readable: bool = True


@dataclass(frozen=True, slots=True)
class Link:
    """Why two pictures belong together.

    Attributes:
        first, second: Indices into :attr:`AuditResult.files`, first < second.
        tie: How they are the same; the strongest that holds.
        similarity: Correlation of the registered thumbnails, -1–1; 1 for bytes and pixels.
        turn: What brings the second onto the first: quarter turns anticlockwise, with ``m`` in front where it is
            mirrored first, e.g. ``0``, ``2``, ``m1``.
    """

    first: int
    second: int
    tie: Tie
    similarity: float = 1.0
    turn: str = "0"


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Pictures that show the same radiograph.

    Attributes:
        members: Indices into :attr:`AuditResult.files`, ascending, two or more.
        tie: The weakest tie that holds the group together.
        links: A chain of links that connects all members (a spanning tree, the strongest links first).
        parts: Distinct ``set/part`` names of the members, sorted; ``set/-`` without a part.
        conflict: Whether the group holds fractured and normal labels.
    """

    members: tuple[int, ...]
    tie: Tie
    links: tuple[Link, ...]
    parts: tuple[str, ...]
    conflict: bool


@dataclass(frozen=True, slots=True)
class Leak:
    """How much of an evaluation part is known from another part or set.

    Attributes:
        part: Evaluation part, ``set/part``.
        source: Part that it shares pictures with, ``set/part``.
        total: Pictures of the evaluation part.
        bytes: Of these, pictures with a byte-identical one in the source.
        pixels: With a pixel-identical one, or closer.
        near: With a near-duplicate, or closer.
        interval: 95 % Wilson interval of ``near / total``.
    """

    part: str
    source: str
    total: int
    bytes: int
    pixels: int
    near: int
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class NameCollision:
    """Files that share a stem (up to ``.rf.``) across parts or sets, but not the picture: no leak.

    Attributes:
        stem: The shared stem.
        members: Indices into :attr:`AuditResult.files`.
    """

    stem: str
    members: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Baseline:
    """Label of the nearest picture of another part, without any learning.

    Attributes:
        part: Evaluation part, ``set/part``.
        source: Where the neighbours come from, ``set/part``.
        total: Labelled pictures of the part.
        right: Of these, rightly labelled by their neighbour by thumbnail.
        right_by_hash: The same with the neighbour by perceptual hash.
        majority: Right by always saying the source's more frequent label.
        interval: 95 % Wilson interval of ``right / total``.
    """

    part: str
    source: str
    total: int
    right: int
    right_by_hash: int
    majority: int
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class ShortcutFeature:
    """One property of a file that should not tell the label.

    Attributes:
        name: The property, e.g. ``truncated``.
        auroc: Its own AUROC for "fractured", direction-free (0.5–1), or None where it does not vary.
        towards: ``fractured`` or ``normal``: what a high value speaks for.
        meaning: One line on what it measures.
    """

    name: str
    auroc: float | None
    towards: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Shortcuts:
    """What predicts the label without looking at bone.

    Attributes:
        set_name: The set.
        auroc: Cross-validated AUROC of all properties together; None where a class is missing or too small.
        interval: Its 95 % interval.
        total, fractured: Labelled pictures and the fractured ones among them.
        folds: Folds of the cross-validation; groups of duplicates stay together.
        features: Each property alone, the strongest first.
    """

    set_name: str
    auroc: float | None
    interval: tuple[float, float] | None
    total: int
    fractured: int
    folds: int
    features: tuple[ShortcutFeature, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a file or a label.

    Attributes:
        set_name: The set.
        code: Kind of fault, e.g. ``truncated``; see :data:`fxdet.data.audit.faults.FAULTS`.
        where: File, and line where there is one.
        what: What came and what was expected.
    """

    set_name: str
    code: str
    where: str
    what: str


@dataclass(frozen=True, slots=True)
class ClassCount:
    """How often a class occurs.

    Attributes:
        set_name: The set.
        kind: ``label`` for pictures, ``box`` for boxes.
        name: The class.
        parts: Part → number.
        total: Sum.
        tiny: Whether it is too small to be learned or measured.
    """

    set_name: str
    kind: Literal["label", "box"]
    name: str
    parts: Mapping[str, int]
    total: int
    tiny: bool


@dataclass(frozen=True, slots=True)
class SetFacts:
    """One audited set.

    Attributes:
        name, layout, root: As it was opened.
        split: Split list that set the parts, or None for the published ones.
        files: Number of pictures.
        parts: Part → number; ``-`` for none.
        several_classes: Pictures with boxes of more than one class.
    """

    name: str
    layout: str
    root: str
    split: str | None
    files: int
    parts: Mapping[str, int]
    several_classes: int = 0


@dataclass(frozen=True, slots=True)
class AuditResult:
    """Everything an audit found.

    Attributes:
        sets: The sets, those of ``--against`` last.
        files: All pictures of all sets, in order.
        groups: Groups of duplicates, largest first.
        leaks: Shared pictures of evaluation parts.
        collisions: Shared names of different pictures.
        baselines: Nearest-neighbour look-ups.
        shortcuts: One entry per set with both labels.
        faults: Files and labels.
        classes: Class balance.
        settings: Thresholds of the run, as JSON data.
        seconds: Wall time.
        version: Version of fxdet.
    """

    sets: tuple[SetFacts, ...]
    files: tuple[AuditedFile, ...]
    groups: tuple[DuplicateGroup, ...] = ()
    leaks: tuple[Leak, ...] = ()
    collisions: tuple[NameCollision, ...] = ()
    baselines: tuple[Baseline, ...] = ()
    shortcuts: tuple[Shortcuts, ...] = ()
    faults: tuple[Fault, ...] = ()
    classes: tuple[ClassCount, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    version: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON data."""
        return asdict(self)
