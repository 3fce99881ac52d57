"""spotnet: few parameters, a score that rises with the count."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fedbragg.tasks.hits.network import SpotNet


def network(seed: int) -> SpotNet:
    torch.manual_seed(seed)
    return SpotNet().eval()


def test_there_are_at_most_100000_parameters() -> None:
    assert sum(parameter.numel() for parameter in SpotNet().parameters()) <= 100_000


@given(st.integers(0, 1000), st.lists(st.floats(0, 1e5), min_size=2, max_size=30), st.floats(-5, 5))
@settings(max_examples=50, deadline=None)
def test_one_spot_more_never_lowers_the_score(seed: int, counts: list[float], weight: float) -> None:
    head = network(seed)
    with torch.no_grad():
        head.count_weight.fill_(weight)
        hits = head.hit(torch.tensor(sorted(counts)))
    assert (hits.diff() >= 0).all()


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=40), st.floats(-30, 30), st.floats(-5, 5))
@settings(max_examples=50, deadline=None)
def test_one_peak_more_never_lowers_the_score(logits: list[float], more: float, certainty: float) -> None:
    head = network(1)
    with torch.no_grad():
        head.certainty.fill_(certainty)
        few = head.hit(head.votes(torch.tensor(logits)).sum())
        many = head.hit(head.votes(torch.tensor([*logits, more])).sum())
    assert many >= few - 1e-6


def test_a_vote_is_the_probability_to_the_power_of_certainty() -> None:
    head = network(1)
    with torch.no_grad():
        head.certainty.fill_(math.log(math.e - 1))  # softplus gives 1: the power is 2
        votes = head.votes(torch.tensor([0.0, math.log(3), -100.0, 100.0]))
        head.count_weight.fill_(math.log(math.e - 1))
        head.count_offset.fill_(-2.0)
        hit = head.hit(torch.tensor([0.0, math.e - 1]))
    assert votes.tolist() == pytest.approx([0.25, 0.5625, 0.0, 1.0], abs=1e-6)
    assert hit.tolist() == pytest.approx([-2.0, -1.0], abs=1e-6)
