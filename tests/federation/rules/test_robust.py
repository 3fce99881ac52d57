"""Median, trimmed mean and multi-Krum, with values worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from fedbragg.config import FederationSettings
from fedbragg.federation.rules.apply import combine
from fedbragg.federation.rules.robust import krum_weights, median, sorted_rows, tolerated, trimmed_mean

SETTINGS = FederationSettings(hostile_share=0.2)
START = {"w": np.array([10.0], dtype=np.float32)}


def steps(*values: float) -> list[dict[str, np.ndarray]]:
    return [{"w": np.array([value], dtype=np.float32)} for value in values]


def test_the_median_ignores_one_absurd_site() -> None:
    assert median(START, steps(1, 2, 1e9), [], SETTINGS)["w"] == pytest.approx(12)
    assert median(START, steps(1, 2, 3, 1e9), [], SETTINGS)["w"] == pytest.approx(12.5)


def test_the_trimmed_mean_drops_one_at_each_end() -> None:
    assert trimmed_mean(START, steps(-1e9, 1, 2, 6, 1e9), [], SETTINGS)["w"] == pytest.approx(13)


def test_krum_drops_the_site_far_from_its_neighbours() -> None:
    # Squared distances to the two nearest: 1+4, 1+1, 1+1, 1+4 for 0, 1, 2, 3; and over 9000 for 100.
    weights = krum_weights(steps(0, 1, 2, 3, 100), SETTINGS)
    assert weights == pytest.approx([0.25, 0.25, 0.25, 0.25, 0])


def test_at_most_a_minority_of_hostile_sites_is_tolerated() -> None:
    assert [tolerated(sites, SETTINGS) for sites in (1, 2, 3, 5, 10)] == [0, 0, 1, 1, 2]


@pytest.mark.parametrize("aggregation", ["median", "trimmed_mean"])
def test_robust_rules_keep_types_and_shapes(aggregation: str) -> None:
    start = {
        "half": np.zeros((2, 3), np.float16),
        "count": np.array(5, np.int64),
        "bn.running_var": np.full(2, 0.1, np.float32),
    }
    step = {
        "half": np.ones((2, 3), np.float32),
        "count": np.array(2, np.int64),
        "bn.running_var": np.full(2, -1, np.float32),
    }
    rules = FederationSettings(aggregation=aggregation)
    model = combine(start, [step] * 3, [1 / 3] * 3, rules)
    assert model["half"].dtype == np.float16
    assert model["count"] == 7
    assert model["count"].dtype == np.int64
    assert model["bn.running_var"] == pytest.approx(0)  # never negative


def test_a_tensor_that_few_sites_have_is_trimmed_among_those() -> None:
    start = {"a": np.zeros(1), "b": np.zeros(1)}
    both = [{"a": np.full(1, value), "b": np.full(1, value)} for value in (1.0, 3.0)]
    alone = [{"a": np.full(1, value)} for value in (1.0, 2.0, 1e9)]
    assert trimmed_mean(start, [*both, *alone], [], SETTINGS)["b"] == pytest.approx(2.0)


@given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=4), min_size=1, max_size=24))
def test_rows_are_sorted_as_numpy_sorts_them(rows: list[list[float]]) -> None:
    array = np.array(rows)
    assert np.array_equal(sorted_rows(array.copy()), np.sort(array, axis=0))


@effort(deadline=None)
@given(st.permutations(range(5)))
def test_krum_does_not_depend_on_the_order_of_sites(order: list[int]) -> None:
    values = [0.0, 1.1, 2.3, 3.7, 100.0]
    weights = krum_weights(steps(*(values[i] for i in order)), SETTINGS)
    assert [order[i] for i in range(5) if weights[i] == 0] == [4]
