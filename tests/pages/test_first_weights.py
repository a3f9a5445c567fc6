"""The table of first weights, from logs."""

from __future__ import annotations

import pytest

from fxdet.core.errors import DataError
from fxdet.pages.first_weights import FOLDER, first_weights_table
from fxdet.pages.sources import Repository

LOG = """epoch,loss,unexplained,unexplained@8,unexplained@16,unexplained@32
0,0.8,0.7,0.6,0.7,0.8
1,0.5,0.4,0.2,0.4,0.6
2,0.4,0.41,0.21,0.41,0.61
"""


@pytest.fixture
def logs(checkout: Repository):
    folder = checkout.results / FOLDER
    for path in folder.glob("*.csv"):
        path.unlink()
    return folder


def test_the_best_epoch_counts(checkout: Repository, logs) -> None:
    (logs / "resnet50.csv").write_text(LOG, encoding="utf-8")
    *_, row = first_weights_table(checkout).splitlines()
    cells = [cell.strip() for cell in row.split("|")[1:-1]]
    assert cells[:6] == [
        "[resnet50.distilled](results/first_weights/resnet50.csv)",
        ".400",
        ".200",
        ".400",
        ".600",
        "3",
    ]
    assert "tamboli2026" in cells[6]
    assert "team05" not in cells[6]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("other", LOG, r"no configs/first_weights/other\.yaml"),
        ("vgg16", "epoch,loss\n0,1\n", "expected log.csv of fxdet train distil"),
        ("vgg16", "epoch,unexplained\n", "got no epochs"),
        ("vgg16", LOG.replace("0.7,0.6", "x,0.6"), "could not convert"),
    ],
)
def test_a_log_of_something_else_is_refused(checkout: Repository, logs, name: str, text: str, message: str) -> None:
    (logs / f"{name}.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        first_weights_table(checkout)
