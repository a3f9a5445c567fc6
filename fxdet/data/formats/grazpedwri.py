"""GRAZPEDWRI-DX: ``images_part*/*.png`` (16 bit), YOLO label files, ``dataset.csv`` with patient ids."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from fxdet.core.errors import DataError
from fxdet.data.folders import is_image, relative_name, walk_files
from fxdet.data.formats.meanings import CLASS_MEANINGS, ClassMeaning
from fxdet.data.formats.reading import ReadOptions, read_rows, read_text, size_or_problem
from fxdet.data.formats.yolo_labels import parse_labels
from fxdet.data.samples import BoxLabel, Problem, Sample, SampleSet

CLASSES = tuple(CLASS_MEANINGS["grazpedwri"])
"""Class names by id, as the release's ``meta.yaml`` lists them."""

WRIST = frozenset({"wrist"})
KEYS = ("filestem", "patient_id")


def matches(path: Path) -> str | None:
    """Return what makes ``path`` GRAZPEDWRI-DX, or None."""
    table = path / "dataset.csv"
    if not table.is_file():
        return None
    with open(table, encoding="utf-8-sig", errors="replace") as handle:
        header = handle.readline()
    return "dataset.csv with filestem, patient_id" if all(key in header for key in KEYS) else None


def read(path: Path, options: ReadOptions) -> SampleSet:
    """Read the pictures that ``dataset.csv`` lists, grouped by patient.

    A picture is fractured where ``fracture_visible`` is 1 or a fracture box is drawn. Where the flag is set and no
    fracture box is drawn the boxes are unknown (None): the place of the fracture is not. An uncertain diagnosis
    without either leaves ``fractured`` unknown.

    Args:
        path: Folder that holds ``dataset.csv``.
        options: Meanings of class names.

    Raises:
        DataError: ``dataset.csv`` can't be read, or none of its pictures exists.
    """
    problems: list[Problem] = []
    table = path / "dataset.csv"
    rows = read_rows(table, problems)
    if missing := [key for key in KEYS if not rows or key not in rows[0][1]]:
        raise DataError(f"{table}: column {missing[0]} is missing – expected the release's dataset.csv")
    files = list(walk_files(path))
    images = {file.stem: file for file in files if is_image(file)}
    labels = {file.stem: file for file in files if file.suffix == ".txt" and file.parent.name == "labels"}
    names = _class_names(files)
    meanings = {**CLASS_MEANINGS["grazpedwri"], **options.meanings}
    samples: list[Sample] = []
    met: set[str] = set()
    for number, row in rows:
        stem = row["filestem"]
        if stem in met:
            problems.append(Problem(f"{table}:{number}", f"{stem} is listed before, which is kept", "duplicate_id"))
            continue
        if (image := images.get(stem)) is None:
            what = f"{stem} is listed and has no picture"
            problems.append(Problem(f"{table}:{number}", what, "label_without_image"))
            continue
        met.add(stem)
        boxes = _boxes(image, labels.get(stem), names, meanings, problems)
        samples.append(_sample(path, image, row, boxes, problems))
    if not samples:
        raise DataError(f"{path}: none of the {len(rows)} listed pictures exists – unpack images_part*.zip here")
    return SampleSet("grazpedwri", "grazpedwri", path, tuple(samples), tuple(problems), names)


def _class_names(files: list[Path]) -> tuple[str, ...]:
    """Return the class names of ``meta.yaml`` or ``data.yaml``, else the release's list."""
    for file in files:
        if file.name in ("meta.yaml", "data.yaml"):
            try:
                data = yaml.safe_load(read_text(file))
            except yaml.YAMLError as error:
                raise DataError(f"can't read {file}: {' '.join(str(error).split())} – expected YAML") from error
            if isinstance(data, dict) and isinstance(data.get("names"), list):
                return tuple(str(name) for name in data["names"])
    return CLASSES


def _boxes(
    image: Path,
    label: Path | None,
    names: tuple[str, ...],
    meanings: Mapping[str, ClassMeaning],
    problems: list[Problem],
) -> tuple[BoxLabel, ...] | None:
    if label is None:
        return None
    text = read_text(label, "replace")
    if not text.strip():
        return ()
    size = size_or_problem(image, problems)
    if size is None:
        return None
    boxes, bad = parse_labels(label, text, size, names, meanings)
    problems.extend(bad)
    return None if bad and not boxes else boxes


def _sample(
    root: Path, image: Path, row: Mapping[str, str], boxes: tuple[BoxLabel, ...] | None, problems: list[Problem]
) -> Sample:
    flagged = _is_set(row.get("fracture_visible", ""))
    drawn = any(box.kind == "fracture" for box in boxes or ())
    if boxes is not None and flagged != drawn:
        flag = "is set and no fracture box is drawn" if flagged else "is not set and a fracture box is drawn"
        problems.append(Problem(str(image), f"fracture_visible {flag}; it counts as fractured", "label_contradiction"))
    fractured: bool | None = flagged or drawn
    if not fractured and _is_set(row.get("diagnosis_uncertain", "")):
        fractured = None
    return Sample(
        path=image,
        name=relative_name(image, root),
        label="+".join(sorted({box.label for box in boxes or ()})) or None,
        fractured=fractured,
        regions=WRIST,
        boxes=None if flagged and not drawn else boxes,
        group=f"patient {row['patient_id']}" if row["patient_id"] else "",
        attributes={key: value for key, value in row.items() if key not in KEYS and value},
    )


def _is_set(cell: str) -> bool:
    """Return whether a flag cell is 1; the release writes 1 or 1.0, and leaves the cell empty for no."""
    return cell in ("1", "1.0")
