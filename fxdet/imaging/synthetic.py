"""Drawn radiographs for the demo and the tests: eight regions, some with a fracture whose box is known.

They are schematic. A network that reads them well has learnt nothing about patients.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fxdet.core.boxes import clip_boxes
from fxdet.core.errors import did_you_mean
from fxdet.core.labels import REGIONS
from fxdet.imaging.anatomy import REGION_ANATOMY, Bone
from fxdet.imaging.geometry import Matrix, apply_affine
from fxdet.imaging.rendering import Break, Plane, Points, add_bone, smooth_noise, tissue_thickness

_CANVAS = (320, 768)
"""Shorter and longer limit of the canvas's longer side, px; other sizes are scaled from the nearest one."""


@dataclass(frozen=True, slots=True)
class DrawingOptions:
    """What to draw.

    Attributes:
        size: Height and width, px, 16 to 4096 each.
        region: One of the eight regions, or None for any.
        fractured: True, False, or None to toss for it.
        fracture_share: Share of fractured pictures where ``fractured`` is None, 0–1.
        displacement: Size of gap, shift and angle of the fragments; 1 is easily seen, 0.3 is subtle.
        noise: Grain; 1 is a normal film, 0 none.
        collimation_share: Share of pictures with a black collimation border, 0–1.
        marker_share: Share of pictures with a side marker, 0–1.

    Example:
        >>> DrawingOptions(size=(64, 64), region="wrist").region
        'wrist'
    """

    size: tuple[int, int] = (512, 448)
    region: str | None = None
    fractured: bool | None = None
    fracture_share: float = 0.5
    displacement: float = 1.0
    noise: float = 1.0
    collimation_share: float = 0.6
    marker_share: float = 0.7

    def __post_init__(self) -> None:
        if not all(16 <= side <= 4096 for side in self.size):
            raise ValueError(f"DrawingOptions.size: got {self.size}, expected 16 to 4096 px each")
        if self.region is not None and self.region not in REGION_ANATOMY:
            raise ValueError(f"DrawingOptions.region {self.region!r} is unknown{did_you_mean(self.region, REGIONS)}")


@dataclass(frozen=True, slots=True, eq=False)
class DrawnRadiograph:
    """A drawn radiograph and its truth.

    Attributes:
        pixels: uint8, shape (H, W), bone bright.
        region: Name of the region.
        fractured: Whether a bone is broken.
        fracture_boxes: float64, shape (N, 4), px; N is 0 or 1.
        region_boxes: float64, shape (1, 4), px: all that is seen of the bones.
    """

    pixels: NDArray[np.uint8]
    region: str
    fractured: bool
    fracture_boxes: NDArray[np.float64]
    region_boxes: NDArray[np.float64]


