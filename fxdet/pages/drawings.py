"""Schematic drawings of how the pipeline fails, as SVG: outlines of bones on black, no radiograph of anybody.

Bones are half transparent, so that bones over each other are brighter, as on film.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fxdet.imaging.anatomy import REGION_ANATOMY, Anatomy, Bone, Limb, Place, Shaft, long_bone, pebble

Points = NDArray[np.float64]

SIDE = 160
"""Width and height of a drawing, px."""

REFERENCE, FINDING = "#56b4e9", "#ff5e3a"
"""Colours of the boxes, as on the page of the worst cases."""

_BONE = 'fill="#e9eef2" fill-opacity=".36" stroke="#f4f7f9" stroke-opacity=".75" stroke-width=".9"'
_TISSUE = 'stroke="#fff" stroke-opacity=".13" fill="none" stroke-linecap="round" stroke-linejoin="round"'
_METAL = 'stroke="#fff" stroke-width="2.6" fill="none" stroke-linecap="round"'
_CRACK = 'stroke="#0b0d0f" stroke-width="1.5" fill="none" stroke-linejoin="round"'
_PLASTER = 'fill="#fff" fill-opacity=".17" stroke="#fff" stroke-opacity=".5" stroke-width="1.2" stroke-dasharray="3 2"'

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Drawing:
    """One drawing.

    Attributes:
        shapes: SVG elements, the lowest first.
        references: Boxes of fractures, in the units of :mod:`fxdet.imaging.anatomy`.
        findings: Boxes that the pipeline would draw.
    """

    shapes: Sequence[str]
    references: Sequence[Box] = ()
    findings: Sequence[Box] = ()

    def svg(self) -> str:
        """Return the file's text."""
        boxes = [_box(box, REFERENCE, "") for box in self.references]
        boxes += [_box(box, FINDING, ' stroke-dasharray="4 2"') for box in self.findings]
        lines = "\n".join([f'<rect width="{SIDE}" height="{SIDE}" fill="#111417"/>', *self.shapes, *boxes])
        size = f'width="{SIDE}" height="{SIDE}" viewBox="0 0 {SIDE} {SIDE}"'
        return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n{lines}\n</svg>\n'


def drawings() -> dict[str, str]:
    """Return kind of failure → text of its SVG file.

    Example:
        >>> drawings()["metal"].startswith("<svg")
        True
    """
    return {name: draw().svg() for name, draw in _DRAWN.items()}


def _x(value: float) -> float:
    return round(SIDE / 2 * (1 + value), 1)


def _path(points: Points | Sequence[Place], closed: bool = False) -> str:
    pairs = " ".join(f"{_x(float(x)):g},{_x(float(y)):g}" for x, y in points)
    return f"M{pairs}{'z' if closed else ''}"


def _line(points: Points | Sequence[Place], style: str) -> str:
    return f'<path d="{_path(points)}" {style}/>'


def _area(points: Points | Sequence[Place], style: str = _BONE) -> str:
    return f'<path d="{_path(points, closed=True)}" {style}/>'


def _box(box: Box, colour: str, more: str) -> str:
    x1, y1, x2, y2 = (_x(edge) for edge in box)
    size = f'width="{x2 - x1:g}" height="{y2 - y1:g}"'
    return f'<rect x="{x1:g}" y="{y1:g}" {size} fill="none" stroke="{colour}" stroke-width="2"{more}/>'


def _bones(bones: Iterable[Bone]) -> list[str]:
    # Every second point of a rounded outline is enough at this size.
    return [_area(bone.outline[:: 2 if len(bone.outline) > 20 else 1]) for bone in bones]


def _tissue(limbs: Iterable[Limb]) -> list[str]:
    return [f'<path d="{_path(limb.points)}" {_TISSUE} stroke-width="{max(limb.radii) * SIDE:.0f}"/>' for limb in limbs]


def _anatomy(region: str, seed: int = 3) -> Anatomy:
    return REGION_ANATOMY[region](np.random.default_rng(seed))


def _whole(anatomy: Anatomy) -> list[str]:
    return [*_tissue(anatomy.tissue), *_bones(anatomy.bones)]


def _elbow(gap: float = 0.0) -> list[Bone]:
    """Return a bent elbow from the side; ``gap`` parts the bones' ends, as they are before they have joined."""
    return [
        long_bone((-0.5, -1.9), (-0.42, 0.02 - gap), Shaft(0.15, 0.15, 0.22, end_notch=0.4)),
        long_bone((-0.3 + gap, 0.34), (1.9, 0.2), Shaft(0.11, 0.2, 0.1)),
        long_bone((-0.14 + gap, 0.1), (1.9, -0.06), Shaft(0.09, 0.13, 0.08)),
    ]


