"""The zoo's table of the networks that were trained for the papers' pages: figures, cost, configuration."""

from __future__ import annotations

from fxdet.evaluation.papers import PAPERS
from fxdet.pages.costs import BATCHES, gigaflops, millions, speeds
from fxdet.pages.paper_results import AS_SCRIPT, RELEASED_PARTS, PaperTable, first_weights, read_paper
from fxdet.pages.sources import NOT_MEASURED, Record, Repository, table
from fxdet.training.paper_config import PaperRow

COSTS = "zoo/papers"
"""Folder of ``tools/benchmark_papers.py``'s files below the results."""

LICENCE = "AGPL-3.0-only"
"""Licence of networks that fxdet trains, by ultralytics's."""

_HEAD = (
    "network", "paper", "task", "accuracy, leak-free (95 %)", "accuracy, released parts (95 %)",
    "AUROC, leak-free (95 %)", "first weights", "parameters, M", "GFLOPs", f"CPU img/s, batch {BATCHES}", "GPU img/s",
    "weights", "configuration", "licence",
)  # fmt: skip


def paper_networks_table(repository: Repository) -> str:
    """Return every row of every paper but those that show a published fault, which nobody should use.

    Raises:
        ConfigError: A row's configuration is wrong.
        DataError: A result file can't be read.
    """
    papers = [read_paper(repository, name) for name in PAPERS]
    lines = [_line(repository, paper, row) for paper in papers for row in paper.rows if not row.row.endswith(AS_SCRIPT)]
    return table(_HEAD, lines, sortable=True)


def _line(repository: Repository, paper: PaperTable, row: PaperRow) -> tuple[str, ...]:
    free, published = paper.of(row, "grouped"), paper.of(row, RELEASED_PARTS)
    ranking = "auroc_macro" if row.head == "region" else "auroc"
    cost = _cost(repository, row)
    size = cost.get("input_size", NOT_MEASURED)
    passed = f"{gigaflops(cost['flops'])} at {size} px" if cost else NOT_MEASURED
    results = [*free.results, *published.results]
    file = f"configs/papers/{paper.paper}/{row.row}.yaml"
    return (
        row.label, f"[{paper.paper}](papers/{paper.paper}.md)", row.head, free.cell("accuracy"),
        published.cell("accuracy"), free.cell(ranking), first_weights(row, results), millions(cost.get("parameters")),
        passed, *speeds(cost), "by command" if results else "not trained yet", f"[{row.row}](../{file})", LICENCE,
    )  # fmt: skip


def _cost(repository: Repository, row: PaperRow) -> Record:
    """Return a row's file of costs; empty where there is none or it is of another network."""
    records = repository.records(f"{COSTS}/{row.paper}.{row.row}.json")
    found = next(iter(records.values()), {})
    same = (row.architecture, row.preprocess.size) == (found.get("architecture"), found.get("input_size"))
    return found if same else {}
