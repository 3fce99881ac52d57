"""What steps with noise cost, against formulas and published figures."""

from __future__ import annotations

from math import exp, inf, sqrt
from statistics import NormalDist

import pytest

from fedbragg.errors import ConfigError
from fedbragg.learn.accounting import SampledNoise, epsilon_of, noise_for

pytest.importorskip("dp_accounting", reason="pip install 'fedbragg[private]'")


def delta_of(noise: float, steps: int, epsilon: float) -> float:
    """Return the exact delta of Gaussian noise without sampling (Balle and Wang, ICML 2018, theorem 8).

    Some steps with noise z are one step with noise z / sqrt(steps).
    """
    z, cdf = noise / sqrt(steps), NormalDist().cdf
    return cdf(1 / (2 * z) - epsilon * z) - exp(epsilon) * cdf(-1 / (2 * z) - epsilon * z)


@pytest.mark.parametrize(("noise", "steps"), [(4.0, 1), (4.0, 16), (10.0, 100)])
def test_without_sampling_the_cost_is_that_of_the_exact_formula(noise: float, steps: int) -> None:
    epsilon = epsilon_of([SampledNoise(1.0, noise, steps)], 1e-5)
    assert delta_of(noise, steps, epsilon) == pytest.approx(1e-5, rel=0.01)


@pytest.mark.parametrize(
    ("units", "noise", "expected"),
    [(400, 1, 16), (1000, 1, 9.6), (5000, 1, 3.7), (400, 2, 5.5), (1000, 2, 3.2), (1000, 4, 1.4)],
)
def test_sampled_steps_cost_what_another_run_of_the_accountant_found(
    units: int, noise: float, expected: float
) -> None:
    """Batch 64, 30 epochs, delta 1e-5: figures written down before this code, to two digits."""
    rate = 64 / units
    spent = SampledNoise(rate, noise, round(30 / rate))
    assert epsilon_of([spent], 1e-5) == pytest.approx(expected, rel=0.05)


def test_the_cost_of_mnist_is_below_the_moments_accountants() -> None:
    """Abadi et al., CCS 2016, figure 2: q = 0.01, noise 4, 10,000 steps and delta 1e-5 cost 1.26."""
    epsilon = epsilon_of([SampledNoise(0.01, 4.0, 10_000)], 1e-5)
    assert 0.9 < epsilon < 1.26


def test_parts_are_added_up_and_steps_without_noise_promise_nothing() -> None:
    part = SampledNoise(0.2, 3.0, 10)
    assert epsilon_of([part, part], 1e-5) == epsilon_of([SampledNoise(0.2, 3.0, 20)], 1e-5)
    assert epsilon_of([], 1e-5) == 0
    assert epsilon_of([SampledNoise(0.2, 0.0, 1)], 1e-5) == inf


@pytest.mark.parametrize(("epsilon", "rate", "steps"), [(1.0, 0.25, 40), (8.0, 1.0, 30)])
def test_the_least_noise_keeps_to_the_budget_and_less_does_not(
    epsilon: float, rate: float, steps: int
) -> None:
    noise = noise_for(epsilon, 1e-5, rate, steps)
    assert epsilon_of([SampledNoise(rate, noise, steps)], 1e-5) <= epsilon
    assert epsilon_of([SampledNoise(rate, noise * 0.99, steps)], 1e-5) > epsilon


def test_a_budget_that_no_noise_reaches_is_refused() -> None:
    with pytest.raises(ConfigError, match="out of reach"):
        noise_for(1e-4, 1e-9, 1.0, 10_000)
