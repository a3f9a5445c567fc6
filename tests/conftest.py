"""Builders and fixtures that all tests share; drawn radiographs instead of files wherever possible."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import settings

from fxdet.imaging.synthetic import DrawingOptions, DrawnRadiograph, draw_radiograph

# The same examples in every run: a rare one that fails is found by raising max_examples by hand, not by chance in CI.
# No deadline either: a busy machine is no fault of the code.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Folder of the real radiographs: FXDET_DATA, else ../shared/data; skips where there is none."""
    root = Path(os.environ.get("FXDET_DATA") or ROOT.parent / "shared" / "data")
    if not root.is_dir():
        pytest.skip(f"no real radiographs at {root}; set FXDET_DATA")
    return root


@pytest.fixture(scope="session", autouse=True)
def single_thread() -> Iterator[None]:
    """Keep OpenCV to one thread: small pictures gain nothing, and parallel test runs lose."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(before)


@pytest.fixture
def generator() -> np.random.Generator:
    """Random numbers that are the same in every run."""
    return np.random.default_rng(20240229)


@pytest.fixture
def drawn_fracture() -> DrawnRadiograph:
    """A drawn forearm, 256 × 224 px, with one fracture."""
    options = DrawingOptions(size=(256, 224), region="forearm", fractured=True)
    return draw_radiograph(np.random.default_rng(5), options)


@pytest.fixture(scope="session")
def tiny_pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a whole pipeline on disk: real networks, small inputs, random weights that do find boxes."""
    import torch
    from safetensors.torch import save_file

    from fxdet.classify.model import DEFAULT_HEADS, build_network
    from fxdet.core.files import sha256_file
    from fxdet.core.labels import LabelMap
    from fxdet.imaging.preprocess import Preprocess
    from fxdet.localize.yolo import build_yolo
    from fxdet.zoo.cards import ModelCard, PipelineCard, write_card

    folder, labels = tmp_path_factory.mktemp("tiny-pipeline"), LabelMap(("fracture", "bone"))
    with torch.random.fork_rng():
        torch.manual_seed(3)
        localizer, classifier = build_yolo("yolov8n", labels), build_network("mobilenetv3_small_050", DEFAULT_HEADS)
        for branch in localizer.model[-1].cv3:  # an untrained head scores 1e-5 everywhere
            torch.nn.init.constant_(branch[-1].bias, -1.0)
            torch.nn.init.normal_(branch[-1].weight, std=0.3)
    for network, name in ((localizer, "localizer"), (classifier, "classifier")):
        state = {key: value.contiguous() for key, value in network.state_dict().items()}
        save_file(state, folder / f"{name}.safetensors")
    digests = {name: sha256_file(folder / f"{name}.safetensors") for name in ("localizer", "classifier")}
    write_card(
        folder / "localizer.json",
        ModelCard(
            "yolov8n",
            "random",
            "localizer",
            "yolov8n",
            128,
            "localizer.safetensors",
            digests["localizer"],
            labels.names,
        ),
    )
    heads = {head: names.names for head, names in DEFAULT_HEADS.items()}
    write_card(
        folder / "classifier.json",
        ModelCard(
            "mobilenetv3_small_050",
            "random",
            "classifier",
            "mobilenetv3_small_050",
            64,
            "classifier.safetensors",
            digests["classifier"],
            heads=heads,
            preprocess=Preprocess(64).to_json(),
            temperature={"fracture": 1.5},
        ),
    )
    write_card(
        folder / "pipeline.json",
        PipelineCard(
            "random", "localizer.json", "classifier.json", candidate_floor=0.05, region_floor=0.05, candidates_maximum=2
        ),
    )
    return folder
