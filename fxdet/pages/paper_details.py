"""The figures of each run of a paper that its main table leaves out."""

from __future__ import annotations

from fxdet.evaluation.estimate import Estimate
from fxdet.pages.sources import NOT_MEASURED, Record, Repository, table
from fxdet.training.paper_tables import NOT_RUN

_BINARY = (
    ("AUROC (95 %)", "auroc"), ("AUPRC", "auprc"), ("sensitivity", "sensitivity"), ("specificity", "specificity"),
    ("MCC", "mcc"), ("ECE", "ece"),
)  # fmt: skip
_CLASSES = (
    ("balanced accuracy (95 %)", "balanced_accuracy"), ("F1, macro", "f1_macro"), ("F1, weighted", "f1_weighted"),
    ("MCC", "mcc"), ("kappa", "kappa"), ("ECE", "ece"),
)  # fmt: skip


def details_table(repository: Repository, paper: str) -> str:
    """Return further figures of every run, and of two classes the counts of the confusion matrix."""
    results = repository.records(f"papers/{paper}/*.*.*.json")
    if not results:
        return f"{NOT_RUN.capitalize()}."
    binary = all(len(result["classes"]) == 2 for result in results.values())
    columns = _BINARY if binary else _CLASSES
    head = ("run", *(words for words, _ in columns), *(("TP / FN", "TN / FP") if binary else ()))
    lines = [
        (path.stem, *(_cell(result, name) for _, name in columns), *(_counts(result) if binary else ()))
        for path, result in results.items()
    ]
    return table(head, lines)


def _cell(result: Record, name: str) -> str:
    found = result["figures"].get(name)
    return Estimate.from_json(found).short if found else NOT_MEASURED


def _counts(result: Record) -> tuple[str, str]:
    (true_negative, false_positive), (false_negative, true_positive) = result["confusion"]["truth_in_rows"]
    return f"{true_positive} / {false_negative}", f"{true_negative} / {false_positive}"
