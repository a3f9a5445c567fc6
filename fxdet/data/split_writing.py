"""Split lists as CSV text with checksums in its header, which pandas reads with ``comment="#"``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from fxdet.core.errors import DataError
from fxdet.core.files import sha256_bytes, sha256_file, write_text
from fxdet.data.samples import SampleSet
from fxdet.data.splits import SplitRow, read_split, rows_checksum
from fxdet.data.splitting import SplitPlan

_FIRST = ("name", "file", "group", "part", "fold")


def write_split(path: Path, plan: SplitPlan, checksums: dict[str, str]) -> str:
    """Write a split list, whole or not at all, and return the SHA-256 of its bytes.

    Args:
        path: The file.
        plan: The list.
        checksums: What of the pictures → SHA-256, see :func:`picture_checksums`.

    Raises:
        OutputError: The file can't be written.
        DataError: A name can't stand in a CSV file.
    """
    write_text(path, split_text(plan, checksums))
    return read_split(path).sha256


def split_text(plan: SplitPlan, checksums: dict[str, str]) -> str:
    """Return the text of a split list; :func:`fxdet.data.splits.parse_split` reads it back to the same rows.

    A picture without company has no group; reading gives it its own name for one.

    Raises:
        DataError: A name can't stand in a CSV file.
    """
    extra = dict.fromkeys(key for row in plan.rows for key in row.columns)
    sizes = Counter(row.group for row in plan.rows)
    cells = [[_cell(row, column, sizes) for column in (*_FIRST, *extra)] for row in plan.rows]
    used = [index for index, column in enumerate((*_FIRST, *extra)) if column in ("name", "group", "part", *extra)
            or any(row[index] for row in cells)]  # fmt: skip
    lines = [[(*_FIRST, *extra)[index] for index in used], *([row[index] for index in used] for row in cells)]
    rows = "".join(",".join(_quoted(cell) for cell in line) + "\n" for line in lines)
    seed = "none" if plan.seed is None else plan.seed
    header = [f"set: {plan.set_name}; seed: {seed}; rule: {plan.rule}"]
    header += [f"sha256 of {what}: {digest}" for what, digest in {**checksums, "rows": rows_checksum(rows)}.items()]
    return "".join(f"# {_one_line(line)}\n" for line in header) + rows


def picture_checksums(samples: SampleSet, digests: Sequence[str] | None = None) -> dict[str, str]:
    """Return the SHA-256 of the pictures' names, and of their names and bytes, in the order of the names.

    Args:
        samples: The set.
        digests: SHA-256 of each file's bytes, in the set's order; None reads the files. A missing file has none.
    """
    if digests is None:
        digests = [sha256_file(sample.path) if sample.path.is_file() else "" for sample in samples]
    pairs = sorted(zip((sample.name for sample in samples), digests, strict=True))
    names = "".join(f"{name}\n" for name, _ in pairs)
    both = "".join(f"{digest}  {name}\n" for name, digest in pairs)
    return {"names": sha256_bytes(_plain(names)), "bytes": sha256_bytes(_plain(both))}


def _plain(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _cell(row: SplitRow, column: str, sizes: Mapping[str, int]) -> str:
    if column == "fold":
        return "" if row.fold is None else str(row.fold)
    group = row.group if sizes[row.group] > 1 else ""  # a picture alone is its own group, and half of a list's bytes
    own = {"name": row.name, "file": row.file, "group": group, "part": row.part or ""}
    return own[column] if column in own else row.columns.get(column, "")


def _quoted(cell: str) -> str:
    """Return a cell as CSV has it; one with ``#`` is quoted, else pandas would take the rest for a note."""
    if cell != cell.strip() or "\n" in cell or "\r" in cell or not _is_text(cell):
        raise DataError(f"can't list {cell!r} – got blanks at an end, a line break or no Unicode – rename the file")
    return '"' + cell.replace('"', '""') + '"' if any(mark in cell for mark in ',"#') else cell


def _is_text(cell: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in cell)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def write_checksums(path: Path, files: Iterable[Path]) -> None:
    """Write ``SHA256SUMS`` for some files of one folder, as ``sha256sum`` does.

    Raises:
        OutputError: The file can't be written.
    """
    write_text(path, "".join(f"{sha256_file(file)}  {file.name}\n" for file in sorted(files)))
