"""``fxdet zoo show``: one pipeline or model, with all that its card says."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from shutil import get_terminal_size
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import click

from fxdet.core.text_table import aligned_lines

if TYPE_CHECKING:
    from fxdet.zoo.cards import ModelCard
    from fxdet.zoo.catalogue import ZooRow
    from fxdet.zoo.hub import PipelineParts


@click.command()
@click.argument("name", default="builtin", metavar="[NAME]")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def show(name: str, as_json: bool) -> None:
    """Show a pipeline or a model: classes, data, recipe, figures, licence; weights are checked against their hash.

    NAME is a name of 'fxdet zoo list', or a card file, a run folder or a pipeline's folder.
    """
    from fxdet.zoo.cards import read_card
    from fxdet.zoo.catalogue import PIPELINE, find_row
    from fxdet.zoo.hub import SHIPPED, find_pipeline, is_pipeline_card

    path, row = Path(name), None
    if name in SHIPPED or not path.exists():
        row = find_row(name)
        if row.card is None:
            _print({"catalogue": row}, _untrained(row), as_json)
            return
        path = row.card
    card = _card_in(path)
    if (row is not None and row.kind == PIPELINE) or is_pipeline_card(card):
        parts = find_pipeline(name if row else card)
        _print(_pipeline_data(parts, row), _pipeline_lines(parts, row), as_json)
    else:
        model = read_card(card)
        _print({model.kind: model, "catalogue": row}, _model_lines(model, card, row), as_json)


def _card_in(path: Path) -> Path:
    from fxdet.zoo.hub import card_in

    return card_in(path) if path.is_dir() else path


def _print(data: dict[str, Any], lines: Iterable[str], as_json: bool) -> None:
    from fxdet.cli.zoo_list import row_as_data
    from fxdet.zoo.catalogue import ZooRow
    from fxdet.zoo.records import record_to_json

    lines = list(lines)  # weights are verified on the way
    if not as_json:
        click.echo("\n".join(lines))
        return
    plain = {
        key: row_as_data(item) if isinstance(item, ZooRow) else record_to_json(item)
        for key, item in data.items()
        if item is not None
    }
    click.echo(json.dumps(plain, indent=2, ensure_ascii=False))


def _pipeline_data(parts: PipelineParts, row: ZooRow | None) -> dict[str, Any]:
    from fxdet.zoo.cards import read_card

    data: dict[str, Any] = {"pipeline": parts.card}
    for kind, path in parts.models:
        data[kind if kind not in data else f"{kind} {len(data)}"] = read_card(path)
    return {**data, "catalogue": row}


def _pipeline_lines(parts: PipelineParts, row: ZooRow | None) -> Iterator[str]:
    from fxdet.zoo.card_facts import result_of, result_rows
    from fxdet.zoo.cards import read_card

    card = parts.card
    yield from _heading(f"pipeline {card.name}", card.description)
    yield f"  radiograph: fracture from {card.image_points.definite:.3f}, doubt from {card.image_points.doubt:.3f}"
    yield f"  finding:    fracture from {card.finding_points.definite:.3f}, doubt from {card.finding_points.doubt:.3f}"
    yield f"  views:      {'the radiograph and its mirror image' if card.mirrored else 'the radiograph'}"
    if card.localizer_weights:
        yield f"  fusion:     localizers count {' : '.join(f'{weight:g}' for weight in card.localizer_weights)}"
    yield f"  models:     {', '.join(read_card(path).full_name for _, path in parts.models)}"
    figures = result_rows(dict(card.figures))
    yield from _figure_lines(figures)
    yield from _fact_lines(_figure_facts(row, result_of(card), bool(figures)))
    yield from _row_lines(row)
    for _, path in parts.models:
        yield ""
        yield from _model_lines(read_card(path), path, None)


def _model_lines(card: ModelCard, path: Path, row: ZooRow | None) -> Iterator[str]:
    from fxdet.zoo.card_facts import figure_rows, head_rows, input_words, leak_line, log_of, recipe_rows, source_rows

    yield from _heading(f"{card.kind} {card.full_name}", card.description)
    facts = [("network", f"{card.architecture}, {input_words(card)}"), ("licence", card.licence)]
    facts += [("classes", ", ".join(card.labels))] if card.labels else []
    facts += [(f"head {head}", names) for head, names, _ in head_rows(card)]
    facts += [(f"temperature {head}", value) for head, _, value in head_rows(card) if value]
    facts += _weight_facts(card, path, row)
    facts += recipe_rows(card)
    yield from _fact_lines(facts)
    sources = source_rows(card)
    if sources:
        head = ("set", "split list", "checksum", "train", "val")
        yield ""
        yield from _indented(aligned_lines([head, *sources], numbers=[3, 4]))
    yield from _wrapped(leak_line(card), "  ")
    figures = figure_rows(card)
    yield from _figure_lines(figures)
    yield from _fact_lines(_figure_facts(row, log_of(card), bool(figures)))
    yield from _row_lines(row)


def _weight_facts(card: ModelCard, path: Path, row: ZooRow | None) -> list[tuple[str, str]]:
    """Return where the weights are; those beside the card are verified, and a difference is an error."""
    from fxdet.zoo.cards import verified_weights

    digest = ("SHA-256", card.sha256)
    if not (path.parent / card.weights).exists():
        return [("weights", _elsewhere(row)), digest]
    size = verified_weights(card, path.parent).stat().st_size
    return [("weights", f"{card.weights}, {size / 1e6:.1f} MB, verified"), digest]


def _elsewhere(row: ZooRow | None) -> str:
    """Return where weights are to be had that don't lie beside the card."""
    if row is not None and row.beside_the_package is not None:
        return f"{row.beside_the_package}; fxdet zoo fetch {row.name} brings them"
    if row is not None and row.state in {"by command", "in the repository"}:
        return "not here: the commands below make them"
    return "not here: fxdet zoo fetch brings them"


