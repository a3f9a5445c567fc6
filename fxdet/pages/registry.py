"""Which pages have tables of measured figures, and what writes each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from fxdet.core.errors import DataError
from fxdet.core.files import write_text
from fxdet.data.audit.failing import FINDINGS
from fxdet.data.audit.faults import FAULTS
from fxdet.pages import (
    attention_words,
    audit_tables,
    benchmarks,
    contradictions,
    costs,
    experiments,
    filter_psnr,
    first_weights,
    folds,
    limits,
    localizer_comparison,
    localizer_trials,
    measured,
    paper_details,
    paper_tables,
    targets,
    training_speed,
    zoo_papers,
    zoo_tables,
)
from fxdet.pages.marks import with_blocks
from fxdet.pages.sources import Repository

Writer = Callable[[Repository], str]


def _audit(repository: Repository) -> str:
    return audit_tables.figures_table(repository.record(audit_tables.RESULT))


def _leaks(repository: Repository, name: str) -> str:
    return audit_tables.leak_table(repository.record(audit_tables.RESULT), name)


def _leak_sentence(repository: Repository) -> str:
    return audit_tables.leak_sentence(repository.record(audit_tables.RESULT), "multiregion")


def _paper(name: str, *more: tuple[str, Callable[[Repository, str], str]]) -> dict[str, Writer]:
    """Return the blocks of a paper's page: rows, more figures, contradictions, runs, and what it has besides."""
    blocks: dict[str, Writer] = {
        "rows": partial(paper_tables.rows_table, paper=name),
        "contradictions": lambda _: contradictions.contradictions_table(name),
        "details": partial(paper_details.details_table, paper=name),
        "runs": partial(paper_tables.runs_table, paper=name),
    }
    for block, write in more:
        blocks[block] = partial(_of_paper, write, name)
    return blocks


def _of_paper(write: Callable[[Repository, str], str], name: str, repository: Repository) -> str:
    return write(repository, name)


def _benchmark(name: str, audited: str, *tasks: str) -> dict[str, Writer]:
    """Return the blocks of a set's page: one table for each task, FROC, and leaks."""
    blocks: dict[str, Writer] = {task: partial(benchmarks.task_table, name=name, task=task) for task in tasks}
    return {**blocks, "froc": partial(benchmarks.froc_table, name=name), "leaks": partial(_leaks, name=audited)}


PAGES: Mapping[str, Mapping[str, Writer]] = {
    "README.md": {"figures": measured.main_table, "leak": _leak_sentence},
    "docs/audit.md": {
        "faults": lambda _: audit_tables.codes_table(FAULTS),
        "findings": lambda _: audit_tables.codes_table(FINDINGS),
        "figures": _audit,
    },
    "docs/builtin.md": {
        "recipes": zoo_tables.recipes_table,
        "trials": localizer_trials.trials_table,
        "parts": measured.parts_table,
        "openings": measured.openings_table,
        "targets": targets.targets_table,
        "disagreement": targets.disagreement_sentence,
        "elsewhere": targets.elsewhere_sentence,
    },
    "docs/experiments.md": {"log": experiments.log_table},
    "docs/training.md": {"speed": training_speed.training_speed_table},
    "docs/zoo.md": {
        "pipelines": zoo_tables.pipelines_table,
        "localizers": zoo_tables.localizers_table,
        "classifiers": zoo_tables.classifiers_table,
        "folds": folds.folds_table,
        "firstweights": first_weights.first_weights_table,
        "papers": zoo_papers.paper_networks_table,
        "speed": costs.speed_note,
        "comparison": localizer_comparison.localizer_comparison_table,
    },
    "docs/fracatlas.md": {
        **_benchmark("fracatlas", "fracatlas", "boxes", "radiographs"),
        "context": benchmarks.context_table,
    },
    "docs/bonefracture.md": _benchmark("bonefracture", "BoneFractureYolo8", "boxes", "radiographs", "regions"),
    "docs/limits.md": {
        "points": limits.points_table,
        "subgroups-test": partial(limits.subgroups_table, name="fracatlas", part="test"),
        "subgroups-val": partial(limits.subgroups_table, name="fracatlas", part="val"),
        "subgroups-bone-test": partial(limits.subgroups_table, name="BoneFractureYolo8", part="test"),
        "subgroups-bone-val": partial(limits.subgroups_table, name="BoneFractureYolo8", part="val"),
        "boxes": limits.boxes_table,
        "misses": partial(limits.failures_table, block="misses"),
        "alarms": partial(limits.failures_table, block="alarms"),
        "odd": limits.odd_table,
        "regions": limits.region_review_table,
        "ceiling": limits.ceiling_sentence,
    },
    "docs/papers.md": {"checks": lambda _: contradictions.summary_table()},
    "docs/papers/cnn2024.md": _paper("cnn2024", ("epochs", paper_details.epochs_table)),
    "docs/papers/sriram2026.md": _paper(
        "sriram2026",
        ("attention", paper_tables.attention_table),
        ("looked", attention_words.attention_words),
    ),
    "docs/papers/tamboli2026.md": _paper("tamboli2026"),
    "docs/papers/team05.md": _paper(
        "team05",
        ("filters", paper_tables.filters_table),
        ("chains", paper_tables.chain_table),
        ("psnr", filter_psnr.psnr_table),
    ),
}
"""Page → block → what writes it."""


def written_pages(repository: Repository) -> dict[Path, str]:
    """Return every page with its blocks written anew; nothing goes to the disk.

    Raises:
        FxdetError: A page, a mark, a result file, a card or a configuration is missing or wrong.
    """
    pages = {}
    for name, blocks in PAGES.items():
        path = repository.root / name
        texts = {block: write(repository) for block, write in blocks.items()}
        pages[path] = with_blocks(_read(path), texts, name)
    return pages


def differing_pages(repository: Repository) -> list[Path]:
    """Return the pages whose blocks are not what result files, cards and configurations say."""
    return [path for path, text in written_pages(repository).items() if _read(path) != text]


def write_pages(repository: Repository) -> list[Path]:
    """Write the pages whose blocks differ, and return them."""
    changed = [(path, text) for path, text in written_pages(repository).items() if _read(path) != text]
    for path, text in changed:
        write_text(path, text)
    return [path for path, _ in changed]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"can't read page {path} – {error.strerror} – see PAGES in fxdet/pages/registry.py") from error
