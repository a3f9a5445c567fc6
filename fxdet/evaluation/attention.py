"""Where a classifier looked, against reference boxes: energy inside, pointing game, and how good the verdicts are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fxdet.core.boxes import box_iou
from fxdet.core.labels import Decision, Verdict
from fxdet.evaluation.binary import Figures
from fxdet.evaluation.estimate import Estimate
from fxdet.evaluation.froc import HIT_IOU
from fxdet.evaluation.resampling import IntervalOptions, Resampling
from fxdet.evaluation.shares import share_estimate

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FindingRows:
    """Findings of all images whose reference boxes are known.

    Attributes:
        image: Index of the image, shape (F,).
        group: Group of the image, shape (F,).
        box: Shape (F, 4), px.
        best_iou: Largest overlap with a reference box of the image, shape (F,), 0–1.
        decision: :class:`~fxdet.core.labels.Decision` per finding, as text, shape (F,).
        verdict: :class:`~fxdet.core.labels.Verdict` per finding, as text, empty where there was no check, shape (F,).
        mass_in_box: Share of the crop's attention inside the finding's box, NaN without a check, shape (F,).
        peak_in_box: Whether the strongest attention lies in the finding's box, shape (F,).
        peak_in_reference: Whether it lies in a reference box of the image, shape (F,).
    """

    image: NDArray[np.int64]
    group: NDArray[np.generic]
    box: Floats
    best_iou: Floats
    decision: NDArray[np.str_]
    verdict: NDArray[np.str_]
    mass_in_box: Floats
    peak_in_box: NDArray[np.bool_]
    peak_in_reference: NDArray[np.bool_]

    @property
    def checked(self) -> NDArray[np.bool_]:
        """Findings that were cross-checked, shape (F,)."""
        return np.asarray(self.verdict != "")

    @property
    def right(self) -> NDArray[np.bool_]:
        """Findings that hit a reference box, shape (F,)."""
        return np.asarray(self.best_iou >= HIT_IOU)


@dataclass(frozen=True, slots=True, eq=False)
class AttentionRows:
    """Attention on whole radiographs that have reference boxes.

    Attributes:
        grids: Shares of the attention per cell of the radiograph, shape (R, C) each, sum 1 (0 where there is none).
        peaks: Place of the strongest attention, px, shape (A, 2).
        references: Reference boxes per radiograph, shape (G, 4) each, px.
        image_sizes: Height and width per radiograph, px.
        group: Group of each radiograph, shape (A,).
    """

    grids: Sequence[Floats]
    peaks: Floats
    references: Sequence[Floats]
    image_sizes: Sequence[tuple[int, int]]
    group: NDArray[np.generic]


def in_any_box(point: tuple[float, float], boxes: Floats) -> bool:
    """Return whether a point lies in one of the half-open boxes, shape (G, 4).

    Example:
        >>> in_any_box((2.0, 2.0), np.array([[0.0, 0, 2, 2], [2, 2, 4, 4]]))
        True
    """
    x, y = point
    return bool(((boxes[:, 0] <= x) & (x < boxes[:, 2]) & (boxes[:, 1] <= y) & (y < boxes[:, 3])).any())


def covered_share(boxes: Floats, image_size: tuple[int, int], cells: tuple[int, int]) -> Floats:
    """Return how much of each cell of a grid over the image the union of boxes covers, shape ``cells``, 0–1.

    Each cell is sampled at 8 × 8 points.

    Args:
        boxes: Shape (G, 4), px.
        image_size: Height and width, px.
        cells: Rows and columns of the grid.

    Example:
        >>> covered_share(np.array([[0.0, 0, 5, 10]]), (10, 10), (1, 2)).tolist()
        [[1.0, 0.0]]
    """
    (height, width), (rows, columns) = image_size, cells
    fine_rows, fine_columns = 8 * rows, 8 * columns
    y = (np.arange(fine_rows) + 0.5) * height / fine_rows
    x = (np.arange(fine_columns) + 0.5) * width / fine_columns
    inside = np.zeros((fine_rows, fine_columns), dtype=bool)
    for x1, y1, x2, y2 in boxes:
        inside |= ((y >= y1) & (y < y2))[:, None] & ((x >= x1) & (x < x2))[None]
    return np.asarray(inside.reshape(rows, 8, columns, 8).mean(axis=(1, 3)))


def energy_inside(grid: Floats, boxes: Floats, image_size: tuple[int, int]) -> float:
    """Return the share of the attention inside the boxes' union (the energy-based pointing game of Wang et al. 2020).

    Returns:
        0–1; NaN for a map without attention, which has no share anywhere.
    """
    total = float(grid.sum())
    rows, columns = grid.shape
    inside = float((grid * covered_share(boxes, image_size, (rows, columns))).sum())
    return inside / total if total > 0 else float("nan")


def has_peak(grid: Floats) -> bool:
    """Return whether some cell is stronger than the others; in an even or empty map the strongest is an arbitrary one.

    A hundred thousandth of the largest is no difference, but rounding. Cells of a grid that hold unequal numbers of
    pixels can't show that the map below was even.

    Example:
        >>> has_peak(np.array([[0.5, 0.25, 0.25]])), has_peak(np.full((2, 2), 0.25)), has_peak(np.zeros((2, 2)))
        (True, False, False)
    """
    return bool(grid.size) and float(grid.max() - grid.min()) > 1e-5 * float(grid.max())


def centre_grid(cells: tuple[int, int] = (32, 32), side: float = 0.5) -> Floats:
    """Return even attention on a box around the centre with this share of both sides: what needs no network.

    Example:
        >>> centre_grid((4, 4)).sum(axis=0).tolist()
        [0.0, 0.5, 0.5, 0.0]
    """
    edge = (1 - side) / 2
    box = np.array([[edge, edge, 1 - edge, 1 - edge]])
    share = covered_share(box * [cells[1], cells[0], cells[1], cells[0]], cells, cells)
    return np.asarray(share / share.sum())


def attention_figures(rows: AttentionRows, options: IntervalOptions) -> Figures:
    """Return mean energy inside the reference boxes and the pointing game, each beside a centre box and even attention.

    Pointing game: the strongest attention lies in a reference box (Zhang et al. 2016); the centre box points to the
    centre of the radiograph. Maps without any attention have no energy, and those and even ones no peak: they are
    left out of the figure, and ``maps_without_attention`` and ``maps_without_peak`` say how many they are. The
    figures that need no network stand on all radiographs.
    """
    packed = list(zip(rows.references, rows.image_sizes, strict=True))
    energy = np.array([energy_inside(grid, *place) for grid, place in zip(rows.grids, packed, strict=True)])
    centre = np.array([energy_inside(centre_grid(), boxes, size) for boxes, size in packed])
    area = np.array([float(covered_share(boxes, size, (32, 32)).mean()) for boxes, size in packed])
    peaked = np.array([has_peak(grid) for grid in rows.grids], dtype=bool)
    places = zip(rows.peaks, rows.references, strict=True)
    hits = np.array([in_any_box((float(x), float(y)), boxes) for (x, y), boxes in places], dtype=bool)
    middle = [in_any_box((size[1] / 2, size[0] / 2), boxes) for boxes, size in packed]
    figures: Figures = {}
    for name, values in (("energy_inside", energy), ("energy_centre_box", centre), ("energy_even", area)):
        known = ~np.isnan(values)
        figures[name] = Resampling(rows.group[known], options).mean(values[known])
    figures["pointing_game"] = share_estimate(hits[peaked], rows.group[peaked])
    figures["pointing_centre"] = share_estimate(np.array(middle, dtype=bool), rows.group)
    for name, lacking in (("attention", np.isnan(energy)), ("peak", ~peaked)):
        figures[f"maps_without_{name}"] = Estimate(float(lacking.sum()), n=len(energy), unit="count")
    return figures


def finding_figures(rows: FindingRows, options: IntervalOptions, references: Sequence[Floats] | None = None) -> Figures:
    """Return what the cross-check of findings is worth, from the values that the reports hold.

    - ``mass_in_box_right``, ``…_wrong``: mean share of the crop's attention inside the box of findings that hit a
      reference box (IoU ≥ .3), and of those that do not.
    - ``peak_in_reference_right``: pointing game on the crops of right findings.
    - ``box_centre_in_reference_right``: the same of the centre of the finding's own box, which needs no attention.
    - ``right_if_agrees`` …: share of right findings among those with a verdict; ``shown_…`` of those decided as
      fracture or doubt alone.
    - ``agrees_if_right``, ``disagrees_if_right``, ``disagrees_if_wrong``: the reverse.

    Args:
        rows: The findings.
        options: Draws and seed.
        references: Reference boxes of each image, shape (G, 4) each, px; without them there is no figure of centres.
            Where no image has any, as in a set of normals or without boxes, no finding can be right, and every figure
            of right ones is undefined.
    """
    checked, right = rows.checked, rows.right
    figures: Figures = {}
    for name, mask in (("right", right), ("wrong", ~right)):
        chosen = checked & mask
        figures[f"mass_in_box_{name}"] = Resampling(rows.group[chosen], options).mean(rows.mass_in_box[chosen])
    chosen = checked & right
    figures["peak_in_reference_right"] = share_estimate(rows.peak_in_reference[chosen], rows.group[chosen])
    if references is not None:
        hits = _centres_in_references(rows, references)
        figures["box_centre_in_reference_right"] = share_estimate(hits[chosen], rows.group[chosen])
    figures |= verdict_figures(rows)
    if references is None or any(len(boxes) for boxes in references):
        return figures
    return {name: found if name.endswith("_wrong") else Estimate(None, n=0) for name, found in figures.items()}


def _centres_in_references(rows: FindingRows, references: Sequence[Floats]) -> NDArray[np.bool_]:
    """Return whether the centre of each finding's box lies in a reference box of its image, shape (F,)."""
    x, y = (rows.box[:, 0] + rows.box[:, 2]) / 2, (rows.box[:, 1] + rows.box[:, 3]) / 2
    places = zip(x.tolist(), y.tolist(), rows.image.tolist(), strict=True)
    return np.array([in_any_box((left, top), references[image]) for left, top, image in places], dtype=bool)


