"""Shifted logits, against the papers' formulas worked by hand."""

from __future__ import annotations

from math import exp, log

import pytest
import torch
from torch import nn

from fedbragg.learn.calibration import answer_shifts, yes_shifts
from fedbragg.learn.settings import Calibration

MARGIN, PRIOR = Calibration("margin", tau=0.6), Calibration("prior")


def test_fedlcs_margin_is_tau_over_the_fourth_root_of_the_count() -> None:
    # 81^(-1/4) = 1/3, 16^(-1/4) = 1/2, 1^(-1/4) = 1
    assert answer_shifts((81, 16, 1), MARGIN).tolist() == pytest.approx([-0.2, -0.3, -0.6])


def test_the_shifted_cross_entropy_is_fedlcs_loss() -> None:
    """-log(exp(f_y - m_y) / sum_i exp(f_i - m_i)) with m_i = tau n_i^(-1/4) (Zhang et al. 2022)."""
    f, m, answer = (0.4, -1.1, 2.0), (0.2, 0.3, 0.6), 1
    by_hand = -log(exp(f[1] - m[1]) / sum(exp(a - b) for a, b in zip(f, m, strict=True)))
    logits = torch.tensor([f]) + answer_shifts((81, 16, 1), MARGIN)
    assert nn.functional.cross_entropy(logits, torch.tensor([answer])).item() == pytest.approx(by_hand)


def test_a_sigmoid_is_shifted_as_the_softmax_over_no_and_yes() -> None:
    z, counts = 0.7, (81, 16)
    no, yes = exp(-0.2), exp(z - 0.3)
    logit = torch.tensor(z) + yes_shifts([counts], MARGIN)[0]
    assert torch.sigmoid(logit).item() == pytest.approx(yes / (no + yes))


def test_the_prior_shift_adds_the_logarithm_of_the_odds() -> None:
    assert yes_shifts([(75, 25), (10, 10)], PRIOR).tolist() == pytest.approx([log(1 / 3), 0.0], abs=1e-6)


@pytest.mark.parametrize("calibration", [MARGIN, PRIOR])
def test_a_site_without_an_answer_learns_nothing_of_it(calibration: Calibration) -> None:
    """The answer drops out of the softmax: no loss, and no gradient that is not finite."""
    logit = torch.tensor([0.3], requires_grad=True)
    shifted = logit + yes_shifts([(40, 0)], calibration)
    loss = nn.functional.binary_cross_entropy_with_logits(shifted, torch.zeros(1))
    loss.backward()
    assert loss.item() < 1e-6
    assert logit.grad is not None and abs(logit.grad.item()) < 1e-6


def test_without_a_calibration_nothing_is_shifted() -> None:
    assert yes_shifts([(75, 25), (0, 10)], None).tolist() == [0.0, 0.0]
