"""Shade outlines as an X-ray would: soft tissue, tubes of bone with a bright cortex, broken shafts, film noise."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fxdet.imaging.anatomy import Bone, Limb

Plane = NDArray[np.float32]
Points = NDArray[np.float64]

_SUBPIXEL = 4
"""Bits of OpenCV's fixed-point coordinates."""


@dataclass(frozen=True, slots=True, eq=False)
class Break:
    """A fracture of one bone, in px of the canvas.

    Attributes:
        centre: Where it crosses the axis, shape (2,).
        forward: Unit vector along the bone, shape (2,).
        radius: Half of the bone's width there.
        slope: Obliqueness: shift along the bone per px across it.
        gap: Distance between the fragments; negative where they overlap.
        shift: Sideways displacement of the far fragment.
        angle: Its rotation, radians.
        phase: Phase of the jagged edge, radians.
    """

    centre: Points
    forward: Points
    radius: float
    slope: float
    gap: float
    shift: float
    angle: float
    phase: float

    def box(self) -> tuple[float, float, float, float]:
        """Return the box around the broken edges and the displaced cortex, px."""
        side = np.array([-self.forward[1], self.forward[0]])
        corners = []
        for sign in (-1.0, 1.0):
            across = sign * (1.2 * self.radius) + (self.shift if sign * self.shift > 0 else 0)
            for along in (-0.45, 0.45):
                reach = along * self.radius + across * self.slope + np.sign(along) * abs(self.gap)
                corners.append(self.centre + across * side + reach * self.forward)
        low, high = np.min(corners, axis=0), np.max(corners, axis=0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def fill(shape: tuple[int, int], outline: Points) -> NDArray[np.uint8]:
    """Return a mask, 0–255 with soft edges, of a polygon in px."""
    mask = np.zeros(shape, dtype=np.uint8)
    fixed = np.rint((outline - 0.5) * (1 << _SUBPIXEL)).astype(np.int32)
    cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, _SUBPIXEL)
    return mask


def add_bone(canvas: Plane, bone: Bone, outline: Points, scale: float, fracture: Break | None) -> None:
    """Add a bone's thickness to the canvas.

    Args:
        canvas: Thickness of bone, shape (H, W), changed in place.
        bone: The bone.
        outline: Its outline in px.
        scale: px per unit.
        fracture: Where it is broken, or None.
    """
    margin = 4 + (0 if fracture is None else int(3 * fracture.radius + abs(fracture.shift)))
    height, width = canvas.shape
    left, top = np.maximum(0, np.floor(outline.min(axis=0)).astype(int) - margin)
    right, bottom = np.minimum((width, height), np.ceil(outline.max(axis=0)).astype(int) + margin)
    if left >= right or top >= bottom:
        return
    origin = np.array([left, top], dtype=np.float64)
    thickness = _bone_thickness((bottom - top, right - left), outline - origin, max(bone.radius * scale, 1.0))
    if fracture is not None:
        thickness = _break_up(thickness, fracture, fracture.centre - origin)
    target = canvas[top:bottom, left:right]
    thickness *= np.float32(bone.density)
    if bone.fused:
        np.maximum(target, thickness, out=target)
    else:
        np.add(target, thickness, out=target)


def _bone_thickness(shape: tuple[int, int], outline: Points, radius: float) -> Plane:
    """Return what a ray meets in a tube: much at the cortex, less over the marrow, and a dome in the ends."""
    # A frame of nothing around the mask, so that the picture's edge is no edge of the bone.
    mask = fill(shape, outline)
    padded = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    depth = cv2.distanceTransform((padded > 127).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1] / np.float32(radius)
    cortex = np.exp(-(((depth - 0.24) / 0.2) ** 2))
    marrow = 0.52 * np.sqrt(1 - np.square(1 - np.clip(depth, 0, 1)))
    return np.asarray((marrow + 0.5 * cortex) * (mask * np.float32(1 / 255)), dtype=np.float32)


