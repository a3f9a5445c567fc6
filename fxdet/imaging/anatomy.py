"""Outlines of the eight regions for drawn radiographs: schematic bones and the soft tissue around them.

Unit: half of the picture's shorter side; the origin is the middle, x points right and y down. Bones that run out of
the picture simply end beyond 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Points = NDArray[np.float64]
Place = tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Bone:
    """One bone.

    Attributes:
        outline: Points of a closed polygon, shape (P, 2).
        radius: Half of the shaft's (or the bone's) width.
        density: Brightness relative to a full shaft.
        axis: Points along the shaft from start to end, shape (A, 2); empty for bones without a shaft.
        breakable: Part of the axis where a fracture may lie, or None.
        fused: Part of the bone drawn before it, such as a head: it does not add up with that one.
    """

    outline: Points
    radius: float
    density: float = 1.0
    axis: Points | None = None
    breakable: tuple[float, float] | None = None
    fused: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Limb:
    """Soft tissue: a chain of points with a radius each."""

    points: tuple[Place, ...]
    radii: tuple[float, ...]
    density: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Anatomy:
    """Bones and soft tissue of one region."""

    bones: tuple[Bone, ...]
    tissue: tuple[Limb, ...]


@dataclass(frozen=True, slots=True)
class Shaft:
    """Shape of a long bone: radii of shaft, start and end; sideways bow; notch 0–1 of either end's condyles."""

    radius: float
    start: float
    end: float
    bow: float = 0.0
    start_notch: float = 0.0
    end_notch: float = 0.0


def long_bone(start: Place, end: Place, shape: Shaft, breakable: tuple[float, float] | None = None) -> Bone:
    """Return a tube with flared, rounded ends from ``start`` to ``end``."""
    along = np.linspace(0, 1, 40)
    first, last = np.array(start, dtype=np.float64), np.array(end, dtype=np.float64)
    length = float(np.hypot(*(last - first)))
    forward = (last - first) / length
    side = np.array([-forward[1], forward[0]])
    axis = first + along[:, None] * (last - first) + (shape.bow * 4 * along * (1 - along))[:, None] * side
    reach_start, reach_end = 1.7 * shape.start / length, 1.7 * shape.end / length
    radius = shape.radius + (shape.start - shape.radius) * np.exp(-((along / reach_start) ** 2))
    radius = radius + (shape.end - shape.radius) * np.exp(-(((1 - along) / reach_end) ** 2))
    edge = radius[:, None] * side
    outline = np.concatenate(
        [
            axis + edge,
            last + _cap(radius[-1], shape.end_notch) @ np.stack([forward, side]),
            (axis - edge)[::-1],
            first + _cap(radius[0], shape.start_notch) @ np.stack([-forward, -side]),
        ]
    )
    return Bone(outline, shape.radius, axis=axis, breakable=breakable)


def _cap(radius: float, notch: float) -> Points:
    """Return the rounding of a bone's end as (forward, sideways) points, with two condyles where there is a notch."""
    angle = np.linspace(np.pi / 2, -np.pi / 2, 13)[1:-1]
    forward = np.sqrt(np.cos(angle)) * (1 - notch * np.exp(-((np.sin(angle) / 0.3) ** 2)))
    return radius * np.stack([0.55 * forward, np.sin(angle)], axis=1)


def pebble(centre: Place, radii: Place, turn: float = 0.0, density: float = 0.8) -> Bone:
    """Return a rounded bone without a shaft, such as a carpal or the head of the femur."""
    angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    round_off = 1 + 0.05 * np.cos(3 * angle + turn)
    points = np.stack([radii[0] * np.cos(angle), radii[1] * np.sin(angle)], axis=1) * round_off[:, None]
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return Bone(points @ rotation + np.array(centre), min(radii), density)


