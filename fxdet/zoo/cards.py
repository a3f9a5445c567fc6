"""Cards: what a weight file is, and how a localizer and a classifier make a pipeline.

A card is a small JSON file. A *model card* stands beside its weights; a *pipeline card* names two model cards and
holds what turns their scores into decisions. Both are written by training and read by :mod:`fxdet.zoo.hub`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fxdet.classify.crosscheck import CrossCheckLimits
from fxdet.core.errors import ModelError
from fxdet.core.files import sha256_file, write_json
from fxdet.core.labels import LabelMap
from fxdet.zoo.records import read_record, record_to_json

CARD_NAME = "card.json"
"""Name of the model card in a run folder."""

PIPELINE_NAME = "pipeline.json"
"""Name of the pipeline card in its folder."""

FINDING_FEATURES = ("localizer", "crop", "whole")
"""Logits that the finding's fusion may weigh: localizer score, crop's fracture, whole radiograph's fracture."""

IMAGE_FEATURES = ("localizer", "whole", "crop", "regions")
"""The same for the radiograph: best candidate's score, whole radiograph, best crop, mean of the region boxes' crops."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is known of one weight file.

    Attributes:
        name: Name of the network, e.g. ``yolov8n``.
        tag: What it was trained on or for, e.g. ``fracatlas``; ``name.tag`` names the weights.
        kind: ``localizer`` or ``classifier``.
        architecture: Name that the builder knows (``yolov8n``, ``fasterrcnn_mobilenet_v3_large_fpn``, a timm name).
        input_size: Side of the square input, px.
        weights: File name of the safetensors file beside the card.
        sha256: Hash of that file.
        labels: A localizer's class names, in order; empty for a classifier.
        heads: A classifier's head → class names, in order; empty for a localizer.
        preprocess: ``Preprocess.to_json()`` of a classifier.
        temperature: Head → divisor of the logits, > 0.
        figures: Measured figures, each with its data set and n. Beside those of ``validation`` may stand ``log``, the
            training's log below the repository, and ``input_size``, px, where they were measured at another one.
        training: Data, split checksum, recipe, seed, versions.
        licence: Licence of the weights.
        description: One line on what it is for.
        unused_heads: Heads that the model is not meant for; their figures and temperatures are not shown.
        schema: Version of this form.
    """

    name: str
    tag: str
    kind: str
    architecture: str
    input_size: int
    weights: str
    sha256: str
    labels: tuple[str, ...] = ()
    heads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    preprocess: Mapping[str, Any] = field(default_factory=dict)
    temperature: Mapping[str, float] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    licence: str = "AGPL-3.0-only"
    description: str = ""
    unused_heads: tuple[str, ...] = ()
    schema: int = 1

    def __post_init__(self) -> None:
        if self.schema != 1:
            raise ValueError(f"ModelCard.schema: got {self.schema}, expected 1 – update fxdet")
        if self.kind not in ("localizer", "classifier"):
            raise ValueError(f"ModelCard.kind: got {self.kind!r}, expected 'localizer' or 'classifier'")
        if Path(self.weights).name != self.weights or not self.weights:
            raise ValueError(f"ModelCard.weights: got {self.weights!r}, expected a file name beside the card")
        if not _SHA256.fullmatch(self.sha256):
            raise ValueError(f"ModelCard.sha256: got {self.sha256!r}, expected 64 hexadecimal digits")
        if self.input_size < 32:
            raise ValueError(f"ModelCard.input_size: got {self.input_size}, expected at least 32 px")
        self._check_classes()

    def _check_classes(self) -> None:
        if self.kind == "localizer":
            LabelMap(self.labels)
        elif not self.heads:
            raise ValueError("ModelCard.heads: got none, expected at least the head 'fracture'")
        for names in self.heads.values():
            LabelMap(names)
        if unknown := set(self.unused_heads) - set(self.heads):
            raise ValueError(f"ModelCard.unused_heads: got {sorted(unknown)}, expected some of {sorted(self.heads)}")
        for head, value in self.temperature.items():
            if head not in self.heads or not value > 0:
                raise ValueError(f"ModelCard.temperature: got {head!r}: {value}, expected > 0 for one of the heads")

    @property
    def full_name(self) -> str:
        """``name.tag``."""
        return f"{self.name}.{self.tag}"

    @property
    def head_labels(self) -> dict[str, LabelMap]:
        """Head → label map of a classifier."""
        return {head: LabelMap(names) for head, names in self.heads.items()}


@dataclass(frozen=True, slots=True)
class OperatingPoints:
    """Two probabilities: from ``definite`` on it is a fracture, from ``doubt`` on it is in doubt."""

    definite: float = 0.5
    doubt: float = 0.2

    def __post_init__(self) -> None:
        if not 0 <= self.doubt <= self.definite <= 1:
            got = f"doubt {self.doubt} and definite {self.definite}"
            raise ValueError(f"OperatingPoints: got {got}, expected 0 <= doubt <= definite <= 1")


@dataclass(frozen=True, slots=True)
class LogisticCoefficients:
    """A logistic model over named logits: sigmoid(intercept + sum of weight × feature)."""

    intercept: float
    weights: Mapping[str, float]


def _default_finding() -> LogisticCoefficients:
    return LogisticCoefficients(0.0, {"localizer": 0.5, "crop": 0.4, "whole": 0.3})


def _default_image() -> LogisticCoefficients:
    return LogisticCoefficients(0.0, {"localizer": 0.2, "whole": 0.6, "crop": 0.2})