def draw_set(generator: Generator, count: int, options: DrawingOptions | None = None) -> list[DrawnRadiograph]:
    """Draw ``count`` radiographs, with regions and fractures in turn so that both are balanced.

    Example:
        >>> drawn = draw_set(np.random.default_rng(0), 4, DrawingOptions(size=(64, 64)))
        >>> [picture.fractured for picture in drawn]
        [False, True, False, True]
    """
    options = options or DrawingOptions()
    drawn = []
    for index in range(count):
        # Every second picture is broken, and the region moves on after each pair: the two are independent.
        region = options.region or REGIONS[index // 2 % len(REGIONS)]
        fractured = index % 2 == 1 if options.fractured is None else options.fractured
        drawn.append(draw_radiograph(generator, replace(options, region=region, fractured=fractured)))
    return drawn


def draw_radiograph(generator: Generator, options: DrawingOptions | None = None) -> DrawnRadiograph:
    """Draw one radiograph.

    Args:
        generator: Source of all randomness: the same state gives the same picture.
        options: What to draw.

    Example:
        >>> drawn = draw_radiograph(np.random.default_rng(1), DrawingOptions(fractured=True))
        >>> drawn.pixels.shape, drawn.fracture_boxes.shape
        ((512, 448), (1, 4))
    """
    options = options or DrawingOptions()
    region = options.region or REGIONS[int(generator.integers(len(REGIONS)))]
    fractured = bool(generator.random() < options.fracture_share) if options.fractured is None else options.fractured
    shape = _canvas_shape(options.size)
    anatomy = REGION_ANATOMY[region](generator)
    pose = _pose(generator, shape)
    field = _field(generator, shape, options.collimation_share)
    outlines = [_to_canvas(bone.outline, pose) for bone in anatomy.bones]
    broken = _choose_break(generator, (anatomy.bones, pose, field), options.displacement) if fractured else None
    scale = _scale(pose)
    bone_plane = np.zeros(shape, dtype=np.float32)
    for index, (bone, outline) in enumerate(zip(anatomy.bones, outlines, strict=True)):
        fracture = broken[1] if broken is not None and broken[0] == index else None
        add_bone(bone_plane, bone, outline, scale, fracture)
    limbs = [(limb, _to_canvas(np.array(limb.points), pose), scale) for limb in anatomy.tissue]
    plane = _expose(generator, bone_plane, tissue_thickness(shape, limbs))
    if generator.random() < options.marker_share:
        _mark(generator, plane, field)
    fracture_boxes = np.array([broken[1].box()] if broken else [], dtype=np.float64).reshape(-1, 4)
    corners = np.concatenate(outlines)
    region_box = np.array([[*corners.min(axis=0), *corners.max(axis=0)]])
    to_picture = np.array([[options.size[1] / shape[1], 0, 0], [0, options.size[0] / shape[0], 0]])
    return DrawnRadiograph(
        _develop(generator, _blacken(plane, field), options),
        region,
        broken is not None,
        apply_affine(to_picture, _inside(fracture_boxes, field)),
        apply_affine(to_picture, _inside(region_box, field)),
    )


def _canvas_shape(size: tuple[int, int]) -> tuple[int, int]:
    longer = max(size)
    factor = min(max(longer, _CANVAS[0]), _CANVAS[1]) / longer
    return max(8, round(size[0] * factor)), max(8, round(size[1] * factor))


def _pose(generator: Generator, shape: tuple[int, int]) -> Matrix:
    """Return the map from units to canvas px: size, tilt, side and place vary."""
    scale = min(shape) / 2 * generator.uniform(0.86, 1.02)
    tilt = generator.uniform(-0.2, 0.2)
    mirror = -1.0 if generator.random() < 0.5 else 1.0
    rotation = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    linear = scale * rotation @ np.diag([mirror, 1.0])
    middle = np.array([shape[1], shape[0]]) / 2 + generator.uniform(-0.06, 0.06, 2) * min(shape)
    return np.hstack([linear, middle[:, None]])


def _scale(pose: Matrix) -> float:
    return float(np.sqrt(abs(np.linalg.det(pose[:, :2]))))


def _to_canvas(points: Points, pose: Matrix) -> Points:
    return np.asarray(points @ pose[:, :2].T + pose[:, 2])


def _field(generator: Generator, shape: tuple[int, int], share: float) -> tuple[int, int, int, int]:
    """Return the exposed field as x1, y1, x2, y2, px."""
    height, width = shape
    if generator.random() >= share:
        return 0, 0, width, height
    left, top, right, bottom = generator.uniform(0.0, 0.11, 4)
    return int(left * width), int(top * height), width - int(right * width), height - int(bottom * height)


def _inside(boxes: NDArray[np.float64], field: tuple[int, int, int, int]) -> NDArray[np.float64]:
    x1, y1, x2, y2 = field
    corner = np.array([x1, y1, x1, y1])
    return np.asarray(clip_boxes(boxes - corner, (y2 - y1, x2 - x1)) + corner)


def _choose_break(
    generator: Generator,
    scene: tuple[tuple[Bone, ...], Matrix, tuple[int, int, int, int]],
    displacement: float,
) -> tuple[int, Break]:
    """Return the index of the broken bone and its fracture, well inside the exposed field."""
    bones, pose, field = scene
    candidates = [index for index, bone in enumerate(bones) if bone.breakable is not None]
    best: tuple[float, int, Break] | None = None
    for _ in range(24):
        index = int(generator.choice(candidates))
        fracture = _draw_break(generator, bones[index], pose, displacement)
        x1, y1, x2, y2 = field
        x, y = fracture.centre
        room = min(x - x1, x2 - x, y - y1, y2 - y) / (2 * fracture.radius)
        if best is None or room > best[0]:
            best = (room, index, fracture)
        if room >= 1:
            break
    if best is None:  # every region has breakable bones; the loop above runs at least once
        raise ValueError("an anatomy without breakable bones can't be drawn as fractured")
    return best[1], best[2]


def _draw_break(generator: Generator, bone: Bone, pose: Matrix, displacement: float) -> Break:
    if bone.axis is None or bone.breakable is None:
        raise ValueError("a bone without a shaft can't be broken")
    axis = _to_canvas(bone.axis, pose)
    place = round(generator.uniform(*bone.breakable) * (len(axis) - 1))
    place = min(max(place, 1), len(axis) - 2)
    forward = axis[place + 1] - axis[place - 1]
    # An outline starts with one edge, point by point beside the axis.
    radius = max(1.0, float(np.hypot(*(bone.outline[place] - bone.axis[place]))) * _scale(pose))
    sign = 1.0 if generator.random() < 0.5 else -1.0
    return Break(
        centre=axis[place],
        forward=forward / np.hypot(*forward),
        radius=radius,
        slope=float(generator.uniform(-0.8, 0.8)),
        gap=float(displacement * radius * generator.uniform(0.15, 0.35)),
        shift=float(sign * displacement * radius * generator.uniform(0.15, 0.6)),
        angle=float(-sign * displacement * generator.uniform(0.02, 0.16)),
        phase=float(generator.uniform(0, 6.28)),
    )


def _expose(generator: Generator, bone: Plane, tissue: Plane) -> Plane:
    """Return brightness 0–1: absorption of bone with its texture and of tissue, with varying exposure."""
    texture = 1 + 0.05 * smooth_noise(generator, bone.shape, 4) + 0.05 * smooth_noise(generator, bone.shape, 9)
    folds = 1 + 0.07 * smooth_noise(generator, bone.shape, 48)
    hardness = np.float32(generator.uniform(1.0, 1.5))
    softness = np.float32(generator.uniform(0.3, 0.6))
    absorbed = 1 - np.exp(-(hardness * bone * texture + softness * tissue * folds))
    fog = np.float32(generator.uniform(0.01, 0.06))
    return np.asarray(fog + (0.97 - fog) * absorbed ** np.float32(generator.uniform(0.85, 1.15)), dtype=np.float32)


def _mark(generator: Generator, plane: Plane, field: tuple[int, int, int, int]) -> None:
    """Burn a side marker into one of the field's corners."""
    x1, y1, x2, y2 = field
    height = max(8.0, 0.07 * min(plane.shape))
    letter, scale = ("L", "R")[int(generator.integers(2))], height / 22
    thickness = max(1, round(height / 9))
    (text_width, text_height), _ = cv2.getTextSize(letter, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
    margin = height * generator.uniform(0.5, 1.0)
    x = x1 + margin if generator.random() < 0.5 else x2 - margin - text_width
    y = y1 + margin + text_height if generator.random() < 0.5 else y2 - margin
    ink = np.zeros(plane.shape, dtype=np.uint8)
    place = (round(float(x)), round(float(y)))
    cv2.putText(ink, letter, place, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, thickness, cv2.LINE_AA)
    share = ink.astype(np.float32) * np.float32(1 / 255)
    plane += share * (np.float32(0.98) - plane)


def _blacken(plane: Plane, field: tuple[int, int, int, int]) -> Plane:
    x1, y1, x2, y2 = field
    result = np.full_like(plane, 0.004)
    result[y1:y2, x1:x2] = plane[y1:y2, x1:x2]
    return result


def _develop(generator: Generator, plane: Plane, options: DrawingOptions) -> NDArray[np.uint8]:
    """Scale to the final size, add grain (more where it is bright, as film shows it) and make bytes."""
    height, width = options.size
    if plane.shape != (height, width):
        smaller = height < plane.shape[0]
        method = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
        plane = np.asarray(cv2.resize(plane, (width, height), interpolation=method), dtype=np.float32)
    grain = generator.standard_normal((height, width), dtype=np.float32)
    amount = np.float32(options.noise) * (0.008 + 0.022 * np.sqrt(np.clip(plane, 0, 1)))
    return np.asarray(np.clip((plane + amount * grain) * 255 + 0.5, 0, 255), dtype=np.uint8)
