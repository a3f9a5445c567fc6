"""The text results of a run: reports.jsonl, summary.csv and failures.csv, line by line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fxdet.core.files import LineFile
from fxdet.core.findings import Report
from fxdet.core.labels import Decision

REPORTS_NAME = "reports.jsonl"
SUMMARY_NAME = "summary.csv"
FAILURES_NAME = "failures.csv"

SUMMARY_COLUMNS = (
    "source",
    "decision",
    "image_probability",
    "region",
    "region_probability",
    "findings",
    "fractures",
    "doubts",
    "best_probability",
    "best_box",
    "best_crosscheck",
    "width",
    "height",
    "warnings",
    "overlay",
)
"""Columns of ``summary.csv``."""

FAILURE_COLUMNS = ("source", "reason")
"""Columns of ``failures.csv``."""


def csv_line(values: Sequence[object]) -> str:
    r"""Return one CSV row; a line break inside a value is quoted, as RFC 4180 has it.

    Example:
        >>> csv_line(["a,b", 1, None])
        '"a,b",1,\n'
    """
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(["" if value is None else value for value in values])
    return buffer.getvalue()


def summary_row(report: Report, overlay: str = "") -> tuple[object, ...]:
    """Return the values of :data:`SUMMARY_COLUMNS` for one radiograph."""
    decisions = [finding.decision for finding in report.findings]
    best = report.findings[0] if report.findings else None
    check = best.crosscheck if best else None
    height, width = report.image_size or (None, None)
    return (
        report.source,
        report.decision.value,
        _rounded(report.image_probability),
        report.region,
        _rounded(report.region_probability),
        len(decisions),
        decisions.count(Decision.FRACTURE),
        decisions.count(Decision.DOUBT),
        _rounded(best.probability) if best else None,
        " ".join(f"{value:.1f}" for value in best.box) if best else None,
        check.verdict.value if check else ("not checked" if best else None),
        width,
        height,
        "; ".join(report.warnings),
        overlay,
    )


@dataclass(slots=True)
class Records:
    """The three growing files of a run; a file that could not be read stands in all but the summary."""

    reports: LineFile
    summary: LineFile
    failures: LineFile

    @classmethod
    def start(cls, folder: Path) -> Records:
        """Begin empty files in ``folder``; those of an earlier run are replaced.

        Raises:
            OutputError: The folder can't be written.
        """
        records = cls(*(LineFile(folder / name) for name in (REPORTS_NAME, SUMMARY_NAME, FAILURES_NAME)))
        records.summary.write(csv_line(SUMMARY_COLUMNS))
        records.failures.write(csv_line(FAILURE_COLUMNS))
        return records

    def add(self, report: Report, overlay: str = "") -> None:
        """Append one report to the files it belongs in."""
        if report.error is None:
            self.summary.write(csv_line(summary_row(report, overlay)))
        else:
            self.failures.write(csv_line((report.source, report.error)))
        self.reports.write(json.dumps(report.to_json(), ensure_ascii=False, allow_nan=False) + "\n")

    def close(self) -> None:
        """Close all three files."""
        for file in (self.reports, self.summary, self.failures):
            file.close()


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