def plate(corners: tuple[Place, ...], density: float = 0.5) -> Bone:
    """Return a flat bone, such as the scapula, with its corners rounded off."""
    points = np.array(corners, dtype=np.float64)
    for _ in range(3):  # Chaikin's corner cutting
        following = np.roll(points, -1, axis=0)
        points = np.stack([0.75 * points + 0.25 * following, 0.25 * points + 0.75 * following], axis=1).reshape(-1, 2)
    return Bone(points, 0.12, density)


def fused(bone: Bone) -> Bone:
    """Return the bone as a part of the one drawn before it."""
    return replace(bone, fused=True)


def humerus(generator: Generator) -> Anatomy:
    """Return the upper arm, front view."""
    width = generator.uniform(0.09, 0.12)
    bones = (
        plate(((0.32, -0.95), (0.5, -1.3), (0.9, -1.2), (0.75, -0.5)), 0.4),
        long_bone((0, -0.95), (0.03, 0.88), Shaft(width, 0.19, 0.25, 0.03, end_notch=0.5), (0.22, 0.82)),
        fused(pebble((0.08, -0.97), (0.2, 0.19))),
        long_bone((0.12, 0.95), (0.16, 2.2), Shaft(0.08, 0.14, 0.08)),
        long_bone((-0.13, 1.04), (-0.14, 2.2), Shaft(0.06, 0.1, 0.06)),
    )
    return Anatomy(bones, (Limb(((0.1, -1.6), (0, -0.6), (0, 0.8), (0, 1.8)), (0.7, 0.46, 0.4, 0.36)),))


def forearm(generator: Generator) -> Anatomy:
    """Return radius and ulna, with the elbow above and the carpus below."""
    width = generator.uniform(0.065, 0.08)
    carpus = tuple(pebble((x, 1.03 + 0.03 * abs(x) + row), (0.075, 0.07), 8 * x) for row in (0, 0.15) for x in _FOUR)
    bones = (
        long_bone((0.02, -2.2), (0.0, -1.12), Shaft(0.12, 0.12, 0.26, end_notch=0.5)),
        long_bone((-0.15, -0.93), (-0.12, 0.85), Shaft(width, 0.1, 0.16, -0.07), (0.2, 0.9)),
        long_bone((0.13, -1.03), (0.17, 0.86), Shaft(width * 0.95, 0.14, 0.08, 0.04), (0.2, 0.9)),
        *carpus,
    )
    return Anatomy(bones, (Limb(((0, -1.7), (0, -0.6), (0, 0.7), (0, 1.6)), (0.44, 0.46, 0.32, 0.38)),))


def elbow(generator: Generator) -> Anatomy:
    """Return the elbow, straight or bent."""
    bend = generator.uniform(0, 0.3) if generator.random() < 0.5 else generator.uniform(1.1, 1.6)
    forward = np.array([np.sin(bend), np.cos(bend)])
    side = np.array([forward[1], -forward[0]])
    centre = np.array([-0.25 * np.sin(bend), 0.05])

    def place(along: float, across: float) -> Place:
        x, y = centre + along * forward + across * side
        return float(x), float(y)

    bones = (
        long_bone((centre[0] - 0.05, -1.9), (centre[0], -0.12), Shaft(0.14, 0.14, 0.31, end_notch=0.5), (0.55, 0.9)),
        long_bone(place(-0.02, -0.15), place(2.0, -0.13), Shaft(0.105, 0.2, 0.1, 0.03), (0.12, 0.45)),
        long_bone(place(0.17, 0.17), place(2.0, 0.15), Shaft(0.085, 0.14, 0.09, -0.03), (0.08, 0.45)),
    )
    points = ((centre[0], -1.9), (centre[0], -0.5), (centre[0], 0.0), place(0.6, 0), place(2.2, 0))
    return Anatomy(bones, (Limb(points, (0.5, 0.46, 0.46, 0.42, 0.34)),))


_FOUR = (-0.22, -0.07, 0.08, 0.22)


