"""Clipping of updates."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.federation import RecordingSettings, federate
from fedbragg.federation.privacy import clipped
from fedbragg.state_arithmetic import norm


def test_a_long_update_is_shortened_and_a_short_one_unchanged() -> None:
    tensors = {"a": np.array([3.0]), "b": np.array([4.0]), "count": np.array(7)}
    short = clipped(tensors, 1.0)
    assert short["a"] == pytest.approx(0.6)
    assert short["b"] == pytest.approx(0.8)
    assert short["count"] == 7
    assert clipped(tensors, 5.0) is tensors


def test_no_update_longer_than_the_clip_leaves_a_site(problem, settings) -> None:
    moves = []
    start = problem.initial

    def seen(model):
        moves.append(norm({name: model[name] - start[name] for name in model}))
        return {}

    rules = settings(schedule="sync", barriers=1, clip=0.05)
    federate(rules, problem.sites, problem.initial, recording=RecordingSettings(evaluate=seen))
    assert 0 < moves[-1] <= 0.05 + 1e-9  # a mean of steps no longer than that
