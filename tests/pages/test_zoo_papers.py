"""The zoo's tables of the papers' networks and of trainings by folds."""

from __future__ import annotations

import json

from fxdet.pages.folds import FRACTURES, folds_table
from fxdet.pages.paper_results import read_paper
from fxdet.pages.zoo_papers import COSTS, paper_networks_table

ROW = {"paper": "team05", "row": "resnet18"}


def rows(table: str) -> dict[tuple[str, str], dict[str, str]]:
    """Return the rows of a table by network and paper, links taken off."""
    written = [line for line in table.splitlines() if line.startswith("|")]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in written]
    return {(line[0], line[1].strip("[").split("]")[0]): dict(zip(lines[0], line, strict=True)) for line in lines[2:]}


def test_every_row_but_those_that_show_a_fault(checkout):
    found = rows(paper_networks_table(checkout))
    for paper in ("tamboli2026", "sriram2026", "cnn2024", "team05"):
        labels = {row.label for row in read_paper(checkout, paper).rows if not row.row.endswith("_as_script")}
        assert {label for label, name in found if name == paper} == labels


def test_figures_are_those_of_the_result_files(checkout):
    line = rows(paper_networks_table(checkout))["ResNet-18", "team05"]
    record = checkout.record("papers/team05/resnet18.grouped.7.json")
    value = record["figures"]["accuracy"]["value"]
    assert line["accuracy, leak-free (95 %)"].startswith(f"{value:.3f}".lstrip("0"))
    assert line["weights"] == "by command"
    assert line["configuration"] == "[resnet18](../configs/papers/team05/resnet18.yaml)"


def test_a_cost_of_another_network_is_not_shown(checkout):
    place = checkout.results / COSTS / "team05.resnet18.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    cost = {**ROW, "architecture": "resnet18", "input_size": 224, "parameters": 11_000_000, "flops": 3_600_000_000}
    place.write_text(json.dumps(cost), "utf-8")
    line = rows(paper_networks_table(checkout))["ResNet-18", "team05"]
    assert (line["parameters, M"], line["GFLOPs"]) == ("11.00", "3.60 at 224 px")
    place.write_text(json.dumps({**cost, "input_size": 96}), "utf-8")
    line = rows(paper_networks_table(checkout))["ResNet-18", "team05"]
    assert (line["parameters, M"], line["GFLOPs"]) == ("–", "–")


def test_folds_show_what_their_file_says_or_that_nobody_ran_them(checkout):
    figure = checkout.record(FRACTURES.file)["figures"]["auroc"]
    line = next(line for line in folds_table(checkout).splitlines() if FRACTURES.file in line)
    assert f"{figure['value']:.3f}".lstrip("0") in line
    assert f"| {figure['n']:,} |" in line
    (checkout.results / FRACTURES.file).unlink()
    line = next(line for line in folds_table(checkout).splitlines() if FRACTURES.config in line)
    assert line.count("| – ") == 7
    assert "not trained yet" in line