@dataclass(frozen=True, slots=True)
class PipelineCard:
    """A localizer, a classifier, and what turns their scores into decisions.

    Attributes:
        name: Name of the pipeline.
        localizer: Localizer's card, relative to the pipeline card's folder.
        classifier: Classifier's card, likewise.
        ensemble: Cards of further localizers, likewise; boxes of all are fused.
        region_classifier: Card of a classifier that names the region of the whole radiograph, likewise; empty leaves
            that to the classifier.
        mirrored: Whether the localizers also look at the mirrored radiograph; boxes of both views are fused.
        localizer_weights: How much each localizer's boxes count in that, above 0, the first's and then the further
            ones'; empty counts all alike.
        finding: Logistic model of a candidate over :data:`FINDING_FEATURES`.
        image: Logistic model of the radiograph over :data:`IMAGE_FEATURES`.
        finding_points: Operating points of a finding.
        image_points: Operating points of the radiograph.
        candidate_floor: Candidates below this localizer score are left out, 0–1.
        region_floor: Region boxes below this localizer score are left out, 0–1.
        candidates_maximum: Most candidates kept per radiograph.
        region_of_candidates: How much the regions of candidates' crops count towards the radiograph's, each weighted by
            its localizer score; the whole radiograph and each region box count 1.
        crosscheck: Limits of the Grad-CAM verdict.
        figures: Measured figures of the whole pipeline: ``result``, the file below the repository that they were copied
            from, and ``parts`` → figure.
        description: One line on what it is for.
        schema: Version of this form.
    """

    name: str
    localizer: str
    classifier: str
    ensemble: tuple[str, ...] = ()
    region_classifier: str = ""
    mirrored: bool = False
    localizer_weights: tuple[float, ...] = ()
    finding: LogisticCoefficients = field(default_factory=_default_finding)
    image: LogisticCoefficients = field(default_factory=_default_image)
    finding_points: OperatingPoints = field(default_factory=OperatingPoints)
    image_points: OperatingPoints = field(default_factory=OperatingPoints)
    candidate_floor: float = 0.05
    region_floor: float = 0.25
    candidates_maximum: int = 10
    region_of_candidates: float = 0.0
    crosscheck: CrossCheckLimits = field(default_factory=CrossCheckLimits)
    figures: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    schema: int = 1

    def __post_init__(self) -> None:
        if self.schema != 1:
            raise ValueError(f"PipelineCard.schema: got {self.schema}, expected 1 – update fxdet")
        for name, allowed in (("finding", FINDING_FEATURES), ("image", IMAGE_FEATURES)):
            unknown = set(getattr(self, name).weights) - set(allowed)
            if unknown:
                raise ValueError(f"PipelineCard.{name}: got features {sorted(unknown)}, expected some of {allowed}")
        for name in ("candidate_floor", "region_floor"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"PipelineCard.{name}: got {getattr(self, name)}, expected 0 to 1")
        if self.localizer_weights and not (
            len(self.localizer_weights) == 1 + len(self.ensemble) and min(self.localizer_weights) > 0
        ):
            got = list(self.localizer_weights)
            raise ValueError(f"PipelineCard.localizer_weights: got {got}, expected one above 0 for each localizer")
        if not self.region_of_candidates >= 0:
            raise ValueError(f"PipelineCard.region_of_candidates: got {self.region_of_candidates}, expected >= 0")
        if self.candidates_maximum < 1:
            raise ValueError(f"PipelineCard.candidates_maximum: got {self.candidates_maximum}, expected at least 1")


def read_card(path: str | Path) -> ModelCard:
    """Read a model card; a folder stands for the ``card.json`` in it.

    Raises:
        ModelError: The card is missing or wrong; the message names the file and the key.
    """
    path = Path(path)
    return read_record(path / CARD_NAME if path.is_dir() else path, ModelCard)


def write_card(path: str | Path, card: ModelCard | PipelineCard) -> None:
    """Write a card as indented JSON, whole or not at all."""
    write_json(Path(path), record_to_json(card))


def read_pipeline_card(path: str | Path) -> PipelineCard:
    """Read a pipeline card; a folder stands for the ``pipeline.json`` in it.

    Raises:
        ModelError: The card is missing or wrong; the message names the file and the key.
    """
    path = Path(path)
    return read_record(path / PIPELINE_NAME if path.is_dir() else path, PipelineCard)


def seal_card(card: ModelCard, folder: str | Path) -> ModelCard:
    """Return the card with the hash of the weight file as it lies in ``folder``."""
    return replace(card, sha256=sha256_file(Path(folder) / card.weights))


def verified_weights(card: ModelCard, folder: str | Path) -> Path:
    """Return the path of the card's weights once their hash fits.

    Raises:
        ModelError: The file is missing, or differs from what the card was written for.
    """
    path = Path(folder) / card.weights
    try:
        got = sha256_file(path)
    except OSError as error:
        raise ModelError(
            f"can't load {card.full_name} – weights {path} – {error.strerror or error} – copy them beside the card"
        ) from error
    if got != card.sha256:
        raise ModelError(
            f"can't load {card.full_name} – weights {path} – got SHA-256 {got[:12]}… ({path.stat().st_size} bytes),"
            f" expected {card.sha256[:12]}… – the file is cut short or changed; copy it again"
        )
    return path


def refuse_shown_faults(card: ModelCard) -> None:
    """Refuse networks that were made to show a paper's result and not to be used.

    Raises:
        ModelError: The card tells of a fault shown on purpose, or of filtered pictures, which no pipeline makes.
    """
    fault = card.training.get("fault") or (card.tag if card.tag.startswith("faulty") else "")
    if fault:
        raise ModelError(
            f"can't use {card.full_name} – it shows the published fault '{fault}' on purpose –"
            " take the network that was trained properly"
        )
    if "filter" in card.training:
        raise ModelError(
            f"can't use {card.full_name} – it was trained on pictures filtered by '{card.training['filter']}', and the"
            " pipeline does not filter – train it without 'filter'"
        )
