"""What a card says, as rows for a table: figures, data, recipe, and whether the parts leak."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fxdet.zoo.cards import ModelCard, PipelineCard

UNKNOWN = "–"
"""What stands where a card is silent."""

_COUNTS = frozenset({"n", "fractured", "boxes", "input_size"})
_ON_PICTURES = "epoch_figures"


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One measured figure.

    Attributes:
        part: Part that it was measured on, as the card names it.
        what: Name of the figure.
        value: The figure, or None where it could not be computed.
        low, high: 95 % interval, or None.
        n: Radiographs or boxes that it rests on, or None where the card does not say.
    """

    part: str
    what: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None

    def cells(self) -> tuple[str, str, str, str, str]:
        """Return part, name, figure, interval and n as text.

        Example:
            >>> FigureRow("val", "auroc", 0.9, 0.85, 0.95, 407).cells()
            ('val', 'auroc', '0.900', '0.850–0.950', '407')
        """
        interval = f"{self.low:.3f}–{self.high:.3f}" if self.low is not None and self.high is not None else UNKNOWN
        value = UNKNOWN if self.value is None else f"{self.value:.3f}"
        return self.part, self.what, value, interval, UNKNOWN if self.n is None else f"{self.n:,}"


def figure_rows(card: ModelCard) -> tuple[FigureRow, ...]:
    """Return a model card's figures; those of the chosen epoch rest on the validation pictures of its sources.

    Where a figure of the chosen epoch was also measured with an interval, the latter alone is returned. Figures of
    heads that the model is not meant for are left out.
    """
    found = _figures(card.figures, ())
    rows = tuple((row, at_epoch) for row, at_epoch in found if _head_of(row.what) not in card.unused_heads)
    measured = {(row.part, row.what) for row, at_epoch in rows if not at_epoch}
    whole = _validation_pictures(card)
    return tuple(
        replace(row, n=whole) if at_epoch and _on_radiographs(row.what) else row
        for row, at_epoch in rows
        if not at_epoch or (row.part, row.what) not in measured
    )


def result_rows(result: Mapping[str, Any]) -> tuple[FigureRow, ...]:
    """Return the figures of a result file: ``parts`` → part → figure, or any nesting of them.

    Example:
        >>> result_rows({"parts": {"test": {"n": 9, "auroc": {"value": 0.9, "interval": [0.8, 1.0], "n": 9}}}})
        (FigureRow(part='test', what='auroc', value=0.9, low=0.8, high=1.0, n=9),)
    """
    return tuple(row for row, _ in _figures(result.get("parts", result), ()))


def log_of(card: ModelCard) -> str | None:
    """Return the training's log that the validation figures come from, below the repository, or None if unknown."""
    log = _validation(card).get("log")
    return None if log is None else str(log)


def result_of(card: PipelineCard) -> str | None:
    """Return the file that a pipeline's figures were copied from, below the repository, or None if unknown."""
    result = card.figures.get("result")
    return None if result is None else str(result)


def input_words(card: ModelCard) -> str:
    """Return the size of the input, and at which other one the validation figures were measured.

    Example:
        >>> card = ModelCard("a", "b", "localizer", "a", 576, "w", "0" * 64, labels=("fracture",))
        >>> input_words(card)
        '576 px'
        >>> input_words(replace(card, figures={"validation": {"input_size": 512}}))
        '576 px (validation figures: at 512 px)'
    """
    other = validated_size(card)
    return f"{card.input_size} px" + ("" if other is None else f" (validation figures: at {other} px)")


def validated_size(card: ModelCard) -> int | None:
    """Return the input size of the validation figures, px, where it is another one than the card's; else None."""
    size = _validation(card).get("input_size", card.input_size)
    return None if size == card.input_size else int(size)


def head_rows(card: ModelCard) -> tuple[tuple[str, str, str], ...]:
    """Return name, classes and temperature of each head; one that is not meant to be used has no temperature."""
    rows = []
    for head, names in card.heads.items():
        unused = head in card.unused_heads
        temperature = "" if unused or head not in card.temperature else f"{card.temperature[head]:g}"
        rows.append((head, ", ".join(names) + (" (not used)" if unused else ""), temperature))
    return tuple(rows)


