"""Whether two thumbnails show the same radiograph when one may be rotated by any angle, mirrored and shifted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from fxdet.data.audit.fingerprints import THUMBNAIL_SIDE, Fingerprint
from fxdet.data.audit.registration import WINDOW, Plane, fine_structure, local_agreement

STEP = 8
"""Angle between the rotations that are tried first, degrees; the fine registration covers the rest."""

TRIED = 2
"""Best rotations that are registered finely."""

SHIFT = 12.0
"""Largest shift, px of the thumbnail, that a registration may end at."""

_COARSE = 24
_MIDDLE = (THUMBNAIL_SIDE - 1) / 2
_CRITERIA = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 1e-3)
_SMOOTH = 5
"""Side of the Gauss filter of the registration, px: it widens the range from which it finds home."""


@dataclass(frozen=True, slots=True)
class Pose:
    """How the second picture comes to lie on the first.

    Attributes:
        similarity: Agreement of the registered pictures, -1–1.
        mirrored: Whether it is mirrored left to right first.
        angle: Rotation after that, degrees anticlockwise.
    """

    similarity: float
    mirrored: bool = False
    angle: float = 0.0

    @property
    def turn(self) -> str:
        """The nearest quarter turn.

        Example:
            >>> Pose(0.9, True, 97.0).turn, Pose(0.9, False, -8.0).turn
            ('m1', '0')
        """
        return f"{'m' if self.mirrored else ''}{round(self.angle / 90) % 4}"


class Canvas:
    """A thumbnail at its true shape in the middle of a square.

    Attributes:
        fine: Its fine structure, 0 outside, float32, shape (T, T).
        inside: 1 where the picture is, float32, shape (T, T).
    """

    def __init__(self, found: Fingerprint) -> None:
        """Undo the squeeze to a square: only the true shape can be rotated."""
        height, width = found.size or (1, 1)
        scale = THUMBNAIL_SIDE / max(height, width)
        rows, columns = max(2, round(height * scale)), max(2, round(width * scale))
        grey = cv2.resize(found.thumbnail.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
        top, left = (THUMBNAIL_SIDE - rows) // 2, (THUMBNAIL_SIDE - columns) // 2
        area = (slice(top, top + rows), slice(left, left + columns))
        self.fine, self.inside = (np.zeros((THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.float32) for _ in range(2))
        self.fine[area], self.inside[area] = fine_structure(np.asarray(grey)), 1.0

    @cached_property
    def coarse(self) -> NDArray[np.float32]:
        """The structure within the inscribed circle, unit norm, float32, shape (C,)."""
        return _coarse(self.fine)

    @cached_property
    def rotated(self) -> NDArray[np.float32]:
        """The same after each rotation of :func:`_poses`, float32, shape (R, C)."""
        return np.stack([_coarse(_moved(_laid(self.fine, mirrored), -angle)) for mirrored, angle in _poses()])


def best_pose(first: Canvas, second: Canvas) -> Pose:
    """Return the rotation, after a mirroring or not, that lays the second picture onto the first best."""
    scores = second.rotated @ first.coarse
    poses = list(_poses())
    tried = [poses[index] for index in np.argsort(-scores)[:TRIED]]
    return max((_registered(first, second, *pose) for pose in tried), key=lambda pose: pose.similarity)


def _poses() -> Iterator[tuple[bool, int]]:
    """Yield whether to mirror, and the angle, degrees anticlockwise."""
    for mirrored in (False, True):
        yield from ((mirrored, angle) for angle in range(0, 360, STEP))


def _laid(plane: Plane, mirrored: bool) -> Plane:
    return np.ascontiguousarray(plane[:, ::-1]) if mirrored else plane


def _matrix(angle: float) -> NDArray[np.float32]:
    """Return the map from a place in the rotated picture to its place before, shape (2, 3)."""
    return np.asarray(cv2.getRotationMatrix2D((_MIDDLE, _MIDDLE), angle, 1.0), dtype=np.float32)


def _moved(plane: Plane, angle: float) -> Plane:
    return _warped(plane, _matrix(angle))


def _warped(plane: Plane, matrix: NDArray[np.float32]) -> Plane:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(plane, matrix, plane.shape[::-1], flags=flags))


def _coarse(fine: Plane) -> NDArray[np.float32]:
    small = cv2.resize(fine, (_COARSE, _COARSE), interpolation=cv2.INTER_AREA)
    places = np.arange(_COARSE) - (_COARSE - 1) / 2
    circle = small[np.hypot(places[:, None], places) <= _COARSE / 2]
    return np.asarray(circle / max(float(np.linalg.norm(circle)), 1e-6))


def _registered(first: Canvas, second: Canvas, mirrored: bool, angle: float) -> Pose:
    """Return the pose after fine registration: rotation and shift that maximise the correlation (ECC).

    Evangelidis and Psarakis, "Parametric image alignment using enhanced correlation coefficient maximization",
    IEEE PAMI 30(10), 2008.
    """
    # The update of the Euclidean motion holds within a quarter turn only: start from the rotated picture.
    fine = _moved(_laid(second.fine, mirrored), -angle)
    inside = _moved(_laid(second.inside, mirrored), -angle)
    mask, matrix = np.asarray(inside > 0.99, dtype=np.uint8), np.eye(2, 3, dtype=np.float32)
    try:
        _, matrix = cv2.findTransformECC(first.fine, fine, matrix, cv2.MOTION_EUCLIDEAN, _CRITERIA, mask, _SMOOTH)
    except cv2.error:  # it did not converge: no overlap, or nothing to compare
        return Pose(-1.0, mirrored, angle)
    centre = matrix @ np.array([_MIDDLE, _MIDDLE, 1.0], np.float32) - _MIDDLE
    if float(np.abs(centre).max()) > SHIFT:
        return Pose(-1.0, mirrored, angle)
    common = first.inside * _warped(inside, matrix)
    # Windows that reach over an edge of either picture would compare its background.
    common = np.asarray(cv2.erode(common, np.ones((WINDOW, WINDOW)), borderType=cv2.BORDER_CONSTANT, borderValue=1))
    similarity = local_agreement(first.fine, _warped(fine, matrix), np.asarray(common > 0.99, dtype=np.float32))
    return Pose(similarity, mirrored, angle + float(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0]))))
