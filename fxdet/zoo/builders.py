"""One function per architecture family: card and verified weights in, localizer or classifier out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file

from fxdet.core.errors import ModelError
from fxdet.core.labels import LabelMap
from fxdet.imaging.preprocess import Preprocess
from fxdet.zoo.cards import ModelCard, refuse_shown_faults

if TYPE_CHECKING:
    from fxdet.classify.model import TimmClassifier
    from fxdet.localize.faster_rcnn import FasterRcnnLocalizer
    from fxdet.localize.yolo import YoloLocalizer


def timm_classifier(card: ModelCard, weights: Path, device: str) -> TimmClassifier:
    """Build the classifier of a card.

    Raises:
        ModelError: The architecture is unknown, or the weights do not fit it.
    """
    from fxdet.classify.model import TimmClassifier, build_network

    refuse_shown_faults(card)
    network = build_network(card.architecture, card.head_labels)
    state = read_weights(card, weights)
    own = network.state_dict()
    wrong = sorted(name for name in own.keys() | state.keys() if _misfit(name, own, state))
    if wrong:
        raise ModelError(
            f"can't load {card.full_name} – weights {weights} – {len(wrong)} tensors do not fit {card.architecture},"
            f" the first is '{wrong[0]}' – check 'architecture' and 'heads' of the card"
        )
    # Running counters of batch norm may be left out of a file; they play no part in prediction.
    network.load_state_dict({**own, **state})
    # Convolutions with depth run almost twice as fast on CPUs when the channels lie together.
    network.to(memory_format=torch.channels_last)
    return TimmClassifier(
        network, preprocess_of(card), card.head_labels, dict(card.temperature), card.full_name, device
    )


def yolo_localizer(card: ModelCard, weights: Path, device: str) -> YoloLocalizer:
    """Build the YOLO localizer of a card.

    Raises:
        ModelError: The architecture is unknown, or the weights do not fit it.
    """
    from fxdet.localize.yolo import YoloLocalizer, YoloOptions, build_yolo, load_state

    labels = LabelMap(card.labels)
    network = build_yolo(card.architecture, labels)
    load_state(network, read_weights(card, weights))
    # Batch norm folded into the convolutions: an eighth less time, scores equal to 1e-6.
    network.fuse(verbose=False)
    return YoloLocalizer(network, labels, YoloOptions(input_size=card.input_size), card.full_name, device)


def faster_rcnn_localizer(card: ModelCard, weights: Path, device: str) -> FasterRcnnLocalizer:
    """Build the Faster R-CNN localizer of a card.

    Raises:
        ModelError: The architecture is unknown, or the weights do not fit it.
    """
    from fxdet.localize.faster_rcnn import load_faster_rcnn

    labels = LabelMap(card.labels)
    return load_faster_rcnn(card.architecture, labels, weights, preprocess_of(card), card.full_name, device)


def preprocess_of(card: ModelCard) -> Preprocess:
    """Return the card's preprocess; the input size alone where the card states no more."""
    return Preprocess.from_json(card.preprocess) if card.preprocess else Preprocess(card.input_size)


def read_weights(card: ModelCard, weights: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a safetensors file; floats of half width become float32.

    Raises:
        ModelError: The file is no safetensors file.
    """
    try:
        state = load_file(weights)
    except Exception as error:  # safetensors' own error derives from Exception alone
        raise ModelError(f"can't load {card.full_name} – weights {weights} – {error} – expected safetensors") from error
    return {name: value.float() if value.is_floating_point() else value for name, value in state.items()}


def _misfit(name: str, own: dict[str, torch.Tensor], state: dict[str, torch.Tensor]) -> bool:
    if name not in state:
        return not name.endswith("num_batches_tracked")
    return name not in own or own[name].shape != state[name].shape
