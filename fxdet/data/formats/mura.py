"""MURA v1.1: ``train|valid/XR_ELBOW/patient00001/study1_positive/image1.png`` and its CSV files.

A *positive* study is abnormal: besides fractures that means hardware, degenerative joint disease, lesions and
subluxations. ``fractured`` is therefore unknown (None) for positive studies, and False for negative ones, which
radiologists read as normal. The published label is kept in the attribute ``abnormal``. All that MURA teaches a
fracture head is "not fractured": mix it with a set that has fractures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from fxdet.core.errors import DataError
from fxdet.data.folders import PART_NAMES, list_images, relative_name, sub_folders
from fxdet.data.formats.reading import ReadOptions, lines_of
from fxdet.data.samples import Problem, Sample, SampleSet

STUDY_REGIONS: Mapping[str, frozenset[str]] = {
    "XR_ELBOW": frozenset({"elbow"}),
    "XR_FINGER": frozenset({"fingers"}),
    "XR_FOREARM": frozenset({"forearm"}),
    # A hand study shows the fingers and reaches to the wrist; "hand" is no region of its own.
    "XR_HAND": frozenset({"fingers", "wrist"}),
    "XR_HUMERUS": frozenset({"humerus"}),
    "XR_SHOULDER": frozenset({"shoulder"}),
    "XR_WRIST": frozenset({"wrist"}),
}
"""Study folder → regions."""

_STUDY = re.compile(r"(?P<region>XR_[A-Z]+)/(?P<patient>patient\d+)/(?P<study>study\d+)_(?P<state>positive|negative)")


def matches(path: Path) -> str | None:
    """Return what makes ``path`` MURA, or None."""
    for folder in (path, path / "train", path / "valid"):
        if found := [f.name for f in sub_folders(folder) if f.name in STUDY_REGIONS]:
            return f"{folder.name}/{found[0]}"
    return None


def read(path: Path, options: ReadOptions) -> SampleSet:
    """Read all studies, grouped by patient.

    The CSV files are a check: pictures that they list and that are missing, and studies whose label differs from
    the folder's, are problems; ``fractured`` of the latter is unknown.

    Args:
        path: The folder that holds ``train`` and ``valid`` (or one of these).
        options: Unused; the set has fixed classes.

    Raises:
        DataError: There are no study folders with pictures.
    """
    problems: list[Problem] = []
    labels = _study_labels(path, problems)
    samples: list[Sample] = []
    for image in list_images(path):
        name = relative_name(image, path)
        if (found := _STUDY.search(name)) is None:
            what = "expected XR_REGION/patientN/studyN_positive/; it is left out"
            problems.append(Problem(str(image), what, "image_without_label"))
        elif (region := found["region"]) not in STUDY_REGIONS:
            what = f"region {region} is unknown, expected {', '.join(STUDY_REGIONS)}"
            problems.append(Problem(str(image), what, "class_id"))
        else:
            samples.append(_sample(image, name, path, found, labels, problems))
    if not samples:
        raise DataError(f"no studies in {path} – expected XR_ELBOW/patient00001/study1_positive/… and the like")
    _check_listed(path, {sample.name for sample in samples}, problems)
    return SampleSet("mura", "mura", path, tuple(samples), tuple(problems))


def _below_part(stated: str) -> str:
    """Return a path of the CSV files (``MURA-v1.1/train/XR_…``) from the region folder on."""
    return stated[stated.find("XR_") :].strip().strip("/") if "XR_" in stated else stated.strip()


def _part_tables(root: Path, ending: str) -> Iterator[tuple[str, Path]]:
    for stem in ("train", "valid"):
        for folder in (root, root.parent) if root.name in PART_NAMES else (root,):
            if (file := folder / f"{stem}_{ending}.csv").is_file() and root.name in (stem, folder.name):
                yield stem, file


def _study_labels(root: Path, problems: list[Problem]) -> dict[str, bool]:
    """Return study path from the region on → abnormal."""
    labels: dict[str, bool] = {}
    for _, file in _part_tables(root, "labeled_studies"):
        for number, line in enumerate(lines_of(file), start=1):
            study, _, label = line.strip().rpartition(",")
            if label in ("0", "1") and "XR_" in study:
                labels[_below_part(study)] = label == "1"
            elif line.strip():
                got = f"got {line.strip()[:60]!r}, expected study path and 0 or 1"
                problems.append(Problem(f"{file}:{number}", got, "bad_line"))
    return labels


def _sample(
    image: Path, name: str, root: Path, found: re.Match[str], labels: Mapping[str, bool], problems: list[Problem]
) -> Sample:
    abnormal = found["state"] == "positive"
    fractured = None if abnormal else False
    if labels.get(found[0], abnormal) != abnormal:
        what = f"the folder says {found['state']}, labeled_studies.csv the opposite"
        problems.append(Problem(str(image), what, "label_contradiction"))
        fractured = None
    folders = [root.name, *Path(name).parts[:-1]]
    return Sample(
        path=image,
        name=name,
        part=next((PART_NAMES[folder] for folder in folders if folder in PART_NAMES), None),
        label=found["state"],
        fractured=fractured,
        regions=STUDY_REGIONS[found["region"]],
        group=found["patient"],
        attributes={"study": f"{found['region']}/{found['study']}", "abnormal": str(int(abnormal))},
    )


def _check_listed(root: Path, names: set[str], problems: list[Problem]) -> None:
    present = {_below_part(name) for name in names}
    for _, file in _part_tables(root, "image_paths"):
        for number, line in enumerate(lines_of(file), start=1):
            if line.strip() and _below_part(line) not in present:
                what = f"{line.strip()[:120]} does not exist"
                problems.append(Problem(f"{file}:{number}", what, "label_without_image"))
