"""FedAWA: its loss and gradient against the formula, and which site loses weight."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.config import FederationSettings
from fedbragg.federation.rules.fedawa import fedawa, inner_products, loss_and_gradient, softmax, tilts
from fedbragg.federation.rules.weights import Profile

START = {"w": np.array([3.0, 4.0], np.float32), "bn.running_mean": np.array([9.0], np.float32)}


def step(*values: float) -> dict[str, np.ndarray]:
    return {"w": np.array(values, np.float32), "bn.running_mean": np.array([5.0], np.float32)}


def profiles(*sizes: int) -> list[Profile]:
    return [Profile(size, ((size, 0),)) for size in sizes]


def test_the_loss_is_the_papers() -> None:
    """Two sites of weight 1/2 with steps (1, 0) and (0, 1): each is sqrt(1/2) from their mean (1/2, 1/2)."""
    steps = [step(1, 0), step(0, 1)]
    # cosines of (3, 4) with (4, 4) and (3, 5)
    cosines = [28 / (5 * 32**0.5), 29 / (5 * 34**0.5)]
    assert tilts(START, steps) == pytest.approx([1 - c for c in cosines], abs=1e-6)
    loss, _ = loss_and_gradient(np.zeros(2), inner_products(steps), tilts(START, steps))
    assert loss == pytest.approx(0.5**0.5 + 1 - sum(cosines) / 2, abs=1e-6)


def test_the_gradient_is_the_derivative_of_the_loss() -> None:
    generator = np.random.default_rng(1)
    vectors, tilt = generator.normal(size=(4, 6)), generator.uniform(0, 0.3, 4)
    products, logits = vectors @ vectors.T, generator.normal(size=4)
    _, gradient = loss_and_gradient(logits, products, tilt)
    for k in range(4):
        ends = [loss_and_gradient(logits + s * 1e-6 * np.eye(4)[k], products, tilt)[0] for s in (1, -1)]
        assert gradient[k] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-4, abs=1e-8)


def test_the_first_step_changes_every_logarithm_by_the_rate() -> None:
    """Adam's first step has the length of its rate and the sign of the slope."""
    steps, sizes = [step(1, 0), step(1.1, 0), step(-2, 0.5)], profiles(10, 30, 60)
    settings = FederationSettings(fedawa_steps=1, fedawa_rate=0.1)
    logits = np.log([0.1, 0.3, 0.6])
    _, slope = loss_and_gradient(logits, inner_products(steps), tilts(START, steps))
    expected = softmax(logits - 0.1 * np.sign(slope))
    assert fedawa(START, steps, sizes, settings) == pytest.approx(expected, rel=1e-4)


def test_a_site_that_goes_another_way_loses_weight() -> None:
    steps = [step(1, 0), step(1, 0.1), step(1, -0.1), step(-3, 0)]
    weights = fedawa(START, steps, profiles(50, 50, 50, 50), FederationSettings(fedawa_steps=50))
    assert weights.sum() == pytest.approx(1)
    assert weights[3] < 0.25 < min(weights[:3])


def test_equal_steps_keep_fedavgs_weights() -> None:
    weights = fedawa(START, [step(1, 2)] * 2, profiles(100, 300), FederationSettings())
    assert weights == pytest.approx([0.25, 0.75], abs=1e-6)
