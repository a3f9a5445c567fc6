"""Figures beside results know which results they show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fxdet.core.errors import DataError
from fxdet.evaluation.papers import PAPERS
from fxdet.training.paper_results import read_results
from fxdet.training.paper_sources import MADE_FROM, note_sources, read_sources, stale

RESULTS = Path(__file__).resolve().parents[2] / "docs" / "results" / "papers"


def result(seed: int, **changes: Any) -> dict[str, Any]:
    return {
        "paper": "p", "row": "r", "filter": "none", "protocol": "grouped", "seed": seed,
        "config_hash": "0", "scores": ["a,1"], "folds": [{"history": [{"loss": 1}]}], **changes,
    }  # fmt: skip


def test_what_was_made_anew_or_is_gone_makes_a_figure_stale(tmp_path: Path) -> None:
    note_sources(tmp_path, ["roc.svg", "roc.png"], [result(1), result(2)])
    note_sources(tmp_path, ["attention.json"], [result(2)])
    assert list(read_sources(tmp_path)) == ["attention.json", "roc.png", "roc.svg"]
    assert stale(tmp_path, [result(1), result(2), result(3)]) == []
    told = stale(tmp_path, [result(1), result(2, scores=["a,0"])])
    assert told == [f"{name}: r.grouped.2 was made anew since" for name in ("attention.json", "roc.png", "roc.svg")]
    assert stale(tmp_path, [result(2)])[0] == "roc.png: r.grouped.1 is gone"
    note_sources(tmp_path, ["attention.json", "roc.png", "roc.svg"], [result(2, config_hash="1")])
    assert stale(tmp_path, [result(2, config_hash="1")]) == []
    (tmp_path / MADE_FROM).write_text("{")
    with pytest.raises(DataError, match="run the command that writes it"):
        read_sources(tmp_path)


@pytest.mark.parametrize("paper", PAPERS)
def test_no_committed_figure_is_stale(paper: str) -> None:
    folder = RESULTS / paper
    made = {path.name for path in folder.iterdir() if path.name != MADE_FROM and path.name.count(".") < 3}
    made -= {"filter_psnr.json"}  # of the set's pictures, not of results
    assert made == set(read_sources(folder) if (folder / MADE_FROM).exists() else {})
    if made:
        assert stale(folder, read_results(RESULTS, paper)) == []
