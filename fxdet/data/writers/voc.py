"""Pascal VOC: ``JPEGImages``, ``Annotations`` and ``ImageSets/Main``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

from fxdet.data.samples import BoxLabel
from fxdet.data.writers.placed import (
    Placed,
    by_part,
    lost_labels,
    outlines,
    plain,
    strange_parts,
    write_label_file,
)

PICTURES = "JPEGImages"
FLAT = True
NEEDS_BOXES = True


def write(folder: Path, name: str, placed: Sequence[Placed], classes: Sequence[str]) -> list[str]:
    """Write one XML file per picture with known boxes, and one list per part.

    No XML file means that the boxes are unknown, one without objects that there are none. Edges are pixel corners with
    decimals, counted from 0, as labelImg and FracAtlas have them.

    Args:
        folder: The new set's folder.
        name: Name of the set.
        placed: The samples.
        classes: Unused; each object states its class.

    Returns:
        One line for each thing that the format can't hold.
    """
    for item in placed:
        if item.sample.boxes is not None:
            write_label_file(folder / "Annotations" / f"{item.label_stem}.xml", annotation_text(name, item))
    for part, members in by_part(placed).items():
        if part is not None:
            lines = "".join(f"{item.label_stem}\n" for item in members)
            write_label_file(folder / "ImageSets" / "Main" / f"{part.replace('/', '_')}.txt", lines)
    lines_out = [*lost_labels(placed, "Pascal VOC"), *strange_parts(placed)]
    if lost := outlines(placed):
        lines_out.insert(0, f"outlines ({lost:,}) have no place in Pascal VOC; their boxes are kept")
    return lines_out


def annotation_text(name: str, item: Placed) -> str:
    """Return the XML text of one picture."""
    root = ElementTree.Element("annotation")
    height, width = item.size
    _add(root, "folder", PICTURES)
    _add(root, "filename", PurePosixPath(item.picture).name)
    _add(_add(root, "source"), "database", " ".join("".join(filter(_allowed, name)).split()))
    size = _add(root, "size")
    for side, length in (("width", width), ("height", height)):
        _add(size, side, str(length))
    _add(root, "segmented", "0")
    for box in item.sample.boxes or ():
        _add_object(root, box)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _allowed(character: str) -> bool:
    return character.isprintable()


def _add(parent: ElementTree.Element, tag: str, text: str | None = None) -> ElementTree.Element:
    child = ElementTree.SubElement(parent, tag)
    child.text = text
    return child


def _add_object(root: ElementTree.Element, box: BoxLabel) -> None:
    node = _add(root, "object")
    _add(node, "name", box.label)
    for tag, text in (("pose", "Unspecified"), ("truncated", "0"), ("difficult", "0")):
        _add(node, tag, text)
    bounds = _add(node, "bndbox")
    for tag, edge in zip(("xmin", "ymin", "xmax", "ymax"), box.xyxy, strict=True):
        _add(bounds, tag, plain(edge))
