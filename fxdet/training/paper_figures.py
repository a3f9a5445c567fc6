"""Figures of a paper's page: ROC curves of its rows, and how their trainings went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fxdet.core.errors import DataError
from fxdet.core.files import atomic_write

ROC_NAME = "roc"
"""Name, without ending, of the ROC figure beside a paper's results."""

CURVES_NAME = "curves"
"""The same of the learning curves."""

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")


def draw_roc(results: Sequence[Mapping[str, Any]], folder: Path) -> list[Path]:
    """Draw the ROC curves of a paper's binary rows, one panel per protocol, as PNG and SVG; return the files.

    Raises:
        DataError: No result has a curve.
    """
    curves = [result for result in results if result["roc"] and not result["chain"]]
    if not curves:
        raise DataError(f"{folder}: no result with an ROC curve – run a row first")
    protocols = list(dict.fromkeys(result["protocol"] for result in curves))
    figure = Figure(figsize=(5.2 * len(protocols), 4.8), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    for axes, protocol in zip(np.atleast_1d(figure.subplots(1, len(protocols))), protocols, strict=True):
        _draw_panel(axes, [result for result in curves if result["protocol"] == protocol], protocol)
    return _written(figure, folder / ROC_NAME)


def draw_learning_curves(results: Sequence[Mapping[str, Any]], folder: Path) -> list[Path]:
    """Draw loss and accuracy by epoch, one column of panels per protocol, as PNG and SVG; return the files.

    Each fold and seed is a line, on the training pictures whole and on the validation pictures dashed.

    Raises:
        DataError: No result has a history.
    """
    known = [result for result in results if not result["chain"] and any(fold["history"] for fold in result["folds"])]
    if not known:
        raise DataError(f"{folder}: no result with a learning curve – run a row first")
    protocols = list(dict.fromkeys(result["protocol"] for result in known))
    figure = Figure(figsize=(5.2 * len(protocols), 6.4), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(2, len(protocols), sharex="col", sharey="row", squeeze=False)
    labels = list(dict.fromkeys(result["label"] for result in known))
    colours = {label: _COLOURS[place % len(_COLOURS)] for place, label in enumerate(labels)}
    for column, protocol in zip(grid.T, protocols, strict=True):
        _draw_history(column, [result for result in known if result["protocol"] == protocol], colours)
        column[0].set(title=protocol)
    kinds = [Line2D([], [], color="#555555", linestyle=style) for style in ("-", "--")]
    lines = [*kinds, *(Line2D([], [], color=colour) for colour in colours.values())]
    grid[0, 0].legend(lines, ["training", "validation", *labels], fontsize=8, loc="upper right")
    return _written(figure, folder / CURVES_NAME)


def _draw_history(panels: Any, results: Sequence[Mapping[str, Any]], colours: Mapping[str, str]) -> None:
    for result in results:
        for fold in result["folds"]:
            epochs = [row["epoch"] + 1 for row in fold["history"]]
            for axes, names in zip(panels, (("loss", "val_loss"), ("train_accuracy", "accuracy")), strict=True):
                for name, style in zip(names, ("-", "--"), strict=True):
                    values = [row.get(name, np.nan) for row in fold["history"]]
                    axes.plot(epochs, values, style, color=colours[result["label"]], linewidth=1.4)
    panels[0].set(ylabel="loss")
    panels[1].set(ylabel="accuracy", xlabel="epoch")
    for axes in panels:
        axes.grid(alpha=0.3)


def _written(figure: Figure, stem: Path) -> list[Path]:
    paths = [stem.with_suffix(f".{ending}") for ending in ("png", "svg")]
    for path in paths:
        with atomic_write(path, "wb") as handle:
            metadata = {"Software": None} if path.suffix == ".png" else {"Date": None}
            with mpl.rc_context({"svg.hashsalt": "fxdet"}):  # the same curves give the same file
                figure.savefig(handle, format=path.suffix[1:], metadata=metadata)
    return paths


def _draw_panel(axes: Any, curves: Sequence[Mapping[str, Any]], protocol: str) -> None:
    labels = list(dict.fromkeys(result["label"] for result in curves))
    for result in curves:
        alarms, hits = np.array([[float(value) for value in point.split(",")] for point in result["roc"]]).T
        area = result["figures"]["auroc"]
        low, high = ("–" if area[name] is None else f"{area[name]:.3f}" for name in ("low", "high"))
        what = "" if result["filter"] == "none" else f", {result['filter']}"
        text = f"{result['label']}{what}, seed {result['seed']}: {area['value']:.3f} ({low}–{high})"
        axes.plot(
            alarms, hits, color=_COLOURS[labels.index(result["label"]) % len(_COLOURS)], label=text, linewidth=1.6
        )
    axes.plot([0, 1], [0, 1], color="#888888", linewidth=0.8, linestyle=":")
    axes.set(xlabel="1 − specificity", ylabel="sensitivity", title=f"{protocol}, n = {curves[0]['n']:,}")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="lower right", title="AUROC (95 % interval)", title_fontsize=8)
