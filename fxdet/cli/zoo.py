"""``fxdet zoo``: what pipelines and models are at hand, and what is known of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from fxdet.zoo.cards import ModelCard


@click.command(short_help="Show the pipelines and models that are at hand.")
@click.argument("name", default="builtin", metavar="[NAME]")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def zoo(name: str, as_json: bool) -> None:
    """Show a pipeline: its models, figures, operating points and licences; weights are checked against their hash.

    NAME is 'builtin', 'fast', a pipeline card, or a model's card or run folder.
    """
    from fxdet.zoo.cards import read_card, verified_weights
    from fxdet.zoo.hub import find_pipeline
    from fxdet.zoo.records import record_to_json

    parts = find_pipeline(name)
    models: dict[str, ModelCard] = {}
    for kind, path in parts.models:
        card = read_card(path)
        verified_weights(card, path.parent)
        models[kind if kind not in models else f"{kind} {len(models) + 1}"] = card
    data = {"pipeline": record_to_json(parts.card), **{kind: record_to_json(card) for kind, card in models.items()}}
    click.echo(json.dumps(data, indent=2, ensure_ascii=False) if as_json else "\n".join(_lines(data)))


def _lines(data: dict[str, Any]) -> list[str]:
    lines = [f"pipeline {data['pipeline']['name']} – {data['pipeline']['description']}"]
    points = data["pipeline"]["image_points"]
    lines.append(f"  decisions: fracture from {points['definite']:.2f}, doubt from {points['doubt']:.2f} (radiograph)")
    lines += [f"  {name}: {value}" for name, value in data["pipeline"]["figures"].items()]
    for kind, card in data.items():
        if kind == "pipeline":
            continue
        lines.append(
            f"{kind} {card['name']}.{card['tag']} – {card['architecture']}, {card['input_size']} px,"
            f" {card['licence']} – {card['description']}"
        )
        lines.append(f"  weights: {card['weights']}, SHA-256 {card['sha256'][:16]}…, verified")
        lines += [f"  {name}: {value}" for name, value in card["figures"].items()]
    return lines