def _break_up(thickness: Plane, fracture: Break, centre: Points) -> Plane:
    """Cut the bone along a jagged line and move the far fragment."""
    height, width = thickness.shape
    x = np.arange(width, dtype=np.float32)[None, :] + np.float32(0.5 - centre[0])
    y = np.arange(height, dtype=np.float32)[:, None] + np.float32(0.5 - centre[1])
    forward = fracture.forward.astype(np.float32)
    along, across = x * forward[0] + y * forward[1], y * forward[0] - x * forward[1]
    pitch = np.float32(4 / max(fracture.radius, 1.0))
    jag = np.sin(across * pitch + np.float32(fracture.phase)) + np.float32(0.4) * np.sin(across * pitch * 2.3)
    line = along - across * np.float32(fracture.slope) - np.float32(0.07 * fracture.radius) * jag
    near, far = np.clip(0.5 - line, 0, 1), np.clip(0.5 + line, 0, 1)
    # The centre counts from pixel corners, as OpenCV's does from pixel centres: half a pixel does not matter here.
    middle = (float(centre[0]), float(centre[1]))
    rotation = np.asarray(cv2.getRotationMatrix2D(middle, np.degrees(fracture.angle), 1.0), dtype=np.float64)
    side = np.array([-fracture.forward[1], fracture.forward[0]])
    rotation[:, 2] += fracture.shift * side + fracture.gap * fracture.forward
    moved = cv2.warpAffine(thickness * far, rotation, (width, height), flags=cv2.INTER_LINEAR)
    return np.asarray(thickness * near + moved, dtype=np.float32)


def tissue_thickness(shape: tuple[int, int], limbs: list[tuple[Limb, Points, float]]) -> Plane:
    """Return the soft tissue, shape (H, W), about 0–1.

    Args:
        shape: Height and width, px.
        limbs: Each limb with its points in px and px per unit.
    """
    # Drawn at a quarter of the size: skin is soft, and this is the largest area by far.
    small = (max(1, -(-shape[0] // 4)), max(1, -(-shape[1] // 4)))
    total = np.zeros(small, dtype=np.float32)
    for limb, points, scale in limbs:
        mask = np.zeros(small, dtype=np.uint8)
        radii = np.array(limb.radii) * scale / 4
        for index in range(len(points) - 1):
            _fill_cone(mask, points[index : index + 2] / 4, radii[index : index + 2])
        padded = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
        depth = cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1] / np.float32(radii.mean())
        dome = np.sqrt(1 - np.square(1 - np.clip(depth, 0, 1)))
        total = np.maximum(total, np.float32(limb.density) * (0.25 * (depth > 0) + 0.75 * dome).astype(np.float32))
    soft = cv2.GaussianBlur(total, (0, 0), 1.6)
    large = cv2.resize(soft, (small[1] * 4, small[0] * 4), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.maximum(large[: shape[0], : shape[1]], 0), dtype=np.float32)


def _fill_cone(mask: NDArray[np.uint8], ends: Points, radii: Points) -> None:
    """Fill two circles and the band between them."""
    forward = ends[1] - ends[0]
    side = np.array([-forward[1], forward[0]]) / max(float(np.hypot(*forward)), 1e-6)
    band = [ends[0] + side * radii[0], ends[1] + side * radii[1], ends[1] - side * radii[1], ends[0] - side * radii[0]]
    cv2.fillPoly(mask, [np.rint(band).astype(np.int32)], 1)
    for centre, radius in zip(ends, radii, strict=True):
        place = (round(float(centre[0])), round(float(centre[1])))
        cv2.circle(mask, place, max(1, round(float(radius))), 1, cv2.FILLED)


def smooth_noise(generator: Generator, shape: tuple[int, int], cell: int) -> Plane:
    """Return noise of unit spread whose grains are about ``cell`` px, shape (H, W)."""
    rows, columns = shape[0] // cell + 2, shape[1] // cell + 2
    coarse = generator.standard_normal((rows, columns), dtype=np.float32)
    return np.asarray(cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC))