_ELBOW_TISSUE = (Limb(((-0.5, -1.8), (-0.46, 0.15), (1.8, 0.1)), (0.42, 0.42, 0.36)),)


def _growing_elbow() -> Drawing:
    places = ((-0.4, 0.1, 0.12), (-0.06, 0.08, 0.06), (-0.52, 0.36, 0.09))
    centres = (pebble((x, y), (radius, 0.9 * radius)) for x, y, radius in places)
    crack = [(-0.66, -0.26), (-0.52, -0.19), (-0.42, -0.25), (-0.2, -0.17)]
    shapes = [*_tissue(_ELBOW_TISSUE), *_bones((*_elbow(0.14), *centres)), _line(crack, _CRACK)]
    return Drawing(shapes, [(-0.74, -0.38, -0.1, -0.04)])


def _elbow_chip() -> Drawing:
    bones = (
        long_bone((0.0, -1.9), (0.02, -0.1), Shaft(0.15, 0.15, 0.36, end_notch=0.5)),
        long_bone((-0.17, 0.04), (-0.26, 1.9), Shaft(0.11, 0.24, 0.1)),
        long_bone((0.2, 0.06), (0.24, 1.9), Shaft(0.09, 0.14, 0.09)),
        pebble((-0.44, -0.2), (0.045, 0.065), density=0.8),
    )
    shapes = [*_tissue((Limb(((0, -1.8), (0, 1.8)), (0.5, 0.45)),)), *_bones(bones)]
    return Drawing(shapes, [(-0.54, -0.32, -0.34, -0.06)])


def _fine_line() -> Drawing:
    crack = [(-0.36, 0.66), (-0.22, 0.7), (-0.1, 0.65), (0.04, 0.69)]
    fine = _CRACK.replace("1.5", ".8").replace("/>", "")
    return Drawing(
        [*_whole(_anatomy("wrist")), _line(crack, f'{fine} stroke-opacity=".8"')], [(-0.46, 0.54, 0.14, 0.8)]
    )


def _small_bone() -> Drawing:
    crack = [(0.3, 0.5), (0.37, 0.46), (0.45, 0.49)]
    return Drawing([*_whole(_anatomy("fingers")), _line(crack, _CRACK)], [(0.24, 0.36, 0.54, 0.6)])


def _plain() -> Drawing:
    upper = Bone(
        np.array([(-0.64, -1.6), (-0.32, -1.6), (-0.38, -0.3), (-0.5, 0.0), (-0.74, 0.24), (-0.7, -0.2)]), 0.15
    )
    lower = Bone(
        np.array([(-0.06, -0.66), (-0.04, -0.2), (-0.1, 0.16), (-0.28, 0.28), (-0.46, 0.2), (-0.36, -0.1)]), 0.15
    )
    shapes = [*_tissue(_ELBOW_TISSUE), *_bones((upper, lower, *_elbow()[1:]))]
    return Drawing(shapes, [(-0.86, -0.7, 0.06, 0.4)])


def _plaster() -> Drawing:
    shell = [(-0.95, -1), (-0.95, 0.45), (-0.7, 0.72), (1, 0.62), (1, -0.34), (0.1, -0.3), (-0.05, -0.5), (-0.05, -1)]
    crack = [(-0.62, -0.18), (-0.48, -0.24), (-0.28, -0.14)]
    shapes = [*_tissue(_ELBOW_TISSUE), *_bones(_elbow()), _line(crack, _CRACK), _area(shell, _PLASTER)]
    return Drawing(shapes, [(-0.74, -0.36, -0.18, 0.0)], [(0.3, 0.2, 0.72, 0.6)])


def _wrist_front() -> Drawing:
    band = 'stroke="#fff" stroke-opacity=".55" stroke-width="3" fill="none"'
    shapes = [*_whole(_anatomy("wrist")), _line([(-0.36, 0.56), (-0.15, 0.6), (0.06, 0.55)], band)]
    return Drawing(shapes, findings=[(-0.5, 0.38, 0.2, 0.78)])


def _wrist_side() -> Drawing:
    bones = (
        long_bone((0.02, 2.0), (0.0, 0.3), Shaft(0.12, 0.12, 0.22)),
        long_bone((0.14, 2.0), (-0.06, 0.34), Shaft(0.09, 0.09, 0.14)),
        *(pebble((x, y), (0.14, 0.12), 6 * x) for x, y in ((0.0, 0.12), (0.06, -0.04), (-0.08, -0.02), (0.04, -0.16))),
        *(long_bone((x, -0.24), (1.8 * x, -1.7), Shaft(0.07, 0.1, 0.09)) for x in (-0.07, 0.0, 0.08)),
        long_bone((0.16, -0.14), (0.5, -0.8), Shaft(0.075, 0.11, 0.1)),
    )
    shapes = [*_tissue((Limb(((0.05, 1.9), (0.0, 0.1), (0.0, -1.7)), (0.34, 0.3, 0.3)),)), *_bones(bones)]
    return Drawing(shapes, findings=[(-0.32, 0.16, 0.3, 0.72)])


