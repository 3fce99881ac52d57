"""What holds for the weights of every rule."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedbragg.config import FederationSettings
from fedbragg.federation.rules import RULES
from fedbragg.federation.rules.weights import Profile, capped

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
