"""From card to network: which builder serves which family, verified weights, and where pipelines lie."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from fxdet.core.errors import ModelError, did_you_mean
from fxdet.core.findings import ModelStamp
from fxdet.core.protocols import Classifier, Localizer
from fxdet.localize.views import FusedLocalizer, FusionOptions
from fxdet.zoo.cards import (
    CARD_NAME,
    PIPELINE_NAME,
    ModelCard,
    PipelineCard,
    read_card,
    read_pipeline_card,
    verified_weights,
)
from fxdet.zoo.records import record_to_json

BUILDERS = {
    "timm": "fxdet.zoo.builders:timm_classifier",
    "yolo": "fxdet.zoo.builders:yolo_localizer",
    "fasterrcnn": "fxdet.zoo.builders:faster_rcnn_localizer",
}
"""Architecture family → "module:function"; the function takes card, weight file and device."""

BUILTIN = "builtin"
"""Name of the pipeline that the package ships."""

BUILTIN_FOLDER = Path(__file__).parent / "builtin"
"""Where it lies."""

SHIPPED = {BUILTIN: PIPELINE_NAME, "fast": "fast.json"}
"""Name of a pipeline that the package ships → its card. ``fast`` asks one localizer once."""

BORROWED = "fusion and thresholds were fitted for other models"
"""Said of one model alone, which runs with the built-in pipeline's card."""


@dataclass(frozen=True, slots=True)
class PipelineParts:
    """A pipeline card with the places of its models.

    Attributes:
        card: What turns scores into decisions.
        localizer: The localizer's card file.
        classifier: The classifier's card file.
        ensemble: Card files of further localizers.
        region_classifier: Card file of the classifier that names the radiograph's region, or None.
        notes: What every report must say of it; they change no result and no hash.
    """

    card: PipelineCard
    localizer: Path
    classifier: Path
    ensemble: tuple[Path, ...] = ()
    region_classifier: Path | None = None
    notes: tuple[str, ...] = ()

    @property
    def models(self) -> tuple[tuple[str, Path], ...]:
        """Kind and card file of every model, localizers first."""
        localizers = tuple(("localizer", path) for path in (self.localizer, *self.ensemble))
        regions = (self.region_classifier,) if self.region_classifier else ()
        return (*localizers, *(("classifier", path) for path in (self.classifier, *regions)))

    @property
    def stamps(self) -> tuple[ModelStamp, ...]:
        """Name and weight hash of every model."""
        cards = [read_card(path) for _, path in self.models]
        return tuple(ModelStamp(card.full_name, card.sha256) for card in cards)


def family_of(card: ModelCard) -> str:
    """Return the builder family of a card: ``timm``, ``yolo`` or ``fasterrcnn``.

    Raises:
        ModelError: No family serves the localizer's architecture.
    """
    if card.kind == "classifier":
        return "timm"
    for family in ("yolo", "fasterrcnn"):
        if card.architecture.replace("_", "").startswith(family):
            return family
    known = (
        "yolov8n", "yolo11n", "yolo26n",
        "fasterrcnn_resnet50_fpn_v2", "fasterrcnn_mobilenet_v3_large_fpn", "fasterrcnn_mobilenetv2_100_fpn",
    )  # fmt: skip
    raise ModelError(
        f"can't build {card.full_name} – field 'architecture' – got '{card.architecture}'"
        f"{did_you_mean(card.architecture, known)}"
    )


