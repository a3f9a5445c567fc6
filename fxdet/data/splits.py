"""Split lists: which picture is in which part, in a CSV file whose checksum is known."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path, PurePosixPath

from fxdet.core.errors import DataError, did_you_mean
from fxdet.core.files import sha256_bytes
from fxdet.data.csv_rows import numbered_rows
from fxdet.data.samples import Problem, Sample, SampleSet

BUILTIN = resources.files("fxdet.data") / "split_lists"
EXCLUDED = frozenset({"", "-", "none", "out", "excluded", "left out"})
"""Words in the column ``part`` that leave a picture out."""

NAME_COLUMNS = ("name", "image_id", "path", "file")


@dataclass(frozen=True, slots=True)
class SplitRow:
    """One picture of a split list.

    Attributes:
        name: File name, e.g. ``IMG0000000.jpg``, or a path below the set's root.
        group: Patient, study or near-duplicate cluster.
        part: ``train``, ``val``, ``test``, or None where the picture is left out.
        fold: Fold of the cross-validation, or None.
        columns: Further columns as they stand.
    """

    name: str
    group: str
    part: str | None
    fold: int | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SplitList:
    """A split list.

    Attributes:
        set_name: Data set as the header names it.
        seed: Seed of the header, or None.
        rule: How the list was made.
        rows: The pictures.
        sha256: Hash of the file's bytes.
        source: Where the list was read.
    """

    set_name: str
    seed: int | None
    rule: str
    rows: tuple[SplitRow, ...]
    sha256: str
    source: str

    def shared_groups(self) -> list[str]:
        """Return the groups that lie in more than one part, sorted."""
        parts: dict[str, set[str]] = {}
        for row in self.rows:
            if row.part is not None:
                parts.setdefault(row.group, set()).add(row.part)
        return sorted(group for group, met in parts.items() if len(met) > 1)


def read_split(path: Path, sha256: str | None = None) -> SplitList:
    """Read a split list.

    The file is CSV with columns ``name`` (or ``image_id``), ``part`` and, where known, ``group`` and ``fold``;
    a first line ``# set: …; seed: …; rule: …`` says where it comes from.

    Args:
        path: The file.
        sha256: Expected hash of its bytes, hexadecimal.

    Raises:
        DataError: The file can't be read, its hash differs, or a column or name is wrong.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"can't read split list {path}: {error.strerror} – check the path") from error
    return _parse(data, str(path), sha256)


def builtin_split(name: str) -> SplitList:
    """Return a split list that comes with the package, e.g. ``fracatlas/grouped``; its checksum is verified.

    Raises:
        DataError: There is no such list, or the file was changed.
    """
    sums = _builtin_sums()
    file = name.replace("/", "_").replace("-", "_") + ".csv"
    if file not in sums:
        raise DataError(f"split list {name!r} is unknown{did_you_mean(name, builtin_split_names())}")
    return _parse((BUILTIN / file).read_bytes(), name, sums[file])


def named_split(name: str) -> SplitList:
    """Return the list in the file ``name``, or the built-in list of this name.

    Raises:
        DataError: There is neither, or the list is wrong.
    """
    path = Path(name)
    return read_split(path) if path.is_file() or path.suffix else builtin_split(name)


def builtin_split_names() -> list[str]:
    """Return the names of the lists that come with the package.

    Example:
        >>> builtin_split_names()
        ['bonefracture/as-published', 'fracatlas/grouped']
    """
    return sorted(file.removesuffix(".csv").replace("_", "/", 1).replace("_", "-") for file in _builtin_sums())


def _builtin_sums() -> dict[str, str]:
    """Return file name → SHA-256 of the lists in the package."""
    lines = (BUILTIN / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    return {line.split()[1]: line.split()[0] for line in lines}


def _parse(data: bytes, source: str, sha256: str | None) -> SplitList:
    digest = sha256_bytes(data)
    if sha256 is not None and digest != sha256.lower():
        got = f"SHA-256 is {digest[:12]}…, expected {sha256[:12]}…"
        raise DataError(f"split list {source}: {got} – fetch the list anew")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"split list {source}: {error} – expected UTF-8 text") from error
    header = _header(" ".join(line.lstrip("# ") for line in text.splitlines() if line.startswith("#")))
    stated = header.get("seed", "")
    seed = int(stated) if stated.isdecimal() else None
    return SplitList(header.get("set", ""), seed, header.get("rule", ""), _rows(text, source), digest, source)


