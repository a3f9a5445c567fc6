from __future__ import annotations

import pytest
import torch
from torch import nn

from fxdet.core.errors import ConfigError
from fxdet.training.optimise import WeightAverage, build_optimiser, freeze, frozen_names, set_learning_rate
from fxdet.training.options import FreezeStage, OptimiserOptions


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
        self.heads = nn.Linear(2, 2)


def test_groups_by_backbone_and_decay():
    optimiser = build_optimiser(Net(), OptimiserOptions(learning_rate=0.1, weight_decay=0.5, backbone_factor=0.1))
    rows = {(group["lr"], group["weight_decay"]): len(group["params"]) for group in optimiser.param_groups}
    assert rows == {(0.1 * 0.1, 0.5): 1, (0.1 * 0.1, 0.0): 3, (0.1, 0.5): 1, (0.1, 0.0): 1}
    set_learning_rate(optimiser, 0.5)
    assert sorted({group["lr"] for group in optimiser.param_groups}) == pytest.approx([0.005, 0.05])


@pytest.mark.parametrize(
    ("name", "kind"), [("adamw", torch.optim.AdamW), ("adam", torch.optim.Adam), ("sgd", torch.optim.SGD)]
)
def test_optimisers(name, kind):
    assert type(build_optimiser(Net(), OptimiserOptions(name))) is kind


def test_stages_end_one_after_the_other():
    stages = (FreezeStage("backbone", 1), FreezeStage("backbone.0", 3), FreezeStage("*.bias", 2))
    net = Net()
    assert frozen_names(net, stages, 0) >= {"backbone.1.weight", "backbone.0.weight", "heads.bias"}
    assert frozen_names(net, stages, 1) == {"backbone.0.weight", "backbone.0.bias", "backbone.1.bias", "heads.bias"}
    assert frozen_names(net, stages, 2) == {"backbone.0.weight", "backbone.0.bias"}
    assert frozen_names(net, stages, 3) == frozenset()


def test_wrong_stages():
    with pytest.raises(ConfigError, match=r"got 'back', which fits no parameter of: backbone\.0"):
        frozen_names(Net(), (FreezeStage("back", 1),), 5)
    with pytest.raises(ConfigError, match="all parameters would stand still in epoch 0"):
        frozen_names(Net(), (FreezeStage("*", 1),), 0)


def test_frozen_normalisation_keeps_its_statistics():
    net = Net().train()
    freeze(net, frozen_names(net, (FreezeStage("backbone", 1),), 0))
    before = net.backbone[1].running_mean.clone()
    net.backbone(torch.randn(4, 1, 8, 8))
    assert torch.equal(net.backbone[1].running_mean, before)
    net.train()
    freeze(net, ())
    net.backbone(torch.randn(4, 1, 8, 8))
    assert not torch.equal(net.backbone[1].running_mean, before)
    assert all(parameter.requires_grad for parameter in net.parameters())


def test_average_by_its_formula():
    net = Net()
    average = WeightAverage(net, 0.9)
    want = net.heads.weight.detach().clone()
    for update in range(1, 40):
        with torch.no_grad():
            net.heads.weight += 0.1 * update
            net.backbone[1].running_var.fill_(update)
            net.backbone[1].num_batches_tracked += 1
        average.update(net)
        decay = min(0.9, (1 + update) / (10 + update))
        want = decay * want + (1 - decay) * net.heads.weight.detach()
    torch.testing.assert_close(average.network.heads.weight.detach(), want)
    assert average.network.backbone[1].num_batches_tracked == 39
    assert 30 < average.network.backbone[1].running_var[0] < 39
