"""Figures of trainings by cross-validation."""

from __future__ import annotations

from dataclasses import dataclass

from fxdet.evaluation.estimate import Estimate, plain_number
from fxdet.pages.sources import NOT_MEASURED, Record, Repository, table


@dataclass(frozen=True, slots=True)
class Folded:
    """A training by cross-validation that the pages show.

    Attributes:
        config: Name of its configuration in ``configs/folds``.
        file: ``folds.json`` of its run folder, copied to the results.
        figure: Name of the figure of its line.
        about: What must be known of it.
    """

    config: str
    file: str
    figure: str
    about: str

    def record(self, repository: Repository) -> Record | None:
        """Return the result, or None where nobody ran it."""
        return repository.record(self.file) if (repository.results / self.file).exists() else None


_EACH = "each picture scored by the network that did not see it"

FRACTURES = Folded("fracatlas_mobilenetv2_100", "fracatlas_folds.json", "auroc", f"no localizer; {_EACH}")
"""``fxdet train folds configs/folds/fracatlas_mobilenetv2_100.yaml``."""

REGIONS = Folded("bonefracture_mobilenetv2_100", "bonefracture_folds.json", "accuracy", f"no localizer; {_EACH}")
"""``fxdet train folds configs/folds/bonefracture_mobilenetv2_100.yaml``."""


_HEAD = ("networks", "head", "figure", "all folds together (95 %)", "n", "folds", "split list", "first weights",
         "weights", "configuration")  # fmt: skip


def folds_table(repository: Repository) -> str:
    """Return every training by cross-validation, one line each."""
    return table(_HEAD, [_line(repository, folded) for folded in (FRACTURES, REGIONS)], sortable=True)


def _line(repository: Repository, folded: Folded) -> tuple[str, ...]:
    record = folded.record(repository)
    config = f"[{folded.config}](../configs/folds/{folded.config}.yaml)"
    if record is None:
        return (folded.config, *[NOT_MEASURED] * 7, "not trained yet", config)
    found, over = pooled(record, folded.figure), spread_text(record, folded.figure).removeprefix("folds ")
    figure = "AUROC" if folded.figure == "auroc" else folded.figure
    return (
        f"[{record['name']}](results/{folded.file})", record["head"], figure, found.short, f"{found.n:,}", over,
        f"`{record['split']['split']}`", record["initial_weights"], "by command", config,
    )  # fmt: skip


def pooled(record: Record | None, name: str) -> Estimate:
    """Return a figure over all folds together; undefined where nobody ran it."""
    if record is None or name not in record["figures"]:
        return Estimate(None)
    return Estimate.from_json(record["figures"][name])


def spread_text(record: Record, name: str) -> str:
    """Return mean and standard deviation over the folds, e.g. ``folds .910 ± .012``."""
    over = record["over_folds"][name]
    return f"folds {plain_number(over['mean'])} ± {plain_number(over['standard_deviation'])}"
