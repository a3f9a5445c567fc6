"""A sample set on disk: JSON lines, first a line for the set, then one per sample."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fxdet.core.errors import DataError
from fxdet.core.files import write_text
from fxdet.data.samples import BoxLabel, Problem, Sample, SampleSet

SCHEMA = 1
"""Version of the file's form."""


def write_manifest(path: Path, samples: SampleSet) -> None:
    """Write a set, whole or not at all; files below the set's root are noted relative to it.

    A manifest that lies in the set's root can be moved together with it.

    Raises:
        OutputError: The file can't be written.
    """
    problems = [[problem.where, problem.what, problem.code] for problem in samples.problems]
    beside = samples.root == Path(path).parent
    place = {"root": "." if beside else str(samples.root), "root_is_here": beside}
    header = {"fxdet_manifest": SCHEMA, "name": samples.name, "layout": samples.layout, **place}
    figures = {"samples": len(samples), "problems": problems, "classes": list(samples.classes)}
    rows: list[Mapping[str, Any]] = [{**header, **figures}]
    rows += [_row(sample, samples.root) for sample in samples]
    # ASCII, so that file names that are no UTF-8 (surrogates in Python) come back as they were.
    write_text(path, "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows))


def read_manifest(path: Path, root: Path | None = None) -> SampleSet:
    """Read a set that :func:`write_manifest` wrote.

    Args:
        path: The file.
        root: Where the set lies now, if it was moved.

    Raises:
        DataError: The file can't be read, is no manifest, or was cut short.
    """
    path = Path(path)
    try:
        # str.splitlines would also cut at characters that JSON leaves alone, as U+2028.
        lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"can't read manifest {path}: {error} – check the path") from error
    header = _parse(path, 1, lines[0]) if lines else {}
    if header.get("fxdet_manifest") != SCHEMA:
        raise DataError(f"{path}: got {str(header)[:60]!r}, expected a manifest of schema {SCHEMA} – write it anew")
    if len(lines) - 1 != header.get("samples"):
        raise DataError(f"{path}: got {len(lines) - 1} samples, expected {header.get('samples')} – write it anew")
    try:
        here = path.parent if header.get("root_is_here") else Path(header["root"])
        base = here if root is None else Path(root)
        samples = tuple(_read_sample(path, number, line, base) for number, line in enumerate(lines[1:], start=2))
        # Manifests of version 0.1 hold neither codes of problems nor classes.
        problems = tuple(Problem(*told) for told in header["problems"])
        classes = tuple(header.get("classes", ()))
        return SampleSet(header["name"], header["layout"], base, samples, problems, classes)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}:1: {error} – write the manifest anew") from error


def _parse(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        data = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError(f"{path}:{number}: {error} – expected JSON lines") from error
    if not isinstance(data, dict):
        raise DataError(f"{path}:{number}: got {type(data).__name__}, expected a JSON object")
    return data


def _row(sample: Sample, root: Path) -> dict[str, Any]:
    below = sample.path.is_relative_to(root)
    return {
        "path": str(sample.path.relative_to(root)) if below else str(sample.path),
        "below_root": below,
        "name": sample.name,
        "part": sample.part,
        "label": sample.label,
        "fractured": sample.fractured,
        "regions": sorted(sample.regions),
        "boxes": None if sample.boxes is None else [_box_row(box) for box in sample.boxes],
        "image_size": sample.image_size,
        "group": sample.group,
        "attributes": dict(sample.attributes),
    }


def _box_row(box: BoxLabel) -> dict[str, Any]:
    return {"xyxy": box.xyxy, "label": box.label, "kind": box.kind, "polygon": box.polygon}


def _read_sample(path: Path, number: int, line: str, root: Path) -> Sample:
    row = _parse(path, number, line)
    try:
        size = row["image_size"]
        return Sample(
            path=root / row["path"] if row["below_root"] else Path(row["path"]),
            name=row["name"],
            part=row["part"],
            label=row["label"],
            fractured=row["fractured"],
            regions=frozenset(row["regions"]),
            boxes=None if row["boxes"] is None else tuple(_read_box(box) for box in row["boxes"]),
            image_size=None if size is None else (int(size[0]), int(size[1])),
            group=row["group"],
            attributes=dict(row["attributes"]),
        )
    except KeyError as error:
        raise DataError(f"{path}:{number}: field {error} is missing – write the manifest anew") from error
    except (TypeError, ValueError, IndexError) as error:
        raise DataError(f"{path}:{number}: {error} – write the manifest anew") from error


def _read_box(row: Mapping[str, Any]) -> BoxLabel:
    x1, y1, x2, y2 = (float(edge) for edge in row["xyxy"])
    if not all(map(math.isfinite, (x1, y1, x2, y2))):
        raise ValueError(f"box {x1:g}, {y1:g}, {x2:g}, {y2:g}: expected finite coordinates, px")
    polygon = row["polygon"]
    points = None if polygon is None else tuple((float(x), float(y)) for x, y in polygon)
    return BoxLabel((x1, y1, x2, y2), row["label"], row["kind"], points)
