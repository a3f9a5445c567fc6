"""Figures of single models for the zoo: on validation parts that all share, and on a test part where one was opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fxdet.pages.sources import NOT_MEASURED, Record, Repository, estimate_of
from fxdet.zoo.cards import ModelCard
from fxdet.zoo.catalogue import ZooRow

TEST_PARTS = ("fracatlas/grouped test", "fracatlas official valid", "fracatlas official test", "bonefracture test")
"""Parts of a result file whose figures stand in the tables, the first that has one first."""

TEST_FIGURES = {"localizer": "detector_ap50", "classifier": "auroc_whole_radiograph_classifier"}
"""Kind of a model → its figure in a result file of a pipeline."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A column: one figure of all models of a kind, on the same radiographs.

    Attributes:
        head: Its words.
        part: Part of the result file.
        figure: Name of the figure there.
        of: Head of the classifier that it belongs to, or empty.
    """

    head: str
    part: str
    figure: str
    of: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Where the shared figures of a kind come from.

    Attributes:
        file: Result file.
        models: Key of a part under which its models are found.
        columns: What is shown.
    """

    file: str
    models: str
    columns: tuple[Shared, ...]


COMPARISONS = {
    "localizer": Comparison(
        "localizer_trials.json",
        "trials",
        (
            Shared("AP50, FracAtlas val", "fracatlas/grouped val", "ap50"),
            Shared("AP50:95, FracAtlas val", "fracatlas/grouped val", "ap50_95"),
            Shared("AP50, BoneFractureYolo8 val", "BoneFractureYolo8 val, fractured", "ap50"),
        ),
    ),
    "classifier": Comparison(
        "classifier_comparison.json",
        "classifiers",
        (
            Shared("AUROC, FracAtlas val", "fracatlas/grouped val", "auroc", "fracture"),
            Shared("AUROC, BoneFractureYolo8 val", "BoneFractureYolo8 val", "auroc", "fracture"),
            Shared("six regions, top-1, BoneFractureYolo8 val", "BoneFractureYolo8 val", "region_top1_of_6", "region"),
        ),
    ),
}
"""Kind of a model → its shared figures: ``tools/try_fusion.py`` and ``tools/compare_classifiers.py`` write them."""


def shared_heads(repository: Repository, kind: str) -> list[str]:
    """Return the heads of the shared columns, with the number of radiographs where all models have the same."""
    wanted = COMPARISONS[kind]
    parts = repository.record(wanted.file)["parts"]
    return [
        f"{column.head}{_count(parts[column.part][wanted.models], column.figure)} (95 %)" for column in wanted.columns
    ]


def _count(models: Record, figure: str) -> str:
    counts = {found[figure]["n"] for found in models.values() if figure in found}
    return f", n = {counts.pop():,}" if len(counts) == 1 else ""


def shared_figures(repository: Repository, row: ZooRow, card: ModelCard | None) -> list[str]:
    """Return a model's cells of the shared columns; – where these weights were not measured, or have no use for it."""
    wanted = COMPARISONS[row.kind]
    record = repository.record(wanted.file)
    same = card is not None and record["models"].get(row.name, {}).get("sha256") == card.sha256
    unused = card.unused_heads if card is not None else ()
    return [
        _cell(record["parts"][column.part][wanted.models].get(row.name, {}), column.figure)
        if same and column.of not in unused
        else NOT_MEASURED
        for column in wanted.columns
    ]


def _cell(found: Record, figure: str) -> str:
    return estimate_of(found[figure]).short if figure in found else NOT_MEASURED


def test_figure(repository: Repository, row: ZooRow, rows: Sequence[ZooRow]) -> str:
    """Return a model's figure on a test part, with n and the part, or – where none was opened for it alone.

    A file names the models that it was measured with, localizers first. Two localizers whose boxes were fused tell
    nothing of one; of two classifiers the first judges fractures.

    Args:
        repository: The repository.
        row: The model.
        rows: All rows of the catalogue.
    """
    kinds, name = {other.sha256: other.kind for other in rows}, TEST_FIGURES[row.kind]
    for path, record in repository.records("*.json").items():
        if isinstance(record.get("parts"), dict) and isinstance(record.get("models"), list):
            hashes = [model["sha256"] for model in record["models"]]
            alike = [sha for sha in hashes if sha is not None and (sha == row.sha256 or kinds.get(sha) == row.kind)]
            alone = alike[:1] == [row.sha256] and (row.kind == "classifier" or len(alike) == 1)
            part = next((part for part in TEST_PARTS if name in record["parts"].get(part, {})), None)
            if alone and part is not None:
                return f"{estimate_of(record['parts'][part][name])}, [{part}](results/{path.name})"
    return NOT_MEASURED