def source_rows(card: ModelCard) -> tuple[tuple[str, str, str, str, str], ...]:
    """Return set, split, start of the list's checksum, training and validation pictures of each source."""
    rows = []
    for source in _sources(card):
        counts = source.get("used") or {part: {"pictures": number} for part, number in _counts(source).items()}
        numbers = [_pictures(source, counts, part) for part in ("train", "val")]
        checksum = str(source.get("sha256") or "")[:12] or UNKNOWN
        rows.append((str(source.get("set", UNKNOWN)), str(source.get("split") or UNKNOWN), checksum, *numbers))
    return tuple(rows)  # type: ignore[arg-type]


def recipe_rows(card: ModelCard) -> tuple[tuple[str, str], ...]:
    """Return key and value of what else the card says of the training."""
    skipped = {"sources", "audit", "leaky"}
    return tuple((key.replace("_", " "), str(value)) for key, value in card.training.items() if key not in skipped)


def leak_line(card: ModelCard) -> str:
    """Return what is known of leaks between the training and the validation part, in a sentence."""
    audit = card.training.get("audit")
    if card.training.get("leaky"):
        shared = audit.get("shared") if isinstance(audit, Mapping) else None
        some = f"{shared:,} of {audit['val']:,} validation" if shared and audit else "validation"
        return f"LEAKY: {some} pictures are among the training pictures or nearly; figures on that part are too good."
    if isinstance(audit, Mapping):
        val, train = int(audit.get("val", 0)), int(audit.get("train", 0))
        return f"None of the {val:,} validation pictures is among the {train:,} training pictures (audited)."
    return "Not audited for pictures that the training and the validation part share."


def is_leaky(card: ModelCard) -> bool:
    """Tell whether the card is stamped as leaky."""
    return bool(card.training.get("leaky"))


def _figures(figures: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[FigureRow, bool]]:
    """Yield each figure, and whether it is one of the chosen epoch."""
    part = " ".join(name for name in path if name != _ON_PICTURES) or UNKNOWN
    for name, found in figures.items():
        if isinstance(found, Mapping) and "value" in found:
            low, high = (*(found.get("interval") or ()), None, None)[:2]
            yield FigureRow(part, name, found["value"], low, high, found.get("n")), False
        elif isinstance(found, Mapping):
            yield from _figures(found, (*path, name))
        elif isinstance(found, (int, float)) and not isinstance(found, bool) and name not in _COUNTS:
            yield FigureRow(part, name, float(found)), _ON_PICTURES in path


def _head_of(name: str) -> str | None:
    """Return the head that a classifier's figure is about; None for those of all heads together."""
    if name.startswith("val_loss"):
        return None
    return "region" if name.startswith("region_") else "fracture"


def _validation(card: ModelCard) -> Mapping[str, Any]:
    found = card.figures.get("validation")
    return found if isinstance(found, Mapping) else {}


def _on_radiographs(name: str) -> bool:
    """Tell whether a figure of an epoch is about all validation radiographs (crops and single sets are not)."""
    return not name.startswith(("crop", "val_loss")) and "@" not in name


def _validation_pictures(card: ModelCard) -> int | None:
    if card.kind != "localizer":  # a classifier's heads leave out radiographs without that label
        return None
    used = [source.get("used", {}).get("val", {}).get("pictures") for source in _sources(card)]
    return sum(used) if used and all(isinstance(number, int) for number in used) else None


def _sources(card: ModelCard) -> list[Mapping[str, Any]]:
    return [source for source in card.training.get("sources", ()) if isinstance(source, Mapping)]


def _counts(source: Mapping[str, Any]) -> Mapping[str, int]:
    counts: Mapping[str, int] = source.get("counts") or {}
    return counts


def _pictures(source: Mapping[str, Any], counts: Mapping[str, Any], part: str) -> str:
    """Return how many pictures of a source took part; ``used`` counts by part, ``counts`` by the list's names."""
    names = [part] if source.get("used") else source.get(part, ())
    found = [counts[name].get("pictures") for name in names if name in counts]
    return f"{sum(found):,}" if found and None not in found else "0" if not names else UNKNOWN
