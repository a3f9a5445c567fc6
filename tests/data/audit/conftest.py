"""A hand-made audit of drawn radiographs, with everything that an audit can find."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fxdet.data.audit.results import (
    AuditedFile,
    AuditResult,
    Baseline,
    ClassCount,
    DuplicateGroup,
    Fault,
    Leak,
    Link,
    NameCollision,
    SetFacts,
    ShortcutFeature,
    Shortcuts,
)
from fxdet.imaging.synthetic import DrawingOptions, draw_radiograph

NAMES = ("val/a.png", "train/b.png", "train/c.png", "train/d.png", "val/<e>\udcff.png", "train/f.png")
FRACTURED = (True, True, False, False, None, False)


@pytest.fixture
def made(tmp_path: Path) -> AuditResult:
    """Six pictures: b is a turned a (a leak), c and d are one with opposite labels by b, e can't be read."""
    drawn = draw_radiograph(np.random.default_rng(3), DrawingOptions(size=(96, 64))).pixels
    root = tmp_path / "set"
    for name, turns in zip(NAMES, (0, 1, 2, 0, None, 0), strict=True):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        if turns is not None:
            Image.fromarray(np.rot90(drawn, turns)).save(root / name)
    files = tuple(
        AuditedFile("set", name, str(root / name), name.split("/")[0], label, None, label is not None)
        for name, label in zip(NAMES, FRACTURED, strict=True)
    )
    groups = (
        # Each turn brings the second picture of the link onto the first.
        DuplicateGroup(
            (0, 1, 2), "near", (Link(0, 1, "near", 0.99, "3"), Link(1, 2, "near", 0.97, "3")),
            ("set/train", "set/val"), True,
        ),
        DuplicateGroup((3, 5), "bytes", (Link(3, 5, "bytes"),), ("set/train",), False),
    )  # fmt: skip
    features = (
        ShortcutFeature("truncated", 0.91, "normal", "the file ends before the picture does"),
        ShortcutFeature("bits", None, "", "bits per sample"),
    )
    return AuditResult(
        sets=(SetFacts("set", "yolo", str(root), None, 6, {"train": 4, "val": 2}, 1),),
        files=files,
        groups=groups,
        leaks=(Leak("set/val", "set/train", 2, 0, 0, 1, (0.09, 0.91)),),
        collisions=(NameCollision("a", (0, 3)),),
        baselines=(Baseline("set/val", "set/train", 506, 502, 499, 270, (0.98, 0.997)),),
        shortcuts=(Shortcuts("set", 0.93, (0.9, 0.96), 5, 2, 5, features),),
        faults=(
            *(Fault("set", "truncated", f"{root}/train/{name}.png", "the file ends early") for name in "bcdf"),
            Fault("set", "tiny_class", "set: box screw", "screw: 2 boxes"),
        ),
        classes=(
            ClassCount("set", "label", "fractured", {"train": 1, "val": 1}, 2, False),
            ClassCount("set", "box", "screw", {"train": 2}, 2, True),
        ),
        settings={"threshold": 0.96},
        seconds=1.25,
        version="0.0",
    )
