"""Learning curves as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fxdet.core.files import atomic_write

_BESIDE = ("epoch", "loss", "val_loss", "learning_rate", "images_per_second")
_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#888888"


def draw_curves(rows: Sequence[Mapping[str, float]], monitor: str, path: Path) -> None:
    """Draw losses and learning rate on the left, validation figures on the right, and write a PNG.

    Args:
        rows: One mapping per epoch, as in ``log.csv``.
        monitor: Figure that chose the best epoch; drawn thick.
        path: PNG to write.
    """
    figure = Figure(figsize=(11, 4.2), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    losses, figures = figure.subplots(1, 2)
    _draw_losses(losses, rows)
    _draw_figures(figures, rows, monitor)
    with atomic_write(path, "wb") as handle:
        figure.savefig(handle, format="png", metadata={"Software": None})


def _draw_losses(axes: object, rows: Sequence[Mapping[str, float]]) -> None:
    _line(axes, rows, "loss", {"color": _BLUE, "label": "training loss"})
    _line(axes, rows, "val_loss", {"color": _ORANGE, "label": "validation loss"})
    _label(axes, "loss")
    rates = axes.twinx()  # type: ignore[attr-defined]
    _line(rates, rows, "learning_rate", {"color": _GREY, "linestyle": ":", "label": "learning rate"})
    rates.set_ylabel("learning rate", color=_GREY)
    rates.set_ylim(bottom=0)


def _draw_figures(axes: object, rows: Sequence[Mapping[str, float]], monitor: str) -> None:
    names = dict.fromkeys(key for row in rows for key in row if key not in _BESIDE and "@" not in key)
    for name in names:
        _line(axes, rows, name, {"linewidth": 2.6 if name == monitor else 1.2, "label": name})
    _label(axes, "validation figure")
    axes.set_title("weights averaged over steps", fontsize=9)  # type: ignore[attr-defined]


def _line(axes: object, rows: Sequence[Mapping[str, float]], name: str, style: Mapping[str, object]) -> None:
    points = [(row["epoch"] + 1, row[name]) for row in rows if name in row]
    if points:
        axes.plot(*zip(*points, strict=True), marker="o", markersize=3, **style)  # type: ignore[attr-defined]


def _label(axes: object, name: str) -> None:
    axes.set_xlabel("epoch")  # type: ignore[attr-defined]
    axes.set_ylabel(name)  # type: ignore[attr-defined]
    axes.grid(alpha=0.3)  # type: ignore[attr-defined]
    if axes.get_legend_handles_labels()[0]:  # type: ignore[attr-defined]
        axes.legend(fontsize=8)  # type: ignore[attr-defined]
