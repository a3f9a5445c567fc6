"""One training for each fold of a split list, every picture scored once, by the network that did not see it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import torch

from fxdet._version import __version__
from fxdet.core.errors import ConfigError, DataError
from fxdet.core.files import write_json
from fxdet.data.splits import named_split
from fxdet.evaluation.estimate import Estimate
from fxdet.evaluation.resampling import IntervalOptions
from fxdet.training.classification import radiograph_store
from fxdet.training.classifier_config import ClassifierConfig
from fxdet.training.config import load_config
from fxdet.training.config_hash import config_hash, decisive
from fxdet.training.fits import SCORES, FitResult, run_fit
from fxdet.training.processes import Processes
from fxdet.training.scores import Judged, joined, score_figures

RESULT = "folds.json"
"""File of the run folder with the pooled figures."""

Say = Callable[[str], None]


def cross_validate(
    config_path: str | Path,
    overrides: Sequence[str] = (),
    restart: bool = False,
    processes: Processes | None = None,
    say: Say = print,
) -> Path:
    """Train a classifier once for each fold of its first source's split list, and pool the scores.

    Fold k is tested, the next one chooses the epoch, the others train; further sources are trained on every time. What
    is finished is left as it is, and what was killed goes on from its last whole epoch.

    Args:
        config_path: YAML file for :class:`~fxdet.training.classifier_config.ClassifierConfig`.
        overrides: Texts ``a.b=value``.
        restart: Throw earlier folds away.
        processes: This process; only one is supported.
        say: Takes one line on each step.

    Returns:
        ``folds.json`` of the run folder: pooled figures with intervals, those of each fold, and all scores.

    Raises:
        ConfigError, DataError, ModelError, TrainingError, OutputError: See the message.
    """
    config = load_config(config_path, overrides, ClassifierConfig)
    processes = processes or Processes(torch.device("cpu"))
    folds = folds_of(config)
    if restart:
        shutil.rmtree(config.run, ignore_errors=True)
    head, store = next(iter(config.heads)), radiograph_store(config)
    fits: dict[int, FitResult] = {}
    for fold in folds:
        one = of_fold(config, fold)
        if not (one.run / SCORES).exists():
            say(f"fold {fold} of {len(folds)}: {one.run}")
        fits[fold] = run_fit(one, Judged(head, "best"), processes, store)
    path = config.run / RESULT
    write_json(path, folds_result(config, head, fits))
    return path


def folds_of(config: ClassifierConfig) -> tuple[int, ...]:
    """Return the folds of the first source's split list.

    Raises:
        ConfigError: It has no list, or the list no folds.
    """
    split = config.sources[0].split
    if split is None:
        raise ConfigError("sources.0.split – got none, expected a split list with folds – fxdet data split makes one")
    folds = named_split(split).folds
    if "@" in split or len(folds) < 3:
        raise ConfigError(f"sources.0.split – '{split}' has {len(folds)} folds, expected a whole list with 3 or more")
    return folds


def of_fold(config: ClassifierConfig, fold: int) -> ClassifierConfig:
    """Return the training in which a fold is tested."""
    source = replace(config.sources[0], split=f"{config.sources[0].split}@{fold}")
    return replace(config, sources=(source, *config.sources[1:]), run=config.run / f"fold{fold}")


def folds_result(config: ClassifierConfig, head: str, fits: Mapping[int, FitResult]) -> dict[str, Any]:
    """Return the content of the result file.

    Args:
        config: The training without its folds.
        head: Head that is judged.
        fits: Fold → finished training.

    Raises:
        DataError: A picture was tested in two folds.
    """
    classes, options = config.heads[head], IntervalOptions(seed=config.loop.seed)
    pooled = joined([fit.scores for fit in fits.values()])
    if len(set(pooled.names)) < len(pooled.names):
        raise DataError(f"{config.sources[0].split} – a picture lies in two folds – mend the list")
    figures, table = score_figures(pooled, head, classes, options)
    each = {fold: score_figures(fit.scores, head, classes, options)[0] for fold, fit in fits.items()}
    first = next(iter(fits.values())).about
    return {
        "schema": 1,
        "name": f"{config.name}.{config.tag}", "head": head, "classes": list(classes),
        "n": int(pooled.times.sum()),
        "figures": {name: estimate.to_json() for name, estimate in figures.items()},
        "over_folds": over_folds(each),
        "confusion": table.to_json(),
        "folds": [{"fold": fold, **_fold(fit, each[fold])} for fold, fit in fits.items()],
        "split": {**first["split"], "split": config.sources[0].split},
        "initial_weights": Path(config.initial_weights).name,
        "config_hash": config_hash(config), "configuration": decisive(config),
        "environment": first["environment"], "fxdet": __version__,
        "scores_columns": ["name", "group", "times", "truth", "lookup", *(f"p_{name}" for name in classes)],
        "scores": pooled.to_rows(),
    }  # fmt: skip


def over_folds(each: Mapping[int, Mapping[str, Estimate]]) -> dict[str, dict[str, float]]:
    """Return figure → mean and standard deviation over the folds; what a fold lacks is left out.

    Scores of different networks share no scale, so that a pooled AUROC lies a little below the mean of the folds.

    Example:
        >>> over_folds({0: {"auroc": Estimate(0.8)}, 1: {"auroc": Estimate(0.9)}})
        {'auroc': {'mean': 0.85, 'standard_deviation': 0.070711}}
    """
    found = {}
    for name in next(iter(each.values()), {}):
        values = [figures[name].value for figures in each.values() if name in figures]
        known = [value for value in values if value is not None]
        if len(known) == len(each) >= 2:
            found[name] = {"mean": round(fmean(known), 6), "standard_deviation": round(stdev(known), 6)}
    return found


def _fold(fit: FitResult, figures: Mapping[str, Estimate]) -> dict[str, Any]:
    kept = ("best_epoch", "epochs", "pictures", "training_seconds", "history")
    shown = {name: figures[name].to_json() for name in ("accuracy", "auroc") if name in figures}
    return {"n": int(fit.scores.times.sum()), "figures": shown, **{name: fit.about[name] for name in kept}}


def folds_text(path: Path) -> str:
    """Return the figures of a result file as lines for a terminal."""
    result = json.loads(path.read_text(encoding="utf-8"))
    lines = []
    for name in ("auroc", "accuracy"):
        if name in result["figures"]:
            spread = result["over_folds"].get(name)
            mean = f"; folds {spread['mean']:.3f} ± {spread['standard_deviation']:.3f}" if spread else ""
            lines.append(f"{name}: {Estimate.from_json(result['figures'][name])}{mean}")
    return "\n".join((*lines, str(path)))
