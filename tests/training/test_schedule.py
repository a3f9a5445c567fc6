from __future__ import annotations

import numpy as np
import pytest
import torch

from fxdet.training.options import ScheduleOptions
from fxdet.training.schedule import learning_rate_factor

STEPS, EPOCHS = 7, 12


def factors(options: ScheduleOptions) -> list[float]:
    return [learning_rate_factor(options, step, STEPS, EPOCHS) for step in range(STEPS * EPOCHS)]


def reference(build) -> list[float]:
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = build(optimiser)
    rates = []
    for _ in range(STEPS * EPOCHS):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        scheduler.step()
    return rates


def test_cosine_as_torch():
    want = reference(
        lambda optimiser: torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS * EPOCHS, eta_min=0.05)
    )
    assert factors(ScheduleOptions("cosine", warmup_epochs=0, final_factor=0.05)) == pytest.approx(want)


@pytest.mark.parametrize("growth", [1, 2])
def test_warm_restarts_as_torch(growth: int):
    want = reference(
        lambda optimiser: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(
            optimiser, 3 * STEPS, growth, eta_min=0.01
        )
    )
    options = ScheduleOptions("cosine_restarts", 0, 0.01, first_cycle_epochs=3, cycle_growth=growth)
    assert factors(options) == pytest.approx(want)


def test_one_cycle_as_torch():
    want = reference(
        lambda optimiser: torch.optim.lr_scheduler.OneCycleLR(
            optimiser, 1.0, total_steps=STEPS * EPOCHS, pct_start=0.3, div_factor=20, final_div_factor=50
        )
    )
    options = ScheduleOptions("one_cycle", final_factor=1 / 20 / 50, rise_share=0.3, initial_factor=1 / 20)
    assert factors(options) == pytest.approx(want)


def test_warm_up_rises_to_the_top_and_cosine_ends_low():
    rates = factors(ScheduleOptions("cosine", warmup_epochs=2, final_factor=0.0))
    rise = rates[: 2 * STEPS + 1]
    assert (np.diff(rise) > 0).all() and rise[-1] == 1.0 and rise[0] == pytest.approx(1 / (2 * STEPS + 1))
    assert (np.diff(rates[2 * STEPS :]) < 0).all() and rates[-1] < 0.01


def test_a_run_of_one_step_has_a_learning_rate():
    for name in ("cosine", "cosine_restarts", "one_cycle", "constant"):
        assert learning_rate_factor(ScheduleOptions(name, warmup_epochs=5), 0, 1, 1) > 0
