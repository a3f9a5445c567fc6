"""Files and labels: what is wrong with each picture and each annotation, and how the classes are filled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from fxdet.core.errors import FxdetError
from fxdet.data.audit.annotations import find_disagreements
from fxdet.data.audit.coding import FORMATS
from fxdet.data.audit.fingerprints import Fingerprint
from fxdet.data.audit.properties import extension_contradicts
from fxdet.data.audit.results import ClassCount, Fault
from fxdet.data.samples import BoxLabel, Sample, SampleSet

FAULTS: Mapping[str, str] = {
    "unreadable_set": "a set that can't be opened at all",
    "missing_folder": "a folder of pictures or annotations that is stated and not there",
    "empty_split": "a part of the split, or a class folder, without pictures",
    "undecodable": "a file that can't be decoded as a picture",
    "truncated": "a file that ends before its picture does",
    "wrong_extension": "a name whose ending contradicts the file's content",
    "image_without_label": "a picture without annotation where the set has them, or that its table does not list",
    "label_without_image": "an annotation or a row of a table without picture",
    "duplicate_id": "two pictures or rows under one id or name",
    "bad_line": "a line, row or annotation that can't be read",
    "class_id": "a class beyond the set's list",
    "nan": "a coordinate that is not finite",
    "box_outside": "a box that reaches over the picture's border",
    "box_degenerate": "a box without area",
    "box_duplicated": "a box that is stated twice",
    "size_swapped": "annotated width and height are those of the picture the other way round",
    "size_mismatch": "annotated size and size of the picture differ",
    "formats_disagree": "two annotation formats of one picture that say different things",
    "label_contradiction": "two places that state opposite labels of one picture",
    "tiny_class": "a class too small to be learned or measured",
    "other": "anything else that the reader noticed",
}
"""Code of a fault → what it means."""

SAME_BOX = 0.5
"""Largest distance of edges, px, between two boxes of one class that count as one box stated twice."""

TINY = 20
"""Pictures or boxes of a class below which neither training nor measuring makes sense."""

TINY_SHARE = 0.01
"""Share of all pictures or boxes below which a class counts as tiny, as long as it has fewer than 100."""

NO_BOX = "no box"
"""Label of a picture whose annotation says that it has no box."""


def find_faults(samples: SampleSet, fingerprints: Sequence[Fingerprint]) -> tuple[Fault, ...]:
    """Return what is wrong with the files and labels of a set.

    Args:
        samples: The set, with the problems that its reader met.
        fingerprints: One per sample, in the same order.

    Returns:
        The reader's problems first, then what the files and boxes show; each file and message once.

    Raises:
        ValueError: There is not one fingerprint per sample.
    """
    if len(fingerprints) != len(samples):
        raise ValueError(f"got {len(fingerprints)} fingerprints, expected {len(samples)}, one per sample")
    found = [Fault(samples.name, problem.code, problem.where, problem.what) for problem in samples.problems]
    known = {(fault.code, fault.where) for fault in found}
    missed = {fault.what for fault in found if fault.code == "label_without_image"}
    for sample, fingerprint in zip(samples, fingerprints, strict=True):
        if not fingerprint.sha256 and not sample.path.exists():
            faults = [] if f"{sample.name} does not exist" in missed else [_missing(sample)]
        else:
            faults = [*_file_faults(sample, fingerprint), *_label_faults(sample)]
        found += [Fault(samples.name, *fault) for fault in faults if fault[:2] not in known]
    found += [Fault(samples.name, *fault) for fault in _unlabelled(samples)]
    found += find_disagreements(samples)
    found += _tiny_faults(class_counts(samples))
    return tuple(dict.fromkeys(found))


def set_fault(path: str, error: FxdetError) -> Fault:
    """Return the fault of a set that could not be opened."""
    return Fault(path, "unreadable_set", path, str(error))


def _missing(sample: Sample) -> tuple[str, str, str]:
    return "label_without_image", str(sample.path), "does not exist, expected a picture"


def _file_faults(sample: Sample, fingerprint: Fingerprint) -> Iterator[tuple[str, str, str]]:
    """Yield code, place and message of what is wrong with a file."""
    where = str(sample.path)
    if fingerprint.error is not None:
        yield "undecodable", where, fingerprint.error
    elif fingerprint.properties.get("truncated", 0.0) > 0:
        yield "truncated", where, "the file ends before its picture does; decoders fill the rest"
    if extension_contradicts(sample.path.name, fingerprint.properties):
        content = FORMATS[int(fingerprint.properties["format"])]
        yield "wrong_extension", where, f"named {sample.path.suffix or 'without ending'}, the content is {content}"


def _label_faults(sample: Sample) -> Iterator[tuple[str, str, str]]:
    """Yield code, place and message of what is wrong with a picture's boxes."""
    boxes = sample.boxes or ()
    for index, box in enumerate(boxes):
        if any(_same(box, other) for other in boxes[:index]):
            what = f"box {', '.join(f'{edge:.1f}' for edge in box.xyxy)} of {box.label} is stated twice"
            yield "box_duplicated", str(sample.path), what


