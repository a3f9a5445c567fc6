"""Pascal VOC: one XML file per picture, beside it or in ``Annotations``/``PASCAL VOC``."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from fxdet.core.errors import DataError
from fxdet.data.folders import is_image, part_of, relative_name, walk_files
from fxdet.data.formats.meanings import ClassMeaning, class_meanings
from fxdet.data.formats.reading import (
    AnnotationError,
    ReadOptions,
    annotation_problem,
    boxes_inside,
    check_box,
    fractured_by_boxes,
    lines_of,
    read_text,
    regions_by_boxes,
    size_or_problem,
    size_problem,
)
from fxdet.data.samples import BoxLabel, Problem, Sample, SampleSet


@dataclass(frozen=True, slots=True)
class VocFile:
    """Content of one XML file: stated picture name, height and width, px, and boxes with their class names."""

    file_name: str
    size: tuple[int, int] | None
    boxes: tuple[BoxLabel, ...]
    problems: tuple[Problem, ...] = ()


def read_voc_file(path: Path, meanings: Mapping[str, ClassMeaning] | None = None) -> VocFile:
    """Read one XML file; wrong objects become problems.

    Edges are taken as written: tools disagree whether they count pixels from 0 or from 1, by at most one pixel.

    Args:
        path: The file.
        meanings: Class name → meaning; the words of the names where None.

    Raises:
        DataError: The file is no VOC annotation.
    """
    text = read_text(path)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise DataError(f"can't read {path}: it declares entities, which no annotation needs – remove the declaration")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise DataError(f"can't read {path}: {error} – expected a Pascal VOC annotation") from error
    if root.tag != "annotation":
        raise DataError(f"{path}: got <{root.tag}>, expected <annotation>")
    boxes: list[BoxLabel] = []
    problems: list[Problem] = []
    for index, node in enumerate(root.iter("object")):
        try:
            boxes.append(_box(node, meanings))
        except ValueError as error:
            problems.append(annotation_problem(f"{path}: object[{index}]", error))
    return VocFile((root.findtext("filename") or "").strip(), _size(root), tuple(boxes), tuple(problems))


def _size(root: ElementTree.Element) -> tuple[int, int] | None:
    sides = [root.findtext(f"size/{side}", "").strip() for side in ("height", "width")]
    if not all(side.isdecimal() and int(side) > 0 for side in sides):
        return None
    return int(sides[0]), int(sides[1])


def _box(node: ElementTree.Element, meanings: Mapping[str, ClassMeaning] | None) -> BoxLabel:
    name = (node.findtext("name") or "").strip()
    if not name:
        raise ValueError("<name> is missing or empty")
    edges = [node.findtext(f"bndbox/{edge}", "").strip() for edge in ("xmin", "ymin", "xmax", "ymax")]
    try:
        x1, y1, x2, y2 = (float(edge) for edge in edges)
    except ValueError:
        raise ValueError(f"bndbox {', '.join(edges)}: expected four numbers, px") from None
    what, expected = f"bndbox {', '.join(edges)}", "0 <= xmin < xmax and 0 <= ymin < ymax"
    check_box(what, (x1, y1, x2, y2), expected)
    if x1 < 0 or y1 < 0:
        raise AnnotationError(f"{what}: got an edge below 0, expected {expected}", "box_outside")
    kind = (meanings or class_meanings([name]))[name].kind if meanings is None or name in meanings else "other"
    return BoxLabel((x1, y1, x2, y2), name, kind)


def _xml_files(path: Path) -> list[Path]:
    return [file for file in walk_files(path) if file.suffix.lower() == ".xml" and not file.name.startswith(".")]


def matches(path: Path) -> str | None:
    """Return what makes ``path`` a VOC set, or None."""
    if not path.is_dir():
        return None
    for file in walk_files(path):
        if file.suffix.lower() == ".xml" and "<annotation" in file.read_text("utf-8", "replace")[:500]:
            return relative_name(file, path)
    return None


def read(path: Path, options: ReadOptions) -> SampleSet:
    """Read all pictures below a folder with their XML files; a picture without one is unlabelled.

    Args:
        path: The set's folder.
        options: Meanings of class names.

    Raises:
        DataError: There are no pictures.
    """
    problems: list[Problem] = []
    images = [file for file in walk_files(path) if is_image(file)]
    if not images:
        raise DataError(f"no pictures in {path} – expected pictures with Pascal VOC files")
    annotations = _annotations(path, images, problems)
    names = {box.label for stated in annotations.values() for box in stated.boxes}
    meanings = class_meanings(sorted(names), options.meanings)
    parts = _listed_parts(path, {image.stem for image in images}, problems)
    samples = [_sample(path, image, annotations.get(image), meanings, parts, problems) for image in images]
    return SampleSet(path.name, "voc", path, tuple(samples), tuple(problems), tuple(sorted(names)))


def _annotations(root: Path, images: list[Path], problems: list[Problem]) -> dict[Path, VocFile]:
    """Return picture → annotation: same folder and stem first, then the stem anywhere below the set."""
    beside: dict[tuple[Path, str], list[Path]] = {}
    by_stem: dict[str, list[Path]] = {}
    for image in images:
        beside.setdefault((image.parent, image.stem), []).append(image)
        by_stem.setdefault(image.stem, []).append(image)
    found: dict[Path, VocFile] = {}
    for file in _xml_files(root):
        fitting = beside.get((file.parent, file.stem)) or by_stem.get(file.stem, [])
        if len(fitting) != 1:
            code = "duplicate_id" if fitting else "label_without_image"
            problems.append(Problem(str(file), f"{len(fitting)} pictures have this name, expected one", code))
            continue
        found_image = fitting[0]
        if found_image in found:
            what = f"{found_image.name} has another annotation already, which is kept"
            problems.append(Problem(str(file), what, "duplicate_id"))
            continue
        try:
            found[found_image] = read_voc_file(file)
        except DataError as error:
            problems.append(Problem(str(file), str(error), "bad_line"))
            continue
        problems.extend(found[found_image].problems)
    return found


def _stem(line: str, stems: Set[str]) -> str:
    """Return the stem of a list's line, which may hold spaces, and may be followed by 1, 0 or -1."""
    return line.strip() if line.strip() in stems else line.split()[0]


