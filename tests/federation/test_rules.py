"""Rules beyond plain weights: FedDisco, the robust ones, staleness, selection. Values worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from fedbragg.config import FederationSettings
from fedbragg.federation.rules.combine import combine, hostile
from fedbragg.federation.rules.robust import krum_weights, median, sorted_rows, trimmed_mean
from fedbragg.federation.rules.weights import Profile, feddisco
from fedbragg.federation.select import chances, draw, liking
from fedbragg.federation.staleness import damping
from fedbragg.state_arithmetic import BLOCK, apply_steps, difference, norm


def steps(*values: float) -> list[dict[str, np.ndarray]]:
    return [{"w": np.array([value], dtype=np.float32)} for value in values]


START = {"w": np.array([10.0], dtype=np.float32)}


def test_feddisco_gives_the_weights_worked_by_hand() -> None:
    # Two classes: divergence from uniform = 1 - entropy = 0, 0.188722, 0.531004 bits; as shares 0, 0.262214,
    # 0.737786. p - d / 2 + 0.1 = 0.2, 0.268893, 0.331107; their sum is 0.8.
    profiles = [Profile(100, ((50, 50),)), Profile(300, ((225, 75),)), Profile(600, ((540, 60),))]
    assert feddisco(profiles, 0.5, 0.1) == pytest.approx([0.25, 0.336116, 0.413884], abs=1e-6)


def test_feddisco_drops_a_small_site_whose_labels_are_all_alike() -> None:
    weights = feddisco([Profile(10, ((10, 0),)), Profile(990, ((495, 495),))], 0.5, 0.1)
    assert weights == pytest.approx([0.0, 1.0])  # 0.01 - 0.5 + 0.1 is below zero


def test_the_median_ignores_one_absurd_site() -> None:
    assert median(START, steps(1, 2, 1e9))["w"] == pytest.approx(12)
    assert median(START, steps(1, 2, 3, 1e9))["w"] == pytest.approx(12.5)


def test_the_trimmed_mean_drops_one_at_each_end() -> None:
    assert trimmed_mean(START, steps(-1e9, 1, 2, 6, 1e9), 1)["w"] == pytest.approx(13)


def test_krum_drops_the_site_far_from_its_neighbours() -> None:
    # Squared distances to the two nearest: 1+4, 1+1, 1+1, 1+4 for 0, 1, 2, 3; and over 9000 for 100.
    weights = krum_weights(steps(0, 1, 2, 3, 100), hostile=1)
    assert weights == pytest.approx([0.25, 0.25, 0.25, 0.25, 0])


def test_as_many_sites_are_held_out_against_as_leave_a_majority() -> None:
    rules = FederationSettings(hostile_share=0.2)
    assert [hostile(sites, rules) for sites in (1, 2, 3, 5, 10)] == [0, 0, 1, 1, 2]


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


def test_steps_longer_than_a_block_are_summed_throughout() -> None:
    generator = np.random.default_rng(0)
    start = generator.normal(size=(2, BLOCK + 7))
    parts = [generator.normal(size=start.shape) for _ in range(3)]
    result = apply_steps({"w": start}, [{"w": part} for part in parts], [0.2, 0.3, 0.5])["w"]
    assert result == pytest.approx(start + 0.2 * parts[0] + 0.3 * parts[1] + 0.5 * parts[2])


def test_a_tensor_that_some_steps_lack_is_averaged_over_those_that_have_it() -> None:
    start = {"a": np.zeros(1), "b": np.zeros(1)}
    both, alone = {"a": np.ones(1), "b": np.ones(1)}, {"a": np.full(1, 3.0)}
    result = apply_steps(start, [both, alone], [0.25, 0.75])
    assert result["a"] == pytest.approx(0.25 * 1 + 0.75 * 3)
    assert result["b"] == pytest.approx(1)


def test_differences_of_unsigned_counters_do_not_wrap() -> None:
    assert difference({"n": np.array(3, np.uint8)}, {"n": np.array(5, np.uint8)})["n"] == -2


def test_the_norm_leaves_counters_out() -> None:
    assert norm({"w": np.array([3.0, 4.0]), "n": np.array(10**6)}) == pytest.approx(5)


@given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=4), min_size=1, max_size=24))
def test_rows_are_sorted_as_numpy_sorts_them(rows: list[list[float]]) -> None:
    array = np.array(rows)
    assert np.array_equal(sorted_rows(array.copy()), np.sort(array, axis=0))


@pytest.mark.parametrize(
    ("kind", "exponent", "age", "expected"),
    [
        ("constant", 0.5, 9, 1.0),
        ("polynomial", 0.5, 0, 1.0),
        ("polynomial", 0.5, 3, 0.5),
        ("polynomial", 1.0, 3, 0.25),
        ("hinge", 10.0, 4, 1.0),
        ("hinge", 10.0, 6, 1 / 21),
    ],
)
def test_staleness_damps_as_fedasync_says(kind: str, exponent: float, age: int, expected: float) -> None:
    rules = FederationSettings(staleness=kind, staleness_exponent=exponent)
    assert damping(age, rules) == pytest.approx(expected)


amounts = st.lists(st.floats(0.01, 1), min_size=2, max_size=12).map(lambda x: np.array(x) / sum(x))


@given(amounts, st.integers(1, 12), st.integers(0, 2**32))
def test_exactly_the_cohort_is_drawn(proportions: np.ndarray, cohort: int, seed: int) -> None:
    odds = chances(proportions, cohort)
    assert np.all((odds > 0) & (odds <= 1 + 1e-12))
    drawn = draw(odds, np.random.default_rng(seed))
    assert drawn.sum() == min(cohort, len(proportions))


@pytest.mark.parametrize("selection", ["uniform", "size", "balance", "fedkl"])
def test_the_expected_step_of_selected_sites_is_the_step_of_all(selection: str) -> None:
    profiles = [Profile(100, ((50, 50),)), Profile(300, ((290, 10),)), Profile(50, ((50, 0),))]
    profiles += [Profile(600, ((300, 300),)), Profile(20, ((5, 15),))]
    weights, work = np.array([0.1, 0.3, 0.05, 0.5, 0.05]), np.array([1.0, -2.0, 3.0, 0.5, 7.0])
    odds, generator = chances(liking(profiles, selection), 2), np.random.default_rng(3)
    draws = [draw(odds, generator) for _ in range(20000)]
    aggregates = [np.sum((weights * work / odds)[drawn]) for drawn in draws]
    error = np.std(aggregates) / np.sqrt(len(aggregates))
    assert np.mean(draws, axis=0) == pytest.approx(odds, abs=0.015)
    assert np.mean(aggregates) == pytest.approx(np.sum(weights * work), abs=4 * error)


@effort(deadline=None)
@given(st.permutations(range(5)))
def test_krum_does_not_depend_on_the_order_of_sites(order: list[int]) -> None:
    values = [0.0, 1.1, 2.3, 3.7, 100.0]
    weights = krum_weights(steps(*(values[i] for i in order)), hostile=1)
    assert [order[i] for i in range(5) if weights[i] == 0] == [4]
