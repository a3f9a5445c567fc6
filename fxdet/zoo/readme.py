"""README.md of a model's or a pipeline's folder: the model card that a hub shows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from fxdet.data.catalogue import CATALOGUE, PublicSet
from fxdet.zoo.card_facts import (
    FigureRow,
    figure_rows,
    head_rows,
    input_words,
    is_leaky,
    leak_line,
    log_of,
    recipe_rows,
    result_of,
    result_rows,
    source_rows,
)
from fxdet.zoo.cards import ModelCard, PipelineCard
from fxdet.zoo.records import record_to_json

MEGABYTE = 1e6

_HUB_LICENCES = {
    "AGPL-3.0-only": "agpl-3.0",
    "Apache-2.0": "apache-2.0",
    "CC-BY-4.0": "cc-by-4.0",
    "CC-BY-NC-4.0": "cc-by-nc-4.0",
    "MIT": "mit",
}
"""SPDX name → name that the hub knows; others are called ``other``."""

_TASKS = {"localizer": "object-detection", "classifier": "image-classification"}

_USE = """## Intended use

Research on computer-aided reading of radiographs, and comparison with other models. **For research only**: this is no
medical device, it makes no diagnosis, it misses fractures and it marks sound bones. Do not use it to decide on anyone's
treatment, and do not use it unattended.
"""

_LIMITS = """## Limits

It knows what was in the sets that it learned from and nothing else; figures on other sources can be much lower. Parts
of public sets can hold copies of each other's pictures; what the audit found is said below. `docs/limits.md` of fxdet
says what the sets do not contain and how its models fail.
"""

_SOURCE_HEAD = ("set", "split list", "checksum", "training pictures", "validation pictures")
_FIGURE_HEAD = ("part", "figure", "value", "95 % interval", "n")


def model_readme(
    card: ModelCard, size: int, extras: Collection[str] = (), result: Mapping[str, Any] | None = None
) -> str:
    """Return a model's README as Markdown.

    Args:
        card: The card.
        size: Bytes of the weights.
        extras: Names of further files in the folder.
        result: Content of its result file, or None.
    """
    sets = _public_sets(card)
    blocks = [
        _front_matter(card.licence, _TASKS[card.kind], sets),
        f"# {card.full_name}\n\n{_sentence(card.description)}\n",
        f"> **{leak_line(card)}**\n" if is_leaky(card) else "",
        _facts(card, size),
        _how_to_load(card.full_name, _half_note(card) + _alone_note()),
        _USE,
        _LIMITS,
        _data(card, sets),
        _recipe(card),
        _figures([*figure_rows(card), *result_rows(result or {})], _from_log(card)),
        _files(card, extras),
    ]
    return "\n".join(block for block in blocks if block)


def pipeline_readme(card: PipelineCard, models: Sequence[ModelCard], result: Mapping[str, Any] | None = None) -> str:
    """Return a pipeline's README as Markdown."""
    licences = sorted({model.licence for model in models})
    sets = list({entry.name: entry for model in models for entry in _public_sets(model)}.values())
    points = card.image_points
    rows = [(model.full_name, model.kind, model.licence, model.sha256) for model in models]
    decisions = (
        f"Called fractured from a probability of {points.definite:.3f} on, in doubt from {points.doubt:.3f} on; both"
        " were fitted on a validation part.\n"
    )
    leaky = ", ".join(model.full_name for model in models if is_leaky(model))
    blocks = [
        _front_matter(licences[0] if len(licences) == 1 else "other", "image-classification", sets),
        f"# {card.name}\n\n{_sentence(card.description)}\n",
        f"> **LEAKY: {leaky}. Their validation parts share pictures with training; see Data.**\n" if leaky else "",
        "## Models\n\n" + _table(("model", "kind", "licence", "SHA-256 of the weights"), rows),
        decisions,
        _how_to_load(card.name),
        _USE,
        _LIMITS,
        _data_of_all(models, sets),
        _figures(
            [*result_rows(record_to_json(card.figures)), *result_rows(result or {})],
            _from_result(card),
            "None were measured of this pipeline as a whole.",
        ),
    ]
    return "\n".join(block for block in blocks if block)


def repository_readme() -> str:
    """Return the README of the repository itself."""
    return (
        "---\nlibrary_name: fxdet\ntags:\n- radiograph\n- bone-fracture\n- research-only\n---\n"
        "# Models of fxdet\n\nOne folder for each model or pipeline: its card with the SHA-256 of the weights, the"
        " weights\nas safetensors, and a README with data, figures, limits and licence. For research only.\n\n"
        "```sh\nfxdet zoo fetch NAME --from THIS_REPOSITORY -o zoo\n"
        "fxdet predict radiographs/ -o out --pipeline zoo/NAME\n```\n"
    )


