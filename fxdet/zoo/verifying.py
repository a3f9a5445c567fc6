"""Check weights against their cards: hash, names and shapes of the tensors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from fxdet.core.errors import ModelError
from fxdet.core.files import sha256_file
from fxdet.zoo.cards import CARD_NAME, PIPELINE_NAME, read_card, verified_weights
from fxdet.zoo.catalogue import PIPELINE, ZooRow, known_row
from fxdet.zoo.hub import find_pipeline, is_pipeline_card, load_classifier, load_localizer
from fxdet.zoo.parameters import tensor_shapes

WEIGHTS_SUFFIX = ".safetensors"


@dataclass(frozen=True, slots=True)
class Verification:
    """What the check of one card found.

    Attributes:
        name: ``network.tag``, or a pipeline's name; the file where the card can't be read.
        card: The card file.
        problem: What differs and what was expected; empty where all is right.
        size: Bytes of the weights; of a pipeline 0.
        tensors: Number of tensors; of a pipeline 0.
    """

    name: str
    card: Path
    problem: str = ""
    size: int = 0
    tensors: int = 0


def verify_row(row: ZooRow) -> tuple[Verification, ...]:
    """Check a row whose weights are in the package or beside it; of a pipeline, its own card and every model.

    Raises:
        ModelError: The row has no weights here.
    """
    if row.beside_the_package is not None:
        return (_against_row(verify_model(row.beside_the_package / CARD_NAME), row),)
    if row.card is None or not row.bundled:
        raise ModelError(f"can't verify {row.name} – {row.state}, so no weights are here – name a folder that has them")
    if row.kind == PIPELINE:
        return verify_pipeline(row.card, row.sha256)
    return (_against_row(verify_model(row.card), row),)


def verify_place(place: Path) -> tuple[Verification, ...]:
    """Check a card file, a weight file with its card beside it, a folder with a card, or a folder of such folders.

    Raises:
        ModelError: There is no card.
    """
    if place.is_dir():
        return tuple(found for card in _cards_in(place) for found in _verify_card(card))
    return _verify_card(_card_of_weights(place) if place.suffix == WEIGHTS_SUFFIX else place)


def _verify_card(card: Path) -> tuple[Verification, ...]:
    return verify_pipeline(card) if is_pipeline_card(card) else (verify_model(card),)


def _cards_in(folder: Path) -> tuple[Path, ...]:
    """Return a folder's own card, else those of the folders in it."""
    inner = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    own = _own_card(folder)
    found = (own,) if own else tuple(card for path in inner if (card := _own_card(path)))
    if not found:
        raise ModelError(
            f"can't verify {folder} – expected {CARD_NAME} or {PIPELINE_NAME} in it or in its folders – name a run"
            " folder, or a folder of them"
        )
    return found


def _own_card(folder: Path) -> Path | None:
    return next((folder / name for name in (PIPELINE_NAME, CARD_NAME) if (folder / name).is_file()), None)


def _card_of_weights(weights: Path) -> Path:
    """Return the card beside a weight file that names it."""
    for card in sorted(weights.parent.glob("*.json")):
        try:
            if read_card(card).weights == weights.name:
                return card
        except ModelError:
            continue  # another file, or a card that says nothing readable
    raise ModelError(
        f"can't verify {weights} – no card beside it names these weights – expected {CARD_NAME} – name the folder"
    )


def verify_pipeline(card: Path, sha256: str | None = None) -> tuple[Verification, ...]:
    """Check a pipeline's card, against a hash if one is given, and each of its models once."""
    try:
        parts = find_pipeline(card)
        digest = sha256_file(card)
    except (ModelError, OSError) as error:
        return (Verification(str(card), card, str(error)),)
    problem = "" if sha256 in (None, digest) else f"got SHA-256 {digest}, expected {sha256} as the catalogue says"
    models = dict.fromkeys(path for _, path in parts.models)
    return (Verification(parts.card.name, card, problem), *(verify_model(path) for path in models))


def verify_model(card_file: Path) -> Verification:
    """Check a model's weights: hash, then every name and shape against the network that the card names."""
    try:
        card = read_card(card_file)
    except ModelError as error:
        return Verification(str(card_file), card_file, str(error))
    try:
        weights = verified_weights(card, card_file.parent)
        (load_localizer if card.kind == "localizer" else load_classifier)(card_file)
        return Verification(card.full_name, card_file, "", weights.stat().st_size, len(tensor_shapes(weights)))
    except ModelError as error:
        return Verification(card.full_name, card_file, str(error))


def differs_from_catalogue(found: Verification) -> bool:
    """Tell whether a sound model has a name of the catalogue and other weights: another training, or a change."""
    row = known_row(found.name)
    if row is None or row.sha256 is None or row.kind == PIPELINE or found.problem:
        return False
    return read_card(found.card).sha256 != row.sha256


def _against_row(found: Verification, row: ZooRow) -> Verification:
    if found.problem:
        return found
    got = read_card(found.card).sha256
    problem = "" if got == row.sha256 else f"card says SHA-256 {got}, expected {row.sha256} as the catalogue says"
    return replace(found, problem=problem)