def _header(text: str) -> dict[str, str]:
    """Return ``set``, ``seed`` and ``rule``; a rule may hold further semicolons."""
    found = re.search(r"set:\s*(?P<set>[^;]*)(?:;\s*seed:\s*(?P<seed>[^;]*))?(?:;\s*rule:\s*(?P<rule>.*))?", text)
    return {key: (value or "").strip() for key, value in found.groupdict().items()} if found else {}


def _rows(text: str, source: str) -> tuple[SplitRow, ...]:
    numbered = numbered_rows(text, f"split list {source}")
    columns = list(numbered[0][1]) if numbered else []
    name_column = next((column for column in NAME_COLUMNS if column in columns), None)
    if name_column is None or "part" not in columns:
        raise DataError(f"split list {source}: got columns {', '.join(columns) or 'none'}, expected name and part")
    rows: dict[str, SplitRow] = {}
    for number, cells in numbered:
        row = _row(f"{source}:{number}", name_column, cells)
        if row.name in rows:
            raise DataError(f"split list {source}:{number}: {row.name} is listed twice – keep one row")
        rows[row.name] = row
    return tuple(rows.values())


def _row(where: str, name_column: str, cells: Mapping[str, str]) -> SplitRow:
    name = cells[name_column]
    if not name:
        raise DataError(f"split list {where}: {name_column} is empty – expected a file name")
    part, fold = cells["part"], cells.get("fold", "")
    known = {name_column, "group", "part", "fold"}
    return SplitRow(
        name=name,
        group=cells.get("group") or name,
        part=None if part.lower() in EXCLUDED else part,
        fold=int(fold) if fold.isdecimal() else None,
        columns={key: value for key, value in cells.items() if key not in known and value},
    )


def apply_split(samples: SampleSet, split: SplitList, allow_leak: bool = False) -> SampleSet:
    """Set part and group (and the attribute ``fold``) as the list says; pictures it leaves out are dropped.

    Names are matched by path below the set's root, else by file name, else by file name without ending.

    Args:
        samples: The set.
        split: The list.
        allow_leak: Take a list whose parts share a group (as some published splits do).

    Returns:
        The set; problems name pictures that are on one side only.

    Raises:
        DataError: Parts share a group, a name fits more than one sample, or no name fits.
    """
    shared = split.shared_groups()
    if shared and not allow_leak:
        raise DataError(
            f"split list {split.source}: {len(shared)} groups lie in more than one part, the first is {shared[0]} – "
            "regroup the list, or allow the leak"
        )
    rows = _matched(samples, split)
    kept = tuple(_placed(sample, rows[sample.name]) for sample in samples if _is_in(rows.get(sample.name)))
    if not kept:
        wrong = f"no name fits a picture of {samples.root}"
        raise DataError(f"split list {split.source}: {wrong} – pass the list of this set")
    unlisted = len(samples) - len(rows)
    problems = list(samples.problems)
    if unlisted:
        problems.append(Problem(split.source, f"pictures that the list does not name: {unlisted}; they are left out"))
    matched = {row.name for row in rows.values()}
    missing = [row.name for row in split.rows if row.part is not None and row.name not in matched]
    problems.extend(Problem(split.source, f"{name} is listed and not in the set") for name in missing)
    return replace(samples, samples=kept, problems=tuple(problems))


def _is_in(row: SplitRow | None) -> bool:
    return row is not None and row.part is not None


def _placed(sample: Sample, row: SplitRow) -> Sample:
    fold = {} if row.fold is None else {"fold": str(row.fold)}
    return replace(sample, part=row.part, group=row.group, attributes={**sample.attributes, **fold})


def _keys(name: str) -> tuple[str, str, str]:
    path = PurePosixPath(name)
    return name, path.name, path.stem


def _matched(samples: SampleSet, split: SplitList) -> dict[str, SplitRow]:
    """Return sample name → row; first whole names, then file names, then file names without ending."""
    found: dict[str, SplitRow] = {}
    taken: set[str] = set()
    for level in range(3):
        by_key: dict[str, list[str]] = {}
        for sample in samples:
            if sample.name not in found:
                by_key.setdefault(_keys(sample.name)[level], []).append(sample.name)
        listed = Counter(_keys(row.name)[level] for row in split.rows)
        for row in split.rows:
            key = _keys(row.name)[level]
            fits = by_key.get(key, [])
            if not fits or row.name in taken or listed[key] > 1:
                continue
            if len(fits) == 1:
                found[fits[0]] = row
                taken.add(row.name)
            elif "/" not in row.name:
                what = f"{row.name} fits both {fits[0]} and {fits[1]}"
                raise DataError(f"split list {split.source}: {what} – list paths below the set's root")
    return found