def _same(a: BoxLabel, b: BoxLabel) -> bool:
    return a.label == b.label and max(abs(p - q) for p, q in zip(a.xyxy, b.xyxy, strict=True)) <= SAME_BOX


def _unlabelled(samples: SampleSet) -> Iterator[tuple[str, str, str]]:
    """Yield the pictures without annotation of a set that has annotations."""
    if any(sample.boxes is not None for sample in samples):
        told = {problem.where for problem in samples.problems}
        for sample in samples:
            if sample.boxes is None and str(sample.path) not in told:
                yield "image_without_label", str(sample.path), "has no annotation of boxes, as other pictures have"
    elif any(sample.label is not None or sample.fractured is not None for sample in samples):
        for sample in samples:
            if sample.label is None and sample.fractured is None:
                yield "image_without_label", str(sample.path), "has no label, as other pictures have"


def _tiny_faults(counts: Sequence[ClassCount]) -> Iterator[Fault]:
    """Yield one fault per tiny class; a label that is a class of boxes counts as that."""
    boxed = {count.name for count in counts if count.kind == "box"}
    for count in counts:
        if count.tiny and (count.kind == "box" or count.name not in boxed):
            yield _tiny_fault(count)


def _tiny_fault(count: ClassCount) -> Fault:
    parts = ", ".join(f"{part} {number}" for part, number in count.parts.items())
    noun = "pictures" if count.kind == "label" else "boxes"
    what = f"{count.name}: {count.total} {noun} ({parts or 'none'}), expected at least {TINY}"
    return Fault(count.set_name, "tiny_class", f"{count.set_name}: {count.kind} {count.name}", what)


def class_counts(samples: SampleSet) -> tuple[ClassCount, ...]:
    """Return how often each class occurs in each part: labels of pictures, then classes of boxes, most frequent first.

    Classes that the set names and never uses are counted with 0.
    """
    labels: dict[str, Counter[str]] = {}
    boxes: dict[str, Counter[str]] = {name: Counter() for name in samples.classes}
    for sample in samples:
        part = sample.part or "-"
        for name in _label_names(sample):
            labels.setdefault(name, Counter())[part] += 1
        for box in sample.boxes or ():
            boxes.setdefault(box.label, Counter())[part] += 1
    return (*_counts(samples, "label", labels), *_counts(samples, "box", boxes))


def _label_names(sample: Sample) -> tuple[str, ...]:
    """Return the labels of a picture: the classes of its boxes where the label is made of them."""
    from_boxes = sorted({box.label for box in sample.boxes or ()})
    if sample.label is not None:
        return tuple(from_boxes) if set(sample.label.split("+")) == set(from_boxes) else (sample.label,)
    return (NO_BOX,) if sample.boxes == () else ()


def _counts(samples: SampleSet, kind: Literal["label", "box"], found: Mapping[str, Counter[str]]) -> list[ClassCount]:
    total = sum(parts.total() for parts in found.values())
    order = sorted(found, key=lambda name: (-found[name].total(), name))
    return [
        ClassCount(samples.name, kind, name, dict(found[name]), count, name != NO_BOX and is_tiny(count, total))
        for name in order
        for count in (found[name].total(),)
    ]


def is_tiny(count: int, total: int) -> bool:
    """Return whether a class of ``count`` among ``total`` is too small to be learned or measured.

    Example:
        >>> is_tiny(12, 500), is_tiny(60, 10_000), is_tiny(60, 500)
        (True, True, False)
    """
    return count < TINY or (count < 100 and count < TINY_SHARE * total)


def several_classes(samples: SampleSet) -> int:
    """Return how many pictures have boxes of more than one class."""
    return sum(len({box.label for box in sample.boxes or ()}) > 1 for sample in samples)
