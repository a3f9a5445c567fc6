from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from fxdet.training.losses import LossOptions, allowed_set_loss, total_loss

LOGITS = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
CLASSES = torch.tensor([0, 3, 2, 1, 1, 0])
CERTAIN = torch.nn.functional.one_hot(CLASSES, 4).bool()


def test_certain_labels_give_torch_cross_entropy():
    want = cross_entropy(LOGITS, CLASSES, reduction="none")
    torch.testing.assert_close(allowed_set_loss(LOGITS, CERTAIN, LossOptions()), want)


@pytest.mark.parametrize("smoothing", [0.1, 0.5])
def test_label_smoothing_as_torch(smoothing: float):
    want = cross_entropy(LOGITS, CLASSES, reduction="none", label_smoothing=smoothing)
    torch.testing.assert_close(allowed_set_loss(LOGITS, CERTAIN, LossOptions(label_smoothing=smoothing)), want)


def test_class_weights_as_torch():
    weights = torch.tensor([0.5, 1.0, 2.0, 3.0])
    want = cross_entropy(LOGITS, CLASSES, weight=weights, reduction="none")
    torch.testing.assert_close(allowed_set_loss(LOGITS, CERTAIN, LossOptions(), weights), want)


def test_focal_loss_by_its_formula():
    p = LOGITS.softmax(1)[torch.arange(6), CLASSES]
    want = -((1 - p) ** 2) * p.log()
    torch.testing.assert_close(allowed_set_loss(LOGITS, CERTAIN, LossOptions("focal", focal_gamma=2.0)), want)


def test_a_set_is_the_sum_of_its_probabilities():
    allowed = torch.tensor([[True, False, True, False]])
    want = -(LOGITS[:1].softmax(1)[:, [0, 2]].sum(1)).log()
    torch.testing.assert_close(allowed_set_loss(LOGITS[:1], allowed, LossOptions()), want)


@pytest.mark.parametrize("options", [LossOptions(), LossOptions("focal"), LossOptions(label_smoothing=0.2)])
def test_a_missing_label_has_no_loss_and_no_gradient(options: LossOptions):
    logits = LOGITS.clone().requires_grad_()
    allowed = CERTAIN.clone()
    allowed[2] = True
    loss = allowed_set_loss(logits, allowed, options)
    loss.sum().backward()
    assert loss[2] == 0
    assert (logits.grad[2] == 0).all() and (logits.grad[[0, 1, 3, 4, 5]].abs().sum(1) > 0).all()


def test_extreme_logits_stay_finite():
    logits = torch.tensor([[200.0, -200.0], [-200.0, 200.0]], requires_grad=True)
    allowed = torch.tensor([[True, False], [True, False]])
    loss = allowed_set_loss(logits, allowed, LossOptions("focal", label_smoothing=0.1))
    loss.sum().backward()
    assert torch.isfinite(loss).all() and torch.isfinite(logits.grad).all()


def test_heads_are_weighted_and_summed():
    options = LossOptions(head_weights={"b": 0.25})
    one = allowed_set_loss(LOGITS, CERTAIN, options)
    total = total_loss({"a": LOGITS, "b": LOGITS}, {"a": CERTAIN, "b": CERTAIN}, options)
    torch.testing.assert_close(total, 1.25 * one)