def _listed_parts(root: Path, stems: Set[str], problems: list[Problem]) -> dict[str, str]:
    """Return stem → part from ``ImageSets/Main/{train,val,test}.txt``."""
    listed: dict[str, str] = {}
    for part in ("train", "val", "test"):
        file = root / "ImageSets" / "Main" / f"{part}.txt"
        if not file.is_file():
            continue
        lines = [(number, _stem(line, stems)) for number, line in enumerate(lines_of(file), start=1) if line.split()]
        if not lines:
            problems.append(Problem(str(file), f"part {part} lists no picture, expected at least one", "empty_split"))
        for number, stem in lines:
            if stem not in stems:
                problems.append(Problem(f"{file}:{number}", f"{stem} does not exist", "label_without_image"))
            elif listed.setdefault(stem, part) != part:
                what = f"{stem} is in part {listed[stem]} as well; {listed[stem]} is kept"
                problems.append(Problem(f"{file}:{number}", what, "duplicate_id"))
    return listed


def _sample(
    root: Path,
    image: Path,
    stated: VocFile | None,
    meanings: Mapping[str, ClassMeaning],
    parts: Mapping[str, str],
    problems: list[Problem],
) -> Sample:
    size = size_or_problem(image, problems)
    boxes = None
    if stated is not None and size is not None:
        if stated.size is not None and stated.size != size:
            problems.append(size_problem(image, stated.size, size, "its boxes are left out"))
        else:
            named = tuple(BoxLabel(box.xyxy, box.label, meanings[box.label].kind) for box in stated.boxes)
            boxes = boxes_inside(str(image), named, size, problems)
    return Sample(
        path=image,
        name=relative_name(image, root),
        part=parts.get(image.stem) or part_of(image, root),
        label="+".join(sorted({box.label for box in boxes or ()})) or None,
        fractured=fractured_by_boxes(boxes, meanings),
        regions=regions_by_boxes(boxes, meanings),
        boxes=boxes,
        image_size=size,
    )
