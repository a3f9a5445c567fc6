"""Tables in plain text: columns under one another, numbers set right."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def aligned_lines(rows: Sequence[Sequence[str]], numbers: Collection[int] = (), least: Sequence[int] = ()) -> list[str]:
    """Return one line per row, with two blanks between columns and none at the end.

    Args:
        rows: Cells; all rows have equally many.
        numbers: Columns that are set right, counted from 0; the others are set left.
        least: Least width of each column, characters; empty for none.

    Example:
        >>> aligned_lines([("part", "n"), ("train", "12")], numbers=[1])
        ['part    n', 'train  12']
    """
    columns = range(len(rows[0])) if rows else range(0)
    widths = [max([*least[column : column + 1], *(len(row[column]) for row in rows)]) for column in columns]
    return [
        "  ".join(
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
