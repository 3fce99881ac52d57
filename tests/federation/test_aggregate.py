"""Weights checked against worked examples."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedbragg.federation.rules.weights import RULES, Profile, capped, fedkl, label_entropy


def binary(samples: int, positive: int) -> Profile:
    return Profile(samples, ((samples - positive, positive),))


def test_fedkl_gives_the_weights_worked_by_hand() -> None:
    # theta = 1/2, 1/4, 1/10 of n = 100, 300, 600. Entropies in bits: 1; 2 - 3/4 log2 3; log2 10 - 9/10 log2 9.
    entropies = [1.0, 2 - 0.75 * log2(3), log2(10) - 0.9 * log2(9)]
    assert entropies == pytest.approx([1.0, 0.811278, 0.468996], abs=1e-6)
    weights = fedkl([binary(100, 50), binary(300, 75), binary(600, 60)])
    # omega = W / 2.280274; (p + omega) / 2 with p = 0.1, 0.3, 0.6
    assert weights == pytest.approx([0.269272, 0.327890, 0.402838], abs=1e-6)


def test_entropy_of_several_classes_is_divided_by_log2_of_their_number() -> None:
    assert label_entropy(((5, 5, 5, 5),)) == pytest.approx(1.0)
    assert label_entropy(((5, 5, 0, 0),)) == pytest.approx(0.5)


def test_entropy_of_several_questions_is_their_mean() -> None:
    assert label_entropy(((5, 5), (10, 0))) == pytest.approx(0.5)


def test_fedkl_without_any_entropy_weighs_balance_equally() -> None:
    # Every site has one class only: W = 0 everywhere, so omega = 1/2 each and weights = (p + 1/2) / 2.
    assert fedkl([binary(100, 0), binary(300, 300)]) == pytest.approx([0.375, 0.625])


def test_a_boasting_site_counts_as_a_multiple_of_the_median() -> None:
    profiles = [binary(100, 50), binary(200, 50), binary(10**9, 50)]
    assert [profile.samples for profile in capped(profiles, 10)] == [100, 200, 2000]


profiles = st.lists(
    st.lists(st.integers(0, 500), min_size=3, max_size=3).map(
        lambda counts: Profile(max(1, sum(counts)), (tuple(counts),))
    ),
    min_size=1,
    max_size=9,
)


@pytest.mark.parametrize("rule", RULES)
@given(profiles=profiles)
def test_weights_are_shares_of_one(rule: str, profiles: list[Profile]) -> None:
    weights = RULES[rule](profiles)
    assert len(weights) == len(profiles)
    assert np.all(weights >= 0)
    assert weights.sum() == pytest.approx(1.0)