def _front_matter(licence: str, task: str, sets: Iterable[PublicSet]) -> str:
    known = _HUB_LICENCES.get(licence)
    lines = [f"license: {known or 'other'}"]
    if known is None:
        lines.append(f"license_name: {licence}")
    lines += ["library_name: fxdet", f"pipeline_tag: {task}", "tags:", "- radiograph", "- x-ray", "- bone-fracture"]
    lines += ["- research-only", *(f"- {entry.name}" for entry in sets)]
    return "---\n" + "\n".join(lines) + "\n---\n"


def _sentence(text: str) -> str:
    text = text.strip() or "No description."
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _facts(card: ModelCard, size: int) -> str:
    classes = [("classes", ", ".join(card.labels))] if card.labels else []
    classes += [(f"head `{head}`", names) for head, names, _ in head_rows(card)]
    classes += [(f"temperature of `{head}`", value) for head, _, value in head_rows(card) if value]
    rows = [
        ("kind", card.kind),
        ("network", card.architecture),
        ("input", f"{input_words(card)}, one grey channel"),
        *classes,
        ("weights", f"`{card.weights}`, {size / MEGABYTE:.1f} MB"),
        ("SHA-256", f"`{card.sha256}`"),
        ("licence", card.licence),
    ]
    return _table(("", ""), rows)


def _how_to_load(name: str, note: str = "") -> str:
    return (
        "## How to load it\n\n"
        f"```sh\nfxdet zoo fetch {name} --from REPOSITORY_OR_FOLDER -o zoo\n"
        f"fxdet predict radiographs/ -o out --pipeline zoo/{name}\n```\n\n"
        f'From Python: `fxdet.load_pipeline("zoo/{name}")`. The hash is checked each time.{note}\n'
    )


def _alone_note() -> str:
    return (
        "\n\nAlone, it runs with the other model, the fusion and the thresholds of fxdet's built-in pipeline. Where\n"
        "these were fitted for other models, every report warns of it: probabilities and decisions may be off."
    )


def _half_note(card: ModelCard) -> str:
    if card.training.get("stored_width") == "half":
        return " The weights have half width; the figures of training were measured before they were halved."
    return ""


def _data(card: ModelCard, sets: Sequence[PublicSet]) -> str:
    rows = source_rows(card)
    table = _table(_SOURCE_HEAD, rows) if rows else "The card names no data.\n"
    return f"## Data\n\n{table}\n{leak_line(card)}\n" + (f"\n{_cited(sets)}" if sets else "")


def _data_of_all(models: Sequence[ModelCard], sets: Sequence[PublicSet]) -> str:
    lines = "".join(f"- {model.full_name}: {leak_line(model)}\n" for model in models)
    return f"## Data\n\n{lines}" + (f"\n{_cited(sets)}" if sets else "")


def _cited(sets: Iterable[PublicSet]) -> str:
    return "".join(f"- {entry.title}: {entry.licence.name}, {entry.page}\n" for entry in sets)


def _recipe(card: ModelCard) -> str:
    rows = recipe_rows(card)
    return "## Training\n\n" + _table(("", ""), rows) if rows else ""


def _from_log(card: ModelCard) -> str:
    log = log_of(card)
    return "" if log is None else f" Those of the validation parts are from `{log}` of the repository."


def _from_result(card: PipelineCard) -> str:
    result = result_of(card)
    return "" if result is None else f" All are copied from `{result}` of the repository."


def _figures(rows: Sequence[FigureRow], source: str = "", none: str = "None are on the card.") -> str:
    if not rows:
        return f"## Figures\n\n{none}\n"
    note = (
        "Figures of a validation part are too good where that part chose epoch, fusion or thresholds. Without an"
        f" interval,\nnone was measured.{source}\n"
    )
    return "## Figures\n\n" + _table(_FIGURE_HEAD, [row.cells() for row in rows]) + "\n" + note


def _files(card: ModelCard, extras: Collection[str]) -> str:
    said = {
        "config.yaml": "resolved configuration of the training",
        "log.csv": "figures of each epoch",
        "results.json": "measured figures",
    }
    rows = [("`card.json`", "this card as data"), (f"`{card.weights}`", "weights")]
    rows += [(f"`{name}`", said[name]) for name in extras if name in said]
    return "## Files\n\n" + _table(("", ""), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |\n" for cells in lines)


def _public_sets(card: ModelCard) -> list[PublicSet]:
    """Return the public sets among a card's sources, by name or folder."""
    names = {str(source[0]).casefold() for source in source_rows(card)}
    return [entry for entry in CATALOGUE.values() if {entry.name.casefold(), entry.folder.casefold()} & names]