def wrist(generator: Generator) -> Anatomy:
    """Return the wrist: distal forearm, two rows of carpals, bases of the metacarpals."""
    width = generator.uniform(0.11, 0.135)
    carpals = [
        pebble((1.45 * x, y + 0.25 * x * x), tuple(generator.uniform(0.1, 0.13, 2)), 9 * x)
        for y in (0.13, -0.1)
        for x in _FOUR
    ]
    metacarpals = [
        long_bone((x, -0.3 + 0.3 * x * x), (2.0 * x, -1.6), Shaft(0.065, 0.1, 0.1), (0.2, 0.5))
        for x in (-0.3, -0.11, 0.08, 0.26)
    ]
    thumb = long_bone((-0.45, -0.12), (-1.0, -0.8), Shaft(0.075, 0.115, 0.1), (0.25, 0.8))
    bones = (
        long_bone((-0.17, 2.0), (-0.15, 0.38), Shaft(width, width, 0.27, 0.02), (0.66, 0.93)),
        long_bone((0.25, 2.0), (0.25, 0.42), Shaft(0.085, 0.085, 0.13), (0.66, 0.92)),
        *carpals,
        *metacarpals,
        thumb,
    )
    arm = Limb(((0, 2.0), (0, 0.8), (0, 0.2), (-0.05, -0.5), (0, -1.6)), (0.52, 0.46, 0.5, 0.6, 0.75))
    return Anatomy(bones, (arm, Limb(((-0.4, 0.0), (-1.0, -0.85)), (0.26, 0.2))))


def fingers(generator: Generator) -> Anatomy:
    """Return the hand with its fingers spread."""
    spread = generator.uniform(0.9, 1.25)
    bones: list[Bone] = [pebble((x, 1.08), (0.08, 0.075), 7 * x) for x in _FOUR]
    tissue = [Limb(((0.0, 1.6), (0.0, 0.95), (0.0, 0.55)), (0.34, 0.4, 0.46))]
    for base, lean, size in ((-0.3, -0.17, 0.9), (-0.1, -0.05, 1.0), (0.1, 0.06, 0.95), (0.29, 0.19, 0.76)):
        _add_ray(bones, tissue, ((base, 0.92), lean * spread, size, (0.58, 0.44, 0.27, 0.19)))
    _add_ray(bones, tissue, ((-0.36, 1.0), -0.75 * spread, 0.85, (0.42, 0.32, 0.25)))
    return Anatomy(tuple(bones), tuple(tissue))


def _add_ray(bones: list[Bone], tissue: list[Limb], ray: tuple[Place, float, float, tuple[float, ...]]) -> None:
    """Add one finger: its base, lean from upright (radians), size, and the lengths of its bones."""
    base, lean, size, lengths = ray
    forward = np.array([np.sin(lean), -np.cos(lean)])
    start, radius = np.array(base), 0.05 * size
    for length in lengths:
        end = start + forward * length * size
        shape = Shaft(radius, radius * 1.55, radius * 1.4)
        bones.append(long_bone((start[0], start[1]), (end[0], end[1]), shape, (0.25, 0.75)))
        start, radius = end + forward * 0.055, radius * 0.86
    middle = np.array(base) + forward * lengths[0] * size
    tip = start + forward * 0.02
    points = (tuple(np.array(base)), tuple(middle), tuple(tip))
    tissue.append(Limb(points, (0.17 * size, 0.14 * size, 0.09 * size)))


def shoulder(generator: Generator) -> Anatomy:
    """Return the shoulder: head of the humerus, scapula, clavicle and ribs."""
    drop = generator.uniform(-0.05, 0.08)
    ribs = tuple(
        long_bone((0.55, y), (2.0, y + 0.25), Shaft(0.04, 0.05, 0.04, -0.22)) for y in (-0.5, -0.1, 0.3, 0.7, 1.1)
    )
    bones = (
        *(Bone(rib.outline, rib.radius, 0.45) for rib in ribs),
        plate(((0.02, -0.42), (0.3, -0.55), (0.8, -0.5), (0.72, 0.3), (0.45, 0.95), (0.3, 0.45), (0.05, 0.1)), 0.45),
        long_bone((-0.28, -0.52 + drop), (1.5, -0.75), Shaft(0.065, 0.09, 0.07, 0.08), (0.2, 0.65)),
        long_bone((-0.35, -0.42), (0.35, -0.42), Shaft(0.06, 0.09, 0.06, -0.04)),
        long_bone((-0.34, -0.12 + drop), (-0.5, 1.9), Shaft(0.135, 0.21, 0.135), (0.13, 0.48)),
        fused(pebble((-0.22, -0.12 + drop), (0.27, 0.26))),
    )
    chest = Limb(((0.9, -0.8), (0.9, 0.3), (0.9, 1.6)), (0.5, 0.9, 1.0), 0.55)
    arm = Limb(((-0.1, -0.25), (-0.42, 0.6), (-0.5, 1.9)), (0.6, 0.48, 0.42))
    return Anatomy(bones, (chest, arm, Limb(((-0.1, -0.4), (1.4, -0.9)), (0.42, 0.6), 0.7)))


