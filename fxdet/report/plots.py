"""Plots of an evaluation as PNG and SVG: ROC, precision–recall, FROC, reliability, confusion matrices."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fxdet.core.files import atomic_write

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Told apart by people with any colour vision (Okabe and Ito)."""

LINES = ("-", "--", "-.", ":")
GREY = "#999999"
SIDE = 4.6


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: its name in the legend and its points."""

    name: str
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True, slots=True)
class Axes:
    """What stands at the axes and above them.

    Attributes:
        title: Above the plot.
        x, y: Names of the axes.
        diagonal: Whether the line of chance (or of perfect calibration) is drawn.
        x_ticks: Marks of a logarithmic x axis, ascending; empty draws a plain one from 0 to 1.
    """

    title: str
    x: str
    y: str
    diagonal: bool = False
    x_ticks: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Bars:
    """Bins of a reliability diagram: stated and true share, and rows, of each bin that is not empty."""

    name: str
    stated: Sequence[float]
    came: Sequence[float]
    count: Sequence[int]


def draw_curves(stem: Path, lines: Sequence[Line], axes: Axes, steps: bool = False) -> None:
    """Draw curves into ``stem.png`` and ``stem.svg``.

    Args:
        stem: Path without ending.
        lines: The curves.
        axes: Titles and limits.
        steps: Whether values hold until the next point (FROC).

    Raises:
        OutputError: The folder can't be written.
    """
    figure, plot = _figure(axes)
    for place, line in enumerate(lines):
        style = {"color": COLOURS[place % len(COLOURS)], "linestyle": LINES[place % len(LINES)], "linewidth": 1.8}
        drawstyle = "steps-post" if steps else "default"
        x, y = list(line.x), list(line.y)
        if axes.x_ticks and x:  # no further detections: the sensitivity stays
            x, y = [*x, axes.x_ticks[-1]], [*y, y[-1]]
        plot.plot(x, y, label=line.name, drawstyle=drawstyle, **style)
    _legend(plot, lower=axes.diagonal or steps)
    _save(figure, stem)


def draw_reliability(stem: Path, bars: Sequence[Bars], title: str) -> None:
    """Draw reliability diagrams side by side (before, after) into ``stem.png`` and ``stem.svg``.

    The area of a point follows the number of rows in its bin.
    """
    figure = Figure(figsize=(SIDE * max(1, len(bars)), SIDE + 0.2), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11)
    for plot, bar in zip(figure.subplots(1, max(1, len(bars)), squeeze=False)[0], bars, strict=False):
        plot.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":")
        total = max(sum(bar.count), 1)
        sizes = [12 + 500 * count / total for count in bar.count]
        plot.plot(bar.stated, bar.came, color=COLOURS[0], linewidth=1, alpha=0.6)
        plot.scatter(bar.stated, bar.came, s=sizes, color=COLOURS[0], alpha=0.75, edgecolors="white", linewidths=0.5)
        _label(plot, Axes(bar.name, "stated probability", "share that came true"))
    _save(figure, stem)


def draw_confusion(stem: Path, labels: Sequence[str], rows: Sequence[Sequence[int]], title: str) -> None:
    """Draw a confusion matrix, truth in rows, coloured by the share of its row, into ``stem.png`` and ``stem.svg``."""
    side = max(3.4, 0.72 * len(labels) + 1.6)
    figure = Figure(figsize=(side, side), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    plot = figure.subplots()
    shares = [[value / max(sum(row), 1) for value in row] for row in rows]
    plot.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for y, row in enumerate(rows):
        for x, value in enumerate(row):
            ink = "white" if shares[y][x] > 0.55 else "#222222" if value else "#BBBBBB"
            plot.text(x, y, f"{value:,}", ha="center", va="center", color=ink, fontsize=9)
    plot.set_xticks(
        range(len(labels)), labels, rotation=45 if len(labels) > 3 else 0, ha="right" if len(labels) > 3 else "center"
    )
    plot.set_yticks(range(len(labels)), labels)
    plot.set_xlabel("said")
    plot.set_ylabel("truth")
    plot.set_title(title, fontsize=9, wrap=True)
    _save(figure, stem)


def _figure(axes: Axes) -> tuple[Figure, Any]:
    figure = Figure(figsize=(SIDE, SIDE), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    plot = figure.subplots()
    if axes.diagonal:
        plot.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":")
    _label(plot, axes)
    return figure, plot


def _label(plot: Any, axes: Axes) -> None:
    if axes.x_ticks:
        plot.set_xscale("log", base=2)
        plot.set_xticks(axes.x_ticks, [_fraction(tick) for tick in axes.x_ticks])
        plot.set_xlim(axes.x_ticks[0] / 1.05, axes.x_ticks[-1] * 1.05)
        plot.minorticks_off()
    else:
        plot.set_xlim(-0.01, 1.01)
        plot.set_aspect("equal")
    plot.set_ylim(-0.01, 1.01)
    plot.set_xlabel(axes.x)
    plot.set_ylabel(axes.y)
    plot.set_title(axes.title, fontsize=10)
    plot.grid(alpha=0.25)


def _fraction(value: float) -> str:
    return f"1/{1 / value:g}" if value < 1 else f"{value:g}"


def _legend(plot: Any, lower: bool) -> None:
    if plot.get_legend_handles_labels()[0]:
        plot.legend(fontsize=8, loc="lower right" if lower else "lower left", framealpha=0.9)


def _save(figure: Figure, stem: Path) -> None:
    """Write both files; the same figure gives the same bytes."""
    with mpl.rc_context({"svg.hashsalt": "fxdet", "svg.fonttype": "none"}):
        for ending, metadata in (("png", {"Software": None}), ("svg", {"Date": None, "Creator": None})):
            buffer = io.BytesIO()
            figure.savefig(buffer, format=ending, metadata=metadata)
            with atomic_write(stem.with_name(f"{stem.name}.{ending}"), "wb", durable=False) as handle:
                handle.write(buffer.getvalue())
