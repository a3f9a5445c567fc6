"""The multi-region set with each distinct picture once: ``manifest.csv`` beside ``unique/``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from fxdet.core.errors import DataError
from fxdet.data.formats.meanings import meaning_of
from fxdet.data.formats.reading import ReadOptions, read_rows
from fxdet.data.samples import Problem, Sample, SampleSet

COLUMNS = ("split", "label", "name", "file")

ENDINGS = {"JPEG": (".jpg", ".jpeg"), "PNG": (".png",), "GIF": (".gif",)}
"""Format as published → endings of a name that fit it."""

_BASE = re.compile(r"(?P<base>\d+)(-rotated\d+)*( - Copy)?( ?\(\d+\))*\.\w+$")


def matches(path: Path) -> str | None:
    """Return what makes ``path`` this layout, or None."""
    if (path / "manifest.csv").is_file() and (path / "unique").is_dir():
        return "manifest.csv beside unique/"
    return None


def read(path: Path, options: ReadOptions) -> SampleSet:
    """Read each distinct picture once, grouped by the base picture that its names state.

    The published parts share most pictures, so ``part`` is set only where a picture lies in one part alone;
    the attribute ``published`` counts its names per part, as ``train:3+val:1``. A picture that was published under
    both labels has ``fractured`` None.

    Args:
        path: Folder that holds ``manifest.csv``.
        options: Meanings of class names.

    Raises:
        DataError: The manifest can't be read or lacks a column.
    """
    problems: list[Problem] = []
    by_file: dict[str, list[dict[str, str]]] = {}
    for row in _told_rows(path, problems):
        by_file.setdefault(row["file"], []).append(row)
    groups = base_groups(by_file)
    samples = tuple(
        replace(_sample(path, file, by_file[file], options, problems), group=groups[file]) for file in sorted(by_file)
    )
    if not (path / "unique").is_dir():
        problems.insert(0, Problem(str(path / "unique"), "is missing, expected the pictures", "missing_folder"))
    return SampleSet("multiregion", "multiregion", path, samples, tuple(problems))


def published_files(path: Path) -> tuple[tuple[str, str], ...]:
    """Return every published name, as ``train/fractured/1.jpg``, with the file below ``unique/`` that it was given to.

    Raises:
        DataError: The manifest can't be read or lacks a column.
    """
    return tuple((_published(row), row["file"]) for _, row in _manifest_rows(path))


def _published(row: Mapping[str, str]) -> str:
    return f"{row['split']}/{row['label']}/{row['name']}"


def _told_rows(path: Path, problems: list[Problem]) -> list[dict[str, str]]:
    """Return the rows, each published name once, and note what the manifest says of the files as published.

    The pictures were recoded: only the manifest knows which were cut short or named after another format.
    """
    rows: dict[str, dict[str, str]] = {}
    for number, row in _manifest_rows(path, problems):
        where, name = f"{path / 'manifest.csv'}:{number}", _published(row)
        if name in rows:
            problems.append(Problem(where, f"{name} is listed before, which is kept", "duplicate_id"))
            continue
        rows[name] = row
        if row.get("truncated") == "1":
            problems.append(Problem(where, f"{name} was published as a truncated file", "truncated"))
        content = row.get("format", "")
        if content and Path(name).suffix.lower() not in ENDINGS.get(content, ("",)):
            problems.append(Problem(where, f"{name} was published as a {content} file", "wrong_extension"))
    return list(rows.values())


def _manifest_rows(path: Path, problems: list[Problem] | None = None) -> list[tuple[int, dict[str, str]]]:
    manifest = path / "manifest.csv"
    rows = read_rows(manifest, problems)
    missing = [column for column in COLUMNS if not rows or column not in rows[0][1]]
    if missing:
        raise DataError(f"{manifest}: column {missing[0]} is missing, expected {', '.join(COLUMNS)}")
    return rows


def base_groups(by_file: Mapping[str, Sequence[Mapping[str, str]]]) -> dict[str, str]:
    """Return file → group: turned and copied pictures of one base number and label belong together.

    Names such as ``42-rotated1-rotated3 (1).jpg`` and ``42 - Copy.jpg`` are made from base 42. A file with names of
    several bases joins their groups; a file of no base is its own.

    Example:
        >>> rows = {"a": [{"label": "x", "name": "4-rotated1.jpg"}], "b": [{"label": "x", "name": "4.jpg"}]}
        >>> base_groups(rows)
        {'a': 'x/4', 'b': 'x/4'}
    """
    leader: dict[str, str] = {}

    def lead(group: str) -> str:
        while leader.setdefault(group, group) != group:
            group = leader[group]
        return group

    def bases(file: str) -> list[str]:
        found = [(row["label"], _BASE.match(row["name"])) for row in by_file[file]]
        return [f"{label}/{match['base']}" for label, match in found if match] or [f"unique/{file}"]

    for file in by_file:
        first, *others = sorted({lead(base) for base in bases(file)})
        for other in others:
            leader[other] = first
    return {file: lead(bases(file)[0]) for file in by_file}


def _sample(root: Path, file: str, rows: list[dict[str, str]], options: ReadOptions, problems: list[Problem]) -> Sample:
    path = root / "unique" / file
    if not path.is_file():
        problems.append(Problem(str(path), "is listed in manifest.csv and missing", "label_without_image"))
    labels = sorted({row["label"] for row in rows})
    meanings = [options.meanings.get(label) or meaning_of(label) for label in labels]
    if len(labels) > 1:
        what = f"was published as {' and '.join(labels)}; fractured counts as unknown"
        problems.append(Problem(str(path), what, "label_contradiction"))
    parts = [row["split"] for row in rows]
    counts = {part: parts.count(part) for part in ("train", "val", "test") if part in parts}
    return Sample(
        path=path,
        name=f"unique/{file}",
        part=next(iter(counts)) if len(counts) == 1 else None,
        label="+".join(labels),
        fractured=meanings[0].fractured if len({m.fractured for m in meanings}) == 1 else None,
        attributes={
            "published": "+".join(f"{part}:{count}" for part, count in counts.items()),
            "published_name": rows[0]["name"],
        },
    )
