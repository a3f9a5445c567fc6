"""Rows of a CSV text with the number of the line each ends on."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from fxdet.core.errors import DataError


def numbered_rows(text: str, source: str) -> list[tuple[int, dict[str, str]]]:
    r"""Return (line number, row) of a CSV text with a header line; cells are stripped, missing ones empty.

    Empty lines and lines that start with ``#`` are left out, and count as lines.

    Args:
        text: The CSV text.
        source: File name for errors.

    Raises:
        DataError: The text is no CSV.

    Example:
        >>> numbered_rows("# made by hand\nname,part\n\na.png\n", "list.csv")
        [(4, {'name': 'a.png', 'part': ''})]
    """
    kept = list(_kept_lines(text))
    reader = csv.DictReader((f"{line}\n" for _, line in kept), restkey="", restval="")
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        for row in reader:
            cells = {str(key).strip(): str(value or "").strip() for key, value in row.items() if key}
            rows.append((kept[reader.line_num - 1][0], cells))
    except csv.Error as error:
        raise DataError(f"can't read {source}: {error} – expected comma-separated values") from error
    return rows


def repeated_column(text: str) -> str | None:
    r"""Return the first column name that stands twice in the header line of a CSV text, or None.

    Example:
        >>> repeated_column("# made by hand\nname,part, name\n")
        'name'
    """
    head = next(csv.reader(line for _, line in _kept_lines(text)), [])
    names = [name.strip() for name in head]
    return next((name for place, name in enumerate(names) if name and name in names[:place]), None)


def _kept_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield lines with their numbers, but for empty ones and comments."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip() and not line.startswith("#"):
            yield number, line.rstrip("\r")
