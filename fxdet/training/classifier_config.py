"""What a classifier's config file may say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fxdet.core.errors import did_you_mean
from fxdet.core.labels import FRACTURE, REGIONS
from fxdet.data.augment import AugmentOptions
from fxdet.data.filters import FILTERS
from fxdet.imaging.preprocess import Preprocess
from fxdet.training.losses import LossOptions
from fxdet.training.options import SILENT, FreezeStage, LoopOptions, OptimiserOptions, ScheduleOptions, check


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """One data set and what of it is used.

    Attributes:
        path: Folder or file of the set.
        layout: Its layout, or None to recognise it.
        split: Name of a list that comes with the package (``fracatlas/grouped``), a file, or None for published parts.
        split_sha256: Expected hash of a split file.
        allow_leak: Take a list whose parts share a group.
        train: Parts to learn from.
        val: Parts to validate on.
        weight: Multiplies the weights of all pictures of this source.
        whole: Weight of each whole radiograph; 0 leaves them out. A weight of 1 is one presentation per epoch.
        fracture_boxes: Weight of a crop around each labelled fracture.
        candidates_weight: Weight of a crop around each box of ``candidates``.
        background: Weight of a crop at a random place of the anatomy, per radiograph whose fractures are boxed.
        candidates: Boxes of a localizer, JSON lines or CSV: ``name``, ``box`` (or x1, y1, x2, y2), ``score``.
        fractured: Keep only fractured or only normal radiographs.
        regions: Keep only radiographs that may show one of these regions.
        leave_out: Text file with a name per line (path below the set's root, or file name; the ending
            may differ) that is not used.
    """

    path: Path
    layout: str | None = None
    split: str | None = None
    split_sha256: str | None = None
    allow_leak: bool = False
    train: tuple[str, ...] = ("train",)
    val: tuple[str, ...] = ("val",)
    weight: float = 1.0
    whole: float = 1.0
    fracture_boxes: float = 0.0
    candidates_weight: float = 0.0
    background: float = 0.0
    candidates: Path | None = None
    fractured: bool | None = None
    regions: tuple[str, ...] | None = None
    leave_out: Path | None = None

    def __post_init__(self) -> None:
        for name in ("weight", "whole", "fracture_boxes", "candidates_weight", "background"):
            check(name, getattr(self, name) >= 0, getattr(self, name), ">= 0")
        if shared := set(self.train) & set(self.val):
            raise ValueError(f"val: got part '{min(shared)}', which is trained on – name another part")
        if self.candidates_weight and self.candidates is None:
            raise ValueError("candidates_weight: got a weight and no 'candidates' – name a file of boxes")
        if unknown := set(self.regions or ()) - set(REGIONS):
            raise ValueError(f"regions: got {sorted(unknown)}, expected some of {list(REGIONS)}")


@dataclass(frozen=True, slots=True)
class CropOptions:
    """How boxes become crops in training.

    Attributes:
        shift: Greatest shift of a box, as a share of its side.
        resize: Greatest relative change of a box's size.
        positive_iou: From this overlap with a labelled fracture on a candidate is fractured, 0–1.
        negative_iou: Up to this overlap a candidate is normal; in between it is left out.
    """

    shift: float = 0.15
    resize: float = 0.3
    positive_iou: float = 0.3
    negative_iou: float = 0.05

    def __post_init__(self) -> None:
        check("shift", 0 <= self.shift < 1, self.shift, "0 to below 1")
        check("resize", 0 <= self.resize < 1, self.resize, "0 to below 1")
        check("negative_iou", 0 <= self.negative_iou <= self.positive_iou <= 1, self.negative_iou, "<= positive_iou")


@dataclass(frozen=True, slots=True)
class SamplingOptions:
    """Which pictures an epoch shows.

    Attributes:
        presentations: Pictures per epoch; 0 takes the sum of all weights.
        balance: ``fracture`` gives both classes of the fracture head the same share of presentations.
    """

    presentations: int = 0
    balance: Literal["none", "fracture"] = "none"

    def __post_init__(self) -> None:
        check("presentations", self.presentations >= 0, self.presentations, ">= 0")


@dataclass(frozen=True, slots=True)
class ClassifierConfig:
    """Everything a classifier's training depends on.

    Attributes:
        name, tag: The weights are called ``name.tag``.
        architecture: timm's name of the network.
        run: Folder of the run.
        sources: Data sets.
        preprocess: Side, normalisation and context; shared with prediction.
        heads: Head → class names.
        initial_weights: ``hub``, ``none``, or a safetensors file.
        dropout: Share of pooled features dropped before the heads.
        crops: How boxes become crops.
        sampling: Which pictures an epoch shows.
        augment: Random changes of pictures.
        mixup: Parameter of the beta distribution that pictures are mixed with; 0 turns it off.
        loss: What is minimised.
        optimiser, schedule, freeze, loop: See :mod:`fxdet.training.options`.
        cache_side: Longer side above which radiographs are kept smaller in memory, px.
        allow_empty_classes: Train although no picture may show one of the classes.
        audit: Look for validation pictures among the training pictures before anything else.
        allow_leak: Go on although parts share pictures or groups; every result is stamped with it.
        filter: Filter of :data:`fxdet.data.filters.FILTERS` that each radiograph goes through before it is resized. A
            pipeline does not filter and refuses such a network.
        fault: A published fault to be shown. ``optimiser_holds_another_network``: nothing is learned. Only with a tag
            that begins with ``faulty``.
        licence, description: For the card.
    """

    name: str
    tag: str
    architecture: str
    run: Path
    sources: tuple[SourceOptions, ...]
    preprocess: Preprocess
    heads: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {"fracture": FRACTURE.names, "region": REGIONS.names}
    )
    initial_weights: str = "hub"
    dropout: float = 0.2
    crops: CropOptions = field(default_factory=CropOptions)
    sampling: SamplingOptions = field(default_factory=SamplingOptions)
    augment: AugmentOptions = field(default_factory=AugmentOptions)
    mixup: float = 0.0
    loss: LossOptions = field(default_factory=LossOptions)
    optimiser: OptimiserOptions = field(default_factory=OptimiserOptions)
    schedule: ScheduleOptions = field(default_factory=ScheduleOptions)
    freeze: tuple[FreezeStage, ...] = ()
    loop: LoopOptions = field(default_factory=LoopOptions)
    cache_side: int = 1024
    allow_empty_classes: bool = False
    licence: str = "AGPL-3.0-only"
    description: str = ""
    audit: bool = field(default=True, metadata=SILENT)
    allow_leak: bool = field(default=False, metadata=SILENT)
    filter: str | None = field(default=None, metadata=SILENT)
    fault: Literal["none", "optimiser_holds_another_network"] = field(default="none", metadata=SILENT)

    def __post_init__(self) -> None:
        check("sources", bool(self.sources), "none", "at least one data set")
        check("dropout", 0 <= self.dropout < 1, self.dropout, "0 to below 1")
        check("mixup", self.mixup >= 0, self.mixup, ">= 0")
        check("cache_side", self.cache_side >= 32, self.cache_side, "at least 32 px")
        check("heads", bool(self.heads), "none", "at least the head 'fracture'")
        for head, names in self.heads.items():
            good = len(set(names)) == len(names) >= 2
            check("heads", good, f"{head}: {list(names)}", "two or more different names")
        if self.filter is not None and self.filter not in FILTERS:
            raise ValueError(f"filter: got '{self.filter}'{did_you_mean(self.filter, FILTERS)}")
        named = self.fault == "none" or self.tag.startswith("faulty")
        check("fault", named, f"{self.fault} with tag '{self.tag}'", "a tag that begins with 'faulty'")
        unknown = set(self.loss.head_weights) - set(self.heads)
        check("loss", not unknown, f"head_weights for {sorted(unknown)}", f"heads of {sorted(self.heads)}")
