"""A small drawn data set, and configs of tiny networks that learn from it in seconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from fxdet.data.drawn import write_drawn_set
from fxdet.imaging.synthetic import DrawingOptions

Config = Callable[..., Path]


@pytest.fixture(autouse=True)
def one_thread():
    """Two test processes on two cores would otherwise wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def drawn_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    options = DrawingOptions(size=(96, 96), displacement=2.0, collimation_share=0.0, marker_share=0.0)
    return write_drawn_set(folder, [("train", 96), ("val", 32)], np.random.default_rng(3), options)


@pytest.fixture
def config(tmp_path: Path, drawn_set: Path) -> Config:
    """Write a config; keywords replace its keys."""

    def write(**changes: object) -> Path:
        data: dict[str, object] = {
            "name": "tiny",
            "tag": "test",
            "architecture": "test_resnet",
            "run": str(tmp_path / "run"),
            "initial_weights": "none",
            "audit": False,  # drawings of 96 px are as alike as near-duplicates; test_leak_check.py has its own
            "preprocess": {"size": 64},
            "sources": [{"path": str(drawn_set), "whole": 0.3, "fracture_boxes": 0.2, "background": 0.1}],
            "loop": {"epochs": 2, "batch_size": 16, "ema_decay": 0.9, "precision": "fp32"},
        }
        data.update(changes)
        path = tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump(data), encoding="utf-8")
        return path

    return write
