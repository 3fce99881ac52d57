"""What holds for the weights of every rule."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedbragg.config import FederationSettings
from fedbragg.federation.rules import RULES
from fedbragg.federation.rules.weights import Profile, capped, fednova

profiles = st.lists(
    st.lists(st.integers(0, 500), min_size=3, max_size=3).map(
        lambda counts: Profile(max(1, sum(counts)), (tuple(counts),))
    ),
    min_size=1,
    max_size=9,
)


@pytest.mark.parametrize("name", RULES)
@given(profiles=profiles)
def test_weights_are_shares_of_one(name: str, profiles: list[Profile]) -> None:
    weights = RULES[name].weights(profiles, FederationSettings())
    assert len(weights) == len(profiles)
    assert np.all(weights >= 0)
    assert weights.sum() == pytest.approx(1.0)


def test_a_site_that_claims_too_many_frames_counts_as_a_multiple_of_the_median() -> None:
    profiles = [Profile(samples, ((samples, 0),)) for samples in (100, 200, 10**9)]
    assert [profile.samples for profile in capped(profiles, 10)] == [100, 200, 2000]


def test_fednova_gives_the_weights_worked_by_hand() -> None:
    # p = 1/4, 3/4; tau = 10 / 4 + 20 * 3 / 4 = 17.5; weights p tau / tau_i = 0.25 * 1.75, 0.75 * 0.875
    profiles = [Profile(100, ((50, 50),), steps=10), Profile(300, ((150, 150),), steps=20)]
    assert fednova(profiles, FederationSettings()) == pytest.approx([0.4375, 0.65625])


def test_fednova_is_fedavg_where_all_sites_make_as_many_steps() -> None:
    profiles = [Profile(n, ((n, 0),), steps=7) for n in (100, 300)]
    assert fednova(profiles, FederationSettings()) == pytest.approx([0.25, 0.75])


def test_a_site_that_claims_too_few_steps_counts_as_a_fraction_of_the_median() -> None:
    """FedNova divides by them, so few steps would be a large weight."""
    profiles = [Profile(100, ((100, 0),), steps=steps) for steps in (100, 200, 1)]
    assert [profile.steps for profile in capped(profiles, 10)] == [100, 200, 10]