def _growing_bone() -> Drawing:
    bones = (
        long_bone((-0.2, 2.0), (-0.18, 0.56), Shaft(0.13, 0.13, 0.24)),
        pebble((-0.18, 0.3), (0.25, 0.075)),
        long_bone((0.26, 2.0), (0.26, 0.6), Shaft(0.09, 0.09, 0.13)),
        pebble((0.26, 0.42), (0.11, 0.05)),
        *(pebble((x, y), (0.1, 0.1), 5 * x) for y in (0.06, -0.14) for x in (-0.24, 0.0, 0.22)),
        *(long_bone((x, -0.32), (1.7 * x, -1.6), Shaft(0.065, 0.1, 0.1)) for x in (-0.3, -0.1, 0.1, 0.28)),
    )
    shapes = [*_tissue((Limb(((0, 1.9), (0, 0.2), (0, -1.5)), (0.5, 0.5, 0.66)),)), *_bones(bones)]
    return Drawing(shapes, findings=[(-0.5, 0.16, 0.14, 0.58)])


def _helpers_hand() -> Drawing:
    def finger(y: float) -> list[Bone]:
        ends = ((1.3, y - 0.05), (0.62, y), (0.16, y + 0.02), (-0.2, y + 0.02))
        return [long_bone(a, (b[0] + 0.05, b[1]), Shaft(0.06, 0.09, 0.085)) for a, b in pairwise(ends)]

    hand = [bone for y in (-0.5, -0.24, 0.02) for bone in finger(y)]
    shapes = [*_whole(_anatomy("leg")), *_tissue((Limb(((1.2, -0.25), (0.0, -0.24)), (0.36, 0.3)),)), *_bones(hand)]
    return Drawing(shapes, findings=[(-0.4, -0.38, 0.24, 0.12)])


def _metal() -> Drawing:
    wires = [[(-0.06, -0.5), (0.1, 0.92)], [(0.22, -0.42), (-0.02, 0.9)], [(-0.04, 0.1), (0.2, -0.02), (-0.02, -0.1)]]
    shapes = [*_whole(_anatomy("leg")), *(_line(wire, _METAL) for wire in wires)]
    return Drawing(shapes, findings=[(-0.22, -0.56, 0.36, 0.98)])


def _ankle() -> Drawing:
    bones = (
        long_bone((-0.14, -2.0), (-0.12, 0.14), Shaft(0.17, 0.16, 0.3)),
        long_bone((0.3, -2.0), (0.26, 0.3), Shaft(0.09, 0.09, 0.14)),
        pebble((-0.06, 0.34), (0.24, 0.13)),
        *(pebble((x, 0.62), (0.13, 0.12), 5 * x) for x in (-0.2, 0.02, 0.22)),
        *(long_bone((x, 0.78), (1.8 * x, 2.0), Shaft(0.07, 0.1, 0.1)) for x in (-0.26, -0.1, 0.08, 0.26)),
    )
    shapes = [*_tissue((Limb(((0.04, -1.9), (0.04, 0.3), (0, 1.6)), (0.56, 0.52, 0.7)),)), *_bones(bones)]
    return Drawing(shapes, findings=[(0.04, -0.06, 0.46, 0.5)])


def _worn_joint() -> Drawing:
    ragged = [(0.02 + 0.07 * np.cos(a), -0.3 + 0.06 * np.sin(a)) for a in np.linspace(0, 6, 7)]
    places = ((-0.56, 0.06, 0.07), (-0.02, 0.18, 0.06), (-0.44, 0.2, 0.05))
    spurs = (pebble((x, y), (radius, 0.8 * radius)) for x, y, radius in places)
    shapes = [*_whole(_anatomy("shoulder")), *_bones(spurs), _area(ragged)]
    return Drawing(shapes, findings=[(-0.7, -0.44, 0.14, 0.36)])


_DRAWN: dict[str, Callable[[], Drawing]] = {
    "growing elbow": _growing_elbow,
    "elbow chip or line": _elbow_chip,
    "fine line at a bone end": _fine_line,
    "small bone": _small_bone,
    "plain but unusual": _plain,
    "plaster": _plaster,
    "wrist from the front": _wrist_front,
    "wrist from the side": _wrist_side,
    "growing bone": _growing_bone,
    "helper's hand": _helpers_hand,
    "metal": _metal,
    "ankle": _ankle,
    "worn joint": _worn_joint,
}
