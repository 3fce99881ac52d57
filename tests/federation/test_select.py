"""Drawing the sites of a barrier."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedbragg.config import FederationSettings
from fedbragg.federation.rules.weights import Profile
from fedbragg.federation.select import SAMPLING_WEIGHTS, chances, draw, sampling_weights

amounts = st.lists(st.floats(0.01, 1), min_size=2, max_size=12).map(lambda x: np.array(x) / sum(x))


@given(amounts, st.integers(1, 12), st.integers(0, 2**32))
def test_exactly_the_cohort_is_drawn(proportions: np.ndarray, cohort: int, seed: int) -> None:
    odds = chances(proportions, cohort)
    assert np.all((odds > 0) & (odds <= 1 + 1e-12))
    drawn = draw(odds, np.random.default_rng(seed))
    assert drawn.sum() == min(cohort, len(proportions))


@pytest.mark.parametrize("selection", SAMPLING_WEIGHTS)
def test_the_expected_step_of_selected_sites_is_the_step_of_all(selection: str) -> None:
    profiles = [Profile(100, ((50, 50),)), Profile(300, ((290, 10),)), Profile(50, ((50, 0),))]
    profiles += [Profile(600, ((300, 300),)), Profile(20, ((5, 15),))]
    weights, work = np.array([0.1, 0.3, 0.05, 0.5, 0.05]), np.array([1.0, -2.0, 3.0, 0.5, 7.0])
    settings = FederationSettings(selection=selection)
    odds, generator = chances(sampling_weights(profiles, settings), 2), np.random.default_rng(3)
    draws = [draw(odds, generator) for _ in range(20000)]
    aggregates = [np.sum((weights * work / odds)[drawn]) for drawn in draws]
    error = np.std(aggregates) / np.sqrt(len(aggregates))
    assert np.mean(draws, axis=0) == pytest.approx(odds, abs=0.015)
    assert np.mean(aggregates) == pytest.approx(np.sum(weights * work), abs=4 * error)
