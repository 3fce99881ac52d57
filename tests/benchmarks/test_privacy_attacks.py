"""The attacks of benchmarks/attacks.py find what is there to be found, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from baselines.privacy_attacks import (
    guessed_kind,
    guessed_number,
    likelihood_ratios,
    peaks_in,
    ridge,
    share_found,
    true_rate_at,
)
from fedbragg.tasks.hits.network import SpotNet

DRAW = np.random.default_rng(5)


def test_ridge_is_least_squares_where_the_data_are_exact() -> None:
    inputs = DRAW.normal(size=(60, 4))
    targets = inputs @ [[2.0], [0.0], [-1.0], [0.5]] + 3
    asked = DRAW.normal(size=(10, 4))
    expected = asked @ [[2.0], [0.0], [-1.0], [0.5]] + 3
    assert ridge(inputs, targets, asked) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("told", [True, False])
def test_a_share_is_guessed_if_the_update_tells_it(told: bool) -> None:
    share = DRAW.uniform(0, 1, 160)
    updates = DRAW.normal(size=(160, 300))
    updates[:, 200:210] += 8 * share[:, None] * told
    guess = guessed_number(updates[:120], share[:120], updates[120:], share[120:])
    assert (guess.error < 0.6 * guess.blind) == told
    assert guess.blind == pytest.approx(0.25, abs=0.05)  # a uniform number is 1/4 off its median on average


@pytest.mark.parametrize(("told", "low", "high"), [(True, 0.9, 1.0), (False, 0.0, 0.45)])
def test_a_kind_is_guessed_if_the_update_tells_it(told: bool, low: float, high: float) -> None:
    kinds = DRAW.integers(0, 5, 200)
    updates = DRAW.normal(size=(200, 50))
    updates[np.arange(200), kinds] += 6 * told
    assert low <= guessed_kind(updates[:150], kinds[:150], updates[150:], kinds[150:]) <= high


@pytest.mark.parametrize(("gain", "low", "high"), [(6.0, 0.95, 1.0), (0.0, 0.0, 0.04)])
def test_lira_finds_members_that_are_remembered_and_no_others(gain: float, low: float, high: float) -> None:
    member = DRAW.random((32, 200)) < 0.5
    confidence = DRAW.normal(size=(32, 200)) + 10 * DRAW.normal(size=200) + gain * member
    scores, members = likelihood_ratios(confidence, member)
    assert low <= true_rate_at(scores, members, 0.01) <= high


def gradient_of(peaks: torch.Tensor) -> dict[str, np.ndarray]:
    torch.manual_seed(3)
    network = SpotNet()
    score = network.hit(network.votes(network.spots(peaks)).sum())
    torch.nn.functional.binary_cross_entropy_with_logits(score, torch.tensor(1.0)).backward()
    first = network.spot[0]
    return {"spot.0.weight": first.weight.grad.numpy(), "spot.0.bias": first.bias.grad.numpy()}


def test_the_gradient_of_one_peak_is_that_peak() -> None:
    """Each row of the first layer's gradient is the peak's measures times one number, which is the bias' gradient."""
    peaks = torch.rand(1, 64)
    assert share_found(peaks_in(gradient_of(peaks)), peaks.numpy()) == 1.0


def test_the_gradient_of_many_peaks_mixes_them() -> None:
    peaks = torch.rand(300, 64)
    assert share_found(peaks_in(gradient_of(peaks)), peaks.numpy()) < 0.02
