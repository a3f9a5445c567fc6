"""Tables of the papers' pages: published beside ours, filters, chains, attention, and what a run cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fxdet.evaluation.estimate import Estimate, plain_number
from fxdet.pages.contradictions import FIGURE_WORDS
from fxdet.pages.paper_results import (
    FOLDS_OVER_NAMES,
    RELEASED_PARTS,
    PaperTable,
    changes_of,
    first_weights,
    printed_text,
    published_of,
    read_paper,
    read_rows,
)
from fxdet.pages.sources import NOT_MEASURED, NOTHING_RUN, Record, Repository, joined, table
from fxdet.pages.verdicts import verdict
from fxdet.training.paper_config import PaperRow
from fxdet.training.paper_tables import NOT_RUN

MAIN_FIGURE = "accuracy"

_LOOK_UP = "lookup_accuracy"


def rows_table(repository: Repository, paper: str) -> str:
    """Return every printed figure of a paper beside ours, protocol by protocol, with the look-up and the verdict."""
    found = read_paper(repository, paper)
    lines = [(row, name) for row in found.rows for name in _figures(row)]
    protocols = [_column(found, name) for name in found.protocols]
    look_up = "same protocol" if found.published_protocol == RELEASED_PARTS else "released parts"
    head = ["row", "figure", "published", *protocols, f"look-up: {look_up} / leak-free", "verdict", "first weights"]
    return table(head, [_line(found, row, name) for row, name in lines])


def _column(found: PaperTable, protocol: str) -> str:
    """Return the head of a protocol's column."""
    if protocol == "grouped":
        return "leak-free, ours"
    if protocol == found.published_protocol:
        return f"same protocol{' (k-fold over names)' if protocol == FOLDS_OVER_NAMES else ''}, ours"
    return "released parts, ours" if protocol == RELEASED_PARTS else protocol


def _figures(row: PaperRow) -> list[str]:
    known = published_of(row)
    return list(dict.fromkeys([MAIN_FIGURE, *(known.figures if known else ())]))


def _line(found: PaperTable, row: PaperRow, name: str) -> list[str]:
    seeds = {protocol: found.of(row, protocol) for protocol in found.protocols}
    cells = [seeds[protocol].cell(name) if protocol in row.protocols else NOT_MEASURED for protocol in found.protocols]
    results = [result for item in seeds.values() for result in item.results]
    look_ups = [seeds[protocol].figure(_LOOK_UP) for protocol in (RELEASED_PARTS, "grouped") if protocol in seeds]
    looked = " / ".join(plain_number(item.value if item else None) for item in look_ups)
    guess = looked if name == MAIN_FIGURE and results else NOT_MEASURED
    judged = verdict(found, row, name)
    words = FIGURE_WORDS.get(name, name)
    return [row.label, words, printed_text(row, name), *cells, guess, judged, first_weights(row, results)]


def filters_table(repository: Repository, paper: str) -> str:
    """Return rows with each of their filters, and the paired test of each against the pictures as they are."""
    found = read_paper(repository, paper)
    tests = _tests(repository, paper)
    lines = [line for row in found.rows if len(row.filters) > 1 for line in _filter_lines(found, row, tests)]
    head = (
        "row",
        "filter",
        "protocol",
        "accuracy",
        "accuracy − without filter, same seed and pictures",
        "p (Holm)",
    )
    return table(head, lines) if lines else NOTHING_RUN


def _filter_lines(found: PaperTable, row: PaperRow, tests: dict[tuple[str, ...], Record]) -> Iterator[tuple[str, ...]]:
    for protocol in row.protocols:
        for filter_name in row.filters:
            seeds = found.of(row, protocol, filter_name)
            if seeds.results:
                test = tests.get((row.row, protocol, filter_name))
                difference = Estimate.from_json(test["difference"]).short if test else NOT_MEASURED
                p = plain_number(test["p_holm"]) if test else NOT_MEASURED
                yield (row.label, filter_name, protocol, seeds.cell(MAIN_FIGURE), difference, p)


def _tests(repository: Repository, paper: str) -> dict[tuple[str, ...], Record]:
    """Return the paired tests of the first seed by row, protocol and filter."""
    found: dict[tuple[str, ...], Record] = {}
    for record in repository.records(f"papers/{paper}/filter_tests.json").values():
        for test in record["tests"]:
            found.setdefault((test["row"], test["protocol"], test["filter"]), test)
    return found


def chain_table(repository: Repository, paper: str) -> str:
    """Return chains of trainings link by link: each goes on from the one before and is read off the same test part."""
    lines, rows = [], {row.row: row for row in read_rows(repository, paper)}
    for result in read_paper(repository, paper).results:
        row = rows.get(result["row"])
        stamp = "; reduced" if row is not None and changes_of(result, row) else ""
        for look, link in enumerate(result.get("links", ()), 1):
            run = (result["label"], result["protocol"], str(result["seed"]))
            lines.append((*run, str(look), link["filter"], f"{Estimate.from_json(link['accuracy'])}{stamp}"))
    head = ("row", "protocol", "seed", "look at the test part", "filter", "accuracy")
    return table(head, lines) if lines else NOTHING_RUN


_ATTENTION = (
    ("energy inside the boxes", "energy_inside"),
    ("– of even attention", "energy_even"),
    ("– of a box around the centre", "energy_centre_box"),
    ("pointing game", "pointing_game"),
    ("– of the centre", "pointing_centre"),
)


def attention_table(repository: Repository, paper: str) -> str:
    """Return where the networks of a paper looked, beside random weights and the centre."""
    lines = []
    for record in repository.records(f"papers/{paper}/attention.json").values():
        for row in record["rows"]:
            figures = {name: Estimate.from_json(found) for name, found in row["figures"].items()}
            cells = [f"{figures[name]}" if name in figures else NOT_MEASURED for _, name in _ATTENTION]
            lines.append((row["row"], row["run"], *cells))
    head = ("row", "run", *(words for words, _ in _ATTENTION))
    return table(head, lines) if lines else NOTHING_RUN


def runs_table(repository: Repository, paper: str) -> str:
    """Return one line per result file: what it is of, what it was measured on, and what it cost."""
    rows = {row.row: row for row in read_rows(repository, paper)}
    lines = []
    for path, result in repository.records(f"papers/{paper}/*.*.*.json").items():
        folds = result["folds"]
        epochs = joined(sorted({str(fold["epochs"]) for fold in folds}))
        machine = result["environment"]
        lines.append(
            (
                f"[{path.stem}](../results/papers/{paper}/{path.name})", f"{result['n']:,}",
                f"{result['distinct_files']:,}", str(result["looks_at_the_test_part"]), epochs,
                f"{result['training_seconds'] / 60:.0f}", f"{machine['device']}, {machine['processor']}",
                f"`{result['config_hash']}`", f"`{result['split']['sha256'][:12]}`", _changes(rows, result),
            )
        )  # fmt: skip
    cost = ("epochs", "minutes", "hardware", "configuration", "split list", "changed against the row")
    head = ("run", "n", "distinct pictures", "looks", *cost)
    return table(head, lines) if lines else f"{NOT_RUN.capitalize()}."


def _changes(rows: Mapping[str, PaperRow], result: Record) -> str:
    row = rows.get(result["row"])
    return joined(changes_of(result, row) if row else ()) or NOT_MEASURED
