"""The part of an evaluation that pages are made from: operating points, gains, cross-check and subgroups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fxdet.core.errors import DataError

SCHEMA = 1
POINTS = ("doubt", "definite")
"""Operating points, as ``decision/recorded/…`` names them."""

FURTHER = (
    ("ranking/pipeline", ("auprc", "sensitivity_at_specificity_0.85", "ece")),
    ("boxes/pipeline", ("froc_iou_0.5",)),
    ("crosscheck", ("peak_in_reference_right", "box_centre_in_reference_right")),
    ("crosscheck", ("agrees_if_right", "disagrees_if_right", "disagrees_if_wrong")),
)
"""Further figures that are kept, by their section."""

GAINS = ("AUROC",)
"""Figures whose paired tests between stages are kept."""

COUNTS = ("radiographs", "fractured", "normal", "reference_boxes")
_OF_PART = ("set", "part", "looks", "split")
_OF_PIPELINE = ("models", "config_hash", "version")
_DIGITS = 4


def subgroup_excerpt(evaluations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return operating points and subgroups of one pipeline on several parts, as plain JSON values.

    Args:
        evaluations: Contents of ``evaluation.json`` files that ``fxdet evaluate`` wrote.

    Raises:
        DataError: There are none, they are of different pipelines, or a part occurs twice.
    """
    if not evaluations:
        raise DataError("subgroups – got no evaluation, expected one or more folders of fxdet evaluate")
    first = evaluations[0]
    hashes = {tuple(data["predictions"]["config_hash"]) for data in evaluations}
    if len(hashes) > 1:
        found = ", ".join("/".join(names) or "none" for names in sorted(hashes))
        raise DataError(f"subgroups – field 'config_hash' – got {found}, expected one pipeline – predict anew")
    names = [(data["set"], data["part"]) for data in evaluations]
    for name in names:
        if names.count(name) > 1:
            raise DataError(f"subgroups – {' '.join(map(str, name))} is given twice – leave one of them out")
    return {
        "schema": SCHEMA,
        **{key: first["predictions"][key] for key in _OF_PIPELINE},
        "intervals": first["intervals"],
        "parts": [_part(data) for data in evaluations],
    }


def _part(data: Mapping[str, Any]) -> dict[str, Any]:
    figures = data["figures"]
    return {
        **{key: data[key] for key in _OF_PART},
        "counts": {key: data["counts"][key] for key in COUNTS},
        "auroc": _figure(figures["ranking/pipeline"]["auroc"]),
        "points": {
            point: {
                name: _figure(figures[f"decision/recorded/{point}"][name]) for name in ("sensitivity", "specificity")
            }
            for point in POINTS
        },
        "further": {
            f"{section}/{name}": _figure(figures[section][name])
            for section, names in FURTHER
            for name in names
            if name in figures.get(section, {})
        },
        "gains": [_gain(test) for test in data.get("comparisons", ()) if test["figure"] in GAINS],
        "calibrated": {
            fit["head"]: {
                "temperature": _rounded(fit["temperature"]),
                "shipped": _figure(fit["figures"]["ece_before"]),
                "ece": _figure(fit["figures"]["ece_after"]),
            }
            for fit in data.get("calibration", ())
            if "ece_after" in fit["figures"]
        },
        "subgroups": [
            {**group, "figures": {name: _figure(figure) for name, figure in group["figures"].items()}}
            for group in data["subgroups"]
        ],
    }


def _gain(test: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: test[key] for key in ("figure", "first", "second", "test")}
    p = {key: float(f"{test[key]:.3g}") for key in ("p", "p_holm")}
    return {**kept, "difference": _figure(test["difference"]), **p}


def _figure(estimate: Mapping[str, Any]) -> dict[str, Any]:
    value, low, high = (_rounded(estimate[key]) for key in ("value", "low", "high"))
    return {"value": value, "interval": None if low is None else [low, high], "n": estimate["n"]}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