def hip(generator: Generator) -> Anatomy:
    """Return one hip joint: half of the pelvis, head, neck and shaft of the femur."""
    head = generator.uniform(0.23, 0.26)
    bones = (
        plate(((0.0, -0.2), (-0.38, -0.45), (-0.55, -1.1), (-0.2, -1.6), (0.7, -1.5), (0.6, -0.7), (0.4, -0.2)), 0.6),
        fused(long_bone((0.22, -0.2), (1.1, 0.02), Shaft(0.1, 0.2, 0.13, 0.03), (0.35, 0.8))),
        fused(long_bone((0.22, 0.05), (0.52, 0.62), Shaft(0.11, 0.17, 0.14), (0.3, 0.8))),
        fused(long_bone((0.52, 0.64), (1.05, 0.16), Shaft(0.07, 0.11, 0.09), (0.25, 0.8))),
        long_bone((-0.42, 0.22), (-0.34, 2.0), Shaft(0.155, 0.2, 0.15), (0.2, 0.5)),
        fused(long_bone((-0.44, 0.28), (0.02, -0.06), Shaft(0.15, 0.19, 0.2), (0.25, 0.6))),
        fused(pebble((0.0, -0.08), (head, head), density=0.9)),
        fused(pebble((-0.52, 0.16), (0.15, 0.2), -0.4)),
        fused(pebble((-0.24, 0.52), (0.09, 0.1))),
    )
    pelvis = Limb(((0.3, -1.7), (0.2, -0.3), (0.5, 0.6)), (1.2, 1.1, 0.7), 1.1)
    return Anatomy(bones, (pelvis, Limb(((-0.3, 0.1), (-0.3, 2.0)), (0.75, 0.66))))


def leg(generator: Generator) -> Anatomy:
    """Return tibia and fibula, with the knee above and the ankle below."""
    width = generator.uniform(0.11, 0.14)
    bones = (
        long_bone((0.02, -2.2), (0.03, -1.1), Shaft(0.16, 0.16, 0.3, end_notch=0.55)),
        pebble((0.02, -1.22), (0.13, 0.15), density=0.5),
        long_bone((0.04, -0.86), (0.07, 0.84), Shaft(width, 0.28, 0.2, 0.02), (0.25, 0.88)),
        long_bone((-0.26, -0.72), (-0.16, 0.98), Shaft(0.048, 0.08, 0.085, 0.02), (0.15, 0.9)),
        pebble((0.06, 1.08), (0.19, 0.11)),
        pebble((0.08, 1.32), (0.15, 0.15)),
    )
    points = ((0.0, -1.8), (-0.02, -0.9), (-0.05, -0.3), (0.0, 0.9), (0.0, 1.5))
    return Anatomy(bones, (Limb(points, (0.52, 0.5, 0.5, 0.31, 0.36)),))


REGION_ANATOMY: dict[str, Callable[[Generator], Anatomy]] = {
    "elbow": elbow,
    "fingers": fingers,
    "forearm": forearm,
    "humerus": humerus,
    "shoulder": shoulder,
    "wrist": wrist,
    "hip": hip,
    "leg": leg,
}
"""Region → function that draws its outlines."""
