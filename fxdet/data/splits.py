"""Split lists: which picture is in which part, in a CSV file whose checksum is known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

from fxdet.core.errors import DataError, did_you_mean
from fxdet.core.files import sha256_bytes
from fxdet.data.csv_rows import numbered_rows
from fxdet.data.known_likes import known_likes
from fxdet.data.samples import Problem, Sample, SampleSet
from fxdet.data.split_matching import match_names

BUILTIN = resources.files("fxdet.data") / "split_lists"
EXCLUDED = frozenset({"", "-", "none", "out", "excluded", "left out"})
"""Words in the column ``part`` that leave a picture out."""

NAME_COLUMNS = ("name", "image_id", "path", "file")
AS_PUBLISHED = "as published"
"""Stands for a split list's name where the parts are those of the set itself."""

_LABELS = frozenset({"fractured", "region", "label", "reason"})
"""Columns that the set itself knows better; the others become attributes of the samples."""


@dataclass(frozen=True, slots=True)
class SplitRow:
    """One picture of a split list.

    Attributes:
        name: File name, e.g. ``IMG0000000.jpg``, or a path below the set's root.
        group: Patient, study or near-duplicate cluster.
        part: ``train``, ``val``, ``test``, or None where the picture is left out.
        fold: Fold of the cross-validation, or None.
        columns: Further columns as they stand.
        file: The picture's file in the set at hand, where ``name`` is one of several names that it was published
            under; empty where the name says it.
    """

    name: str
    group: str
    part: str | None
    fold: int | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    file: str = ""


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
        checksums: Hashes that the header states: of the pictures' ``names`` and ``bytes``, and of the ``rows``.
    """

    set_name: str
    seed: int | None
    rule: str
    rows: tuple[SplitRow, ...]
    sha256: str
    source: str
    checksums: Mapping[str, str] = field(default_factory=dict)

    def shared_groups(self) -> list[str]:
        """Return the groups that lie in more than one part, sorted."""
        return groups_in_several((row.group, row.part) for row in self.rows)

    @property
    def folds(self) -> tuple[int, ...]:
        """Folds of the rows that are in a part, ascending."""
        return tuple(sorted({row.fold for row in self.rows if row.fold is not None and row.part is not None}))

    def at_fold(self, fold: int) -> SplitList:
        """Return the list with fold ``fold`` as ``test``, the next one as ``val`` and all others as ``train``.

        Raises:
            DataError: There is no such fold.
        """
        folds = self.folds
        if fold not in folds:
            known = f"expected {folds[0]} to {folds[-1]}" if folds else "and the list has no folds"
            raise DataError(f"split list {self.source}: got fold {fold}, {known}")
        following = folds[(folds.index(fold) + 1) % len(folds)]
        names = {fold: "test", following: "val"}
        rows = tuple(
            replace(row, part=None if None in (row.part, row.fold) else names.get(row.fold or 0, "train"))
            for row in self.rows
        )
        return replace(self, rows=rows, source=f"{self.source}@{fold}")


def groups_in_several(placed: Iterable[tuple[str, str | None]]) -> list[str]:
    """Return the groups that lie in more than one part, sorted; None is no part.

    Example:
        >>> groups_in_several([("p1", "train"), ("p2", "val"), ("p1", "val"), ("p2", None)])
        ['p1']
    """
    parts: dict[str, set[str]] = {}
    for group, part in placed:
        if part is not None:
            parts.setdefault(group, set()).add(part)
    return sorted(group for group, met in parts.items() if len(met) > 1)


@dataclass(frozen=True, slots=True)
class LeakStamp:
    """What stands on every result: the split it rests on, and whether parts share pictures.

    Attributes:
        split: Name of the split list, or ``as published``.
        sha256: Hash of the list, or of names and parts where there is none.
        shared_groups: Number of groups that lie in more than one part.
        example: One of them.
        allowed: Whether the caller allowed a leak.
    """

    split: str
    sha256: str
    shared_groups: int = 0
    example: str = ""
    allowed: bool = False

    @property
    def leaky(self) -> bool:
        """Whether groups of the list lie in more than one part."""
        return self.shared_groups > 0

    def to_json(self) -> dict[str, Any]:
        """Return the stamp as JSON data: ``leaky`` goes by the list's groups, ``near_duplicates`` by an audit."""
        groups = {"leaky": self.leaky, "shared_groups": self.shared_groups}
        likes = known_likes(self.sha256)
        return {"split": self.split, "sha256": self.sha256, **groups, **({"near_duplicates": likes} if likes else {})}

    def one_line(self) -> str:
        """Return what a log or a figure says of the split.

        Example:
            >>> LeakStamp("multiregion/as-published", "ab" * 32, 99, "12", True).one_line()
            'split multiregion/as-published (abababababab): LEAKY, 99 groups lie in more than one part'
        """
        said = f"LEAKY, {self.shared_groups:,} groups lie in more than one part" if self.leaky else "no group is shared"
        return f"split {self.split} ({self.sha256[:12]}): {said}"