def resolve(place: str) -> Callable[..., Any]:
    """Return the function that ``"module:function"`` names.

    Example:
        >>> resolve("math:sqrt")(4.0)
        2.0
    """
    module, _, name = place.partition(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function


def load_localizer(path: str | Path, device: str = "cpu") -> Localizer:
    """Build the localizer of a card file or run folder, with verified weights.

    Raises:
        ModelError: The card, the hash, the keys of the weights or the kind do not fit.
    """
    built: Localizer = _load(Path(path), "localizer", device)
    return built


def load_localizer_of(parts: PipelineParts, device: str = "cpu") -> Localizer:
    """Build the localizer of a pipeline; several ones and several views count as one, with fused boxes.

    Raises:
        ModelError: A card, a hash, the keys of the weights or the kind do not fit.
    """
    localizers = [load_localizer(path, device) for path in (parts.localizer, *parts.ensemble)]
    if len(localizers) == 1 and not parts.card.mirrored:
        return localizers[0]
    return FusedLocalizer(localizers, FusionOptions(parts.card.mirrored, weights=parts.card.localizer_weights))


def load_classifier(path: str | Path, device: str = "cpu") -> Classifier:
    """Build the classifier of a card file or run folder, with verified weights.

    Raises:
        ModelError: The card, the hash, the keys of the weights or the kind do not fit.
    """
    built: Classifier = _load(Path(path), "classifier", device)
    return built


def _load(path: Path, kind: str, device: str) -> Any:
    card = read_card(path)
    if card.kind != kind:
        raise ModelError(f"card {path} – field 'kind' – got '{card.kind}', expected '{kind}' – name another card")
    weights = verified_weights(card, path if path.is_dir() else path.parent)
    try:
        return resolve(BUILDERS[family_of(card)])(card, weights, device)
    except (RuntimeError, KeyError, ValueError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"can't build {card.full_name} – weights {weights} on device '{device}' – {reason} –"
            " check that card, weights and device belong together"
        ) from error


def find_pipeline(name: str | Path = BUILTIN) -> PipelineParts:
    """Return the parts of a pipeline.

    Args:
        name: ``builtin``, ``fast``, a pipeline card or its folder, or the card or run folder of one model; the other
            half then comes from the built-in pipeline, as do fusion and thresholds, and the notes say so.

    Raises:
        ModelError: There is no such pipeline, or a card is wrong.
    """
    if str(name) in SHIPPED:
        return _from_pipeline_card(BUILTIN_FOLDER / SHIPPED[str(name)])
    path = Path(name)
    if not path.exists():
        raise ModelError(f"can't find pipeline '{name}' – expected {' or '.join(SHIPPED)}, a card file or a run folder")
    if path.is_dir():
        path = card_in(path)
    if is_pipeline_card(path):
        return _from_pipeline_card(path)
    card, builtin = read_card(path), find_pipeline()
    if card.kind == "localizer":
        own = replace(builtin.card, ensemble=(), localizer_weights=())
        alone = replace(builtin, card=own, localizer=path, ensemble=())
    else:
        alone = replace(
            builtin, card=replace(builtin.card, region_classifier=""), classifier=path, region_classifier=None
        )
    return replace(alone, notes=_notes_of(alone, builtin))


def _notes_of(parts: PipelineParts, fitted: PipelineParts) -> tuple[str, ...]:
    """Return what is to be said of models under a card that was fitted for those of another pipeline."""

    def judges(found: PipelineParts) -> list[str]:
        return [read_card(path).sha256 for path in (found.localizer, *found.ensemble, found.classifier)]

    return () if judges(parts) == judges(fitted) else (f"{BORROWED}: those of the pipeline {fitted.card.name}",)


def pipeline_hash(parts: PipelineParts, options: dict[str, Any]) -> str:
    """Return a hash over everything that changes results: cards, weights and options.

    Args:
        parts: The pipeline.
        options: Result-changing options as plain JSON values.
    """
    return card_hash(record_to_json(parts.card), parts.stamps, options)


def card_hash(card: Mapping[str, Any], stamps: Iterable[ModelStamp], options: dict[str, Any]) -> str:
    """Return :func:`pipeline_hash` of a card as plain JSON data.

    Keys at their default are left out, so that a card keeps its hash when cards get more keys; so are measured figures,
    which are copied onto the card after the measurement.
    """
    named = [(stamp.name, stamp.sha256) for stamp in stamps]
    defaults = record_to_json(PipelineCard("", "", ""))
    telling = {key: value for key, value in card.items() if key not in defaults or value != defaults[key]}
    telling.pop("figures", None)
    text = json.dumps([telling, named, options], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def card_in(folder: Path) -> Path:
    """Return the pipeline's or the model's card in a folder.

    Raises:
        ModelError: There is neither.
    """
    for name in (PIPELINE_NAME, CARD_NAME):
        if (folder / name).is_file():
            return folder / name
    raise ModelError(f"can't find a pipeline in {folder} – expected {PIPELINE_NAME} or {CARD_NAME} – name a run folder")


def is_pipeline_card(path: Path) -> bool:
    """Tell whether a file looks like a pipeline's card; what can't be read does not."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(data, dict) and "kind" not in data and "localizer" in data


def _from_pipeline_card(path: Path) -> PipelineParts:
    if path.parent == BUILTIN_FOLDER and not path.is_file():
        raise ModelError(
            f"can't find the built-in pipeline – {path} is missing – install fxdet again or name another pipeline"
        )
    card, folder = read_pipeline_card(path), path.parent
    ensemble = tuple(folder / name for name in card.ensemble)
    regions = folder / card.region_classifier if card.region_classifier else None
    return PipelineParts(card, folder / card.localizer, folder / card.classifier, ensemble, regions)
