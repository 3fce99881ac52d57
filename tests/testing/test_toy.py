"""The toy task does what its settings say."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.learn.settings import FitSettings
from fedbragg.testing.toy import Points, ToySettings, ToyTask

START = {"w": np.array([0.3, -0.2, 0.1])}


def points() -> Points:
    generator = np.random.default_rng(2)
    x = generator.normal(size=(60, 2))
    return Points(x, (x[:, 0] + 0.5 * generator.normal(size=60) > 0.2).astype(float))


@pytest.mark.parametrize("mu", [0.1, 1.0])
def test_training_ends_where_the_loss_with_fedprox_s_term_is_least(mu: float) -> None:
    """There the gradient of the mean cross-entropy is mu (start - w): Li et al., MLSys 2020, eq. 2."""
    data = points()
    fit = FitSettings(epochs=3000, learning_rate=0.01, proximal_mu=mu)
    trained, _ = ToyTask(ToySettings()).train(START, data, fit, seed=0)
    inputs = np.column_stack([data.x, np.ones(60)])
    gradient = inputs.T @ (1 / (1 + np.exp(-inputs @ trained["w"])) - data.above) / 60
    np.testing.assert_allclose(gradient, mu * (START["w"] - trained["w"]), atol=1e-9)
    assert np.linalg.norm(gradient) > 0.01
