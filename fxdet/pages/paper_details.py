"""The figures of each run of a paper that its main table leaves out."""

from __future__ import annotations

from fxdet.evaluation.estimate import Estimate, plain_number
from fxdet.evaluation.paper_checks import printed_text
from fxdet.evaluation.papers import CNN2024_EPOCHS, CNN2024_TRAINING, CNN2024_VALIDATION
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


def epochs_table(repository: Repository, paper: str) -> str:
    """Return accuracy in training and validation after the last epoch of every fold, below what the paper printed."""
    printed = (printed_text(CNN2024_TRAINING), printed_text(CNN2024_VALIDATION))
    lines = [("published", NOT_MEASURED, str(CNN2024_EPOCHS), *printed, NOT_MEASURED)]
    for path, result in repository.records(f"papers/{paper}/*.*.*.json").items():
        made = len(result["folds"])
        folds = result["tested_folds"] or (range(made) if made > 1 else [NOT_MEASURED])
        for number, (name, fold) in enumerate(zip(folds, result["folds"], strict=True)):
            last = fold["history"][-1]
            accuracies = (plain_number(last["train_accuracy"]), plain_number(last["accuracy"]))
            # The file's counts are those of the first fold.
            n = NOT_MEASURED if number else f"{result['split']['counts']['val']:,}"
            lines.append((path.stem, str(name), str(fold["epochs"]), *accuracies, n))
    return table(("run", "fold", "epoch", "accuracy in training", "accuracy in validation", "n, validation"), lines)


def _cell(result: Record, name: str) -> str:
    found = result["figures"].get(name)
    return Estimate.from_json(found).short if found else NOT_MEASURED


def _counts(result: Record) -> tuple[str, str]:
    (true_negative, false_positive), (false_negative, true_positive) = result["confusion"]["truth_in_rows"]
    return f"{true_positive} / {false_negative}", f"{true_negative} / {false_positive}"
