"""Published figures recomputed from what was published beside them, and where they contradict each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import floor
from typing import Any, Literal

import numpy as np

from fxdet.core.errors import ConfigError, did_you_mean
from fxdet.core.shares import wilson_interval
from fxdet.evaluation import confusion as cm
from fxdet.evaluation.comparisons import mcnemar
from fxdet.evaluation.estimate import Estimate, plain_number
from fxdet.evaluation.papers import (
    CNN2024_VALIDATION,
    PAPERS,
    PRINTED_TWICE,
    PUBLISHED_MATRICES,
    PUBLISHED_ROWS,
    TEAM05_N,
    Printed,
    PublishedMatrix,
    PublishedRow,
)

Verdict = Literal["agrees", "last digit", "contradicts", "note"]
Place = Literal["inside", "below", "above", "undefined"]


_EVERY = "all networks"

_SETTINGS = (
    (_EVERY, "training images", "1,807", "1,804: three are in two folders, one of which is removed before training"),
    (_EVERY, "schedule", "cosine with warm restarts", "constant (scheduler.step is commented out)"),
    (_EVERY, "weight decay", "1e-4 (5.2) and .01 (5.1)", ".01 for the custom CNN, 0 for the others"),
    (_EVERY, "early stopping", "patience 10", "none; the last of 20 epochs is tested"),
    (_EVERY, "rotation", "±15°, vertical flips, scaling", "±10° and horizontal flips"),
    ("custom_cnn", "optimiser", "Adam over its weights", "Adam over another network's: it is never trained"),
    (
        _EVERY,
        "accuracy per filter",
        "one filter against another",
        "one network goes on training through all five copies of the data, read five times off the same 83 images",
    ),
    (
        "filters",
        "PSNR",
        "PSNR against the resized original",
        "unsigned bytes are subtracted and squared: a difference d counts as d² mod 256, and no PSNR is below 24.17 dB",
    ),
)
"""Team-05: row, what, what the report says, what its published script does."""


@dataclass(frozen=True, slots=True)
class PublishedCheck:
    """One check of a published figure.

    Attributes:
        paper: The paper.
        row: Row of its table.
        figure: What was checked.
        printed: As it was printed.
        recomputed: What comes out, as text.
        verdict: ``agrees`` to the printed digits; ``last digit``: one unit away, as after rounding twice;
            ``contradicts``; ``note``: nothing to agree with, or not comparable.
        why: How it was recomputed, or what follows.
    """

    paper: str
    row: str
    figure: str
    printed: str
    recomputed: str
    verdict: Verdict
    why: str

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def matrix_figures(matrix: PublishedMatrix) -> dict[str, float]:
    """Return what a printed matrix gives, by the names of :mod:`fxdet.evaluation.binary`.

    Example:
        >>> figures = matrix_figures(PublishedMatrix("p", "r", (3, 1), (2, 4)))
        >>> figures["accuracy"], figures["ppv"], round(figures["mcc"], 4)
        (0.7, 0.8, 0.4082)
    """
    counts = np.array([matrix.normal, matrix.fractured], dtype=np.float64)
    recall, precision, f1 = cm.recall(counts), cm.precision(counts), cm.f1(counts)
    return {
        "accuracy": float(cm.accuracy(counts)),
        "sensitivity": float(recall[1]),
        "specificity": float(recall[0]),
        "ppv": float(precision[1]),
        "npv": float(precision[0]),
        "f1_fractured": float(f1[1]),
        "f1_normal": float(f1[0]),
        "mcc": float(cm.matthews(counts)),
    }


def judge(printed: Printed, recomputed: float) -> Verdict:
    """Return how a printed figure stands to a recomputed one.

    Example:
        >>> judge(Printed(0.957, 3), 0.9575), judge(Printed(0.956, 3), 0.9568), judge(Printed(0.962, 3), 0.9575)
        ('agrees', 'last digit', 'contradicts')
    """
    units = abs(recomputed - printed.value) / printed.unit
    if units <= 0.5 + 1e-9:
        return "agrees"
    return "last digit" if units <= 1 + 1e-9 else "contradicts"


def check_published(paper: str | None = None) -> tuple[PublishedCheck, ...]:
    """Return all checks, paper by paper.

    Args:
        paper: Those of one paper alone.

    Raises:
        ConfigError: The paper is unknown.

    Example:
        >>> {check.paper for check in check_published("team05")}
        {'team05'}
    """
    if paper is not None and paper not in PAPERS:
        raise ConfigError(f"PAPER – got '{paper}'{did_you_mean(paper, PAPERS)}")
    checks = [*_matrix_checks(), *_count_checks(), *_repeated_checks(), *_claims()]
    order = list(dict.fromkeys(row.paper for row in PUBLISHED_ROWS))
    wanted = [check for check in checks if paper in (None, check.paper)]
    return tuple(sorted(wanted, key=lambda check: order.index(check.paper)))


def place_of(printed: Printed, ours: Estimate) -> Place:
    """Return where a published figure lies against our interval; ``above`` alone is not reproduced.

    Example:
        >>> place_of(Printed(0.9, 2), Estimate(0.88, 0.80, 0.94)), place_of(Printed(0.96, 2), Estimate(0.8, 0.7, 0.9))
        ('inside', 'above')
    """
    if ours.value is None or ours.low is None or ours.high is None:
        return "undefined"
    half = printed.unit / 2
    if printed.value - half > ours.high:
        return "above"
    return "below" if printed.value + half < ours.low else "inside"


def attainable(printed: Printed, n: int) -> list[int]:
    """Return the counts of n whose share rounds to a printed figure.

    Example:
        >>> attainable(Printed(0.9, 2), 83), attainable(Printed(0.5, 2), 83)
        ([75], [])
    """
    low = max(0, floor((printed.value - printed.unit) * n))
    high = min(n, floor((printed.value + printed.unit) * n) + 1)
    return [k for k in range(low, high + 1) if abs(k / n - printed.value) <= printed.unit / 2 + 1e-12]


def _matrix_checks() -> Iterator[PublishedCheck]:
    for matrix in PUBLISHED_MATRICES:
        found = matrix_figures(matrix)
        (tn, fp), (fn, tp) = matrix.normal, matrix.fractured
        why = f"printed matrix: TP {tp}, FN {fn}, FP {fp}, TN {tn}, n = {tp + fn + fp + tn:,}"
        for name, printed in matrix.figures.items():
            verdict = judge(printed, found[name])
            text = plain_number(found[name])
            yield PublishedCheck(matrix.paper, matrix.row, name, printed_text(printed), text, verdict, why)


def _count_checks() -> Iterator[PublishedCheck]:
    """Yield, for accuracies of a small test part, the count and its Wilson interval."""
    for row in PUBLISHED_ROWS:
        if row.paper == "team05":
            yield _count_check(row)


def _count_check(row: PublishedRow) -> PublishedCheck:
    printed = row.figures["accuracy"]
    counts = attainable(printed, TEAM05_N)
    if not counts:
        below = floor(printed.value * TEAM05_N)
        near = " and ".join(f"{k}/{TEAM05_N} = {100 * k / TEAM05_N:.1f} %" for k in (below, below + 1))
        why = f"no number of {TEAM05_N} images rounds to it: {near}"
        return PublishedCheck("team05", row.row, "accuracy", printed_text(printed), "–", "contradicts", why)
    low, high = wilson_interval(counts[0], TEAM05_N)
    text = f"{counts[0]}/{TEAM05_N} = {plain_number(counts[0] / TEAM05_N)}"
    why = f"95 % interval (Wilson) {100 * low:.0f}–{100 * high:.0f} %"
    return PublishedCheck("team05", row.row, "accuracy", printed_text(printed), text, "agrees", why)


def _repeated_checks() -> Iterator[PublishedCheck]:
    for paper, row, figure, places in PRINTED_TWICE:
        printed = ", ".join(f"{printed_text(value)} ({place})" for place, value in places)
        spread = max(value.value for _, value in places) - min(value.value for _, value in places)
        verdict: Verdict = "last digit" if spread <= places[0][1].unit + 1e-9 else "contradicts"
        yield PublishedCheck(paper, row, figure, printed, "–", verdict, "one source prints it differently")


def _claims() -> Iterator[PublishedCheck]:
    printed = PUBLISHED_MATRICES[1].figures
    mean = (printed["ppv"].value + printed["npv"].value) / 2
    why = "it is the mean of the two printed precisions, no area under a curve: not comparable with detectors' AP"
    yield PublishedCheck("cnn2024", "keras_cnn", "AP", ".895", plain_number(mean), "note", why)
    yield _validation_claim()
    why = "one figure, no counts, no n, the data set is not named: can't be recomputed"
    yield PublishedCheck("sriram2026", "resnet50", "accuracy", ".942", "–", "note", why)
    for row in ("vgg16", "densenet121", "resnet50"):
        why = "accuracy alone, no counts: can't be recomputed"
        known = next(item for item in PUBLISHED_ROWS if (item.paper, item.row) == ("tamboli2026", row))
        text = printed_text(known.figures["accuracy"])
        yield PublishedCheck("tamboli2026", row, "accuracy", text, "–", "note", why)
    yield _clahe_claim()
    yield from _settings()


def _validation_claim() -> PublishedCheck:
    """Return what a validation accuracy says beside a test accuracy: another part, so that neither contradicts."""
    accuracy = plain_number(matrix_figures(PUBLISHED_MATRICES[1])["accuracy"])
    low, high = (plain_number(limit) for limit in wilson_interval(694 + 195, 975))
    why = f"another part than the matrix's: no contradiction; the test accuracy is {accuracy} ({low}–{high}), n = 975"
    return PublishedCheck(
        "cnn2024", "keras_cnn", "validation accuracy", printed_text(CNN2024_VALIDATION), "–", "note", why
    )


def _clahe_claim() -> PublishedCheck:
    gained = round(0.06 * TEAM05_N)
    p = mcnemar(("with", "without"), [True] * gained + [False], [False] * (gained + 1)).p or 1.0
    why = f"{gained} of {TEAM05_N} images; even if none got worse, McNemar's exact test gives p = {p:.4f}"
    return PublishedCheck("team05", "resnet18", "CLAHE alone", "+.06", "–", "note", why)


def _settings() -> Iterator[PublishedCheck]:
    """Yield what the Team-05 report says and its published script does."""
    for row, what, report, script in _SETTINGS:
        yield PublishedCheck("team05", row, what, report, script, "contradicts", "report and published script")


def printed_text(printed: Printed) -> str:
    """Return a published figure with the digits it was printed with.

    Example:
        >>> printed_text(Printed(0.9, 2))
        '.90'
    """
    return f"{printed.value:.{printed.digits}f}".removeprefix("0")
