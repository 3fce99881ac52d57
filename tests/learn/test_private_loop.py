"""Training with noise: what each run or crystal adds, how much noise there is, what is told about the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from fedbragg.errors import ConfigError
from fedbragg.learn.private_loop import (
    LONGEST,
    SIDE,
    fit_privately,
    gradients_one_by_one,
    noisy_sum,
    unit_vectors,
)
from fedbragg.learn.settings import FitSettings, PrivateTerms


@dataclass
class Slopes:
    """Units whose loss is slope . weight, so that a unit's gradient is its slope."""

    slopes: list[list[float]]
    weight: nn.Parameter = field(default_factory=lambda: nn.Parameter(torch.ones(2)))
    seen: list[int] = field(default_factory=list)
    questions: tuple[int, ...] = (2,)

    @property
    def network(self) -> nn.Module:
        module = nn.Module()
        module.weight = self.weight
        return module

    def __len__(self) -> int:
        return len(self.slopes)

    def gradients(self, units: Sequence[int]) -> tuple[Tensor, Tensor]:
        self.seen += units
        return gradients_one_by_one(self.network, self._loss, units)

    def _loss(self, unit: int) -> Tensor:
        return torch.tensor(self.slopes[unit]) @ self.weight

    def label_shares(self, unit: int) -> Tensor:
        return torch.tensor([1.0, 0.0]) if unit % 2 else torch.tensor([0.25, 0.75])


def test_a_long_gradient_is_shortened_and_a_short_one_only_scaled() -> None:
    problem = Slopes([[3.0, 4.0], [0.3, 0.4]])
    # 3, 4 has length 5: shortened to clip 2 it is 1.2, 1.6, in units of the clip 0.6, 0.8. The loss 7 counts as 4.
    long = unit_vectors(problem, [0], clip=2.0)[0]
    assert long.tolist() == pytest.approx([0.6, 0.8, SIDE, 0.25 * SIDE, 0.75 * SIDE])
    short = unit_vectors(problem, [0, 1], clip=2.0)[1]
    assert short.tolist() == pytest.approx([0.15, 0.2, 0.7 / 4 * SIDE, SIDE, 0.0])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(allow_nan=True, width=32), min_size=2, max_size=2), st.floats(1e-3, 1e3))
def test_no_unit_adds_more_than_the_noise_is_made_for(slope: list[float], clip: float) -> None:
    problem = Slopes([slope])
    vector = unit_vectors(problem, [0], clip)[0]
    assert bool(torch.isfinite(vector).all())
    assert float(vector.norm()) <= LONGEST * (1 + 1e-5)


def test_a_sum_has_the_units_and_the_noise_asked_for() -> None:
    problem = Slopes([[3.0, 4.0], [0.0, 2.0]])
    draw, terms = np.random.default_rng(1), PrivateTerms(rate=1.0, noise=2.0, clip=1.0)
    sums = torch.stack([noisy_sum(problem.network, problem, terms, draw) for _ in range(4000)])
    # 0.6, 0.8 and 0, 1 make 0.6, 1.8.
    error = 4 * 2.0 * LONGEST / sqrt(4000)
    assert sums.mean(dim=0)[:2].tolist() == pytest.approx([0.6, 1.8], abs=error)
    assert sums.std(dim=0).tolist() == pytest.approx([2.0 * LONGEST] * 5, rel=0.05)
    assert abs(float(torch.corrcoef(sums.T)[0, 1])) < 0.07


@settings(deadline=None, max_examples=15)
@given(st.floats(0.05, 0.95), st.integers(0, 2**32))
def test_each_unit_is_taken_by_itself_with_the_rate(rate: float, seed: int) -> None:
    problem, steps = Slopes([[1.0, 0.0]] * 4), 400
    draw, terms = np.random.default_rng(seed), PrivateTerms(rate, 0.0, 1.0)
    taken = np.zeros((steps, 4), bool)
    for step in range(steps):
        problem.seen.clear()
        noisy_sum(problem.network, problem, terms, draw)
        taken[step, problem.seen] = True
    spread = 5 * sqrt(rate * (1 - rate) / steps)
    assert taken.mean(axis=0) == pytest.approx(rate, abs=spread)
    # Independent units: both of a pair are taken as often as the product of their rates says.
    assert (taken[:, 0] & taken[:, 1]).mean() == pytest.approx(rate**2, abs=5 * sqrt(0.25 / steps))


def test_loss_and_labels_are_read_from_the_sums() -> None:
    problem = Slopes([[0.5, 0.5]] * 40)
    terms = PrivateTerms(rate=0.5, noise=0.5, clip=1.0)
    fit = FitSettings(epochs=100, learning_rate=0.0)
    facts = fit_privately(problem.network, problem, fit, terms, np.random.default_rng(3))
    # 20 units have (1, 0) and 20 have (0.25, 0.75): 25 and 15. All have loss 1.
    assert facts.label_counts[0] == pytest.approx((25, 15), abs=2)
    assert facts.loss == pytest.approx(1.0, abs=0.1)


def test_training_learns_although_it_is_noisy() -> None:
    problem = Slopes([[1.0, -1.0]] * 30)
    terms = PrivateTerms(rate=0.5, noise=1.0, clip=1.0)
    fit_privately(
        problem.network, problem, FitSettings(20, learning_rate=0.05), terms, np.random.default_rng(1)
    )
    assert problem.weight[0] < 0.5 < 1.5 < problem.weight[1]


def test_the_number_of_steps_does_not_depend_on_the_data() -> None:
    assert PrivateTerms(0.25, 1.0, 1.0).steps(5) == 20
    assert PrivateTerms(1.0, 1.0, 1.0).steps(5) == 5


def test_a_network_that_keeps_statistics_is_refused() -> None:
    problem, network = Slopes([[1.0, 1.0]]), nn.BatchNorm1d(2)
    with pytest.raises(ConfigError, match=r"running_mean.*BatchNorm"):
        fit_privately(network, problem, FitSettings(1), PrivateTerms(1.0, 1.0, 1.0), np.random.default_rng(1))
