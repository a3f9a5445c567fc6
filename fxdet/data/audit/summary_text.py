"""An audit as text for a terminal: at most 100 columns, the most important first."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from fxdet.core.text_table import aligned_lines
from fxdet.core.wording import counted
from fxdet.data.audit.results import AuditResult, ClassCount, Fault, SetFacts, Shortcuts
from fxdet.data.audit.verdicts import Verdict, judge, label_faults, tie_counts
from fxdet.data.audit.wording import (
    NOTICE,
    TIE_WORDS,
    auroc_text,
    part_name,
    percent,
    percent_interval,
    printable,
)

WIDTH = 100
"""Columns of the widest line."""

PLACES_SHOWN = 3
"""Files named per kind of fault."""

FEATURES_SHOWN = 5
"""Shortcut features shown per set."""

ROWS_SHOWN = 12
"""Rows of a table; the JSON file holds all."""

MARKS = {"bad": "✗", "look": "!", "fine": "✓"}

_CELL = 44
_NO_LABEL = "(no label)"


def summary_text(result: AuditResult) -> str:
    """Return the whole summary, without a final newline; no line is longer than :data:`WIDTH`."""
    blocks = [
        _sets(result),
        _verdicts(judge(result)),
        _duplicates(result),
        _leaks(result),
        _conflicts(result),
        _baselines(result),
        *(_shortcuts(found) for found in result.shortcuts),
        _faults(result),
        *(_classes(facts, result.classes) for facts in result.sets),
        _collisions(result),
        _closing(result),
    ]
    return printable("\n\n".join(block for block in blocks if block))


def _sets(result: AuditResult) -> str:
    lines = []
    for facts in result.sets:
        parts = ", ".join(f"{part if part != '-' else 'no part'} {number:,}" for part, number in facts.parts.items())
        several = f"; {counted(facts.several_classes, 'picture')} with boxes of several classes"
        split = "parts as published" if facts.split is None else f"parts by {facts.split}"
        head = f"{facts.name}: {counted(facts.files, 'picture')} ({parts}){several if facts.several_classes else ''}"
        lines += _wrapped(head, "", "  ")
        lines += _wrapped(f"layout {facts.layout}, {split}, {facts.root}", "  ", "    ")
    return "\n".join(lines)


def _verdicts(verdicts: Sequence[Verdict]) -> str:
    lines: list[str] = []
    for verdict in verdicts:
        text = f"{verdict.finding} {verdict.advice}".rstrip()
        lines += _wrapped(text, f"{MARKS[verdict.level]} {verdict.topic:<11} ", " " * 14)
    return "\n".join(lines)


def _duplicates(result: AuditResult) -> str:
    if not result.groups:
        return ""
    rows = [(TIE_WORDS[tie], f"{groups:,}", f"{pictures:,}") for tie, (groups, pictures) in tie_counts(result).items()]
    largest = f"largest group: {counted(len(result.groups[0].members), 'picture')}"
    return f"Duplicates – {largest}\n" + _table(("alike at least", "groups", "pictures"), rows)


def _leaks(result: AuditResult) -> str:
    rows = [
        (
            part_name(leak.part, result),
            part_name(leak.source, result),
            f"{leak.total:,}",
            f"{leak.bytes:,}",
            f"{leak.pixels:,}",
            f"{leak.near:,}",
            percent(leak.near, leak.total),
            percent_interval(leak.interval),
        )
        for leak in result.leaks
        if leak.near
    ]
    heads = ("part", "shared with", "pictures", "bytes", "pixels", "near", "share", "95 % interval")
    note = "\nEach column counts what is alike at least that much." if rows else ""
    return "Leakage\n" + _table(heads, rows, left=2) + note if rows else ""


def _conflicts(result: AuditResult) -> str:
    lines = []
    groups = [group for group in result.groups if group.conflict]
    for group in groups[:ROWS_SHOWN]:
        named = {True: "fractured", False: "normal", None: "no label"}
        members = [f"{result.files[i].name} {named[result.files[i].fractured]}" for i in group.members]
        more = f" and {len(members) - 4} more" if len(members) > 4 else ""
        lines += _wrapped(" = ".join(members[:4]) + more, "  ", "    ")
    lines += _and_more(len(groups), "groups")
    return "\n".join(["Opposite labels", *lines]) if groups else ""


def _baselines(result: AuditResult) -> str:
    rows = [
        (
            part_name(line.part, result),
            part_name(line.source, result),
            f"{line.total:,}",
            percent(line.right, line.total),
            percent_interval(line.interval),
            percent(line.right_by_hash, line.total),
            percent(line.majority, line.total),
        )
        for line in result.baselines
    ]
    heads = ("part", "looked up in", "pictures", "right", "95 % interval", "by hash", "majority")
    return "No learning: label of the most similar picture\n" + _table(heads, rows, left=2) if rows else ""


def _shortcuts(found: Shortcuts) -> str:
    head = f"Shortcuts in {found.set_name} – {found.fractured:,} fractured of {found.total:,} labelled pictures"
    if found.auroc is None:
        return f"{head}\n  not measured: a class is missing or too small"
    rows = [
        (feature.name, auroc_text(feature.auroc), feature.towards, feature.meaning)
        for feature in found.features[:FEATURES_SHOWN]
        if feature.auroc is not None
    ]
    together = f"all, {found.folds} folds"
    rows.insert(0, (together, auroc_text(found.auroc), "", f"interval {_limits(found.interval)}"))
    return f"{head}\n" + _table(("property", "AUROC", "speaks for", "what it measures"), rows, left=1, text_from=2)


def _limits(interval: tuple[float, float] | None) -> str:
    return f"{interval[0]:.3f}–{interval[1]:.3f}" if interval else "unknown"


def _faults(result: AuditResult) -> str:
    by_kind: dict[tuple[str, str], list[Fault]] = {}
    faults_met = label_faults(result)
    for fault in faults_met:
        by_kind.setdefault((fault.set_name, fault.code), []).append(fault)
    lines: list[str] = []
    for (set_name, code), faults in sorted(by_kind.items(), key=lambda kind: -len(kind[1])):
        root = next((facts.root for facts in result.sets if facts.name == set_name), "")
        of_set = f" in {set_name}" if len(result.sets) > 1 else ""
        lines += _wrapped(f"{code}{of_set}: {len(faults):,}", "  ", "    ")
        for fault in faults[:PLACES_SHOWN]:
            lines += _wrapped(_below(f"{fault.where}: {fault.what}", root), "    ", "      ")
        if len(faults) > PLACES_SHOWN:
            lines.append(f"    … and {len(faults) - PLACES_SHOWN:,} more")
    return "\n".join([f"Files and labels – {counted(len(faults_met), 'fault')}", *lines]) if lines else ""


def _classes(facts: SetFacts, counts: Sequence[ClassCount]) -> str:
    own = [count for count in counts if count.set_name == facts.name]
    if not own:
        return ""
    parts = [part for part in facts.parts if any(count.parts.get(part) for count in own)]
    rows = [
        (
            count.name or _NO_LABEL,
            count.kind if count.kind == "box" else "picture",
            *(f"{count.parts.get(part, 0):,}" for part in parts),
            f"{count.total:,}",
            "tiny" if count.tiny else "",
        )
        for count in own
    ]
    heads = ("class", "of", *("no part" if part == "-" else part for part in parts), "total", "")
    more = "\n".join(_and_more(len(rows), "classes"))
    table = _table(heads, rows[:ROWS_SHOWN], left=2, text_from=len(heads) - 1)
    return f"Classes of {facts.name}\n{table}" + (f"\n{more}" if more else "")


def _collisions(result: AuditResult) -> str:
    lines: list[str] = []
    for collision in result.collisions[:PLACES_SHOWN]:
        names = ", ".join(result.files[index].name for index in collision.members[:3])
        lines += _wrapped(f"{collision.stem}: {names}", "  ", "    ")
    if len(result.collisions) > PLACES_SHOWN:
        lines.append(f"  … and {len(result.collisions) - PLACES_SHOWN:,} more")
    return "\n".join(["Shared names, different pictures – no leaks", *lines]) if lines else ""


def _closing(result: AuditResult) -> str:
    return f"{counted(len(result.files), 'picture')} in {result.seconds:.1f} s, fxdet {result.version}. {NOTICE}"


def _and_more(number: int, what: str) -> list[str]:
    return [f"  … and {number - ROWS_SHOWN:,} more {what}"] if number > ROWS_SHOWN else []


def _below(text: str, root: str) -> str:
    return text.replace(root.rstrip("/") + "/", "") if root else text


def _wrapped(text: str, first: str, later: str) -> list[str]:
    """Return lines of at most WIDTH columns; a word that is longer is broken."""
    return textwrap.wrap(
        " ".join(text.split()), WIDTH, initial_indent=first, subsequent_indent=later, break_on_hyphens=False
    ) or [first.rstrip()]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1, text_from: int = 99) -> str:
    """Return aligned columns, indented by two; long cells are cut.

    Args:
        heads: Names of the columns.
        rows: Cells.
        left: So many first columns are text.
        text_from: Columns from this one on are text again; those between are numbers.
    """
    short = [[*(_cut(cell, _CELL) for cell in row[:-1]), row[-1]] for row in [heads, *rows]]
    lines = aligned_lines(short, numbers=range(left, min(text_from, len(heads))))
    return "\n".join(_cut(f"  {line}", WIDTH) for line in lines)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
