"""FedBoost: the mixture finds the better predictors, and sampling them changes nothing on average."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from fedbragg.federation import federate
from fedbragg.federation.rules.fedboost import MIXTURE, draw_predictors, loss_gradient, mirror_step
from fedbragg.types import Update


def test_a_mirror_step_multiplies_by_exponentials_and_normalises() -> None:
    model = {MIXTURE: np.array([0.5, 0.5])}
    moved = mirror_step(model, np.array([np.log(3), 0.0]), rate=1.0)[MIXTURE]
    assert moved == pytest.approx([0.75, 0.25])


def test_the_gradient_is_the_derivative_of_the_log_loss() -> None:
    generator = np.random.default_rng(1)
    likelihoods, mixture = generator.uniform(0.1, 1, (3, 20)), np.array([0.2, 0.3, 0.5])
    _, gradient = loss_gradient(likelihoods, mixture, np.ones(3))
    step = 1e-6
    for k in range(3):
        shifted = mixture + step * np.eye(3)[k]
        numeric = (
            loss_gradient(likelihoods, shifted, np.ones(3))[0]
            - loss_gradient(likelihoods, mixture, np.ones(3))[0]
        ) / step
        assert gradient[k] == pytest.approx(numeric, rel=1e-4)


def test_at_least_one_predictor_is_drawn() -> None:
    generator = np.random.default_rng(0)
    assert all(draw_predictors([1e-9, 2e-9], generator).tolist() == [False, True] for _ in range(20))


def test_a_drawn_predictors_likelihood_is_unbiased() -> None:
    generator, chances = np.random.default_rng(2), np.array([0.3, 0.9])
    likelihoods, mixture = np.array([[0.4], [0.8]]), np.array([0.5, 0.5])
    mixed = [
        mixture @ (likelihoods * (generator.random(2) < chances)[:, None] / chances[:, None])
        for _ in range(20000)
    ]
    assert np.mean(mixed) == pytest.approx(0.6, abs=0.01)


@dataclass
class PredictorSite:
    """Holds frames that the fixed predictors score with the given accuracy."""

    name: str
    accuracies: tuple[float, ...]
    samples: int = 200
    speed: float = 1.0

    def train(self, model, version: int, epochs: int) -> Update:
        generator = np.random.default_rng([version, sum(self.name.encode())])
        right = generator.random((len(self.accuracies), self.samples)) < np.array(self.accuracies)[:, None]
        likelihoods = np.where(right, 0.9, 0.1)
        loss, gradient = loss_gradient(likelihoods, model[MIXTURE], np.ones(len(self.accuracies)))
        return Update(self.name, version, {MIXTURE: -gradient}, self.samples, ((100, 100),), loss)


def test_the_mixture_ends_on_the_predictor_that_is_best_over_all_sites(settings) -> None:
    sites = [PredictorSite("a", (0.6, 0.95, 0.5)), PredictorSite("b", (0.7, 0.9, 0.5))]
    rules = settings(schedule="sync", aggregation="fedboost", barriers=15, norm_factor=100.0)
    outcome = federate(rules, sites, {MIXTURE: np.full(3, 1 / 3)})
    assert outcome.model[MIXTURE].sum() == pytest.approx(1)
    assert outcome.model[MIXTURE].argmax() == 1
    assert outcome.model[MIXTURE][1] > 0.8