def read_split(path: Path, sha256: str | None = None) -> SplitList:
    """Read a split list.

    The file is CSV with columns ``name`` (or ``image_id``), ``part`` and, where known, ``group`` and ``fold``;
    a first line ``# set: …; seed: …; rule: …`` says where it comes from. Where the header states a checksum of the
    rows, they must fit it.

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


def named_split(name: str, sha256: str | None = None) -> SplitList:
    """Return the list in the file ``name``, or the built-in list of this name; ``name@2`` takes its fold 2 for testing.

    Args:
        name: Path or name of a list, with ``@`` and a fold where one is wanted; see :meth:`SplitList.at_fold`.
        sha256: Expected hash of a file's bytes, hexadecimal.

    Raises:
        DataError: There is neither, the list is wrong, or has no such fold.
    """
    place, at, fold = name.rpartition("@")
    if at and fold.isdecimal() and not Path(name).is_file():
        return named_split(place, sha256).at_fold(int(fold))
    path = Path(name)
    return read_split(path, sha256) if path.is_file() or path.suffix else builtin_split(name)


def builtin_split_names() -> list[str]:
    """Return the names of the lists that come with the package.

    Example:
        >>> builtin_split_names()[:2]
        ['bonefracture/as-published', 'bonefracture/grouped']
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
    return replace(parse_split(text, source), sha256=digest)


def parse_split(text: str, source: str) -> SplitList:
    """Return the split list that a CSV text holds.

    Raises:
        DataError: A column or name is wrong, or the rows don't fit the checksum that the header states.
    """
    notes = [line.lstrip("# ") for line in text.splitlines() if line.startswith("#")]
    checksums = dict(pair for line in notes for pair in _CHECKSUM.findall(line))
    header = _header(" ".join(line for line in notes if not _CHECKSUM.match(line)))
    stated = header.get("seed", "")
    seed = int(stated) if stated.isdecimal() else None
    if checksums.get("rows", rows_checksum(text)) != rows_checksum(text):
        raise DataError(f"split list {source}: the rows were changed after the list was made – make or fetch it anew")
    rows = _rows(text, source)
    digest = sha256_bytes(text.encode())
    return SplitList(header.get("set", ""), seed, header.get("rule", ""), rows, digest, source, checksums)


_CHECKSUM = re.compile(r"\bsha256 of (\w+): ([0-9a-f]{64})")


def rows_checksum(text: str) -> str:
    """Return the SHA-256 of a list's rows and its line of column names, without the notes above them."""
    return sha256_bytes("\n".join(line for line in text.splitlines() if line and not line.startswith("#")).encode())


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
    known = {name_column, "group", "part", "fold", "file"}
    return SplitRow(
        name=name,
        group=cells.get("group") or name,
        part=None if part.lower() in EXCLUDED else part,
        fold=int(fold) if fold.isdecimal() else None,
        columns={key: value for key, value in cells.items() if key not in known and value},
        file=cells.get("file", "") if name_column != "file" else "",
    )