def _untrained(row: ZooRow) -> Iterator[str]:
    yield from _heading(f"{row.kind} {row.name}", row.description)
    yield from _fact_lines([("network", row.architecture), ("licence", row.licence), ("weights", row.state)])
    yield from _fact_lines(_figure_facts(row, None, False))
    yield from _row_lines(row)


def _figure_facts(row: ZooRow | None, source: str | None, shown: bool) -> list[tuple[str, str]]:
    """Return which files of the repository hold the figures that are shown, and further ones.

    Args:
        row: What the catalogue says, or None.
        source: File that the card's figures come from, or None where it does not say.
        shown: Whether the card has figures.
    """
    if not shown and (row is None or row.result is None):
        return [("figures", "none measured yet")]
    facts = [("figures from", f"{source} of the repository")] if source else []
    if row is not None and row.result not in (None, source):
        facts.append((f"{'further ' if shown else ''}figures in", f"{row.result} of the repository"))
    return facts


def _row_lines(row: ZooRow | None) -> Iterator[str]:
    """Yield what the catalogue adds to a card: which configuration and which commands make the weights."""
    if row is None:
        return
    if row.config:
        yield from _fact_lines([("configuration", f"{row.config} of the repository")])
    yield "  made by"
    for command in row.commands:
        # A long command goes on after a backslash, so that it can be copied.
        yield " \\\n".join(_wrapped(command, "    ", 6, spare=2))


def _figure_lines(rows: Sequence[Any]) -> list[str]:
    if not rows:
        return []
    head = ("part", "figure", "value", "95 % interval", "n")
    return ["", *_indented(aligned_lines([head, *(row.cells() for row in rows)], numbers=[2, 4])), ""]


def _heading(title: str, description: str) -> list[str]:
    return [title, *_wrapped(description, "  ")]


def _fact_lines(facts: Sequence[tuple[str, str]]) -> list[str]:
    """Return key and value under one another; long values go on below their start."""
    column = max((len(key) for key, _ in facts), default=0) + 4
    return [line for key, text in facts for line in _wrapped(text, f"  {key}".ljust(column), column)]


def _wrapped(text: str, start: str, indent: int = 2, spare: int = 0) -> list[str]:
    """Return the text in lines as wide as the terminal, at most 120; hashes and names stay whole."""
    width = max(40, min(get_terminal_size().columns, 120)) - spare
    return wrap(
        text, width, initial_indent=start, subsequent_indent=" " * indent, break_on_hyphens=False,
        break_long_words=False,
    )  # fmt: skip


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in lines]
