"""First weights from another network's feature maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

from fxdet.classify.model import build_network
from fxdet.core.errors import ConfigError
from fxdet.training.classification import train_classifier
from fxdet.training.config import load_config
from fxdet.training.distillation import DistillationConfig, DistillationTask, distil, unexplained
from fxdet.training.paper_config import read_row
from tests.training.conftest import Config

CONFIGS = Path(__file__).parents[2] / "configs"
FILES, PAPERS = sorted((CONFIGS / "first_weights").glob("*.yaml")), CONFIGS / "papers"
LOOP = {"epochs": 2, "batch_size": 16, "ema_decay": 0, "precision": "fp32"}


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a small network as another one would be trained from."""
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("teacher") / "teacher.safetensors"
    save_file(build_network("test_resnet", {}).backbone.state_dict(), path)
    return path


def settings(teacher: Path, **changes: object) -> dict[str, object]:
    options: dict[str, object] = {"teacher": "test_resnet", "teacher_weights": str(teacher), "teacher_size": 64}
    return {**options, "strides": [8, 16], "loop": LOOP, **changes}


def test_the_student_learns_what_the_teacher_gives(config: Config, teacher: Path):
    more = {**LOOP, "epochs": 6}
    result = distil(config(**settings(teacher, loop=more, optimiser={"learning_rate": 3e-3})))
    shares = [record.figures["unexplained"] for record in result.history]
    assert shares[-1] < 0.9 * shares[0]
    assert shares[-1] < 0.75, "hardly better than the mean of the teacher's maps"
    last = result.history[-1].figures
    assert last["unexplained"] == pytest.approx((last["unexplained@8"] + last["unexplained@16"]) / 2)


def test_the_weights_start_a_training_and_the_teacher_stands_still(config: Config, teacher: Path, tmp_path: Path):
    before = load_file(teacher)
    distil(config(**settings(teacher)))
    assert all(torch.equal(value, before[name]) for name, value in load_file(teacher).items())
    weights = tmp_path / "run" / "tiny.test.safetensors"
    given = load_file(weights)
    assert given.keys() == before.keys(), "timm's own keys, as a hub's file has them"
    run = tmp_path / "next"
    still = {"learning_rate": 1e-12, "weight_decay": 0}
    train_classifier(config(run=str(run), initial_weights=str(weights), optimiser=still, loop={**LOOP, "epochs": 1}))
    taken = load_file(run / "best.safetensors")
    moving = [name for name in taken if name.endswith("weight") and name.startswith("backbone.")]
    assert moving
    for name in moving:
        torch.testing.assert_close(taken[name], given[name.removeprefix("backbone.")])


def test_a_killed_run_ends_with_the_same_weights(
    config: Config, teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    distil(config(**settings(teacher, run=str(tmp_path / "through"))))
    steps = DistillationTask.batches

    def killed_in_second_epoch(self: DistillationTask, epoch: int):
        if epoch == 1:
            raise KeyboardInterrupt
        return steps(self, epoch)

    path = config(**settings(teacher, run=str(tmp_path / "again")))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(DistillationTask, "batches", killed_in_second_epoch)
        distil(path)
    distil(path, resume=True)
    first, second = (load_file(tmp_path / run / "best.safetensors") for run in ("through", "again"))
    assert first.keys() == second.keys()
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_the_share_is_one_minus_r_squared():
    generator = np.random.default_rng(2)
    wanted = torch.from_numpy(generator.normal(size=(6, 3, 4, 4)) * [[[[2.0]], [[5.0]], [[0.5]]]] + 7)
    pooled = functional.avg_pool2d(wanted, 2).numpy()
    given = generator.normal(size=pooled.shape)
    by_hand = []
    for channel in range(3):
        values = pooled[:, channel]
        normed = (values - values.mean()) / values.std()
        by_hand.append(((given[:, channel] - normed) ** 2).mean())
    ours = unexplained(torch.from_numpy(given), wanted)
    assert ours.shape == (6,)
    # Channels of little variance are scaled a little less, so that a dead one can't explode.
    assert float(ours.mean()) == pytest.approx(np.mean(by_hand), rel=2e-3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"strides": [8, 64]},
            r"strides – test_resnet has no stage of stride 64 – expected some of \[2, 4, 8, 16, 32\]",
        ),
        ({"architecture": "team05_cnn"}, "architecture – the network names no stages to imitate"),
        ({"teacher_weights": "none"}, "teacher_weights: got none, expected trained weights"),
        ({"teacher_size": 8}, "teacher_size: got 8, expected at least 32 px"),
    ],
)
def test_what_can_not_work_says_so_at_once(config: Config, teacher: Path, changes: dict[str, object], message: str):
    with pytest.raises(ConfigError, match=message):
        distil(config(**settings(teacher, **changes)))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_configurations_load_and_the_rows_take_their_weights(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FXDET_START", "start")
    options = load_config(path, [], DistillationConfig)
    weights = options.run / f"{options.name}.{options.tag}.safetensors"
    rows = [path for path in PAPERS.glob("*/*.yaml") if path.stem == options.architecture]
    assert rows
    assert {read_row(row, reduced=True).initial_weights for row in rows} == {str(weights)}
