"""Tables of the zoo: every row of the catalogue with its figure, cost, card, configuration and licence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fxdet.evaluation.estimate import Estimate
from fxdet.pages.costs import BATCHES, gigaflops, millions, speeds
from fxdet.pages.sources import NOT_MEASURED, Record, Repository, estimate_of, joined, table
from fxdet.pages.zoo_figures import TEST_PARTS, shared_figures, shared_heads, test_figure
from fxdet.zoo.card_facts import is_leaky
from fxdet.zoo.cards import ModelCard, PipelineCard, read_card, read_pipeline_card
from fxdet.zoo.catalogue import PIPELINE, ZooRow, catalogue
from fxdet.zoo.parameters import parameter_count
from fxdet.zoo.pipeline_figures import hash_of_measured

CATALOGUE = Path("fxdet/zoo/catalogue.json")
"""Place of the catalogue below the repository's root."""

VAL_PART = "fracatlas/grouped val"
"""Part on which every pipeline was measured."""

TEST_FIGURES = ("auroc", "sensitivity_doubt", "specificity_doubt")
"""Figures of a pipeline on the test part."""

NOT_TESTED = "not measured on a test part"
"""What stands for the part where none was opened."""

LEAKY = "; *leaky*"
"""Behind the part where a card says that training and validation shared pictures."""


@dataclass(frozen=True, slots=True)
class Model:
    """A row of the catalogue with what is known of it.

    Attributes:
        row: The row.
        card: Its card, or None before the first training.
        cost: Content of its file in ``docs/results/zoo``; empty where it was not measured.
    """

    row: ZooRow
    card: ModelCard | None
    cost: Record

    @property
    def parameters(self) -> int | None:
        """Number of parameters: of the weights where they are at hand, else as they were measured."""
        if self.row.card is not None and self.card is not None:
            weights = self.row.card.parent / self.card.weights
            if weights.is_file():
                return parameter_count(weights)
        found: int | None = self.cost.get("parameters")
        return found


def catalogue_of(repository: Repository) -> tuple[ZooRow, ...]:
    """Return the rows of a checkout's catalogue.

    Raises:
        ModelError: The catalogue is missing or wrong.
    """
    return catalogue(repository.root / CATALOGUE)


def models_of(repository: Repository) -> list[Model]:
    """Return every model of the catalogue.

    Raises:
        ModelError: The catalogue or a card is wrong.
        DataError: A result file can't be read.
    """
    found = []
    for row in catalogue_of(repository):
        if row.kind != PIPELINE:
            card = read_card(row.card) if row.card is not None else None
            found.append(Model(row, card, cost_of(repository, row)))
    return found


def cost_of(repository: Repository, row: ZooRow) -> Record:
    """Return a row's file in ``docs/results/zoo``; empty where there is none or its weights were others."""
    records = repository.records(f"zoo/{row.name}.json")
    found = next(iter(records.values()), {})
    return found if found and found.get("sha256") == hash_of_measured(row) else {}


def localizers_table(repository: Repository) -> str:
    """Return all localizers."""
    return _models_table(repository, "localizer", "AP50 on a test part (95 %)")


def classifiers_table(repository: Repository) -> str:
    """Return all classifiers."""
    return _models_table(repository, "classifier", "AUROC on a test part (95 %)")


def _models_table(repository: Repository, kind: str, test: str) -> str:
    lines = [_model_line(repository, model) for model in models_of(repository) if model.row.kind == kind]
    cost = ("parameters, M", "GFLOPs", f"CPU img/s, batch {BATCHES}", "GPU img/s", "MB")
    figures = (*shared_heads(repository, kind), test, "training and validation")
    return table(("model", *figures, *cost, "download", "configuration", "licence"), lines, sortable=True)


def _model_line(repository: Repository, model: Model) -> tuple[str, ...]:
    row, card = model.row, model.card
    flops = model.cost.get("flops")
    passed = f"{gigaflops(flops)} at {card.input_size} px" if card and flops else NOT_MEASURED
    return (
        _linked(repository, row), *shared_figures(repository, row, card),
        test_figure(repository, row, catalogue_of(repository)), _stamp(card), millions(model.parameters), passed,
        *speeds(model.cost), _megabytes(row), _download(row), _configuration(row), row.licence,
    )  # fmt: skip


def _stamp(card: ModelCard | None) -> str:
    """Return whether training and validation shared pictures, as the card says."""
    if card is None:
        return NOT_MEASURED
    return "*leaky*" if is_leaky(card) else "nothing shared"


def pipelines_table(repository: Repository) -> str:
    """Return all pipelines: models, figures of the whole, cost."""
    models = {model.row.name: model for model in models_of(repository)}
    rows = [row for row in catalogue_of(repository) if row.kind == PIPELINE]
    lines = [_pipeline_line(repository, row, models) for row in rows]
    figures = (
        "AUROC, val (95 %)",
        "AUROC, test (95 %)",
        "sensitivity in doubt",
        "specificity in doubt",
        "n",
        "test part",
    )
    cost = ("parameters, M", "GFLOPs", f"CPU radiographs/s, batch {BATCHES}", "GPU radiographs/s", "MB")
    head = ("pipeline", *figures, *cost, "download", "licence", "models")
    return table(head, lines, sortable=True)


