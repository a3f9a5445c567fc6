"""Trials of localizers alone, mirrored, fused and weighted, side by side."""

from __future__ import annotations

from fxdet.pages.sources import NOT_MEASURED, Record, Repository, estimate_of, table
from fxdet.pipeline.view_trials import ViewTrial
from fxdet.zoo.cards import PipelineCard, read_card, read_pipeline_card

RESULT = "localizer_trials.json"
"""Result file of ``tools/try_fusion.py``."""

COLUMNS = (
    ("AP50 (95 %), FracAtlas", "fracatlas/grouped val", "ap50"),
    ("AP50:95, FracAtlas", "fracatlas/grouped val", "ap50_95"),
    ("AUROC of the best score, FracAtlas", "fracatlas/grouped val", "auroc_best_score"),
    ("AP50, BoneFractureYolo8", "BoneFractureYolo8 val, fractured", "ap50"),
    ("AP50:95, BoneFractureYolo8", "BoneFractureYolo8 val, fractured", "ap50_95"),
)
"""Columns: head, part, figure."""

_SHIPPED = "fxdet/zoo/builtin/pipeline.json"


def trials_table(repository: Repository) -> str:
    """Return all trials, one line each; the one that the built-in pipeline makes use of is marked.

    Raises:
        DataError: The result file is missing.
        ModelError: A card of the pipeline can't be read.
    """
    parts = repository.record(RESULT)["parts"]
    shipped = _shipped(repository)
    heads = [f"{head}, n = {parts[part]['n']:,}" for head, part, _ in COLUMNS]
    trials = dict.fromkeys(name for part in parts.values() for name in part["trials"])
    rows = [
        (
            f"**{name}** (shipped)" if name == shipped else name,
            *(_cell(parts[part], name, key) for _, part, key in COLUMNS),
        )
        for name in trials
    ]
    return table(("localizers", *heads), rows)


def _cell(part: Record, trial: str, name: str) -> str:
    found = part["trials"].get(trial, {}).get(name)
    return estimate_of(found).short if found else NOT_MEASURED


def _shipped(repository: Repository) -> str:
    """Return the trial that is what the built-in pipeline does."""
    path = repository.root / _SHIPPED
    card: PipelineCard = read_pipeline_card(path)
    names = [read_card(path.parent / file).full_name for file in (card.localizer, *card.ensemble)]
    return str(ViewTrial(tuple(names), card.mirrored, card.localizer_weights))
