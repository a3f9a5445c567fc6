"""Tables of an evaluation as text: for the terminal, for Markdown, and as rows of CSV files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fxdet.core.text_table import aligned_lines
from fxdet.evaluation.comparisons import Comparison
from fxdet.evaluation.estimate import UNDEFINED, Estimate, plain_number
from fxdet.evaluation.results import Evaluation, Section, Subgroup

Row = tuple[str, ...]

FIGURE_HEAD = ("section", "figure", "value", "low", "high", "n", "method")
COMPARISON_HEAD = ("figure", "first", "second", "difference", "low", "high", "n", "p", "p_holm", "test", "note")
SUBGROUP_HEAD = ("kind", "name", "n", "positives", "too_small", "figure", "value", "low", "high", "figure_n")

MAIN_ROWS: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "fractured or not",
        (
            ("AUROC", "ranking/pipeline|ranking/classifier", "auroc"),
            ("AUROC, classifier alone", "ranking/classifier", "auroc"),
            ("AUROC, localizer alone", "ranking/localizer", "auroc"),
            ("AUPRC", "ranking/pipeline|ranking/classifier", "auprc"),
            ("sensitivity, definite point", "decision/recorded/definite", "sensitivity"),
            ("specificity, definite point", "decision/recorded/definite", "specificity"),
            ("sensitivity, point of doubt", "decision/recorded/doubt", "sensitivity"),
            ("specificity, point of doubt", "decision/recorded/doubt", "specificity"),
            ("sensitivity, from one half on", "decision/pipeline/half|decision/classifier/half", "sensitivity"),
            ("specificity, from one half on", "decision/pipeline/half|decision/classifier/half", "specificity"),
            ("accuracy, from one half on", "decision/pipeline/half|decision/classifier/half", "accuracy"),
            ("calibration error (ECE)", "ranking/pipeline|ranking/classifier", "ece"),
        ),
    ),
    (
        "fracture boxes",
        (
            ("AP50, ranked by both stages", "boxes/pipeline", "ap50"),
            ("AP50, ranked by the localizer", "boxes/localizer", "ap50"),
            ("AP50:95, ranked by the localizer", "boxes/localizer", "ap50_95"),
            ("found at 1/2 false box per image", "boxes/pipeline", "froc_iou_0.5"),
            ("found at 1 false box per image", "boxes/pipeline", "froc_iou_1"),
        ),
    ),
    (
        "region",
        (
            ("accuracy", "region", "accuracy"),
            ("macro F1", "region", "f1_macro"),
            ("accuracy among six", "region_of_six", "accuracy"),
            ("within the allowed names", "region", "top1_within_allowed"),
        ),
    ),
    (
        "Grad-CAM",
        (
            ("energy inside reference boxes", "attention", "energy_inside"),
            ("– energy, random weights", "attention/random_weights", "energy_inside"),
            ("– energy, centre box", "attention", "energy_centre_box"),
            ("pointing game", "attention", "pointing_game"),
            ("– pointing, random weights", "attention/random_weights", "pointing_game"),
            ("– pointing, centre", "attention", "pointing_centre"),
            ("right findings, all", "crosscheck", "right"),
            ("right findings where it agrees", "crosscheck", "right_if_agrees"),
            ("right findings where it disagrees", "crosscheck", "right_if_disagrees"),
        ),
    ),
)
"""What the terminal shows: block → (line, sections of which the first that is there counts, figure)."""


def summary(evaluation: Evaluation) -> str:
    """Return the main figures as a calm table for the terminal."""
    lines = []
    for title, rows in main_figures(evaluation.sections).items():
        cells = [(line, estimate.short, f"{estimate.n:,}") for line, estimate in rows.items()]
        lines.append(aligned([(title, "95 % interval", "n"), *cells]))
    if evaluation.comparisons:
        rest = [(_difference_name(item), item.difference.short, p_text(item)) for item in evaluation.comparisons]
        lines.append(aligned([("differences", "95 % interval", "p (Holm)"), *rest]))
    return "\n\n".join(lines)


def main_figures(sections: Sequence[Section]) -> dict[str, dict[str, Estimate]]:
    """Return block → line → estimate of :data:`MAIN_ROWS`; no figure stands there twice."""
    held = {section.key: section.figures for section in sections}
    blocks: dict[str, dict[str, Estimate]] = {}
    for title, wanted in MAIN_ROWS:
        shown: set[tuple[str, str]] = set()
        for line, keys, name in wanted:
            key = next((key for key in keys.split("|") if name in held.get(key, {})), None)
            if key is not None and (key, name) not in shown:
                shown.add((key, name))
                blocks.setdefault(title, {})[line] = held[key][name]
    return blocks


def _difference_name(item: Comparison) -> str:
    return f"{item.figure}: {item.first} − {item.second}"


def p_text(item: Comparison) -> str:
    """Return a p-value, corrected where it is: ``.006``, ``< .001``, or a dash."""
    p = item.p if item.p_holm is None else item.p_holm
    if p is None:
        return UNDEFINED
    return "< .001" if p < 0.001 else plain_number(p)


def aligned(rows: Sequence[Row]) -> str:
    """Return rows in columns, the last one set right.

    Example:
        >>> print(aligned([("figure", "value", "n"), ("a", ".5", "12")]))
        figure                                  value                       n
        a                                       .5                         12
    """
    last = len(rows[0]) - 1
    return "\n".join(aligned_lines(rows, numbers=[last], least=[38, *[20] * (last - 1), 6]))


def figure_rows(sections: Sequence[Section]) -> Iterator[Row]:
    """Yield rows under :data:`FIGURE_HEAD`; undefined cells are empty."""
    for section in sections:
        for name, estimate in section.figures.items():
            yield (section.key, name, *_cells(estimate), str(estimate.n), estimate.method)


def comparison_rows(comparisons: Sequence[Comparison]) -> Iterator[Row]:
    """Yield rows under :data:`COMPARISON_HEAD`."""
    for item in comparisons:
        p, corrected = (UNDEFINED if value is None else f"{value:.6g}" for value in (item.p, item.p_holm))
        names = (item.figure, item.first, item.second)
        yield (*names, *_cells(item.difference), str(item.difference.n), p, corrected, item.test, item.note)


def subgroup_rows(subgroups: Sequence[Subgroup]) -> Iterator[Row]:
    """Yield rows under :data:`SUBGROUP_HEAD`, one per subgroup and figure."""
    for group in subgroups:
        head = (group.kind, group.name, str(group.n), str(group.positives), "yes" if group.too_small else "no")
        for name, estimate in group.figures.items():
            yield (*head, name, *_cells(estimate), str(estimate.n))


def _cells(estimate: Estimate) -> Row:
    values = (estimate.value, estimate.low, estimate.high)
    return tuple("" if value is None else f"{value:.6g}" for value in values)


def markdown(evaluation: Evaluation, head: Sequence[str]) -> str:
    """Return all figures as a Markdown page.

    Args:
        evaluation: The figures.
        head: Lines below the title: what was evaluated on what.
    """
    parts = ["# Evaluation", "\n\n".join(head)]
    for section in evaluation.sections:
        rows = [(name.replace("_", " "), e.short, f"{e.n:,}", e.method) for name, e in section.figures.items()]
        note = f"\n\n{section.note[0].upper()}{section.note[1:]}." if section.note else ""
        parts.append(
            f"## {section.title}{note}\n\n{markdown_table(('figure', '95 % interval', 'n', 'interval by'), rows)}"
        )
    if evaluation.comparisons:
        parts.append("## Gain of the second stage\n\n" + comparison_table(evaluation.comparisons))
    if evaluation.subgroups:
        parts.append("## Subgroups\n\n" + subgroup_table(evaluation.subgroups))
    for table in evaluation.confusions:
        named = zip(table.labels, table.rows, strict=True)
        cells: list[Row] = [(f"**{name}**", *(str(value) for value in row)) for name, row in named]
        parts.append(f"## Confusion: {table.title}\n\n{markdown_table(('truth ↓, said →', *table.labels), cells)}")
    return "\n\n".join(parts) + "\n"


def comparison_table(comparisons: Sequence[Comparison]) -> str:
    """Return paired comparisons as a Markdown table."""
    rows = [
        (_difference_name(c), c.difference.short, f"{c.difference.n:,}", plain_number(c.p), p_text(c), c.test)
        for c in comparisons
    ]
    return markdown_table(("difference", "95 % interval", "n", "p", "p (Holm)", "test"), rows)


def subgroup_table(subgroups: Sequence[Subgroup]) -> str:
    """Return subgroups as Markdown tables, one per kind; those too small to be read carry an asterisk."""
    tables = []
    for kind in dict.fromkeys(group.kind for group in subgroups):
        groups = [group for group in subgroups if group.kind == kind]
        names = list(dict.fromkeys(name for group in groups for name in group.figures))
        rows = [
            (f"{g.name}{' *' if g.too_small else ''}", f"{g.n:,}", f"{g.positives:,}",
             *(g.figures[name].short if name in g.figures else UNDEFINED for name in names))
            for g in groups
        ]  # fmt: skip
        tables.append(markdown_table((kind, "n", "fractured", *(name.replace("_", " ") for name in names)), rows))
    return "\n\n".join(tables) + "\n\n\\* fewer than ten fractured or ten normal ones: not to be read as a result."


def markdown_table(head: Sequence[str], rows: Sequence[Row]) -> str:
    """Return a Markdown table.

    Example:
        >>> print(markdown_table(("a", "b"), [("1", "x|y")]))
        | a | b |
        |---|---|
        | 1 | x/y |
    """
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)])