def _pipeline_line(repository: Repository, row: ZooRow, models: dict[str, Model]) -> tuple[str, ...]:
    used = [models[name] for name in row.models]
    counts = [model.parameters for model in used]
    total = sum(count for count in counts if count is not None) if None not in counts else None
    cost = cost_of(repository, row)
    return (
        _linked(repository, row), *_pipeline_figures(repository, row, used), millions(total),
        _pipeline_flops(row, used), *speeds(cost), _megabytes(row), _download(row), row.licence, ", ".join(row.models),
    )  # fmt: skip


def _pipeline_figures(repository: Repository, row: ZooRow, used: Sequence[Model]) -> tuple[str, ...]:
    """Return what a pipeline reaches: on the validation part, on the test part, and which that is."""
    if row.result is None:
        return (*[NOT_MEASURED] * (1 + len(TEST_FIGURES)), NOT_MEASURED, NOT_TESTED)
    file = Path(row.result).relative_to("docs/results").as_posix()
    parts = repository.record(file)["parts"]
    val, test = parts.get(VAL_PART, {}), parts.get(TEST_PARTS[0], {})
    estimates = [_estimate(val, "auroc"), *(_estimate(test, name) for name in TEST_FIGURES)]
    leaky = LEAKY if any(model.card is not None and is_leaky(model.card) for model in used) else ""
    n, part = (f"{test['n']:,}", f"[{TEST_PARTS[0]}](results/{file})") if test else (NOT_MEASURED, NOT_TESTED)
    return (*(item.short for item in estimates), n, f"{part}{leaky}")


def _estimate(found: Record, name: str) -> Estimate:
    return estimate_of(found[name]) if name in found else Estimate(None)


def _pipeline_flops(row: ZooRow, used: Sequence[Model]) -> str:
    """Return operations of the first stage, and of the second for each crop: how many crops depends on the picture."""
    card = read_pipeline_card(row.card) if row.card is not None else PipelineCard(row.name, "", "")
    views = 2 if card.mirrored else 1
    if any("flops" not in model.cost for model in used):
        return NOT_MEASURED
    first: int = views * sum(model.cost["flops"] for model in used if model.row.kind == "localizer")
    crops: list[int] = [model.cost["flops"] for model in used if model.row.kind == "classifier"]
    once = f", {gigaflops(sum(crops[1:]))} for the region" if crops[1:] else ""
    return f"{gigaflops(first)}{once}, and {gigaflops(crops[0])} per crop"


def recipes_table(repository: Repository) -> str:
    """Return how each trained model was made, as its card says."""
    lines = []
    for model in models_of(repository):
        if model.card is not None:
            how = {name: str(value) for name, value in model.card.training.items()}
            told = [how.get(name, NOT_MEASURED) for name in ("batch_size", "optimiser", "monitor", "seed", "precision")]
            epochs = f"{how.get('epochs', NOT_MEASURED)} ({how.get('best_epoch', NOT_MEASURED)})"
            start = how.get("initial_weights", NOT_MEASURED)
            pictures = joined(list(_sources(model.card.training)))
            lines.append((model.card.full_name, pictures, start, epochs, *told, f"`{how.get('git_commit', '')[:9]}`"))
    head = ("model", "training pictures", "first weights", "epochs (chosen)", "batch", "optimiser, rate, schedule",
            "chosen by", "seed", "precision", "commit")  # fmt: skip
    return table(head, lines)


def _sources(how: Record) -> Iterator[str]:
    for source in how.get("sources", ()):
        used = source.get("used", {}).get("train")
        number = used["pictures"] if used else sum(source.get("counts", {}).get(part, 0) for part in source["train"])
        fractured = f", {used['fractured']:,} fractured" if used else ""
        yield f"{source['set']} {number:,}{fractured} (`{source['split']}`)"


def _megabytes(row: ZooRow) -> str:
    return NOT_MEASURED if row.size is None else f"{row.size / 1e6:.1f}"


def _download(row: ZooRow) -> str:
    """Return where weights are, with the command that brings them where there is one."""
    fetched = row.state in ("shipped", "in the repository", "on the hub")
    return f"{row.state}: `fxdet zoo fetch {row.name}`" if fetched else row.state


def _linked(repository: Repository, row: ZooRow) -> str:
    if row.card is None:
        return row.name
    return f"[{row.name}](../{row.card.relative_to(repository.root).as_posix()})"


def _configuration(row: ZooRow) -> str:
    return f"[{Path(row.config).stem}](../{row.config})" if row.config else NOT_MEASURED
