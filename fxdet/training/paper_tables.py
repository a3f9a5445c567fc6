"""Tables for the terminal: published checks, and the rows of a paper with what is there of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap
from typing import Any

from fxdet.evaluation.estimate import Estimate
from fxdet.evaluation.paper_checks import PublishedCheck
from fxdet.evaluation.papers import PAPERS, published_row

_WIDTH = 116
"""Columns of a terminal that a table may take."""

NOT_RUN = "not run yet"


def checks_text(checks: Sequence[PublishedCheck]) -> str:
    """Return the checks, paper by paper, and how many contradict."""
    lines: list[str] = []
    for paper in dict.fromkeys(check.paper for check in checks):
        lines += ["", f"{paper}  {PAPERS[paper]}"]
        own = [check for check in checks if check.paper == paper]
        for check, following in zip(own, [*own[1:], None], strict=True):
            lines.append(_check_line(check))
            # What several lines share is said once, below the last of them.
            if following is None or following.why != check.why:
                lines += wrap(check.why, _WIDTH, initial_indent=" " * 14, subsequent_indent=" " * 14)
    wrong = [check for check in checks if check.verdict == "contradicts"]
    last = sum(check.verdict == "last digit" for check in checks)
    lines += ["", f"{len(checks)} checks: {len(wrong)} contradict, {last} differ in the last digit"]
    return "\n".join(lines[1:])


def _check_line(check: PublishedCheck) -> str:
    found = f"{check.printed} → {check.recomputed}" if check.recomputed != "–" else check.printed
    return f"  {check.verdict:<12}{check.row + ' ' + check.figure:<38}{found}"


def rows_text(results: Iterable[Mapping[str, Any]], states: Sequence[tuple[Any, str]]) -> str:
    """Return one line per result key: accuracy with interval, n, published figure, and where that lies.

    Args:
        results: Contents of result files.
        states: Keys of the rows (:class:`~fxdet.training.paper_results.ResultKey`) and what is there of them.
    """
    known = {(r["row"], r["filter"], r["protocol"], r["seed"]): r for r in results}
    lines = [("row", "filter", "protocol", "seed", "published", "accuracy (95 %), n", "look-up", "published lies")]
    for key, state in states:
        result = known.get((key.row, key.filter, key.protocol, key.seed))
        cells = (key.row, key.filter, key.protocol, str(key.seed), _printed(key.paper, key.row))
        lines.append((*cells, *(_cells(result) if result else (state, "", ""))))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(f"{t:<{w}}" for t, w in zip(line, widths, strict=True)).rstrip() for line in lines)


def _cells(result: Mapping[str, Any]) -> tuple[str, str, str]:
    figures = {name: Estimate.from_json(result["figures"][name]) for name in ("accuracy", "lookup_accuracy")}
    place = result["published"].get("accuracy", {}).get("place", "")
    words = {"inside": "inside", "below": "below ours", "above": "above ours", "undefined": "–"}
    accuracy = figures["accuracy"]
    text = f"{accuracy}" + ("  (fault shown)" if result["fault"] != "none" else "")
    return text, figures["lookup_accuracy"].short, words.get(place, "")


def _printed(paper: str, row: str) -> str:
    known = published_row(paper, row.removesuffix("_as_script"))
    if known is None or "accuracy" not in known.figures:
        return "–"
    printed = known.figures["accuracy"]
    return f"{printed.value:.{printed.digits}f}".removeprefix("0")
