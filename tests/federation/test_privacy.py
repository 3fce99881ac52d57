"""Clipping, noise and the privacy they give."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.federation import RecordingSettings, federate
from fedbragg.federation.privacy import clipped, epsilon, noised
from fedbragg.state_arithmetic import norm


def test_a_long_update_is_shortened_and_a_short_one_unchanged() -> None:
    tensors = {"a": np.array([3.0]), "b": np.array([4.0]), "count": np.array(7)}
    short = clipped(tensors, 1.0)
    assert short["a"] == pytest.approx(0.6)
    assert short["b"] == pytest.approx(0.8)
    assert short["count"] == 7
    assert clipped(tensors, 5.0) is tensors


def test_noise_has_the_deviation_asked_for() -> None:
    noise = noised({"w": np.zeros(40_000, np.float32)}, 0.3, np.random.default_rng(0))["w"]
    assert noise.dtype == np.float32
    assert noise.std() == pytest.approx(0.3, rel=0.02)
    assert abs(noise.mean()) < 0.01


def test_epsilon_worked_by_hand() -> None:
    # 16 updates at noise 8: rho = 16 * 2 / 64 = 1/2, and 1/2 + 2 sqrt(log(1e5) / 2) = 5.2985.
    assert epsilon(8.0, 16, 1e-5) == pytest.approx(5.2985, abs=1e-4)
    assert epsilon(0.0, 1, 1e-5) == float("inf")


def test_no_update_longer_than_the_clip_leaves_a_site(problem, settings) -> None:
    moves = []
    start = problem.initial

    def seen(model):
        moves.append(norm({name: model[name] - start[name] for name in model}))
        return {}

    rules = settings(schedule="sync", barriers=1, clip=0.05)
    federate(rules, problem.sites, problem.initial, recording=RecordingSettings(evaluate=seen))
    assert 0 < moves[-1] <= 0.05 + 1e-9  # a mean of steps no longer than that


def test_learning_survives_a_little_noise(problem, settings) -> None:
    rules = settings(schedule="sync", barriers=8, clip=0.5, noise=0.05)
    outcome = federate(rules, problem.sites, problem.initial)
    assert problem.evaluate(outcome.model)["accuracy"] > 0.6