def apply_split(samples: SampleSet, split: SplitList, allow_leak: bool = False) -> SampleSet:
    """Set part, group and attributes (``fold``, and the list's own) as the list says; what it leaves out is dropped.

    Names are matched by path below the set's root, else by file name, else by file name without ending. Where the
    list has a column ``file`` and the set holds these files, there is one sample for each of a picture's names.

    Args:
        samples: The set.
        split: The list.
        allow_leak: Take a list whose parts share a group (as some published splits do).

    Returns:
        The set; problems name pictures that are on one side only.

    Raises:
        DataError: Parts share a group, a name fits more than one sample, or no name fits.
    """
    return split_samples(samples, split, allow_leak)[0]


def split_samples(
    samples: SampleSet, split: SplitList | str | None, allow_leak: bool = False, sha256: str | None = None
) -> tuple[SampleSet, LeakStamp]:
    """Apply a split list, or take the parts as published; return the set with the stamp for its results.

    Args:
        samples: The set.
        split: A list, its file or name (see :func:`named_split`), or None for the published parts.
        allow_leak: Go on although parts share a group; the stamp says so.
        sha256: Expected hash of a list's file.

    Raises:
        DataError: As :func:`apply_split`.
    """
    if split is None:
        lines = "\n".join(f"{sample.name},{sample.part}" for sample in samples)
        shared = groups_in_several((sample.group, sample.part) for sample in samples)
        stamp = LeakStamp(AS_PUBLISHED, sha256_bytes(lines.encode()), len(shared), min(shared, default=""), allow_leak)
        _refuse_leak(stamp, f"published parts of {samples.root}")
        return samples, stamp
    if isinstance(split, str):
        split = named_split(split, sha256)
    shared = split.shared_groups()
    stamp = LeakStamp(split.source, split.sha256, len(shared), min(shared, default=""), allow_leak)
    _refuse_leak(stamp, f"split list {split.source}")
    return _applied(samples, split), stamp


def _refuse_leak(stamp: LeakStamp, what: str) -> None:
    if stamp.leaky and not stamp.allowed:
        raise DataError(
            f"{what}: {stamp.shared_groups} groups lie in more than one part, the first is {stamp.example} – "
            "take a grouped split list, or allow the leak (--allow-leak); every result is then stamped with it"
        )


def _applied(samples: SampleSet, split: SplitList) -> SampleSet:
    pairs = _pairs(samples, split)
    kept = tuple(_placed(sample, row) for sample, row in pairs if row.part is not None)
    if not kept:
        wrong = f"no name fits a picture of {samples.root}"
        raise DataError(f"split list {split.source}: {wrong} – pass the list of this set")
    problems = list(samples.problems)
    unlisted = len(samples) - len({sample.name for sample, _ in pairs})
    if unlisted:
        problems.append(Problem(split.source, f"pictures that the list does not name: {unlisted}; they are left out"))
    met = {row.name for _, row in pairs}
    missing = [row.name for row in split.rows if row.part is not None and row.name not in met]
    problems.extend(Problem(split.source, f"{name} is listed and not in the set") for name in missing)
    return replace(samples, samples=kept, problems=tuple(problems))


def _pairs(samples: SampleSet, split: SplitList) -> list[tuple[Sample, SplitRow]]:
    """Return which sample goes with which row: by the rows' files in the list's order, else by name in the set's."""
    by_name = {sample.name: sample for sample in samples}
    files = list(dict.fromkeys(row.file for row in split.rows if row.file))
    held = match_names(by_name, files, split.source)
    if held:
        return [(by_name[held[row.file]], row) for row in split.rows if row.file in held]
    rows = {row.name: row for row in split.rows}
    found = {name: rows[listed] for listed, name in match_names(by_name, list(rows), split.source).items()}
    return [(sample, found[sample.name]) for sample in samples if sample.name in found]


def _placed(sample: Sample, row: SplitRow) -> Sample:
    own = {key: value for key, value in row.columns.items() if key not in _LABELS and key not in sample.attributes}
    fold = {} if row.fold is None else {"fold": str(row.fold)}
    name = row.name if row.file else sample.name
    return replace(sample, name=name, part=row.part, group=row.group, attributes={**sample.attributes, **own, **fold})