def verdict_figures(rows: FindingRows) -> Figures:
    """Return how often each verdict coincides with right and wrong findings (Wilson)."""
    figures: Figures = {}
    shown = rows.decision != Decision.NONE.value
    for prefix, mask in (("", rows.checked), ("shown_", rows.checked & shown)):
        figures[f"{prefix}right"] = share_estimate(rows.right[mask], rows.group[mask])
        for verdict in Verdict:
            chosen = mask & (rows.verdict == verdict.value)
            figures[f"{prefix}right_if_{verdict.value}"] = share_estimate(rows.right[chosen], rows.group[chosen])
    for name, mask, verdict in (
        ("agrees_if_right", rows.right, Verdict.AGREES),
        ("disagrees_if_right", rows.right, Verdict.DISAGREES),
        ("disagrees_if_wrong", ~rows.right, Verdict.DISAGREES),
    ):
        chosen = rows.checked & mask
        figures[name] = share_estimate(rows.verdict[chosen] == verdict.value, rows.group[chosen])
    return figures


def best_overlaps(xyxy: Floats, reference: Floats) -> Floats:
    """Return each box's largest IoU with a reference box, 0 without any, shape (N,)."""
    overlap = box_iou(xyxy.reshape(-1, 4), reference.reshape(-1, 4))
    return np.asarray(overlap.max(axis=1), dtype=np.float64) if overlap.size else np.zeros(len(overlap))
