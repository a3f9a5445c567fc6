"""What the papers' own figures contradict, as ``fxdet reproduce --check-published`` finds it."""

from __future__ import annotations

from fxdet.evaluation.paper_checks import PublishedCheck, check_published
from fxdet.evaluation.papers import PAPERS, published_row
from fxdet.pages.sources import table

VERDICTS = {"agrees": "agrees", "last digit": "last digit differs", "contradicts": "**contradicts**", "note": "–"}
"""Verdict of a check → what the page says."""

FIGURE_WORDS = {"ppv": "precision", "npv": "NPV", "mcc": "MCC", "f1_fractured": "F1", "f1_normal": "F1, normal"}
"""Name of a figure → what the pages call it, where that differs."""


def contradictions_table(paper: str) -> str:
    """Return all checks of a paper."""
    checks = [check for check in check_published() if check.paper == paper]
    head = ("row", "figure", "printed", "recomputed", "verdict", "how, or what follows")
    return table(head, [_row(check) for check in checks])


def summary_table() -> str:
    """Return how many published figures of each paper agree, differ and contradict."""
    checks = check_published()
    rows = []
    for paper in PAPERS:
        verdicts = [check.verdict for check in checks if check.paper == paper]
        counts = [str(verdicts.count(name)) for name in ("agrees", "last digit", "contradicts", "note")]
        rows.append((f"[{paper}](papers/{paper}.md)", str(len(verdicts)), *counts))
    return table(
        ("paper", "checks", "agree", "differ in the last digit", "contradict", "can't be recomputed or compared"), rows
    )


def _row(check: PublishedCheck) -> tuple[str, ...]:
    known = published_row(check.paper, check.row)
    label = known.label if known else check.row
    words = FIGURE_WORDS.get(check.figure, check.figure)
    return (label, words, check.printed, check.recomputed, VERDICTS[check.verdict], check.why)
