"""The tables of the audit's page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from fxdet.core.wording import counted
from fxdet.data.audit.faults import FAULTS
from fxdet.data.audit.results import AuditResult, Shortcuts
from fxdet.data.audit.verdicts import label_faults, tie_counts
from fxdet.data.audit.wording import TIE_WORDS, auroc_text, part_name, percent, percent_interval

ROWS_SHOWN = 500
"""Most rows of a table on the page; the JSON file holds all."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: What it shows.
        value: Number that it is sorted by; None for text.
        markup: HTML that stands for the text.
    """

    text: str
    value: float | None = None
    markup: str = ""


def number(value: float, text: str = "") -> Cell:
    """Return the cell of a number, with a thousands separator where no text is given."""
    return Cell(text or f"{value:,}", value)


def table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Return a sortable table as HTML; columns whose first row is a number are numbers."""
    numeric = [cell.value is not None for cell in rows[0]] if rows else [False] * len(heads)
    head = "".join(
        f'<th scope="col"{_class("number" if is_number else "")}>{escape(name)}</th>'
        for name, is_number in zip(heads, numeric, strict=True)
    )
    body = "".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>\n" for row in rows[:ROWS_SHOWN])
    left = len(rows) - ROWS_SHOWN
    more = f'<p class="soft">The first {ROWS_SHOWN} rows; audit.json holds the other {left:,}.</p>' if left > 0 else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table class="sortable">'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>{more}"
    )


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""


def _cell(cell: Cell) -> str:
    inner = cell.markup or escape(cell.text)
    if cell.value is not None:
        return f'<td class="number" data-value="{cell.value}">{inner}</td>'
    return f"<td{_class('place' if len(cell.text) > 40 else '')}>{inner}</td>"


def set_table(result: AuditResult) -> str:
    """Return one row per set and part."""
    rows = [
        [Cell(facts.name), Cell("no part" if part == "-" else part), number(count), Cell(facts.layout),
         Cell(facts.split or "as published"), Cell(facts.root)]
        for facts in result.sets
        for part, count in facts.parts.items()
    ]  # fmt: skip
    return table("Sets and parts", ("set", "part", "pictures", "layout", "parts by", "folder"), rows)


def duplicate_table(result: AuditResult) -> str:
    """Return groups and pictures by tie."""
    rows = [
        [Cell(TIE_WORDS[tie]), number(groups), number(pictures)]
        for tie, (groups, pictures) in tie_counts(result).items()
    ]
    return table("Pictures alike at least that much", ("alike", "groups", "pictures"), rows)


def leak_table(result: AuditResult) -> str:
    """Return the contaminated share of each evaluation part and source."""
    rows = [
        [Cell(part_name(leak.part, result)), Cell(part_name(leak.source, result)), number(leak.total),
         number(leak.bytes), number(leak.pixels), number(leak.near),
         number(leak.near / max(leak.total, 1), percent(leak.near, leak.total)), Cell(percent_interval(leak.interval))]
        for leak in result.leaks
    ]  # fmt: skip
    heads = ("part", "shared with", "pictures", "bytes", "pixels", "near", "share", "95 % interval")
    return table("Pictures shared with another part; each column counts what is alike at least that much", heads, rows)


def baseline_table(result: AuditResult) -> str:
    """Return the no-learning look-ups beside the majority."""
    rows = [
        [Cell(part_name(line.part, result)), Cell(part_name(line.source, result)), number(line.total),
         number(line.right / max(line.total, 1), percent(line.right, line.total)),
         Cell(percent_interval(line.interval)),
         number(line.right_by_hash / max(line.total, 1), percent(line.right_by_hash, line.total)),
         number(line.majority / max(line.total, 1), percent(line.majority, line.total))]
        for line in result.baselines
    ]  # fmt: skip
    heads = ("part", "looked up in", "pictures", "right", "95 % interval", "right by hash", "always the majority")
    return table("Label of the most similar picture, without learning", heads, rows)


def shortcut_table(found: Shortcuts) -> str:
    """Return the AUROC of each property of a set's files."""
    caption = (
        f"{found.set_name}: all properties together AUROC {auroc_text(found.auroc, found.interval)}, "
        f"{found.folds}-fold cross-validated; {found.fractured:,} fractured of {found.total:,} labelled pictures"
    )
    rows = [
        [Cell(feature.name), number(feature.auroc, auroc_text(feature.auroc)), Cell("bar", markup=_bar(feature.auroc)),
         Cell(feature.towards), Cell(feature.meaning)]
        for feature in found.features
        if feature.auroc is not None
    ]  # fmt: skip
    return table(caption, ("property", "AUROC alone", "0.5 to 1", "speaks for", "what it measures"), rows)


def _bar(auroc: float) -> str:
    width = max(0.0, min(1.0, 2 * auroc - 1)) * 100
    return f'<span class="bar" aria-hidden="true"><span style="width:{width:.0f}%"></span></span>'


def fault_tables(result: AuditResult) -> Iterator[str]:
    """Yield one table per set and kind of fault, the most common kind first, as folded sections."""
    kinds: dict[tuple[str, str], list[list[Cell]]] = {}
    roots = {facts.name: facts.root.rstrip("/") + "/" for facts in result.sets}
    for fault in label_faults(result):
        root = roots.get(fault.set_name, "\0")
        row = [Cell(fault.where.replace(root, "")), Cell(fault.what.replace(root, ""))]
        kinds.setdefault((fault.set_name, fault.code), []).append(row)
    for (name, code), rows in sorted(kinds.items(), key=lambda kind: -len(kind[1])):
        of_set = f" in {name}" if len(result.sets) > 1 else ""
        head = f"<strong>{escape(code)}</strong>{escape(of_set)}: {len(rows):,} – {escape(FAULTS.get(code, ''))}"
        is_open = " open" if len(rows) <= 5 else ""
        title = f"{code}{of_set}: {counted(len(rows), 'place')}"
        yield f"<details{is_open}><summary>{head}</summary>{table(title, ('where', 'what'), rows)}</details>"


def class_table(result: AuditResult) -> str:
    """Return how often each class occurs in each part."""
    met = dict.fromkeys(part for facts in result.sets for part in facts.parts)
    parts = [part for part in met if any(count.parts.get(part) for count in result.classes)]
    rows = [
        [Cell(count.set_name), Cell(count.name or "no label"), Cell("box" if count.kind == "box" else "picture"),
         *(number(count.parts.get(part, 0)) for part in parts), number(count.total), Cell("tiny" * count.tiny)]
        for count in result.classes
    ]  # fmt: skip
    heads = ("set", "class", "of", *("no part" if part == "-" else part for part in parts), "total", "note")
    return table("How often each class occurs", heads, rows)


def collision_table(result: AuditResult) -> str:
    """Return names that different pictures share."""
    rows = [
        [Cell(collision.stem), number(len(collision.members)),
         Cell(", ".join(result.files[index].name for index in collision.members[:6]))]
        for collision in result.collisions
    ]  # fmt: skip
    return table("Shared names of different pictures: no leaks", ("name", "files", "where"), rows)
