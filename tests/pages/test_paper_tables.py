"""Rows of the papers' pages, from hand-made result files."""

from __future__ import annotations

import json

import pytest

from fxdet.pages.attention_words import attention_words
from fxdet.pages.filter_psnr import psnr_table
from fxdet.pages.paper_details import details_table, epochs_table
from fxdet.pages.paper_tables import attention_table, chain_table, filters_table, rows_table, runs_table
from fxdet.pages.sources import Repository
from fxdet.training.config_hash import decisive
from fxdet.training.paper_config import read_row, row_files, training_config
from tests.pages.paper_files import made_up_result, write_result

RUN = "[resnet18.as-published.7](../results/papers/team05/resnet18.as-published.7.json)"


@pytest.fixture
def empty(checkout: Repository) -> Repository:
    """A checkout without any result of a paper."""
    for path in (checkout.results / "papers").rglob("*.json"):
        path.unlink()
    return checkout


def cells(table: str, row: str, figure: str | None = None) -> dict[str, str]:
    """Return a row of a table by its column heads."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    for line in lines[2:]:
        found = dict(zip(lines[0], line, strict=True))
        if found["row"] == row and (figure is None or found["figure"] == figure):
            return found
    raise AssertionError(f"no row {row}: {table}")


def accuracy(value: float, low: float, high: float, n: int = 83) -> dict:
    figures = {"accuracy": {"value": value, "low": low, "high": high, "n": n, "method": "Wilson"}}
    return {**figures, "lookup_accuracy": {"value": 0.5, "low": 0.4, "high": 0.6, "n": n, "method": "Wilson"}}


def test_a_row_that_was_not_run_says_so(empty):
    row = cells(rows_table(empty, "team05"), "ResNet-18")
    assert row["published"] == ".90 (README), .89 (report, 7.1), .49 (report, 8.4.2)"
    assert row["same protocol, ours"] == row["leak-free, ours"] == "not run yet"
    assert (row["verdict"], row["look-up: same protocol / leak-free"]) == ("–", "–")
    for table in (runs_table, chain_table, filters_table, attention_table, attention_words, psnr_table):
        assert table(empty, "team05") == "Not run yet."


@pytest.mark.parametrize(
    ("figure", "told"),
    [
        ((0.88, 0.80, 0.93), "reproduced"),
        ((0.96, 0.92, 0.99), "reproduced, ours lies above"),
        ((0.70, 0.60, 0.80), "**not reproduced**: published lies above"),
        # The printed .90 stands for .895 to .905: at the limit it is inside.
        ((0.80, 0.70, 0.895), "reproduced"),
        ((0.80, 0.70, 0.894), "**not reproduced**: published lies above"),
    ],
)
def test_the_rule(empty, figure, told):
    write_result(empty, made_up_result(figures=accuracy(*figure)))
    assert cells(rows_table(empty, "team05"), "ResNet-18")["verdict"] == told


def test_a_row_from_scratch_says_so(empty):
    write_result(empty, made_up_result(initial_weights="none", figures=accuracy(0.5, 0.4, 0.6)))
    row = cells(rows_table(empty, "team05"), "ResNet-18")
    assert row["first weights"] == "**from scratch**, not ImageNet"
    assert row["verdict"] == "**not reproduced**: published lies above; from scratch"


def test_a_result_that_replaces_others_tells_what_they_said(empty):
    first = {
        "looks": 1,
        "n": 83,
        "initial_weights": "none",
        "config_hash": "0",
        "fxdet": "0",
        **accuracy(0.7, 0.6, 0.8),
    }
    earlier = [{key: value for key, value in first.items() if key != "lookup_accuracy"}]
    write_result(empty, made_up_result(looks_at_the_test_part=2, earlier=earlier))
    told = "reproduced; an earlier run had .700 (.600–.800) from scratch"
    assert cells(rows_table(empty, "team05"), "ResNet-18")["verdict"] == told
    assert cells(runs_table(empty, "team05").replace("| run |", "| row |"), RUN)["looks"] == "2"
    write_result(empty, made_up_result(looks_at_the_test_part=3, earlier=[*earlier, first | accuracy(0.1, 0.0, 0.2)]))
    assert cells(rows_table(empty, "team05"), "ResNet-18")["verdict"].endswith(
        "from scratch, then .100 (.000–.200) from scratch"
    )


def test_k_fold_is_judged_by_k_fold(empty):
    row = {"paper": "cnn2024", "row": "keras_cnn", "initial_weights": "none"}
    label = "CNN, one sigmoid unit"
    assert cells(rows_table(empty, "cnn2024"), label)["verdict"] == "–"
    write_result(empty, made_up_result(**row, figures=accuracy(0.95, 0.93, 0.97)))
    line = cells(rows_table(empty, "cnn2024"), label)
    told = "k-fold not run; released parts: reproduced, ours lies above"
    assert (line["released parts, ours"], line["verdict"]) == (".950 (.930–.970), n = 83", told)
    assert line["same protocol (k-fold over names), ours"] == "not run yet"
    folds = made_up_result(**row, protocol="shuffled-folds", tested_folds=[1], figures=accuracy(0.5, 0.4, 0.6))
    write_result(empty, folds)
    line = cells(rows_table(empty, "cnn2024"), label)
    assert line["same protocol (k-fold over names), ours"] == ".500 (.400–.600), n = 83; fold 1 alone"
    assert line["verdict"] == "**not reproduced**: published lies above"
    write_result(empty, {**folds, "tested_folds": []})
    assert cells(rows_table(empty, "cnn2024"), label)["same protocol (k-fold over names), ours"].endswith("n = 83")


def test_a_network_that_is_described_without_weights_is_not_from_scratch_instead(empty):
    write_result(empty, made_up_result(row="custom_cnn", initial_weights="none"))
    row = cells(rows_table(empty, "team05"), "custom CNN, trained properly")
    assert row["first weights"] == "none, as described"
    assert row["verdict"] == "reproduced, ours lies above"


@pytest.mark.parametrize(
    ("weights", "told"),
    [("mobilenetv2_100.imagenet.safetensors", "ImageNet"), ("best.safetensors", "`best.safetensors`, not ImageNet")],
)
def test_first_weights_by_name(empty, weights, told):
    write_result(empty, made_up_result(initial_weights=weights))
    assert cells(rows_table(empty, "team05"), "ResNet-18")["first weights"] == told


def test_several_seeds_give_mean_and_range(empty):
    for seed, value in ((7, 0.86), (8, 0.88), (9, 0.93)):
        write_result(empty, made_up_result(seed=seed, figures=accuracy(value, value - 0.1, value + 0.05)))
    row = cells(rows_table(empty, "team05"), "ResNet-18")
    assert row["same protocol, ours"] == ".890 (.790–.940), n = 83; mean of 3 seeds, .860–.930"


def test_folds_leak_and_look_up(empty):
    write_result(empty, made_up_result(split={"leaky": True, "sha256": "ab" * 32}))
    one = made_up_result(protocol="grouped", tested_folds=[0], figures=accuracy(0.8, 0.7, 0.9, 400))
    write_result(empty, one)
    row = cells(rows_table(empty, "team05"), "ResNet-18")
    assert row["same protocol, ours"] == ".880 (.800–.930), n = 83; **leaky**"
    assert row["leak-free, ours"] == ".800 (.700–.900), n = 400; fold 0 alone"
    assert row["look-up: same protocol / leak-free"] == ".500 / .500"
    write_result(empty, {**one, "tested_folds": [0, 1, 2]})
    assert cells(rows_table(empty, "team05"), "ResNet-18")["leak-free, ours"].endswith("n = 400; 3 of 5 folds")
    write_result(empty, {**one, "tested_folds": [0, 1, 2, 3, 4]})
    assert cells(rows_table(empty, "team05"), "ResNet-18")["leak-free, ours"] == ".800 (.700–.900), n = 400"


def test_every_printed_figure_has_its_line(empty):
    table = rows_table(empty, "tamboli2026")
    label = "proposed (EfficientNet), as EfficientNet-B0"
    printed = {name: cells(table, label, name)["published"] for name in ("accuracy", "precision", "sensitivity", "F1")}
    assert printed == {"accuracy": ".962", "precision": ".960", "sensitivity": ".951", "F1": ".956"}
    figures = {**accuracy(0.95, 0.94, 0.97), "ppv": {"value": 0.9, "low": 0.88, "high": 0.92, "n": 200, "method": ""}}
    write_result(
        empty, made_up_result(paper="tamboli2026", row="efficientnet", filter="clahe", label=label, figures=figures)
    )
    table = rows_table(empty, "tamboli2026")
    assert cells(table, label, "accuracy")["verdict"] == "reproduced"
    assert cells(table, label, "precision")["same protocol, ours"] == ".900 (.880–.920), n = 200"
    assert cells(table, label, "precision")["verdict"].startswith("**not reproduced**")
    assert cells(table, label, "F1")["same protocol, ours"] == "–"  # the file does not have it


def test_a_figure_that_is_not_printed_is_not_judged(empty):
    write_result(empty, made_up_result(paper="sriram2026", row="vgg16"))
    row = cells(rows_table(empty, "sriram2026"), "VGG-16")
    assert (row["published"], row["verdict"]) == ("third, figure not printed", "–")


def test_chains_show_every_look(empty):
    accuracies = [{"value": v, "low": v - 0.1, "high": v + 0.05, "n": 83, "method": ""} for v in (0.8, 0.9)]
    links = [{"filter": f, "accuracy": a} for f, a in zip(("bilateral", "clahe"), accuracies, strict=True)]
    write_result(empty, made_up_result(row="resnet18_as_script", label="as the script", links=links))
    assert chain_table(empty, "team05").splitlines()[2:] == [
        "| as the script | as-published | 7 | 1 | bilateral | .800 (.700–.850), n = 83 |",
        "| as the script | as-published | 7 | 2 | clahe | .900 (.800–.950), n = 83 |",
    ]


def test_filters_stand_beside_their_paired_test(empty):
    write_result(empty, made_up_result())
    write_result(empty, made_up_result(filter="clahe", figures=accuracy(0.9, 0.82, 0.95)))
    difference = {"value": 0.02, "low": -0.05, "high": 0.09, "n": 83, "method": ""}
    key = {"row": "resnet18", "protocol": "as-published", "filter": "clahe", "seed": 7}
    tests = {"schema": 1, "tests": [{**key, "difference": difference, "p_holm": 0.6875}]}
    (empty.results / "papers" / "team05" / "filter_tests.json").write_text(json.dumps(tests))
    assert filters_table(empty, "team05").splitlines()[2:] == [
        "| ResNet-18 | none | as-published | .880 (.800–.930), n = 83 | – | – |",
        "| ResNet-18 | clahe | as-published | .900 (.820–.950), n = 83 | .020 (−.050 to .090) | .688 |",
    ]


def test_psnr_with_and_without_jpeg(empty):
    measures = {
        "psnr": {"mean": 46.8111, "interval": [46.0, 47.6], "infinite": 0},
        "psnr_wraparound": {"mean": None, "interval": [None, None], "infinite": 83},
        "ssim": {"mean": 0.9964, "interval": [None, None], "infinite": 0},
    }
    filters = [{"filter": "median", "parameters": "3 × 3 px", "pictures": 83, **measures}]
    compared = [{"jpeg_quality": quality, "filters": filters} for quality in (None, 75)]
    folder = empty.results / "papers" / "team05"
    (folder / "filter_psnr.json").write_text(json.dumps({"schema": 1, "pictures": 83, "compared": compared}))
    assert psnr_table(empty, "team05").splitlines()[2:] == [
        "| median | as they are | 83 | 46.81 (46.00–47.60) | – | 0.996 (–) |",
        "| median | through JPEG 75 | 83 | 46.81 (46.00–47.60) | – | 0.996 (–) |",
    ]


def test_the_last_epoch_stands_beside_the_published_one(empty):
    history = [
        {"epoch": 0, "train_accuracy": 0.6, "accuracy": 0.5},
        {"epoch": 1, "train_accuracy": 0.9, "accuracy": 0.8},
    ]
    split = {"leaky": False, "sha256": "ab" * 32, "counts": {"val": 774}}
    folds = [{"epochs": 2, "history": history}] * 2
    changes = {"paper": "cnn2024", "row": "keras_cnn", "protocol": "grouped", "split": split}
    write_result(empty, made_up_result(tested_folds=[0, 3], folds=folds, **changes))
    assert epochs_table(empty, "cnn2024").splitlines()[2:] == [
        "| published | – | 11 | .95 | .98 | – |",
        "| keras_cnn.grouped.7 | 0 | 2 | .900 | .800 | 774 |",
        "| keras_cnn.grouped.7 | 3 | 2 | .900 | .800 | – |",
    ]
    # All folds over names: the protocol lists none.
    shuffled = {**changes, "protocol": "shuffled-folds"}
    write_result(empty, made_up_result(tested_folds=[], folds=folds, **shuffled))
    assert epochs_table(empty, "cnn2024").splitlines()[5:] == [
        "| keras_cnn.shuffled-folds.7 | 0 | 2 | .900 | .800 | 774 |",
        "| keras_cnn.shuffled-folds.7 | 1 | 2 | .900 | .800 | – |",
    ]


def test_attention_is_compared_by_intervals(empty):
    def row(run: str, value: float, low: float | None, high: float | None) -> dict:
        others = {"energy_even": (0.007, 0.006, 0.008), "energy_centre_box": (0.024, 0.020, 0.030)}
        figures = {"energy_inside": (value, low, high), **others}
        named = ("value", "low", "high")
        made = {k: {**dict(zip(named, v, strict=True)), "n": 143, "method": ""} for k, v in figures.items()}
        return {"row": "net", "run": run, "figures": made}

    rows = [row("net.a", 0.012, 0.009, 0.015), row("net.b", 0.009, 0.008, 0.010), row("net.c", 0.04, 0.035, 0.05)]
    path = empty.results / "papers" / "sriram2026" / "attention.json"
    for untrained, told in (((0.010, 0.008, 0.011), "1 of 3 runs: `net.c`"), ((0.0, None, None), "0 of 0 runs")):
        path.write_text(json.dumps({"schema": 1, "rows": [*rows, row("random weights", *untrained)]}))
        even, random, centre = attention_words(empty, "sriram2026").splitlines()
        assert even == "- more than even attention: 2 of 3 runs: `net.a`, `net.c`"
        assert random.startswith(f"- more than the same network with random weights: {told}")
        assert centre == "- more than a box around the centre: 1 of 3 runs: `net.c`"


def test_runs_name_their_cost(empty):
    write_result(empty, made_up_result())
    (line,) = runs_table(empty, "team05").splitlines()[2:]
    assert line == (
        "| [resnet18.as-published.7](../results/papers/team05/resnet18.as-published.7.json) | 83 | 83 | 1 | 20 | 2"
        " | cpu, a processor | `0123456789abcdef` | `abababababab` | – |"
    )


def test_what_was_reduced_stands_beside_the_figure(empty):
    row = read_row(row_files(empty.root / "configs" / "papers", "team05", ["resnet18"])[0])
    asked = decisive(training_config(row, row.protocols["as-published"], 7, "none"))
    made = {**asked, "initial_weights": "none", "loop": {**asked["loop"], "epochs": 3}}
    write_result(empty, made_up_result(configuration=made, initial_weights="none", figures=accuracy(0.5, 0.4, 0.6)))
    found = cells(rows_table(empty, "team05"), "ResNet-18")
    assert found["same protocol, ours"] == ".500 (.400–.600), n = 83; reduced"
    assert found["verdict"] == "**not reproduced**: published lies above; from scratch; reduced"
    assert runs_table(empty, "team05").endswith("| `loop.epochs` 3 (row: 20) |")
    write_result(empty, made_up_result(configuration=asked))
    assert "reduced" not in rows_table(empty, "team05")


def test_a_reduced_run_stamps_verdict_and_chain(empty):
    row = next(
        read_row(path) for path in row_files(empty.root / "configs" / "papers", "team05", ("resnet18_as_script",))
    )
    made = decisive(training_config(row, row.protocols["as-published"], 7, "none"))
    configuration = {**made, "loop": {**made["loop"], "epochs": 4}}
    links = [{"filter": "clahe", "accuracy": {"value": 0.8, "low": 0.7, "high": 0.85, "n": 83, "method": ""}}]
    result = made_up_result(row=row.row, label="as the script", links=links, configuration=configuration)
    write_result(empty, result | {"figures": accuracy(0.88, 0.80, 0.93)})
    assert chain_table(empty, "team05").splitlines()[-1].endswith("| .800 (.700–.850), n = 83; reduced |")
    assert cells(rows_table(empty, "team05"), row.label)["verdict"] == "reproduced; reduced"


def test_further_figures_of_two_classes_with_their_counts(empty):
    figures = accuracy(0.9, 0.8, 0.95) | {"auroc": {"value": 0.94, "low": 0.9, "high": 0.97, "n": 83, "method": ""}}
    confusion = {"labels": ["normal", "fractured"], "truth_in_rows": [[40, 3], [5, 35]]}
    result = made_up_result(figures=figures, classes=["normal", "fractured"], confusion=confusion)
    write_result(empty, result | {"paper": "cnn2024", "row": "keras_cnn"})
    (line,) = details_table(empty, "cnn2024").splitlines()[2:]
    named = [cell.strip() for cell in line.strip("|").split("|")]
    assert named == ["keras_cnn.as-published.7", ".940 (.900–.970)", "–", "–", "–", "–", "–", "35 / 5", "40 / 3"]


def test_of_six_classes_there_are_no_four_counts(empty):
    figures = {"mcc": {"value": 0.8, "low": 0.7, "high": 0.9, "n": 83, "method": ""}}
    write_result(empty, made_up_result(figures=figures, classes=["elbow", "fingers", "wrist"], confusion={}))
    head, _, line = details_table(empty, "team05").splitlines()
    assert "TP" not in head
    assert "| .800 (.700–.900) |" in line
